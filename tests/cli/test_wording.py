"""The library's sentences, in the words of the command line."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

import adls_enduser
from adls_enduser.cli.wording import remedy_for_shell
from adls_enduser.entra.aadsts import AADSTS_TABLE

CASES = {
    "tenant='x' is not a tenant id.": "--tenant 'x' is not a tenant id.",
    "Check client_id=, tenant= and cloud=.": "Check --client-id, --tenant and --cloud.",
    'Sign in with mode="device_code" or mode="browser".': (
        "Sign in with adls-enduser login device_code or adls-enduser login browser."
    ),
    'The next call: filesystem_token(mode="browser", tenant="a.example", cloud="china").': (
        "Run: adls-enduser login browser --tenant a.example --cloud china --for gen1"
    ),
    'Wait. The next call, after that: storage_credential(mode="mfa", cache=SignInCache("/a b")).': (
        "Wait. After that:\nRun: adls-enduser login mfa --cache '/a b'"
    ),
    'The next call: management_credentials(mode="browser", tenant=...). If so, x.': (
        "Run: adls-enduser login browser --tenant ... --for management\nIf so, x."
    ),
    "Allow it at https://login.example/adminconsent?client_id=1": (
        "Allow it at https://login.example/adminconsent?client_id=1"
    ),
    "Check who owns the file, or give SignInCache another path.": (
        "Check who owns the file, or give --cache another path."
    ),
    "Set password= to a str or a callable.": "Call it in a terminal, where you can answer.",
}


@pytest.mark.parametrize("text", CASES)
def test_sentences(text: str) -> None:
    """One of each kind."""
    assert remedy_for_shell(text) == CASES[text]


@pytest.mark.parametrize("entry", AADSTS_TABLE, ids=lambda one: str(one.numbers[0]))
def test_no_python_in_an_advice(entry: object) -> None:
    """None of the advices for the AADSTS numbers speaks of Python."""
    text = remedy_for_shell(entry.advice)  # type: ignore[attr-defined]
    assert not re.search(r"\b[a-z_]+=(?![\w-]*&)|_credentials\(|SignInCache", text), text


def test_the_commands_are_words_of_a_shell() -> None:
    """A value with a quote stays one word."""
    call = 'The next call: storage_credential(mode="browser", username="o\'neil; rm -rf /").'
    command = remedy_for_shell(call).partition("Run: ")[2]
    shown = subprocess.run(
        ["bash", "-c", f'adls-enduser() {{ printf "%s|" "$@"; }}; {command}'],
        capture_output=True,
        text=True,
    )
    assert shown.stdout == "login|browser|--username|o'neil; rm -rf /|"


def test_every_command_that_a_text_names_exists() -> None:
    """In the library and in the commands' own texts."""
    from adls_enduser.cli.commands import COMMANDS

    named = set()
    for path in Path(adls_enduser.__file__).parent.joinpath("cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named |= set(re.findall(r"\badls-enduser ([a-z]+)\b", node.value))
    assert named <= {*COMMANDS, "sign"}
