"""Where a browser can open, and what a person does where none can: at real terminals."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import nbclient
import nbformat
import pexpect
import pytest
import requests

from adls_enduser import BrowserPrompt
from adls_enduser.interaction.browser_launcher import can_open, open_page
from adls_enduser.interaction.prompts import show_page
from adls_enduser.sandbox import CONTOSO, Sandbox

from ..conftest import PASSWORD
from ..waiting import Stopwatch, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIGN_IN = f"""
from adls_enduser import management_credentials
credentials = management_credentials("browser", tenant="{CONTOSO}", OPTIONS)
print("signed in:", credentials.whoami().username)
"""
ADA = f"ada@{CONTOSO}"
DESKTOP = {"DISPLAY": ":0", "BROWSER": "true"}
NO_DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "CODESPACES", "BROWSER")


@pytest.fixture
def live() -> Iterator[Sandbox]:
    """A sandbox in real time, for programs of their own, with Ada in it."""
    with Sandbox(environ=None) as azure:
        azure.entra.person(ADA, password=PASSWORD)
        yield azure


def _environment(azure: Sandbox, **more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in NO_DESKTOP}
    return plain | azure.environment | more


def _program(**options: object) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return SIGN_IN.replace("OPTIONS", given)


def _spawn(azure: Sandbox, program: str, **more: str) -> Any:
    command = [sys.executable, "-W", "error::DeprecationWarning", "-c", program]
    return pexpect.spawn(
        command[0],
        command[1:],
        env=_environment(azure, TERM="dumb", **more),
        encoding="utf-8",
        timeout=30,
        dimensions=(24, 1000),
    )


def _shown(child: Any) -> str:
    child.expect(r"(https://login\.microsoftonline\.com/\S+)")
    url = str(child.match.group(1))
    child.expect_exact("Only continue if you started this yourself.")
    return url


def _go(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10)


class TestTerminal:
    """A person at a terminal, with no browser there."""

    def test_the_address_is_shown_and_answered_on_this_machine(self, live: Sandbox) -> None:
        """Where to go, for how long, and a warning; a browser that comes back is heard."""
        child = _spawn(live, _program())
        child.expect_exact("To sign in, open this page in a browser on this machine.")
        url = _shown(child)
        assert "The program waits for 5 minutes." in child.before
        assert _go(live.entra.authorize(url)).status_code == 200
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)

    def test_the_redirected_address_is_pasted(self, live: Sandbox, library: str) -> None:
        """From a browser elsewhere, whose last page is an error; it is not shown here."""
        child = _spawn(live, _program(library=library))
        child.expect_exact("and press Enter. What you paste is not shown.")
        url = _shown(child)
        arrived = live.entra.authorize(url)
        child.sendline("hello")
        child.expect_exact("Not this sign-in")
        child.sendline(arrived.replace("state=", "state=x"))
        child.expect_exact("Not this sign-in")
        child.sendline(arrived)
        child.expect_exact(f"signed in: {ADA}")
        code = re.search(r"code=([^&]+)", arrived)
        assert code is not None
        assert code[1] not in child.before
        child.expect(pexpect.EOF)

    @pytest.mark.parametrize(
        "redirect_uri",
        [
            "urn:ietf:wg:oauth:2.0:oob",
            "https://login.microsoftonline.com/common/oauth2/nativeclient",
        ],
    )
    def test_a_client_without_loopback_is_served(
        self, live: Sandbox, redirect_uri: str, library: str
    ) -> None:
        """Pasting is the one way back where the browser ends elsewhere, opened or not."""
        program = _program(redirect_uri=redirect_uri, library=library)
        child = _spawn(live, program, **DESKTOP)
        child.expect_exact("A browser window opens")
        child.expect_exact("Then paste here the address at which it ends")
        arrived = live.entra.authorize(_shown(child))
        assert arrived.startswith(redirect_uri)
        child.sendline(arrived)
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)

    def test_a_long_line_and_an_error_can_be_pasted(self, live: Sandbox) -> None:
        """No terminal's limit on a line applies (macOS cuts at 1024 bytes, Linux at 4096)."""
        child = _spawn(live, _program())
        arrived = live.entra.authorize(_shown(child), accepts=False)
        child.sendline(arrived.replace("?", f"?padding={'x' * 6000}&"))
        child.expect_exact("You have not been signed in")
        child.expect_exact("SignInDeclined")
        child.expect(pexpect.EOF)

    @pytest.mark.parametrize("how", ["ctrl-c", "timeout"])
    def test_the_terminal_is_as_before_afterwards(self, live: Sandbox, how: str) -> None:
        """Ctrl-C stops the wait within a second, and what is typed is shown again."""
        program = f"""
try:
    {_program(timeout=1.0 if how == "timeout" else 60).strip().replace(chr(10), chr(10) + "    ")}
except BaseException as error:
    print(type(error).__name__)
print("you said", input("say: "))
"""
        child = _spawn(live, program)
        _shown(child)
        with Stopwatch() as since:
            if how == "ctrl-c":
                child.sendintr()
            child.expect_exact("KeyboardInterrupt" if how == "ctrl-c" else "SignInTimedOut")
        assert since.seconds < (1 if how == "ctrl-c" else 3)
        child.expect_exact("say: ")
        child.sendline("hello")
        child.expect_exact("hello\r\nyou said hello")
        child.expect(pexpect.EOF)

    def test_what_is_typed_afterwards_is_the_programs(self, live: Sandbox) -> None:
        """A line that comes once the sign-in is over is the program's, not ours."""
        child = _spawn(live, _program() + "\nprint('you said', input('say: '))")
        _go(live.entra.authorize(_shown(child)))
        child.expect_exact("say: ")
        child.sendline("hello")
        child.expect_exact("you said hello")

    def test_in_ci_nobody_is_asked(self, live: Sandbox) -> None:
        """Build machines have terminals that nobody reads."""
        child = _spawn(live, _program(), CI="true")
        child.expect_exact("SignInRequired")
        child.expect(pexpect.EOF)
        assert len(live.log) == 0

    def test_a_captured_standard_output_stays_clean(self, live: Sandbox, tmp_path: Path) -> None:
        """The prompt goes to standard error, at once; without a terminal nothing is pasted."""
        child = subprocess.Popen(
            [sys.executable, "-c", _program(interactive=True)],
            env=_environment(live),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with child:
            assert child.stderr is not None
            assert child.stdout is not None
            lines = iter(child.stderr.readline, "")
            url = next(line.strip() for line in lines if line.startswith("https://"))
            _go(live.entra.authorize(url))
            assert child.stdout.read() == f"signed in: {ADA}\n"
            assert "paste" not in "".join(lines)


class TestOpening:
    """Where a browser can open."""

    @pytest.fixture
    def with_browser(self, live: Sandbox, tmp_path: Path) -> Callable[..., Any]:
        """Start the program where a "browser" writes down what it is to open."""
        script = tmp_path / "firefox"
        script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/opened\n')
        script.chmod(0o755)

        def start(*, options: dict[str, object] | None = None, **more: str) -> Any:
            path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
            more = {"PATH": path, "DISPLAY": ":0", "BROWSER": f"{script} %s"} | more
            return _spawn(live, _program(**options or {}), **more)

        return start

    def test_it_opens_the_page_that_is_shown(
        self, live: Sandbox, with_browser: Callable[..., Any], tmp_path: Path
    ) -> None:
        """And the address is shown for the case that none opens; nothing is to be pasted."""
        child = with_browser()
        child.expect_exact("A browser window opens for you to sign in.")
        url = _shown(child)
        assert "paste" not in child.before
        wait_until((tmp_path / "opened").exists)
        wait_until(lambda: url in (tmp_path / "opened").read_text())
        _go(live.entra.authorize(url))
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)

    @pytest.mark.parametrize(
        "more", [{"SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"}, {"CODESPACES": "true"}], ids=str
    )
    def test_it_opens_none_where_the_person_is_not(
        self, with_browser: Callable[..., Any], tmp_path: Path, more: dict[str, str]
    ) -> None:
        """Over SSH the display is the wrong machine's."""
        child = with_browser(**more)
        child.expect_exact("To sign in, open this page in a browser on this machine.")
        child.expect_exact("paste here the address")
        child.close()
        assert not (tmp_path / "opened").exists()

    def test_the_caller_decides_otherwise(
        self, with_browser: Callable[..., Any], tmp_path: Path
    ) -> None:
        """open_browser=True opens over SSH too, False nowhere."""
        child = with_browser(options={"open_browser": False})
        child.expect_exact("open this page in a browser on this machine")
        child.close()
        assert not (tmp_path / "opened").exists()
        child = with_browser(options={"open_browser": True}, SSH_CONNECTION="x")
        child.expect_exact("A browser window opens")
        wait_until((tmp_path / "opened").exists)
        child.close()

    def test_a_browser_that_stays_in_front_holds_nobody_up(
        self, live: Sandbox, tmp_path: Path
    ) -> None:
        """webbrowser.open waits for one that runs in the terminal; the sign-in does not."""
        script = tmp_path / "browser"
        script.write_text("#!/bin/sh\nexec sleep 30\n")
        script.chmod(0o755)
        child = _spawn(live, _program(open_browser=True), BROWSER=f"{script} %s")
        _go(live.entra.authorize(_shown(child)))
        child.expect_exact(f"signed in: {ADA}")
        child.close()

    def test_a_failing_browser_is_no_error(self, live: Sandbox) -> None:
        """The person has the address."""
        child = _spawn(live, _program(open_browser=True), BROWSER="/no/such/browser")
        _go(live.entra.authorize(_shown(child)))
        child.expect_exact(f"signed in: {ADA}")
        child.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a desktop elsewhere always is")
