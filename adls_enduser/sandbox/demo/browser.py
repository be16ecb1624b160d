"""Chromium without a window, for the demo and for tests, at the sign-in page."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

    from ..sandbox import Sandbox

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=900,700",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ENTER, _TAB = "\ue007", "\ue004"  # https://www.w3.org/TR/webdriver2/, "keyboard actions"
_PAGE_TIMEOUT = 60  # seconds for one page


class NoBrowser(Exception):
    """No browser can be driven here; the text says what is missing."""


def start(profile: Path | str, arguments: Iterable[str]) -> Chrome:
    """Start Chromium without a window; the caller quits it. Raises NoBrowser."""
    chromium, driver = _find_program(*_NAMES), _find_program("chromedriver")
    try:
        from selenium import webdriver
        from selenium.common.exceptions import WebDriverException
    except ImportError:
        raise NoBrowser("selenium is not installed") from None
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (*ARGUMENTS, *arguments, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    service = webdriver.ChromeService(driver, env={**os.environ, "NO_PROXY": "*"})
    try:
        return webdriver.Chrome(options, service)
    except WebDriverException as error:
        raise NoBrowser(f"{chromium} did not start ({type(error).__name__})") from None


def _find_program(*names: str) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    raise NoBrowser(f"{names[0]} is not installed")


@contextmanager
def open_chromium(azure: Sandbox) -> Iterator[Chrome]:
    """Start Chromium for the sandbox, with a temporary profile. Raises NoBrowser."""
    with tempfile.TemporaryDirectory(prefix="adls-enduser-chromium-") as profile:
        chrome = start(profile, azure.browser_arguments)
        try:
            yield chrome
        finally:
            chrome.quit()


def sign_in(chrome: Chrome, url: str, azure: Sandbox, username: str, password: str) -> str:
    """Type what a person with a second factor types, and return the last page's title."""
    chrome.get(url)
    for title, keys in (
        ("Sign in", (username, _TAB, password, _ENTER)),
        ("Verify your identity", (azure.entra.one_time_code(username), _ENTER)),
    ):
        wait_for(chrome, title)
        press(chrome, *keys)
    return wait_for(chrome, "Your sign-in was received")


def press(chrome: Chrome, *keys: str) -> None:
    """Press keys, wherever the focus is, as soon as there is one."""
    from selenium.webdriver import ActionChains

    wait_for_focus(chrome)
    ActionChains(chrome).send_keys(*keys).perform()


def wait_for_focus(chrome: Chrome) -> WebElement:
    """Wait until an element of the page has the focus, and return it.

    A page sets its focus when it is drawn, which may be after it has loaded (HTML Standard,
    "flush autofocus candidates"); a key that is pressed before is lost.
    """
    _wait(chrome, lambda chrome: chrome.switch_to.active_element.tag_name != "body")
    return chrome.switch_to.active_element


def wait_for(chrome: Chrome, title: str) -> str:
    """Wait until the page has this title, and return the title."""
    _wait(chrome, lambda chrome: chrome.title == title)
    return title


def _wait(chrome: Chrome, until: Callable[[Chrome], bool]) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(chrome, _PAGE_TIMEOUT).until(until)
