"""Every command that README, docs/command-line.md or a ``--help`` shows is run at a terminal."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING

import pexpect
import pytest

from adls_enduser.cli.commands import COMMANDS, load

from ..conftest import PASSWORD, need
from .conftest import ROOT

if TYPE_CHECKING:
    from .conftest import Shell


def shown_commands() -> list[str]:
    """Return the command lines, each once."""
    found = [example for name in COMMANDS for _, example in load(name).EXAMPLES]
    for page in ("README.md", "docs/command-line.md"):
        text = (ROOT / page).read_text("utf-8")
        found += [
            line for line in re.findall(r"^\$ (.+)$", text, re.MULTILINE) if "adls-enduser " in line
        ]
    return [line for line in dict.fromkeys(found) if not line.startswith("pip ")]


@pytest.fixture
def equipped(signed_in: Shell) -> Shell:
    """A shell where the other programs of the examples are, and print that they were called."""
    for name in ("azcopy", "duckdb"):
        test = 'test -n "$IDENTITY_ENDPOINT" && echo "called with $#"'
        signed_in.add_program(name, test)
    signed_in.add_program(
        "curl", 'case "$2" in @-) cat ;; *) echo "$2" ;; esac | grep -c "Bearer eyJ"'
    )
    signed_in.add_program("python", f'exec {shlex.quote(sys.executable)} "$@"')
    (signed_in.home / "program.py").write_text("import os; print(os.environ['IDENTITY_ENDPOINT'])")
    return signed_in


@pytest.mark.parametrize("command", shown_commands())
def test_it_works(equipped: Shell, command: str) -> None:
    """With status 0, and no secret on the terminal."""
    if "completion zsh" in command:
        need("zsh")
        command = f"zsh -f -i -c {shlex.quote(f'autoload -U compinit; compinit -u; {command}')}"
    child = equipped.terminal(command)
    shown = ""
    while child.expect(["Password for [^:]*: ", pexpect.EOF]) == 0:
        shown += child.before
        child.sendline(PASSWORD)
    child.close()
    shown += child.before
    assert child.exitstatus == 0, shown
    assert PASSWORD not in shown
    assert "eyJ" not in shown or command.endswith("| cat")


def test_there_are_enough() -> None:
    """Each command has one, and so has README."""
    for name in COMMANDS:
        assert load(name).EXAMPLES, name
    assert len(shown_commands()) > 20
