"""``adls-enduser login``: who signs in, and what is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pexpect
import pytest

from adls_enduser.sandbox import CONTOSO, Answer
from adls_enduser.sandbox.directory import CONTOSO_ID

from ..conftest import PASSWORD
from .conftest import ADA

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

    from .conftest import Shell


def test_says_who_where_and_until_when(shell: Shell) -> None:
    """The result is on standard output, the prompt on standard error."""
    done = shell.run("login", "--tenant", CONTOSO)
    assert done.returncode == 0, done.stderr
    for word in (ADA, CONTOSO_ID, f"login.microsoftonline.com/{CONTOSO}", "UTC", "sign-ins.json"):
        assert word in done.stdout
    assert "enter the code" in done.stderr
    assert "enter the code" not in done.stdout


def test_json(shell: Shell, library: str) -> None:
    """What a program wants to know; nobody is asked a second time."""
    for was_kept in (False, True):
        done = shell.run("login", "--library", library, "--for", "management", "--json")
        found = json.loads(done.stdout)
        assert found["username"] == ADA
        assert found["resource"] == "https://management.core.windows.net/"
        assert found["was_kept"] is was_kept
        assert ("enter the code" in done.stderr) is not was_kept


def test_password_is_typed_on_the_terminal(shell: Shell) -> None:
    """It is not shown, and the next command needs none."""
    child = shell.terminal(f"adls-enduser login password --username {ADA}")
    child.expect("Password for")
    child.sendline(PASSWORD)
    child.expect("signed in")
    child.expect(pexpect.EOF)
    assert PASSWORD not in child.before
    assert shell.run("token").returncode == 0


def test_password_without_a_terminal(shell: Shell) -> None:
    """Nothing is read from a pipe, and the remedy is one for a shell."""
    done = shell.run("login", "password", "--username", ADA, given=f"{PASSWORD}\n")
    assert done.returncode == 1
    assert "there is no terminal" in done.stderr
    assert "in a terminal" in done.stderr
    assert "password=" not in done.stderr


@pytest.mark.parametrize("words", [["--password", PASSWORD], [f"--password={PASSWORD}"]])
def test_no_password_on_a_command_line(shell: Shell, words: list[str]) -> None:
    """It is refused, and not repeated."""
    done = shell.run("login", "password", *words)
    assert done.returncode == 2
    assert PASSWORD not in done.stdout + done.stderr
    assert "asks for it on the terminal" in done.stderr


def test_no_proxy_password_on_a_command_line(shell: Shell) -> None:
    """Other users of the machine could read it there."""
    done = shell.run("login", "--proxy", "http://ada:planted@127.0.0.1:1")
    assert done.returncode == 2
    assert "planted" not in done.stdout + done.stderr
    assert "HTTPS_PROXY" in done.stderr


def test_a_refusal_names_the_next_command(shell: Shell, azure: Sandbox) -> None:
    """The remedy's call is a command, and the number and the ids are there."""
    azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, mfa=True)
    child = shell.terminal(f"adls-enduser login password --username grace@{CONTOSO}", columns=200)
    child.expect("Password for")
    child.sendline(PASSWORD)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
    assert f"Run: adls-enduser login device_code --username grace@{CONTOSO}" in child.before
    assert "MfaRequired, code AADSTS50076, correlation id" in child.before
    assert "management_credentials" not in child.before


def test_another_mode_if_the_first_is_refused(shell: Shell, azure: Sandbox) -> None:
    """``--fallback``, as the factories have it."""
    name = f"grace@{CONTOSO}"
    azure.entra.person(name, password=PASSWORD, mfa=True, approves_device_codes=True)
    child = shell.terminal(f"adls-enduser login password --fallback device_code --username {name}")
    child.expect("Password for")
    child.sendline(PASSWORD)
    child.expect("signed in")


def test_a_sign_in_that_cannot_be_kept(shell: Shell) -> None:
    """Nobody is asked before there is a place for it."""
    none = "keyring.backends.fail.Keyring"
    done = shell.run("login", PYTHON_KEYRING_BACKEND=none)
    assert done.returncode == 1
    assert "keyring cannot be used" in done.stderr
    assert "--no-keyring" in done.stderr
    assert "enter the code" not in done.stderr
    assert shell.run("login", "--no-keyring", PYTHON_KEYRING_BACKEND=none).returncode == 0


def test_a_sign_in_that_only_no_keyring_reads(shell: Shell) -> None:
    """Who forgets the option later is told so; who gives it is not, nor is there with a keyring."""
    none = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    assert "give it here too" not in shell.run("token", **none).stderr
    shell.run("login", "--no-keyring", **none)
    for command in (["token"], ["run", "--", "true"]):
        done = shell.run(*command, **none)
        assert done.returncode == 1
        assert "if you signed in with --no-keyring, give it here too." in done.stderr
        assert "To sign in:\nRun: adls-enduser login\n" in done.stderr
    assert "give it here too" in shell.run("explain", **none).stdout
    assert "give it here too" not in shell.run("explain", "--no-keyring", **none).stdout
    assert shell.run("token", "--no-keyring", **none).returncode == 0


def test_control_c_ends_the_wait(shell: Shell, azure: Sandbox) -> None:
    """And the script that called it: bash goes on only if its command handled the signal."""
    azure.entra.approver = None
    child = shell.terminal("adls-enduser login; echo went on")
    child.expect("enter the code")
    child.sendintr()
    child.expect(pexpect.EOF)
    assert "went on" not in child.before
    assert "Traceback" not in child.before


def test_no_network(shell: Shell, azure: Sandbox) -> None:
    """A sentence and a remedy."""
    azure.faults.add(Answer(503, "{}"), times=9)
    done = shell.run("login")
    assert done.returncode == 1
    assert done.stderr.startswith("adls-enduser: ")
    assert "(TransportError" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--tenant", "not a tenant"], "--tenant 'not a tenant' is neither"),
        (["--client-id", "x"], "--client-id 'x'"),
        (["device_code", "--open-browser"], "open_browser"),
        (["--request-timeout", "0"], "--request-timeout 0.0"),
        (["--for", "gen3"], "--for gen3 is not a service"),
        (["--for", "gen1", "--cloud", "china"], "no file system in the cloud"),
    ],
)
def test_wrong_values(shell: Shell, words: list[str], told: str) -> None:
    """The library's sentences, in the words of the command line; nothing is sent."""
    done = shell.run("login", *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "enter the code" not in done.stderr


def test_a_name_in_any_letters(shell: Shell, azure: Sandbox) -> None:
    """Where standard output can only be ASCII, it is escaped."""
    azure.entra.person(f"zoë@{CONTOSO}", password="x", approves_device_codes=True)
    done = shell.run("login", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert "zo\\xeb@" in done.stdout
