"""Browser and a real one: Chromium, driven through the sandbox's sign-in page."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import (
    Browser,
    BrowserPrompt,
    EndUserError,
    SignInCancelled,
    SignInDeclined,
    SignInTimedOut,
    Token,
    WrongAccount,
)
from adls_enduser.sandbox import CONTOSO, Sandbox

from ..constants import MANAGEMENT, TOKEN_PATH
from ..sandbox.chromium import Screen, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.any_sdk

PASSWORD = "correct horse"
ADA, EVE = f"ada@{CONTOSO}", f"eve@{CONTOSO}"
OWN_CLIENT = "11111111-2222-3333-4444-555555555555"
ENTER, TAB = "\ue007", "\ue004"
RECEIVED, REFUSED = "Your sign-in was received", "You have not been signed in"


@pytest.fixture(scope="module")
def azure() -> Iterator[Sandbox]:
    """Start one sandbox, in real time as the browser's."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def chrome(azure: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Start Chromium pointed at the sandbox; the way to loopback is open to it."""
    browser = start(tmp_path_factory.mktemp("chromium"), azure.browser_arguments)
    yield browser
    browser.quit()


@pytest.fixture(autouse=True)
def stranger(azure: Sandbox) -> None:
    """Let no browser know anybody when a test begins."""
    azure.entra.sessions.forget()
    azure.log.clear()
    azure.entra.person(ADA, password=PASSWORD, mfa=True)
    azure.entra.person(EVE, password=PASSWORD)


class Program:
    """A program that signs in with Browser, in a thread of its own."""

    def __init__(self, library: str, **options: Any) -> None:
        self._shown = threading.Event()
        self._outcome: Token | EndUserError | None = None
        self.prompt = BrowserPrompt("", 0.0, "")
        own: dict[str, Any] = {"tenant": CONTOSO, "library": library, "timeout": 60}
        self.strategy = Browser(**own | {"prompt": self._show} | options)
        self._thread = threading.Thread(target=self._sign_in, daemon=True)
        self._thread.start()
        assert self._shown.wait(30)

    def _show(self, prompt: BrowserPrompt) -> None:
        self.prompt = prompt
        self._shown.set()

    def _sign_in(self) -> None:
        try:
            self._outcome = self.strategy.sign_in(MANAGEMENT)
        except EndUserError as error:
            self._outcome = error

    def token(self) -> Token:
        """Wait for the token."""
        outcome = self._ended()
        assert isinstance(outcome, Token), outcome
        return outcome

    def error(self) -> EndUserError:
        """Wait for the error."""
        outcome = self._ended()
        assert isinstance(outcome, EndUserError), outcome
        return outcome

    def _ended(self) -> object:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self._outcome


def test_wrong_and_right_password_and_second_factor(
    azure: Sandbox, chrome: Chrome, library: str
) -> None:
    """The person mends what they mistyped; the last page is ours, accessible and silent."""
    program = Program(library)
    screen = Screen(chrome, program.prompt.url)
    screen.wait_for("Sign in")
    screen.type(ADA, TAB, "wrong", ENTER)
    screen.wait_for("Error: Sign in")
    screen.type(PASSWORD, ENTER)
    screen.wait_for("Verify your identity")
    screen.type(azure.entra.one_time_code(azure.entra.person(ADA, password=PASSWORD, mfa=True)))
    screen.type(ENTER)
    screen.wait_for(RECEIVED)
    screen.check_accessible()
    assert "Go back to the program that you started." in screen.text()
    body = screen.find("body")[0]
    assert body.value_of_css_property("max-width") != "none", "the style passed its own policy"
    assert chrome.current_url.startswith("http://localhost:")
    log: list[dict[str, Any]] = chrome.get_log("browser")  # type: ignore[no-untyped-call]
    assert [one for one in log if "security" in one["source"]] == []
    token = program.token()
    claims = azure.world.identity.check(f"Bearer {token.secret}", [MANAGEMENT])
    assert (claims["upn"], claims["amr"]) == (ADA, ["pwd", "mfa"])
    assert token.account.username == ADA


