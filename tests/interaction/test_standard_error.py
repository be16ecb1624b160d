"""Programs without a standard error, with one that fails, and with one that cannot show all."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pexpect
import pytest
import requests

from adls_enduser import (
    BrowserPrompt,
    DeviceCode,
    DeviceCodePrompt,
    Fallback,
    Password,
    SignInRequired,
)
from adls_enduser.interaction.prompts import show, show_page, tell
from adls_enduser.sandbox import CONTOSO, Sandbox

from ..conftest import PASSWORD
from ..constants import MANAGEMENT
from ..waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from adls_enduser.sandbox import Person, SandboxClock

    Broken = Callable[[], AbstractContextManager[None]]

GRACE = f"grace@{CONTOSO}"
CODE = DeviceCodePrompt("https://microsoft.com/devicelogin", "ABCD1234", 0.0, "Sign in.")
PAGE = BrowserPrompt("https://login.microsoftonline.com/x", 0.0, "Open \u201cthis\u201d page.")


class Failing:
    """A stream of a program's own, such as the log of a window that has been closed."""

    encoding = "utf-8"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def write(self, text: str) -> None:
        raise self._error

    def flush(self) -> None:
        raise self._error

    def isatty(self) -> bool:
        raise self._error


def _closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


def _broken_pipe() -> io.TextIOWrapper:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", encoding="utf-8")


STREAMS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "closed": _closed,
    "broken pipe": _broken_pipe,
    "full disk": lambda: Failing(OSError(28, "No space left on device")),
    "window": lambda: Failing(RuntimeError("main thread is not in main loop")),
    "object": object,
}


@pytest.fixture(params=STREAMS)
def broken(request: pytest.FixtureRequest) -> Broken:
    """A ``with`` in which standard error cannot be written.

    Not done by the fixture itself: pytest sets its own standard error before the test.
    """

    @contextmanager
    def replaced() -> Iterator[None]:
        before, stream = sys.stderr, STREAMS[request.param]()
        sys.stderr = stream
        try:
            yield
        finally:
            sys.stderr = before
            if isinstance(stream, io.TextIOWrapper):
                with suppress(BrokenPipeError):  # it may have kept something
                    stream.close()

    return replaced


class TestFailing:
    """A prompt that nobody can see is an error at once, and a notice is none."""

    def test_a_prompt_is_sign_in_required(self, broken: Broken) -> None:
        """The remedy names the option that helps."""
        for shows, prompt in ((show, CODE), (show_page, PAGE)):
            with broken(), pytest.raises(SignInRequired, match="cannot be shown") as caught:
                shows(prompt)
            assert "prompt=" in caught.value.remedy

    def test_a_notice_is_no_error(self, broken: Broken) -> None:
        """It is lost."""
        with broken():
            tell("notice\n")

    def test_a_device_code_is_not_waited_for(
        self, azure: Sandbox, ada: Person, clock: SandboxClock, library: str, broken: Broken
    ) -> None:
        """Nobody knows the code."""
        strategy = DeviceCode(tenant=CONTOSO, clock=clock, library=library)
        began = clock.time()
        with broken(), pytest.raises(SignInRequired, match="standard error"):
            strategy.sign_in(MANAGEMENT)
        assert clock.time() == began

    def test_a_notice_ends_no_fallback(
        self, azure: Sandbox, clock: SandboxClock, library: str, broken: Broken
    ) -> None:
        """The second mode signs in although the reason for it cannot be told."""
        azure.entra.person(GRACE, password=PASSWORD, mfa=True, approves_device_codes=True)
        options: Any = {"tenant": CONTOSO, "clock": clock, "library": library, "username": GRACE}
        shown: list[DeviceCodePrompt] = []
        fallback = Fallback(
            Password(password=PASSWORD, **options), DeviceCode(prompt=shown.append, **options)
        )
        with broken():
            token = fallback.sign_in(MANAGEMENT)
        assert token.account.username == GRACE
        assert len(shown) == 1

    def test_a_terminal_is_not_found_there(self, broken: Broken) -> None:
        """Whether there is one can be asked of any stream."""
        with broken(), pytest.raises(SignInRequired, match="no terminal"):
            Password(username=GRACE).sign_in(MANAGEMENT)


class Ascii(io.TextIOWrapper):
    """Standard error in an encoding that has not all letters, and that is strict."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "ascii", "strict")

    @property
    def shown(self) -> str:
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode("ascii")


def test_letters_that_cannot_be_shown_are_written_by_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The address and the rest of the text are there."""
    stderr = Ascii()
    monkeypatch.setattr(sys, "stderr", stderr)
    show_page(PAGE)
    tell("caf\u00e9\n")
    assert PAGE.url in stderr.shown
    assert "Open \\u201cthis\\u201d page." in stderr.shown
    assert "caf\\xe9\n" in stderr.shown


