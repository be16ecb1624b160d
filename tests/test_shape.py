"""What keeps the package easy to find one's way in: few modules at the top, few frames."""

from __future__ import annotations

import ast
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import adls_enduser
from adls_enduser import DeviceCode, DeviceCodePrompt, management_credentials
from adls_enduser.sandbox import CONTOSO

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

LIBRARY = Path(adls_enduser.__file__).parent
FILES = [path for path in LIBRARY.rglob("*.py") if "sandbox" not in path.parts]


def test_few_modules_at_the_top() -> None:
    """The others are in a room."""
    assert len(list(LIBRARY.glob("*.py"))) <= 13


def test_functions_are_short_and_have_names() -> None:
    """At most 30 lines without the docstring; no lambda."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not isinstance(node, ast.Lambda), path
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                head = node.body[0].lineno - node.lineno
                lines = head + (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                assert lines <= 30, f"{path.name}, {node.name}"


def test_few_frames_when_a_person_is_asked(azure: Sandbox) -> None:
    """From the factory to the prompt, as a traceback shows them."""
    frames: list[str] = []

    def prompt(shown: DeviceCodePrompt) -> None:
        files = [frame.filename for frame in traceback.extract_stack()]
        frames.extend(one for one in files if Path(one) in FILES)
        azure.entra.approve(shown.code)

    strategy = DeviceCode(tenant=CONTOSO, prompt=prompt, clock=azure.clock)
    management_credentials(strategy)
    assert 0 < len(frames) <= 11
