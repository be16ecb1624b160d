"""The sign-in page under Azure's own name, in a real browser, with the keyboard alone."""

from __future__ import annotations

import threading
import webbrowser
from typing import TYPE_CHECKING, Any

import msal
import pytest

from adls_enduser.sandbox import CONTOSO, Sandbox

from .chromium import Screen, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.any_sdk

AUTHORITY = f"https://login.microsoftonline.com/{CONTOSO}"
DATA_LAKE = "https://datalake.azure.net/"
OWN_CLIENT = "11111111-2222-3333-4444-555555555555"
PASSWORD = "correct horse"
ADA = f"ada@{CONTOSO}"
ENTER, TAB = "\ue007", "\ue004"


@pytest.fixture(scope="module")
def azure() -> Iterator[Sandbox]:
    """Run one sandbox in real time, as the browser runs in real time."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def chrome(azure: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Start Chromium for the sandbox."""
    browser = start(tmp_path_factory.mktemp("chromium"), azure.browser_arguments)
    yield browser
    browser.quit()


@pytest.fixture(autouse=True)
def signed_out(azure: Sandbox) -> None:
    """Sign all accounts out of the browser before each test."""
    azure.entra.sessions.forget()


class Program(webbrowser.BaseBrowser):
    """A program that signs in with msal; Chromium shows the page that it opens.

    ``open`` only stores the address, so that msal is listening when the test drives the
    page in its own thread.
    """

    def __init__(self, client_id: str, **options: Any) -> None:
        super().__init__("chromium")
        self._ready = threading.Event()
        self._url = ""
        self.response: dict[str, Any] = {}
        app = msal.PublicClientApplication(client_id, authority=AUTHORITY)
        self._thread = threading.Thread(target=self._sign_in, args=(app, options))

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        """Store the address."""
        self._url = url
        self._ready.set()
        return True

    def _sign_in(self, app: msal.PublicClientApplication, options: dict[str, Any]) -> None:
        scopes = [f"{DATA_LAKE}/.default"]
        self.response = app.acquire_token_interactive(scopes, timeout=60, **options)

    def url(self) -> str:
        """Start the sign-in, and return the address to show."""
        webbrowser.register("chromium-test", None, self, preferred=True)
        try:
            self._thread.start()
            assert self._ready.wait(30)
        finally:
            webbrowser._tryorder.remove("chromium-test")  # type: ignore[attr-defined]
            del webbrowser._browsers["chromium-test"]  # type: ignore[attr-defined]
        return self._url

    def result(self) -> dict[str, Any]:
        """Wait for the result of the sign-in."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.response


def program(chrome: Chrome, client_id: str = OWN_CLIENT, **options: Any) -> tuple[Program, Screen]:
    """Let a program sign in, and show the page that it opens."""
    running = Program(client_id, **options)
    return running, Screen(chrome, running.url())


def test_person_signs_in_with_the_keyboard_alone(azure: Sandbox, chrome: Chrome) -> None:
    """Wrong and right password, second factor, consent: each works by keyboard, accessibly."""
    ada = azure.entra.person(ADA, password=PASSWORD, mfa=True)
    azure.entra.application(OWN_CLIENT, name="The program", consented=False)
    running, screen = program(chrome)
    screen.wait_for("Sign in")
    screen.check_accessible()
    assert chrome.current_url.startswith("https://login.microsoftonline.com/")
    assert screen.focus() == "username"
    screen.type(ADA, TAB, "wrong", ENTER)
    screen.wait_for("Error: Sign in")
    screen.check_accessible()
    assert "The user name or the password is wrong." in screen.find("[role=alert]")[0].text
    assert screen.focus() == "password"
    screen.type(PASSWORD, ENTER)
    screen.wait_for("Verify your identity")
    screen.check_accessible()
    screen.type("000", ENTER)
    screen.wait_for("Error: Verify your identity")
    screen.check_accessible()
    screen.type(azure.entra.one_time_code(ada), ENTER)
    screen.wait_for("Permissions requested")
    screen.check_accessible()
    assert f"The program asks {ADA} to let it:" in screen.text()
    screen.type(TAB)
    assert chrome.switch_to.active_element.text == "Accept"
    screen.type(ENTER)
    response = running.result()
    claims = azure.world.identity.check(f"Bearer {response['access_token']}", [DATA_LAKE])
    assert (claims["upn"], claims["amr"]) == (ADA, ["pwd", "mfa"])
    assert chrome.current_url.startswith("http://localhost:")
    assert PASSWORD not in chrome.current_url


def test_person_declines_the_consent(azure: Sandbox, chrome: Chrome) -> None:
    """Cancelling the consent sends access_denied to the program."""
    azure.entra.person(ADA, password=PASSWORD)
    azure.entra.application(OWN_CLIENT + "0", consented=False)
    running, screen = program(chrome, OWN_CLIENT + "0")
    screen.wait_for("Sign in")
    screen.type(ADA, TAB, PASSWORD, ENTER)
    screen.wait_for("Permissions requested")
    screen.type(TAB, TAB)
    assert chrome.switch_to.active_element.text == "Cancel"
    screen.type(ENTER)
    response = running.result()
    assert response["error"] == "access_denied"
    assert "AADSTS65004" in response["error_description"]


def test_second_sign_in_needs_no_typing(azure: Sandbox, chrome: Chrome) -> None:
    """A hint at a signed-in account needs no input; the account picker needs only Enter."""
    azure.entra.person(ADA, password=PASSWORD)
    azure.entra.application(OWN_CLIENT)
    running, screen = program(chrome)
    screen.wait_for("Sign in")
    screen.type(ADA, TAB, PASSWORD, ENTER)
    assert "access_token" in running.result()
    running, _ = program(chrome, login_hint=ADA)
    assert "access_token" in running.result()
    running, screen = program(chrome, prompt="select_account")
    screen.wait_for("Pick an account")
    screen.check_accessible()
    screen.type(TAB)
    assert chrome.switch_to.active_element.text == ADA
    screen.type(ENTER)
    assert "access_token" in running.result()


def test_browser_console_stays_empty(azure: Sandbox, chrome: Chrome) -> None:
    """Style and form pass the page's own security policy, and the console stays empty."""
    azure.entra.person(ADA, password=PASSWORD)
    azure.entra.application(OWN_CLIENT)
    chrome.get_log("browser")  # type: ignore[no-untyped-call]
    running, screen = program(chrome)
    screen.wait_for("Sign in")
    button = screen.find("button")[0]
    assert button.value_of_css_property("background-color") == "rgba(0, 90, 158, 1)"
    screen.type(ADA, TAB, PASSWORD, ENTER)
    assert "access_token" in running.result()
    log: list[dict[str, Any]] = chrome.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in log if "favicon" not in entry["message"]] == []


def test_browser_reaches_nothing_but_the_sandbox(azure: Sandbox, chrome: Chrome) -> None:
    """The proxy refuses other hosts, so nothing leaves the machine."""
    from selenium.common.exceptions import WebDriverException

    with pytest.raises(WebDriverException, match="ERR_TUNNEL_CONNECTION_FAILED"):
        chrome.get("https://example.com/")