class TestCanOpen:
    """What decides it on Linux."""

    @pytest.mark.parametrize(
        ("environ", "expected"),
        [
            ({}, False),
            ({"DISPLAY": ":0"}, True),
            ({"WAYLAND_DISPLAY": "wayland-0"}, True),
            ({"DISPLAY": ""}, False),
            ({"DISPLAY": ":0", "SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"}, False),
            ({"DISPLAY": ":0", "SSH_TTY": "/dev/pts/0"}, False),
            ({"DISPLAY": ":0", "CODESPACES": "true"}, False),
        ],
        ids=str,
    )
    def test_a_display_in_front_of_the_person(
        self, environ: dict[str, str], expected: bool
    ) -> None:
        """Asked in a process of its own, since webbrowser looks around once."""
        assert _can_open(BROWSER="graphical %s", **environ) is expected

    @pytest.mark.parametrize("name", ["www-browser", "lynx", "w3m", "links", "elinks"])
    def test_a_text_browser_is_none(self, name: str) -> None:
        """It takes the terminal away, and cannot show the page."""
        assert _can_open(BROWSER=f"/usr/bin/{name} %s", DISPLAY=":0") is False


# Windows' kernel for Linux, as it names itself.
WSL = """
import platform
ours = platform.uname()
platform.uname = lambda: ours._replace(release="5.15.167.4-microsoft-standard-WSL2")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="WSL is a Linux")
class TestWsl:
    """In WSL the browser is Windows', which PowerShell opens."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> str:
        """A path with nothing on it but a PowerShell that writes down what it is to do."""
        script = tmp_path / "powershell.exe"
        script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/opened\n')
        script.chmod(0o755)
        return str(tmp_path)

    @pytest.mark.parametrize("more", [{}, {"SSH_CONNECTION": "x"}], ids=str)
    def test_a_browser_can_open_where_windows_is_there(
        self, path: str, more: dict[str, str]
    ) -> None:
        """Without a display of Linux'; but not from afar."""
        assert _can_open(WSL, PATH=path, **more) is (not more)

    def test_without_windows_none_can(self, tmp_path: Path) -> None:
        """A WSL that cannot start Windows' programs is a machine without a display."""
        assert _can_open(WSL, PATH=str(tmp_path)) is False

    def test_the_page_is_opened_by_powershell(self, path: str, tmp_path: Path) -> None:
        """As one argument in apostrophes, so that no part of the address is a command."""
        url = "https://login.microsoftonline.com/x?a=b&c=$(d)"
        program = f"{WSL}\nfrom adls_enduser.browsers import open_page\nopen_page({url!r})"
        program += "\nimport threading\nfor one in threading.enumerate()[1:]: one.join()"
        _run(program, PATH=path)
        assert (tmp_path / "opened").read_text() == (f"-NoProfile -Command Start-Process '{url}'\n")


