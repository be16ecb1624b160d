"""Every code block of every page runs on the sandbox, as a person at a terminal would run it."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import os
import re
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pexpect
import pytest

from adls_enduser.sandbox import CONTOSO, Sandbox

from .blocks import ROOT, Block, all_blocks

if TYPE_CHECKING:
    from pathlib import Path

GRACE, ADA = f"grace@{CONTOSO}", f"ada@{CONTOSO}"
# Blocks that show something and say nothing to a machine.
SHOWN = {"text"}
# Packages that only ``make clients`` has; there, none may be missing.
COMPLETE = "ADLS_ENDUSER_TEST_ALONE" in os.environ

BLOCKS = [one for one in all_blocks() if one.language not in SHOWN and one.language[:1] != "{"]
HERE = [one for one in BLOCKS if not one.not_run and not one.run_by]
PYTHON = [one for one in HERE if one.language == "python"]
CONSOLE = [one for one in HERE if one.language == "console"]
MAKE, PIP = re.compile(r"make (\w+)"), re.compile(r"(?:pip|pipx|uv pip) install .+")


def test_every_block_runs_or_says_why_not() -> None:
    """A block in another language than these needs a marker; a named test or file exists."""
    assert [str(one) for one in HERE if one.language not in ("python", "console")] == []
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = {one.run_by for one in BLOCKS if one.run_by}
    assert [
        name for name in named if f"def {name}(" not in tests and not (ROOT / name).is_file()
    ] == []


# The text of the block is a parameter, so that the marker ``sdk`` sees what it uses.
@pytest.mark.parametrize(
    ("code", "block"), [(one.code, one) for one in PYTHON], ids=map(str, PYTHON)
)
def test_python(code: str, block: Block, tmp_path: Path) -> None:
    """The program ends well, or with the error that the page names."""
    _skip_without_packages(code)
    with Sandbox(environ=None) as azure:
        azure.entra.approver = GRACE
        azure.entra.device_code_interval = 1.0
        azure.storage.create("mylake", "box")
        status, output = _at_terminal(azure, code, tmp_path)
    if block.raises:
        assert f".{block.raises}: " in output, output
    else:
        assert status == 0, output


def _at_terminal(azure: Sandbox, code: str, folder: Path) -> tuple[int, str]:
    """Run a program at a terminal, with a person who does what it asks for."""
    plain = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    child = pexpect.spawn(
        sys.executable,
        ["-c", code],
        env=plain | azure.environment | {"PYTHON_COLORS": "0", "TERM": "dumb"},
        cwd=folder,
        encoding="utf-8",
        timeout=90,
    )
    output = ""
    while True:
        met = child.expect(
            ["Password for .+?: ", r"(https://login\S+/authorize\S+)\r\n", pexpect.EOF]
        )
        output += child.before
        if met == 0:
            child.waitnoecho()
            child.sendline("ada-password")
        elif met == 1:
            azure.entra.browse(child.match[1], by=GRACE)
        else:
            child.close()
            return child.exitstatus, output


def _skip_without_packages(code: str) -> None:
    nodes = ast.walk(ast.parse(code))
    names = {a.name for one in nodes if isinstance(one, ast.Import) for a in one.names}
    nodes = ast.walk(ast.parse(code))
    names |= {one.module or "" for one in nodes if isinstance(one, ast.ImportFrom)}
    missing = sorted(name for name in names if not _is_installed(name))
    if missing and not COMPLETE:
        pytest.skip(f"{', '.join(missing)} not installed here; make clients runs it")


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("code", [one.code for one in CONSOLE], ids=map(str, CONSOLE))
def test_console(code: str, tmp_path: Path) -> None:
    """A target of make exists, and so does what is installed; the rest runs, in one shell."""
    script = []
    for command in _commands(code):
        if made := MAKE.fullmatch(command):
            assert f"\n{made[1]}:" in (ROOT / "Makefile").read_text("utf-8")
        elif PIP.fullmatch(command):
            _check_extras(command)
        else:
            script.append(command)
    (tmp_path / "my_program.py").write_text("import adls_enduser\n")
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    shell = ["bash", "-e", "-c", "\n".join(script)]
    done = subprocess.run(
        shell, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def _commands(code: str) -> list[str]:
    lines = [line[2:] for line in code.splitlines() if line.startswith("$ ")]
    return [line.partition(" #")[0].strip() for line in lines]


def _check_extras(command: str) -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", "utf-8")
    for extras in re.findall(r"adls-enduser\[(.+?)\]", command):
        assert set(extras.split(",")) <= set(settings["options.extras_require"]), command


def test_a_block_that_fails_is_seen(tmp_path: Path) -> None:
    """The runner itself: a program that raises does not end well."""
    program = textwrap.dedent("""
        from adls_enduser import management_credentials
        management_credentials("no_such_mode")
    """)
    with Sandbox(environ=None) as azure:
        status, output = _at_terminal(azure, program, tmp_path)
    assert status == 1
    assert "ConfigurationError" in output
