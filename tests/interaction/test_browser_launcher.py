"""Whether a browser can open, and what a person does if none can, at real terminals."""

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
from adls_enduser.interaction.redirect_uri import pasted_query
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


@pytest.mark.parametrize(
    "text",
    [
        *("http://localhost:1/?{}", "{}", "?{}", "urn:ietf:wg:oauth:2.0:oob?{}", "http://x/#{}"),
        *("http://x/?#{}", "http://x/?{}#", "<http://x/?{}>.", "“http://x/?{}”", "\x1b[200~?{}"),
        *("[200~http://x/?{}[201~", "(http://x/?{}),", "`?{}`", "http://x/?{}';", "\t?{}\u2028 "),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("last", ["code", "state", "session_state"])
def test_the_query_of_a_pasted_address(text: str, last: str) -> None:
    """No character of it is lost, whichever parameter is the last one."""
    parameters = {"code": "0.AX-_y!*$", "state": "ab-_c", "session_state": "1-2"}
    parameters[last] = parameters.pop(last)
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    assert pasted_query(text.format(query)) == query


@pytest.fixture
def live() -> Iterator[Sandbox]:
    """A sandbox in real time, for programs in other processes, with the user Ada."""
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


def _shown_address(child: Any) -> str:
    """Wait for the whole prompt, and return the address that it shows."""
    child.expect(r"(https://login\.microsoftonline\.com/\S+)")
    url = str(child.match.group(1))
    child.expect_exact("Only continue if you started this sign-in yourself.")
    return url


def _visit(url: str) -> requests.Response:
    """Send the request that a browser at the end of a sign-in sends."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10)


class TestTerminal:
    """A person at a terminal of a machine without a browser."""

    def test_the_person_opens_the_shown_address(self, live: Sandbox) -> None:
        """The prompt has the address, the time and a warning; the listener hears the browser."""
        child = _spawn(live, _program())
        child.expect_exact("To sign in, open this page in a browser on this machine.")
        url = _shown_address(child)
        assert "The program waits 5 minutes for your sign-in." in child.before
        assert _visit(live.entra.authorize(url)).status_code == 200
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)

    def test_the_redirected_address_is_pasted(self, live: Sandbox, library: str) -> None:
        """From a browser on another machine, whose last page is an error; it is not shown."""
        child = _spawn(live, _program(library=library))
        child.expect_exact("and press Enter. What you paste is not shown.")
        url = _shown_address(child)
        redirected = live.entra.authorize(url)
        child.sendline("hello")
        child.expect_exact("Not this sign-in")
        child.sendline(redirected.replace("state=", "state=x"))
        child.expect_exact("Not this sign-in")
        child.sendline(redirected)
        child.expect_exact(f"signed in: {ADA}")
        code = re.search(r"code=([^&]+)", redirected)
        assert code is not None
        assert code[1] not in child.before
        child.expect(pexpect.EOF)

    @pytest.mark.parametrize(
        "pasted",
        [
            "{}#",
            "{}#_=_",
            "<{}>",
            '"{}".',
            "'{}'",
            "see ({}).",
            "\u201c{}\u201d,",
            "\u00a0{}\u200b",
            "\x1b[200~{}\x1b[201~",
            "<a href='{}'>",
        ],
        ids=ascii,
    )
    def test_what_stands_around_a_pasted_address_does_not_count(
        self, live: Sandbox, library: str, pasted: str
    ) -> None:
        """Quotes, brackets, a fragment, a full stop, and a terminal's marks of a paste."""
        child = _spawn(live, _program(library=library))
        page, _, query = live.entra.authorize(_shown_address(child)).partition("?")
        # Nobody promises an order. At the end, each would carry what stands around the address.
        state = next(one for one in query.split("&") if one.startswith("state="))
        others = [one for one in query.split("&") if one != state]
        child.sendline(pasted.format(f"{page}?{'&'.join([*others, state])}"))
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\n  ", "&amp;"])
    def test_an_address_in_several_lines_can_be_pasted(
        self, live: Sandbox, library: str, end: str
    ) -> None:
        """As a mail program or a narrow window breaks it, also if its lines arrive slowly."""
        child = _spawn(live, _program(library=library))
        redirected = live.entra.authorize(_shown_address(child))
        if end == "&amp;":
            child.sendline(redirected.replace("&", end))
        else:
            child.sendline("hello")
            child.expect_exact("Not this sign-in")
            cut = redirected.index("code=") + 9
            child.send(redirected[:cut] + end)
            child.expect_exact("Not this sign-in")
            child.send(end.join((redirected[cut:-4], redirected[-4:])) + "\n")
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)

    @pytest.mark.parametrize(
        "redirect_uri",
        [
            "urn:ietf:wg:oauth:2.0:oob",
            "https://login.microsoftonline.com/common/oauth2/nativeclient",
        ],
    )
    def test_a_client_without_a_loopback_address_is_supported(
        self, live: Sandbox, redirect_uri: str, library: str
    ) -> None:
        """Pasting is the only way if the redirect URI is not on this machine."""
        program = _program(redirect_uri=redirect_uri, library=library)
        child = _spawn(live, program, **DESKTOP)
        child.expect_exact("A browser window opens")
        child.expect_exact("Then paste here the address that the browser shows at the end")
        redirected = live.entra.authorize(_shown_address(child))
        assert redirected.startswith(redirect_uri)
        child.sendline(redirected)
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)

    def test_a_long_line_and_an_error_can_be_pasted(self, live: Sandbox) -> None:
        """The terminal's limit for a line does not apply (macOS 1024 bytes, Linux 4096)."""
        child = _spawn(live, _program())
        redirected = live.entra.authorize(_shown_address(child), accepts=False)
        child.sendline(redirected.replace("?", f"?padding={'x' * 6000}&"))
        child.expect_exact("You have not been signed in")
        child.expect_exact("SignInDeclined")
        child.expect(pexpect.EOF)

    @pytest.mark.parametrize("end", ["ctrl-c", "timeout"])
    def test_the_terminal_is_restored_afterwards(self, live: Sandbox, end: str) -> None:
        """Ctrl-C ends the wait within a second, and the terminal shows again what is typed."""
        program = f"""
try:
    {_program(timeout=1.0 if end == "timeout" else 60).strip().replace(chr(10), chr(10) + "    ")}
except BaseException as error:
    print(type(error).__name__)
print("you said", input("say: "))
"""
        child = _spawn(live, program)
        _shown_address(child)
        with Stopwatch() as since:
            if end == "ctrl-c":
                child.sendintr()
            child.expect_exact("KeyboardInterrupt" if end == "ctrl-c" else "SignInTimedOut")
        assert since.seconds < (1 if end == "ctrl-c" else 3)
        child.expect_exact("say: ")
        child.sendline("hello")
        child.expect_exact("hello\r\nyou said hello")
        child.expect(pexpect.EOF)

    def test_a_line_that_is_typed_afterwards_is_left_to_the_program(self, live: Sandbox) -> None:
        """After the sign-in, the reader takes no more lines."""
        child = _spawn(live, _program() + "\nprint('you said', input('say: '))")
        _visit(live.entra.authorize(_shown_address(child)))
        child.expect_exact("say: ")
        child.sendline("hello")
        child.expect_exact("you said hello")

    def test_in_ci_there_is_no_prompt(self, live: Sandbox) -> None:
        """Build machines have terminals, but no person in front of them."""
        child = _spawn(live, _program(), CI="true")
        child.expect_exact("SignInRequired")
        child.expect(pexpect.EOF)
        assert len(live.log) == 0

    def test_a_captured_standard_output_stays_clean(self, live: Sandbox, tmp_path: Path) -> None:
        """The prompt goes to standard error, at once; without a terminal it offers no pasting."""
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
            _visit(live.entra.authorize(url))
            assert child.stdout.read() == f"signed in: {ADA}\n"
            assert "paste" not in "".join(lines)


