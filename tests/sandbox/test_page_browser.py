"""The device login page in a real browser, with the keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from adls_enduser.sandbox import CONTOSO, Person, Sandbox
from adls_enduser.sandbox.entra import AZURE_CLI

from .chromium import Screen, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.any_sdk

MANAGEMENT = "https://management.core.windows.net/"
AUTHORITY = f"https://login.microsoftonline.com/{CONTOSO}/oauth2"
PASSWORD = "correct horse"
ADA = f"ada@{CONTOSO}"


@pytest.fixture(scope="module")
def azure() -> Iterator[Sandbox]:
    """Run one sandbox in real time, as the browser runs in real time."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def ada(azure: Sandbox) -> Person:
    """A person who needs a second factor."""
    return azure.entra.person(ADA, password=PASSWORD, mfa=True)


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Start Chromium without a window."""
    browser = start(tmp_path_factory.mktemp("chromium"), ["--no-proxy-server"])
    yield browser
    browser.quit()


@pytest.fixture
def screen(chrome: Chrome, azure: Sandbox) -> Screen:
    """Open the page."""
    return Screen(chrome, f"{azure.url}/devicelogin")


def device_code() -> Any:
    """Request a device code."""
    form = {"client_id": AZURE_CLI, "resource": MANAGEMENT}
    return requests.post(f"{AUTHORITY}/devicecode", form, timeout=10).json()


def poll(code: dict[str, str]) -> Any:
    """Request the token of a device code."""
    form = {"grant_type": "device_code", "client_id": AZURE_CLI, "code": code["device_code"]}
    return requests.post(f"{AUTHORITY}/token", form, timeout=10).json()


def test_person_signs_in_with_the_keyboard_alone(
    azure: Sandbox, ada: Person, screen: Screen
) -> None:
    """Every step works by keyboard, and every mistake is shown and can be corrected."""
    code, enter, tab = device_code(), "\ue007", "\ue004"
    screen.check_accessible()
    assert screen.focus() == "code"
    screen.type("AAAAAAAAA", enter)
    screen.wait_for("Error: Enter the code")
    screen.check_accessible()
    assert "That code is not right." in screen.find("[role=alert]")[0].text
    assert screen.focus() == "code"
    screen.type(code["user_code"].lower(), enter)
    screen.wait_for("Sign in")
    screen.check_accessible()
    assert "Microsoft Azure CLI" in screen.text()
    assert screen.focus() == "username"
    screen.type(ADA, tab, "wrong", enter)
    screen.wait_for("Error: Sign in")
    screen.check_accessible()
    assert "The user name or the password is wrong." in screen.find("[role=alert]")[0].text
    assert screen.focus() == "password"
    screen.type(PASSWORD, enter)
    screen.wait_for("Verify your identity")
    screen.check_accessible()
    assert screen.focus() == "otc"
    screen.type(azure.entra.one_time_code(ada), enter)
    screen.wait_for("You have signed in")
    screen.check_accessible()
    assert f"{ADA} has signed in to Microsoft Azure CLI" in screen.text()
    assert screen.focus() == "h1"
    assert PASSWORD not in screen.chrome.current_url
    token = poll(code)["access_token"]
    assert azure.world.identity.check(f"Bearer {token}", [MANAGEMENT])["amr"] == ["pwd", "mfa"]


def test_person_declines_with_the_keyboard(ada: Person, screen: Screen) -> None:
    """The decline button is reached by Tab, and works although the form is empty."""
    code, enter, tab = device_code(), "\ue007", "\ue004"
    screen.type(code["user_code"], enter)
    screen.wait_for("Sign in")
    screen.type(tab, tab, tab)
    assert screen.chrome.switch_to.active_element.text == "Decline"
    outline = screen.chrome.switch_to.active_element.value_of_css_property("outline-width")
    assert outline == "3px"
    screen.type(enter)
    screen.wait_for("You have declined")
    screen.check_accessible()
    assert poll(code)["error"] == "authorization_declined"


def test_browser_console_stays_empty(screen: Screen) -> None:
    """The style passes the page's own security policy, and the console stays empty."""
    button = screen.find("button")[0]
    assert button.value_of_css_property("background-color") == "rgba(0, 90, 158, 1)"
    log: list[dict[str, Any]] = screen.chrome.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in log if "favicon" not in entry["message"]] == []
