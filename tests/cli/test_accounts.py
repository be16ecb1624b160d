"""``adls-enduser accounts`` and ``logout``: what is kept, and its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from adls_enduser.sandbox import CONTOSO

from .conftest import ADA

if TYPE_CHECKING:
    from pathlib import Path

    from adls_enduser.sandbox import Sandbox

    from .conftest import Shell

BOB = f"bob@{CONTOSO}"


def cache_file(shell: Shell) -> Path:
    """Return the file of the kept sign-ins."""
    [found] = shell.home.rglob("sign-ins.json")
    return found


@pytest.fixture
def two(signed_in: Shell, azure: Sandbox) -> Shell:
    """A shell where Bob has signed in as well."""
    azure.entra.person(BOB, password="x", approves_device_codes=True)
    signed_in.sign_in("--username", BOB)
    return signed_in


def names(shell: Shell) -> list[str]:
    """Return whose sign-ins are kept."""
    return [one["username"] for one in json.loads(shell.run("accounts", "--json").stdout)]


def test_lists_what_is_kept(two: Shell) -> None:
    """The latest last; for a person the same as for a program."""
    assert names(two) == [ADA, BOB]
    done = two.run("accounts")
    assert [line for line in done.stdout.splitlines() if line[0] != " "] == [ADA, BOB]
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_kept(shell: Shell) -> None:
    """No output for a program, a sentence for a person; and nothing to remove is no error."""
    done = shell.run("accounts")
    assert (done.returncode, done.stdout) == (0, "")
    assert "No sign-in is kept in " in done.stderr
    assert shell.run("accounts", "--json").stdout == "[]\n"
    for words in (["logout"], ["logout", "--all"]):
        assert shell.run(*words).returncode == 0
    assert not list(shell.home.rglob("*"))


def test_logout_of_the_only_one(signed_in: Shell) -> None:
    """The file goes, and the key with it; the next command has no sign-in."""
    done = signed_in.run("logout")
    assert done.returncode == 0
    assert ADA in done.stdout
    assert not list(signed_in.home.rglob("sign-ins.json"))
    assert json.loads((signed_in.home / "keyring.json").read_text()) == {}
    assert signed_in.run("token").returncode == 1


def test_logout_of_one_of_several(two: Shell) -> None:
    """Which one must be said."""
    done = two.run("logout")
    assert done.returncode == 2
    assert f"2 sign-ins are kept: {ADA}, {BOB}." in done.stderr
    assert names(two) == [ADA, BOB]
    assert two.run("logout", "--username", ADA).returncode == 0
    assert names(two) == [BOB]


def test_logout_of_all(two: Shell) -> None:
    """As JSON: who it was."""
    done = two.run("logout", "--all", "--json")
    assert [one["username"] for one in json.loads(done.stdout)] == [ADA, BOB]
    assert names(two) == []


def test_logout_of_nobody(signed_in: Shell) -> None:
    """A name with a slip must not look like success."""
    done = signed_in.run("logout", "--username", f"adda@{CONTOSO}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "none was removed" in done.stderr
    assert names(signed_in) == [ADA]
    assert signed_in.run("logout", "--all", "--username", ADA).returncode == 2


@pytest.mark.parametrize("damage", ["half", "record", "other", "binary"])
def test_a_damaged_cache(two: Shell, damage: str) -> None:
    """What can be read is listed, a sentence says so, and all of it can be removed."""
    path = cache_file(two)
    document = json.loads(path.read_text())
    document["records"][0]["body"] = 7
    damaged = {
        "half": path.read_text()[:200],
        "record": json.dumps(document),
        "other": "something else",
        "binary": "\0\1",
    }
    path.write_text(damaged[damage])
    done = two.run("accounts")
    assert done.returncode == 0
    assert "is damaged" in done.stderr
    assert ".py:" not in done.stderr
    assert done.stdout.startswith(BOB) if damage == "record" else not done.stdout
    assert two.run("logout", "--all").returncode == 0
    assert not list(path.parent.glob("sign-ins.json*[!k]"))


def test_a_cache_that_cannot_be_read(two: Shell) -> None:
    """A folder in its place, and a newer version's file."""
    path = cache_file(two)
    path.write_text(json.dumps({"format": "adls-enduser sign-ins", "version": 99, "records": []}))
    for command in ("accounts", "logout"):
        done = two.run(command)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert "newer adls-enduser" in done.stderr
        assert "--cache" in done.stderr


def test_another_place(shell: Shell) -> None:
    """``--cache`` names a file or a folder."""
    shell.sign_in("--cache", "own/file")
    assert (shell.home / "own" / "file").exists()
    assert shell.run("token").returncode == 1
    assert shell.run("token", "--cache", "own/file").returncode == 0
    done = shell.run("token", "--cache", "elsewhere")
    assert "adls-enduser login --cache elsewhere" in done.stderr


def test_a_narrow_terminal(signed_in: Shell) -> None:
    """Nothing is wider than 40 columns but what cannot be broken."""
    _, shown = signed_in.shown("adls-enduser accounts", columns=40)
    assert [line for line in shown.splitlines() if len(line) > 40] == []