class TestOpening:
    """A person at a machine with a browser."""

    @pytest.fixture
    def with_browser(self, live: Sandbox, tmp_path: Path) -> Callable[..., Any]:
        """Start a program on a machine whose "browser" writes the address to a file."""
        script = tmp_path / "firefox"
        script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/opened\n')
        script.chmod(0o755)

        def start(*, options: dict[str, object] | None = None, **more: str) -> Any:
            path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
            more = {"PATH": path, "DISPLAY": ":0", "BROWSER": f"{script} %s"} | more
            return _spawn(live, _program(**options or {}), **more)

        return start

    def test_it_opens_the_address_that_is_shown(
        self, live: Sandbox, with_browser: Callable[..., Any], tmp_path: Path
    ) -> None:
        """The address is shown in case no browser opens; the prompt offers no pasting."""
        child = with_browser()
        child.expect_exact("A browser window opens for you to sign in.")
        url = _shown_address(child)
        assert "paste" not in child.before
        wait_until((tmp_path / "opened").exists)
        wait_until(lambda: url in (tmp_path / "opened").read_text())
        _visit(live.entra.authorize(url))
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)

    @pytest.mark.parametrize(
        "more", [{"SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"}, {"CODESPACES": "true"}], ids=str
    )
    def test_it_opens_none_if_the_person_is_at_another_machine(
        self, with_browser: Callable[..., Any], tmp_path: Path, more: dict[str, str]
    ) -> None:
        """Over SSH the display belongs to the wrong machine."""
        child = with_browser(**more)
        child.expect_exact("To sign in, open this page in a browser on this machine.")
        child.expect_exact("paste here the address")
        child.close()
        assert not (tmp_path / "opened").exists()

    def test_open_browser_overrides_the_detection(
        self, with_browser: Callable[..., Any], tmp_path: Path
    ) -> None:
        """With True a browser opens over SSH too, with False none opens."""
        child = with_browser(options={"open_browser": False})
        child.expect_exact("open this page in a browser on this machine")
        child.close()
        assert not (tmp_path / "opened").exists()
        child = with_browser(options={"open_browser": True}, SSH_CONNECTION="x")
        child.expect_exact("A browser window opens")
        wait_until((tmp_path / "opened").exists)
        child.close()

    def test_a_browser_in_the_foreground_does_not_block_the_sign_in(
        self, live: Sandbox, tmp_path: Path
    ) -> None:
        """webbrowser.open waits for a browser that runs in the terminal; the sign-in does not."""
        script = tmp_path / "browser"
        script.write_text("#!/bin/sh\nexec sleep 30\n")
        script.chmod(0o755)
        child = _spawn(live, _program(open_browser=True), BROWSER=f"{script} %s")
        _visit(live.entra.authorize(_shown_address(child)))
        child.expect_exact(f"signed in: {ADA}")
        child.close()

    def test_a_browser_that_fails_is_no_error(self, live: Sandbox) -> None:
        """The person was shown the address."""
        child = _spawn(live, _program(open_browser=True), BROWSER="/no/such/browser")
        _visit(live.entra.authorize(_shown_address(child)))
        child.expect_exact(f"signed in: {ADA}")
        child.close()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere there always is a desktop"
)
class TestCanOpen:
    """The detection on Linux."""

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
    def test_it_needs_a_display_on_the_persons_machine(
        self, environ: dict[str, str], expected: bool
    ) -> None:
        """In a new process, since webbrowser looks for browsers only once."""
        assert _can_open(BROWSER="graphical %s", **environ) is expected

    @pytest.mark.parametrize("name", ["www-browser", "lynx", "w3m", "links", "elinks"])
    def test_a_text_browser_does_not_count(self, name: str) -> None:
        """It takes over the terminal, and cannot show the page."""
        assert _can_open(BROWSER=f"/usr/bin/{name} %s", DISPLAY=":0") is False


