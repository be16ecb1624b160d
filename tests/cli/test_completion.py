"""The completions, in the shells themselves."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from adls_enduser.cli.commands import COMMANDS

from ..conftest import need

if TYPE_CHECKING:
    from .conftest import Shell

# What was typed, and what must be among the proposals, and what not.
CASES = {
    "": (set(COMMANDS), {"--tenant"}),
    "lo": ({"login", "logout"}, {"token"}),
    "token --": ({"--for", "--json", "--header", "--interactive"}, {"--offline", "--with-az"}),
    "token --for ": ({"storage", "management", "gen1"}, {"--json"}),
    "login ": ({"browser", "device_code", "password", "auto"}, {"azure_cli"}),
    "login --cloud c": ({"china"}, {"public"}),
    "completion ": ({"bash", "zsh", "fish"}, set()),
    "run --w": ({"--with-az"}, set()),
    "run -- a-program-of-": ({"a-program-of-ours"}, set()),
    "run --for storage -- a-program-of-": ({"a-program-of-ours"}, set()),
    "token --cache a-fi": ({"a-file"}, set()),
}


@pytest.fixture
def own(shell: Shell) -> Shell:
    """A shell with a program and a file of its own."""
    shell.add_program("a-program-of-ours", "true")
    (shell.home / "a-file").write_text("")
    return shell


@pytest.mark.parametrize("typed", CASES)
def test_bash(own: Shell, typed: str) -> None:
    """By what bash would propose."""
    words = ["adls-enduser", *typed.split(" ")]
    script = f"""
eval "$(adls-enduser completion bash)"
COMP_WORDS=({shlex.join(words)}) COMP_CWORD={len(words) - 1}
_adls_enduser
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = own.script(script)
    _check(done.stdout, typed, done.stderr)


@pytest.mark.parametrize("typed", CASES)
def test_fish(own: Shell, typed: str) -> None:
    """By what fish says that it would propose."""
    need("fish")
    line = shlex.quote(f"adls-enduser {typed}")
    script = f"adls-enduser completion fish | source; complete -C {line}"
    done = own.script(f"fish --no-config -c {shlex.quote(script)}")
    _check(
        "\n".join(one.partition("\t")[0] for one in done.stdout.splitlines()), typed, done.stderr
    )


@pytest.mark.parametrize("typed", CASES)
def test_zsh(own: Shell, typed: str) -> None:
    """At a terminal, where the key Tab lists them."""
    need("zsh")
    child = own.terminal("zsh -f -i", columns=200, PS1="$ ")
    child.sendline("autoload -U compinit; compinit -u")
    child.sendline('eval "$(adls-enduser completion zsh)"; echo is-"ready"')
    child.expect_exact("is-ready\r\n")
    child.send(f"adls-enduser {typed}\t\t")
    child.send("\x15")  # forget the line
    child.sendline('echo is-"done"')
    child.expect_exact("is-done\r\n")
    # A single proposal is completed where it stands.
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\a", "", child.before)
    found = typed.rpartition(" ")[2] + shown.partition(f"adls-enduser {typed}")[2]
    assert [word for word in CASES[typed][0] if not re.search(rf"{word}\b", found)] == []


def _check(proposed: str, typed: str, errors: str) -> None:
    wanted, unwanted = CASES[typed]
    found = set(proposed.split())
    assert wanted <= found, errors
    assert not unwanted & found
