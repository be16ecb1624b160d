"""Chromium without a window, for the demo and for tests, at the sign-in page."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

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
_PAGE_TIMEOUT = 20  # seconds for one page


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
        _wait_for(chrome, title)
        _press(chrome, *keys)
    return _wait_for(chrome, "Your sign-in was received")


def _press(chrome: Chrome, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(chrome).send_keys(*keys).perform()


def _wait_for(chrome: Chrome, title: str) -> str:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(chrome, _PAGE_TIMEOUT).until(lambda chrome: chrome.title == title)
    return title