# What the standard library raises for, and what it finds no program for.
RAISING = [" ", "\n", "true: ", " :true", "'%s", '"/usr/bin/fire fox %s', "true '%s' '", "'%s:true"]
UNUSABLE = [
    *RAISING,
    *(
        "\\",
        "%s",
        "%s &",
        "'' %s",
        "&",
        "/no/such/browser",
        "/no/such/browser %s",
        "/no/such:/nor/this",
    ),
    *("/tmp", "/tmp %s", "/etc/passwd %s", "a%sb", "\udc80 %s", "\x01", f"{'x' * 9000} %s", "-x"),
]


class TestBrowserVariable:
    """What BROWSER is set to may be anything."""

    @pytest.mark.parametrize("value", UNUSABLE, ids=lambda value: ascii(value)[:30])
    def test_one_that_cannot_be_used_is_no_browser(self, value: str) -> None:
        """The reason names it, each time; mode auto takes the device code."""
        program = (
            "from adls_enduser import explain\n"
            "first, second = (explain('auto', prompt=print) for _ in range(2))\n"
            "assert first == second and first.mode == 'device_code', (first, second)\n"
            "assert first.why.isprintable() and len(first.why) < 400\n"
            "print(ascii(first.why))"
        )
        path = os.environ["PATH"] if value in RAISING else "/nowhere"
        assert "BROWSER is set to" in _run(program, BROWSER=value, DISPLAY=":0", PATH=path)

    @pytest.mark.parametrize(
        "value", ["", ":", "true", "true %s", "/no/such %s:true", "true %s &", "/no/such", "%s"]
    )
    def test_one_that_can_be_used(self, value: str, tmp_path: Path) -> None:
        """One of its programs is there, or the standard library goes on with the system's."""
        firefox = tmp_path / "firefox"
        firefox.write_text("#!/bin/sh\n")
        firefox.chmod(0o755)
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        assert _can_open(BROWSER=value, DISPLAY=":0", PATH=path) is True

    @pytest.mark.parametrize("value", [" ", "'%s", "%s", "/no/such/browser", "/tmp %s"])
    @pytest.mark.parametrize("options", [{}, {"open_browser": True}], ids=str)
    def test_the_person_is_told_why_none_opens(
        self, live: Sandbox, library: str, value: str, options: dict[str, Any]
    ) -> None:
        """And signs in by the address that is shown; no thread prints a traceback."""
        program = _program(library=library, **options)
        child = _spawn(live, program, BROWSER=value, DISPLAY=":0", PATH="/nowhere")
        child.expect_exact("None opens by itself: BROWSER is set to")
        _visit(live.entra.authorize(_shown_address(child)))
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)
        assert "Traceback" not in child.before

    @pytest.mark.parametrize("value", UNUSABLE, ids=lambda value: ascii(value)[:30])
    def test_open_page_prints_nothing(self, value: str) -> None:
        """Whatever the standard library raises in the thread that opens the page."""
        program = (
            "import threading\nfrom adls_enduser.interaction.browser_launcher import open_page\n"
            "open_page('https://login.microsoftonline.com/x')\n"
            "for one in threading.enumerate()[1:]: one.join()\nprint('done')"
        )
        command = [sys.executable, "-c", program]
        environ = os.environ | {"BROWSER": value, "PATH": "/nowhere"}
        done = subprocess.run(command, env=environ, capture_output=True, text=True)
        assert (done.stdout, done.stderr) == ("done\n", "")


