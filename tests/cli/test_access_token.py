"""``adls-enduser token``: what it prints, where it does not, and whom it asks."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from adls_enduser.sandbox import CONTOSO, Answer
from adls_enduser.strategies.jwt import decode_unverified

from ..constants import DATA_LAKE, MANAGEMENT, STORAGE
from .conftest import ADA

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

    from .conftest import Shell

GRAPH = "https://graph.windows.net"
GUID = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    ("words", "audience"),
    [
        ([], STORAGE),
        (["--for", "storage"], STORAGE),
        (["--for", "management"], MANAGEMENT),
        (["--for", "gen1"], DATA_LAKE),
        (["--for", GRAPH], GRAPH),
        (["--for", "https://management.azure.com/.default"], MANAGEMENT),
    ],
)
def test_prints_the_token_alone(signed_in: Shell, words: list[str], audience: str) -> None:
    """One line on standard output, and nothing on standard error."""
    done = signed_in.run("token", *words)
    assert (done.returncode, done.stderr) == (0, "")
    token = decode_unverified(done.stdout.rstrip("\n"))
    assert done.stdout.count("\n") == 1
    assert token.account.username == ADA
    assert {one.rstrip("/") for one in token.audiences} == {audience.rstrip("/")}


def test_forms(signed_in: Shell) -> None:
    """Alone, as JSON, as a header: the same token."""
    plain = signed_in.run("token").stdout.strip()
    assert signed_in.run("token", "--header").stdout == f"Authorization: Bearer {plain}\n"
    found = json.loads(signed_in.run("token", "--json").stdout)
    assert found["token"] == plain
    assert found["expires_on"] > time.time()
    assert (found["username"], found["resource"]) == (ADA, STORAGE)
    assert found["tenant"]
    assert signed_in.run("token", "--header", "--json").returncode == 2


def test_a_living_token_sends_nothing(signed_in: Shell, azure: Sandbox) -> None:
    """It comes from the cache."""
    azure.log.clear()
    assert signed_in.run("token").returncode == 0
    assert not list(azure.log)


def test_not_to_a_terminal(signed_in: Shell) -> None:
    """It is refused, unless it is forced; a pipe at a terminal is no terminal."""
    status, shown = signed_in.shown("adls-enduser token")
    assert (status, "eyJ" in shown) == (2, False)
    assert "--force" in shown
    status, shown = signed_in.shown("adls-enduser token --force")
    assert (status, "eyJ" in shown) == (0, True)
    status, shown = signed_in.shown("adls-enduser token | wc -l")
    assert (status, shown.strip()) == (0, "1")


def test_nobody_is_asked(shell: Shell) -> None:
    """Neither at a terminal nor elsewhere: the command that signs in is named."""
    for done in (shell.run("token", "--tenant", CONTOSO), shell.script("adls-enduser token")):
        assert (done.returncode, done.stdout) == (1, "")
        assert "Run: adls-enduser login" in done.stderr
    assert (
        f"Run: adls-enduser login --tenant {CONTOSO}"
        in shell.run("token", "--tenant", CONTOSO).stderr
    )
    assert "enter the code" not in shell.shown("adls-enduser token | cat")[1]


def test_interactive_asks(shell: Shell) -> None:
    """The prompt is on standard error, so that the token can be read."""
    done = shell.run("token", "--interactive")
    assert done.returncode == 0
    assert "enter the code" in done.stderr
    assert decode_unverified(done.stdout.strip()).account.username == ADA
    again = shell.run("token", "--interactive")
    assert (again.returncode, again.stderr) == (0, "")


def test_a_sign_in_that_has_ended(signed_in: Shell, azure: Sandbox) -> None:
    """The reason, its number, and the command that helps."""
    azure.entra.revoke_refresh_tokens(ADA)
    done = signed_in.run("token", "--for", "management")
    assert (done.returncode, done.stdout) == (1, "")
    assert "AADSTS50173" in done.stderr
    assert "adls-enduser login" in done.stderr
    again = signed_in.run("token", "--for", "management", "--interactive")
    assert again.returncode == 0


def test_no_network_but_minutes_left(shell: Shell, azure: Sandbox) -> None:
    """A token that is due, and cannot be renewed, is better than none."""
    azure.entra.token_lifetime = 100.0  # due in 75 seconds
    shell.sign_in()
    azure.faults.add(Answer(503, "{}"), times=99)
    done = shell.run("token")
    assert done.returncode == 0, done.stderr
    assert shell.run("token", "--for", "management").returncode == 1


def test_client_and_cloud_of_the_login(shell: Shell, azure: Sandbox) -> None:
    """They need not be repeated while only one such sign-in is kept."""
    azure.entra.application(GUID, name="own")
    shell.sign_in("--client-id", GUID)
    done = shell.run("token")
    assert done.returncode == 0, done.stderr
    shell.sign_in()
    assert shell.run("token", "--client-id", GUID).returncode == 0
    assert shell.run("token").returncode == 0  # the library's own
    assert shell.run("token", "--cloud", "china").returncode == 1


def test_two_people(signed_in: Shell, azure: Sandbox) -> None:
    """It says whose sign-ins there are, and takes the one that is named."""
    bob = f"bob@{CONTOSO}"
    azure.entra.person(bob, password="x", approves_device_codes=True)
    signed_in.sign_in("--username", bob)
    done = signed_in.run("token")
    assert done.returncode == 2
    assert "2 kept sign-ins match" in done.stderr
    assert "Choose one with --username" in done.stderr
    named = signed_in.run("token", "--username", bob)
    assert decode_unverified(named.stdout.strip()).account.username == bob


def test_output_that_cannot_be_written(signed_in: Shell) -> None:
    """A full disk is told; a reader that has gone is not."""
    done = signed_in.script("adls-enduser token > /dev/full")
    assert done.returncode == 1
    assert "Standard output cannot be written (No space left on device)" in done.stderr
    done = signed_in.script("adls-enduser token >&-")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "adls_enduser", "token"]
    gone = subprocess.run(command, stdout=write, stderr=-1, env=signed_in.environment, text=True)
    os.close(write)
    assert (gone.returncode, gone.stderr) == (1, "")


def test_a_script_as_gits_credentials(signed_in: Shell) -> None:
    """Git asks a helper of three lines for a name and a password."""
    helper = "!f() { echo username=token; echo password=$(adls-enduser token); }; f"
    given = "printf 'protocol=https\\nhost=dev.example\\n\\n'"
    options = f"-c credential.helper= -c credential.helper={shlex.quote(helper)}"
    done = signed_in.script(f"{given} | git {options} credential fill")
    token = signed_in.run("token").stdout.strip()
    assert f"password={token}\n" in done.stdout, done.stderr


def test_curl(signed_in: Shell, azure: Sandbox) -> None:
    """As an argument, and on a pipe, which nobody else can read."""
    url = "https://management.azure.com/subscriptions?api-version=2022-12-01"
    curl = 'curl --silent --cacert "$REQUESTS_CA_BUNDLE"'
    header = "adls-enduser token --for management --header"
    for command in (f'{curl} --header "$({header})" {url}', f"{header} | {curl} --header @- {url}"):
        done = signed_in.script(command)
        assert json.loads(done.stdout)["value"], done.stderr