def test_declined_consent(azure: Sandbox, chrome: Chrome, library: str) -> None:
    """The program knows at once, and the person reads on the page what it knows."""
    azure.entra.application(OWN_CLIENT, name="The program", consented=False)
    program = Program(library, client_id=OWN_CLIENT)
    screen = Screen(chrome, program.prompt.url)
    screen.wait_for("Sign in")
    screen.type(EVE, TAB, PASSWORD, ENTER)
    screen.wait_for("Permissions requested")
    screen.type(TAB, TAB, ENTER)
    screen.wait_for(REFUSED)
    screen.check_accessible()
    assert "AADSTS65004" in screen.text()
    error = program.error()
    assert isinstance(error, SignInDeclined)
    assert error.code == "AADSTS65004"
    assert azure.log.to(TOKEN_PATH) == []


def test_the_accounts_of_the_browser_are_offered(
    azure: Sandbox, chrome: Chrome, library: str
) -> None:
    """Without username= nobody is signed in unasked, though the browser knows somebody."""
    first = Program(library)
    screen = Screen(chrome, first.prompt.url)
    screen.wait_for("Sign in")
    screen.type(EVE, TAB, PASSWORD, ENTER)
    screen.wait_for(RECEIVED)
    first.token()
    second = Program(library)
    screen = Screen(chrome, second.prompt.url)
    screen.wait_for("Pick an account")
    assert EVE in screen.text()
    chrome.find_element("css selector", ".choices button").click()
    screen.wait_for(RECEIVED)
    assert second.token().account.username == EVE


def test_the_hint_is_filled_in_and_checked(azure: Sandbox, chrome: Chrome, library: str) -> None:
    """The person may overwrite it; the program is not fooled."""
    program = Program(library, username=ADA)
    screen = Screen(chrome, program.prompt.url)
    screen.wait_for("Sign in")
    field = screen.find("#username")[0]
    assert field.get_attribute("value") == ADA
    field.clear()
    field.send_keys(EVE, TAB, PASSWORD, ENTER)
    screen.wait_for(RECEIVED)
    error = program.error()
    assert isinstance(error, WrongAccount)
    assert EVE in str(error)


@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_closed_window_ends(azure: Sandbox, chrome: Chrome, library: str, how: str) -> None:
    """Nobody tells a program that its window was closed: the timeout does, or a cancel."""
    cancel = threading.Event()
    program = Program(library, cancel=cancel, timeout=60 if how == "cancel" else 4)
    before = chrome.current_window_handle
    chrome.switch_to.new_window("window")
    screen = Screen(chrome, program.prompt.url)
    screen.wait_for("Sign in")
    chrome.close()
    chrome.switch_to.window(before)
    if how == "cancel":
        cancel.set()
    kind = SignInCancelled if how == "cancel" else SignInTimedOut
    assert isinstance(program.error(), kind)


def test_stale_state(azure: Sandbox, chrome: Chrome, library: str) -> None:
    """A page of an earlier try that is finished late is told so, and changes nothing."""
    earlier, later = Program(library), Program(library)
    arrived = azure.entra.authorize(earlier.prompt.url, by=EVE)
    screen = Screen(chrome, arrived.replace(_port(earlier), _port(later)))
    screen.wait_for("Not this sign-in")
    screen.check_accessible()
    assert "Use the newest address" in screen.text()
    screen = Screen(chrome, azure.entra.authorize(later.prompt.url, by=EVE))
    screen.wait_for(RECEIVED)
    assert later.token().account.username == EVE
    chrome.get(arrived)
    screen.wait_for(RECEIVED)
    assert earlier.token().account.username == EVE


def _port(program: Program) -> str:
    return f":{program.prompt.url.partition('localhost%3A')[2].partition('&')[0]}/"


def test_second_answer(azure: Sandbox, chrome: Chrome, library: str) -> None:
    """A second window that finishes the same sign-in comes too late, without harm."""
    program = Program(library)
    url = program.prompt.url
    Screen(chrome, azure.entra.authorize(url, by=EVE)).wait_for(RECEIVED)
    assert program.token().account.username == EVE
    _come_too_late(chrome, azure.entra.authorize(url, by=ADA))
    assert len(azure.log.to(TOKEN_PATH)) == 1
    assert program.strategy.account is not None
    assert program.strategy.account.username == EVE


def _come_too_late(chrome: Chrome, url: str) -> None:
    """Find nobody, or, through a connection that Chromium made ahead of time, be told so."""
    from selenium.common.exceptions import WebDriverException

    try:
        chrome.get(url)
        found = chrome.title
    except WebDriverException as error:
        found = str(error)
    assert "This sign-in is over" in found or "ERR_CONNECTION_REFUSED" in found
