"""``--help``, wrong usage, and narrow terminals."""

from __future__ import annotations

import configparser
import importlib
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import adls_enduser
from adls_enduser.cli.commands import COMMANDS, command_parser, load
from adls_enduser.modes import option_names

from .conftest import ROOT

if TYPE_CHECKING:
    from .conftest import Shell


def test_without_arguments(shell: Shell) -> None:
    """The commands are listed, on standard error: it is wrong usage."""
    done = shell.run()
    assert (done.returncode, done.stdout) == (2, "")
    assert all(re.search(rf"^  {name} ", done.stderr, re.MULTILINE) for name in COMMANDS)


def test_the_version(shell: Shell) -> None:
    """One line."""
    assert shell.run("--version").stdout == f"adls-enduser {adls_enduser.__version__}\n"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_its_terminal(shell: Shell, name: str) -> None:
    """At 40 columns too, but for words that cannot be broken; with an example."""
    for columns in (40, 80, 200):
        status, shown = shell.shown(f"adls-enduser {name} --help", columns=columns, NO_COLOR="1")
        assert status == 0
        wide = [line for line in shown.splitlines() if len(line) > columns]
        assert [line for line in wide if len(shlex.split(line.rstrip("\\"))) > 1] == []
        assert "examples:" in shown
    piped = shell.run(*([name] if name else []), "--help")
    assert (piped.returncode, piped.stderr) == (0, "")
    assert "\033" not in piped.stdout


def test_a_slip(shell: Shell) -> None:
    """The right name is proposed."""
    for words, proposed in (
        (["tokn"], "Did you mean token?"),
        (["token", "--fro", "storage"], "Did you mean --for?"),
        (["login", "--client_id", "x"], "Did you mean --client-id?"),
        (["doctor", "now"], "one argument too many"),
        (["login", "--timeout", "soon"], "invalid seconds value"),
        (["--json"], "there is no option --json"),
        (["--json", "login"], "the command comes first, then its options: adls-enduser login"),
        (["lgoin", "--json"], "Did you mean login?"),
        (["run", "python", "-V"], "a command must follow --, as in: adls-enduser run -- COMMAND"),
    ):
        done = shell.run(*words)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert proposed in done.stderr
        assert "--help" in done.stderr


def test_values_behind_unknown_options_are_not_repeated(shell: Shell) -> None:
    """They may be secrets."""
    for words in (
        ["password", "planted"],
        ["--pasword", "planted"],
        ["--secret=planted"],
        ["-p", "planted"],
        ["--token", "planted"],
    ):
        done = shell.run("login", *words)
        assert (done.returncode, "planted" in done.stderr) == (2, False)


def test_every_option_of_the_library_is_one_here() -> None:
    """But those whose values no command line can have."""
    known = {one.name for one in command_parser("login", load("login")).arguments}
    names = option_names("auto") | option_names("password")
    missing = {name for name in names if f"--{name.replace('_', '-')}" not in known}
    assert missing == {"clock", "cancel", "prompt", "password", "proxies"}


def test_the_installed_command() -> None:
    """setup.cfg names a function that there is."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", "utf-8")
    name, _, target = settings["options.entry_points"]["console_scripts"].strip().partition(" = ")
    module, _, function = target.partition(":")
    assert name == "adls-enduser"
    assert callable(getattr(importlib.import_module(module), function))


def test_starting_loads_little(shell: Shell) -> None:
    """``--help`` loads no package of another maker, and no command but its own."""
    code = (
        "import sys; from adls_enduser.cli import main\n"
        "try: main(['token', '--help'])\n"
        "except SystemExit: pass\n"
        "print([one for one in ('requests', 'adal', 'msal', 'keyring', 'cryptography',"
        " 'adls_enduser.cli.doctor', 'webbrowser') if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=shell.environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.parametrize("words", ["--help", "--version", "login --help"])
def test_a_help_that_cannot_be_written(shell: Shell, words: str) -> None:
    """As for every other result: a full disk is told; a reader that has gone is not."""
    done = shell.script(f"adls-enduser {words} > /dev/full")
    assert done.returncode == 1
    assert "Standard output cannot be written (No space left on device)" in done.stderr
    done = shell.script(f"(sleep 1; adls-enduser {words}) | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(("words", "status"), [("token", 1), ("accounts", 0), ("nonsense", 2)])
def test_notices_that_cannot_be_written(shell: Shell, words: str, status: int) -> None:
    """They change no exit status."""
    assert shell.script(f"adls-enduser {words} 2> /dev/full").returncode == status
    assert shell.script(f"adls-enduser {words} 2>&-").returncode == status