def _can_open(first: str = "", **environ: str) -> bool:
    program = f"{first}\nfrom adls_enduser.browsers import can_open; print(can_open())"
    return {"True": True, "False": False}[_run(program, **environ).strip()]


def _run(program: str, **environ: str) -> str:
    plain = {name: value for name, value in os.environ.items() if name not in NO_DESKTOP}
    done = subprocess.run(
        [sys.executable, "-c", program], env=plain | environ, capture_output=True, text=True
    )
    return done.stdout


def test_somebody_elses_environment_can_be_asked_about() -> None:
    """The default is this process's."""
    assert can_open({"SSH_CONNECTION": "x", "DISPLAY": ":0"}) is False


def test_show_page_writes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing to standard output."""
    show_page(BrowserPrompt("https://login.microsoftonline.com/x", 0.0, "Open this:"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "Open this:\n\nhttps://login.microsoftonline.com/x\n" in err


def test_open_page_returns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the browser does."""
    monkeypatch.setenv("BROWSER", "/no/such/browser %s")
    open_page("https://login.microsoftonline.com/")


def test_a_notebook_shows_a_link(live: Sandbox) -> None:
    """In an IPython kernel the page is a link, escaped; the browser there comes back."""
    program = f"""
from adls_enduser import Browser, management_credentials
strategy = Browser(tenant="{CONTOSO}", timeout=20)
management_credentials(mode=strategy)
print("signed in:", strategy.account.username)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(program)])
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(_environment(live))
    stop = threading.Event()
    surfer = threading.Thread(target=_click, args=(live, notebook, stop))
    surfer.start()
    try:
        nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    finally:
        stop.set()
        surfer.join(30)
        os.environ.clear()
        os.environ.update(before)
    outputs = json.dumps(notebook.cells[0].outputs)
    assert ">Sign in</a>" in outputs
    assert "Only continue if you started this yourself" in outputs
    assert f"signed in: {ADA}" in outputs
    assert '"stderr"' not in outputs


def _click(azure: Sandbox, notebook: Any, stop: threading.Event) -> None:
    """Click on the link, once it is there."""
    import html

    while not stop.wait(0.1):
        outputs = json.dumps(notebook.cells[0].get("outputs", []))
        link = re.search(r'href=\\"([^"\\]+)\\"', outputs)
        if link:
            _go(azure.entra.authorize(html.unescape(link[1])))
            return