# The kernel's name in Windows' subsystem for Linux.
WSL = """
import platform
ours = platform.uname()
platform.uname = lambda: ours._replace(release="5.15.167.4-microsoft-standard-WSL2")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="WSL is a Linux")
class TestWsl:
    """In WSL PowerShell opens the browser of Windows."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> str:
        """A PATH with only a PowerShell, which writes its command to a file."""
        script = tmp_path / "powershell.exe"
        script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/opened\n')
        script.chmod(0o755)
        return str(tmp_path)

    @pytest.mark.parametrize("more", [{}, {"SSH_CONNECTION": "x"}], ids=str)
    def test_a_browser_can_open_if_powershell_is_there(
        self, path: str, more: dict[str, str]
    ) -> None:
        """Also without a display of Linux, but not over SSH."""
        assert _can_open(WSL, PATH=path, **more) is (not more)

    def test_without_powershell_none_can_open(self, tmp_path: Path) -> None:
        """A WSL that cannot start programs of Windows is a machine without a display."""
        assert _can_open(WSL, PATH=str(tmp_path)) is False

    def test_the_page_is_opened_by_powershell(self, path: str, tmp_path: Path) -> None:
        """The address is one argument in apostrophes, so that no part of it is a command."""
        url = "https://login.microsoftonline.com/x?a=b&c=$(d)"
        program = f"{WSL}\nfrom adls_enduser.interaction.browser_launcher import open_page\n"
        program += f"open_page({url!r})"
        program += "\nimport threading\nfor one in threading.enumerate()[1:]: one.join()"
        _run(program, PATH=path)
        assert (tmp_path / "opened").read_text() == (f"-NoProfile -Command Start-Process '{url}'\n")


def _can_open(first: str = "", **environ: str) -> bool:
    program = f"{first}\nfrom adls_enduser.interaction.browser_launcher import can_open\n"
    program += "print(can_open())"
    return {"True": True, "False": False}[_run(program, **environ).strip()]


def _run(program: str, **environ: str) -> str:
    plain = {name: value for name, value in os.environ.items() if name not in NO_DESKTOP}
    done = subprocess.run(
        [sys.executable, "-c", program], env=plain | environ, capture_output=True, text=True
    )
    return done.stdout


def test_another_environment_can_be_given() -> None:
    """The default is the environment of this process."""
    assert can_open({"SSH_CONNECTION": "x", "DISPLAY": ":0"}) is False


def test_show_page_writes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """It writes nothing to standard output."""
    show_page(BrowserPrompt("https://login.microsoftonline.com/x", 0.0, "Open this:"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "Open this:\n\nhttps://login.microsoftonline.com/x\n" in err


def test_open_page_returns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the browser fails."""
    monkeypatch.setenv("BROWSER", "/no/such/browser %s")
    open_page("https://login.microsoftonline.com/")


def test_a_notebook_shows_a_link(live: Sandbox) -> None:
    """In an IPython kernel the address is a link, escaped, which the person can click."""
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
    clicker = threading.Thread(target=_click, args=(live, notebook, stop))
    clicker.start()
    try:
        nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    finally:
        stop.set()
        clicker.join(30)
        os.environ.clear()
        os.environ.update(before)
    outputs = json.dumps(notebook.cells[0].outputs)
    assert ">Sign in</a>" in outputs
    assert "Only continue if you started this sign-in yourself" in outputs
    assert f"signed in: {ADA}" in outputs
    assert '"stderr"' not in outputs


def _click(azure: Sandbox, notebook: Any, stop: threading.Event) -> None:
    """Click on the link when it appears."""
    import html

    while not stop.wait(0.1):
        outputs = json.dumps(notebook.cells[0].get("outputs", []))
        link = re.search(r'href=\\"([^"\\]+)\\"', outputs)
        if link:
            _visit(azure.entra.authorize(html.unescape(link[1])))
            return