def test_a_stream_needs_only_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for print: a window's log may have no flush."""

    class Log:
        def __init__(self) -> None:
            self.text = ""

        def write(self, text: str) -> None:
            self.text += text

    log = Log()
    monkeypatch.setattr(sys, "stderr", log)
    show(CODE)
    assert CODE.code in log.text


BROWSER = """
import sys
MAKE
from adls_enduser import EndUserError, management_credentials
try:
    made = management_credentials("browser", tenant="TENANT", interactive=True, open_browser=OPEN)
    print("signed in:", made.whoami().username)
except EndUserError as error:
    print(type(error).__name__)
"""
BROKEN_PIPE = "import os; reader, writer = os.pipe(); os.close(reader); os.dup2(writer, 2)"
UNUSABLE = ("sys.stderr = None", "sys.stderr.close()", BROKEN_PIPE)


@pytest.fixture
def live() -> Iterator[Sandbox]:
    """A sandbox in real time, for programs in other processes, with the user Ada."""
    with Sandbox(environ=None) as azure:
        azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        yield azure


@pytest.mark.skipif(os.name == "nt", reason="the browser is a shell script")
@pytest.mark.parametrize("make", UNUSABLE)
def test_a_browser_that_opens_needs_no_standard_error(
    live: Sandbox, tmp_path: Path, make: str
) -> None:
    """A program with windows has none; the page opens all the same."""
    script = tmp_path / "firefox"
    script.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/opened')
    script.chmod(0o755)
    with _start(live, make, opens=True, BROWSER=f"{script} %s", DISPLAY=":0") as child:
        wait_until(lambda: (tmp_path / "opened").exists() or child.poll() is not None)
        assert child.poll() is None
        _visit(live.entra.authorize((tmp_path / "opened").read_text().strip()))
        assert child.stdout is not None
        assert child.stdout.read() == f"signed in: ada@{CONTOSO}\n"


@pytest.mark.parametrize("make", UNUSABLE)
def test_an_address_that_cannot_be_shown_is_not_waited_for(live: Sandbox, make: str) -> None:
    """The program ends at once."""
    with _start(live, make, opens=False) as child:
        assert child.stdout is not None
        assert child.stdout.read() == "SignInRequired\n"


def _start(azure: Sandbox, make: str, *, opens: bool, **more: str) -> subprocess.Popen[str]:
    program = BROWSER.replace("MAKE", make).replace("TENANT", CONTOSO).replace("OPEN", str(opens))
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | azure.environment | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _visit(url: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.get(url, timeout=10)


@pytest.mark.parametrize("make", UNUSABLE)
def test_a_warning_that_cannot_be_shown_is_no_error(
    live: Sandbox, tmp_path: Path, make: str
) -> None:
    """Python passes on what standard error raises; the person is signed in all the same."""
    (tmp_path / "kept").write_text("not a sign-in cache")
    program = f"""
import sys
{make}
from adls_enduser import SignInCache, management_credentials
cache = SignInCache({str(tmp_path / "kept")!r}, allow_unencrypted=True)
made = management_credentials("password", tenant="{CONTOSO}", cache=cache,
                              username="ada@{CONTOSO}", password={PASSWORD!r})
print("signed in:", made.whoami().username)
"""
    keyring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | live.environment | keyring,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == f"signed in: ada@{CONTOSO}\n"


@pytest.mark.skipif(os.name == "nt", reason="no terminals of this kind")
def test_a_terminal_that_goes_away_ends_no_sign_in(live: Sandbox, tmp_path: Path) -> None:
    """The person closes the window of a program that goes on (nohup), and then signs in."""
    program = f"""
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from adls_enduser import management_credentials
made = management_credentials("browser", tenant="{CONTOSO}", open_browser=False)
with open({str(tmp_path / "new")!r}, "w") as file:
    file.write(made.whoami().username)
os.rename({str(tmp_path / "new")!r}, {str(tmp_path / "outcome")!r})
"""
    child = pexpect.spawn(
        sys.executable,
        ["-c", program],
        env=os.environ | live.environment | {"TERM": "dumb"},
        encoding="utf-8",
        timeout=30,
        dimensions=(24, 1000),
    )
    child.expect(r"(https://login\.microsoftonline\.com/\S+)")
    url = str(child.match.group(1))
    child.expect_exact("Only continue if you started this sign-in yourself.")
    child.ptyproc.fileobj.close()
    time.sleep(0.5)  # the program looks at the terminal several times
    _visit(live.entra.authorize(url))
    wait_until((tmp_path / "outcome").exists)
    assert (tmp_path / "outcome").read_text() == f"ada@{CONTOSO}"
