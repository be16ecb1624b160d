"""What a person sees: on a terminal, in a notebook, in a pipe, in CI."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import nbclient
import nbformat
import pexpect
import pytest

from adls_enduser import DeviceCodePrompt
from adls_enduser.interaction.prompts import show, tell
from adls_enduser.sandbox import CONTOSO, Sandbox

from ..conftest import PASSWORD
from ..waiting import Stopwatch, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIGN_IN = f"""
from adls_enduser import management_credentials
credentials = management_credentials("device_code", tenant="{CONTOSO}")
print("signed in:", credentials.whoami().username)
"""

WITH_PASSWORD = """
from adls_enduser import management_credentials
credentials = management_credentials("password")
print("signed in:", credentials.whoami().username)
"""


@pytest.fixture
def live() -> Iterator[Sandbox]:
    """A sandbox in real time, for programs in other processes; Ada approves every code at once."""
    with Sandbox(environ=None) as azure:
        azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD, approves_device_codes=True)
        yield azure


def _environment(azure: Sandbox, **more: str) -> dict[str, str]:
    return os.environ | azure.environment | more


def _spawn(azure: Sandbox, program: str, **more: str) -> Any:
    environment = _environment(azure, TERM="dumb", **more)
    command = [sys.executable, "-W", "error::DeprecationWarning", "-c", program]
    return pexpect.spawn(command[0], command[1:], env=environment, encoding="utf-8", timeout=30)


def _run(azure: Sandbox, program: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env=_environment(azure, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_prompt_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the program has made standard error buffered."""
    seen = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BufferedWriter(seen), "utf-8"))
    show(DeviceCodePrompt("https://example.com/device", "ABC", time.time() + 60, "Sign in."))
    assert b"ABC" in seen.getvalue()


def test_a_terminal_shows_the_prompt(live: Sandbox) -> None:
    """The address, the code, the time and a warning; no control characters."""
    child = _spawn(live, SIGN_IN)
    child.expect(r"To sign in, open (\S+) in a browser and enter the code (\w+)")
    assert child.match.group(1) == f"{live.url}/devicelogin"
    child.expect(
        "The code expires in 15 minutes. Only continue if you started this sign-in yourself."
    )
    child.expect(f"signed in: ada@{CONTOSO}")
    child.expect(pexpect.EOF)
    assert "\x1b" not in child.before


def test_a_captured_standard_output_stays_clean(live: Sandbox) -> None:
    """The prompt goes to standard error, so a pipe gets only the output of the program."""
    program = SIGN_IN.replace('"device_code"', '"device_code", interactive=True')
    done = _run(live, program)
    assert done.stdout == f"signed in: ada@{CONTOSO}\n"
    assert "To sign in, open" in done.stderr


@pytest.mark.parametrize("program", [SIGN_IN, WITH_PASSWORD])
def test_without_a_terminal_there_is_no_prompt(live: Sandbox, program: str) -> None:
    """The program ends at once with an error that says what to do."""
    done = _run(live, program)
    assert done.returncode == 1
    assert "SignInRequired" in done.stderr or "username is missing" in done.stderr
    assert len(live.log) == 0


def test_in_ci_there_is_no_prompt_even_on_a_terminal(live: Sandbox) -> None:
    """Build machines have terminals, but no person in front of them."""
    child = _spawn(live, SIGN_IN, CI="true")
    child.expect("SignInRequired")
    child.expect(pexpect.EOF)
    assert len(live.log) == 0


def test_user_name_and_password_are_asked_for_on_a_terminal(live: Sandbox) -> None:
    """The password is not shown while it is typed."""
    child = _spawn(live, WITH_PASSWORD)
    child.expect("User name: ")
    child.sendline(f"ada@{CONTOSO}")
    child.expect(f"Password for ada@{CONTOSO}: ")
    child.sendline(PASSWORD)
    child.expect("signed in: ada")
    assert "staple" not in child.before
    child.expect(pexpect.EOF)


def test_ctrl_c_stops_the_wait_within_a_second(live: Sandbox) -> None:
    """A person who has changed their mind need not wait until the code expires."""
    live.entra.approver = None
    child = _spawn(live, SIGN_IN)
    child.expect("enter the code")
    wait_until(lambda: live.log.to("/oauth2/token"))
    with Stopwatch() as since:
        child.sendintr()
        child.expect("KeyboardInterrupt")
    assert since.seconds < 1
    child.expect(pexpect.EOF)


def test_show_writes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """It writes nothing to standard output."""
    show(DeviceCodePrompt("https://microsoft.com/devicelogin", "ABCD1234", 0.0, "message"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "https://microsoft.com/devicelogin" in err
    assert "ABCD1234" in err


def test_a_notebook_shows_a_link(live: Sandbox, tmp_path: Path) -> None:
    """In an IPython kernel the prompt is HTML, escaped, and not a text on standard error."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SIGN_IN)])
    before = dict(os.environ)
    os.environ.update(_environment(live))
    try:
        nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    finally:
        os.environ.clear()
        os.environ.update(before)
    outputs = json.dumps(notebook.cells[0].outputs)
    assert f'href=\\"{live.url}/devicelogin\\"' in outputs
    assert "Only continue if you started this sign-in yourself" in outputs
    assert f"signed in: ada@{CONTOSO}" in outputs
    assert '"stderr"' not in outputs


@pytest.mark.parametrize("mark", ["\x1b[2J", "\x9b2J", "\u202e", "\r", "\x00", "\u2066"])
def test_control_characters_are_made_harmless(
    capsys: pytest.CaptureFixture[str], mark: str
) -> None:
    """Whatever a prompt holds cannot move the cursor or turn the text around."""
    show(DeviceCodePrompt(f"https://x/{mark}", f"A{mark}B", time.time() + 900, ""))
    tell(f"refused{mark}\n")
    shown = capsys.readouterr().err
    assert mark not in shown
    assert all(one.isprintable() or one == "\n" for one in shown)
    assert shown.endswith("\n")
