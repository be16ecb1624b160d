"""A real browser, driven by keyboard, for tests of pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from adls_enduser.sandbox.demo import browser as demo_browser

from ..conftest import IN_CI

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from selenium.webdriver import Chrome


def missing(reason: object) -> NoReturn:
    """Skip the test, or fail in CI, where everything must be installed."""
    if IN_CI:
        pytest.fail(str(reason))
    pytest.skip(str(reason))


def start(profile: Path, arguments: Iterable[str]) -> Chrome:
    """Start Chromium without a window; the caller quits it."""
    try:
        return demo_browser.start(profile, arguments)
    except demo_browser.NoBrowser as reason:
        missing(reason)


class Screen:
    """A browser window: its contents, and a keyboard."""

    def __init__(self, chrome: Chrome, url: str) -> None:
        self.chrome = chrome
        chrome.get(url)

    def type(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        demo_browser.press(self.chrome, *keys)

    def focus(self) -> str:
        """Return the id of the focused element, or its tag."""
        element = demo_browser.wait_for_focus(self.chrome)
        return element.get_attribute("id") or element.tag_name

    def wait_for(self, title: str) -> None:
        """Wait until the page has this title."""
        demo_browser.wait_for(self.chrome, title)

    def find(self, selector: str) -> list[Any]:
        """Find elements by CSS selector."""
        return list(self.chrome.find_elements("css selector", selector))

    def text(self) -> str:
        """Return the visible text."""
        return str(self.find("body")[0].text)

    def check_accessible(self) -> None:
        """Check the language, the title, and the names of fields and errors for screen readers."""
        assert self.find("html")[0].get_attribute("lang") == "en"
        assert self.chrome.title
        assert len(self.find("h1")) == 1
        for field in self.find("input:not([type=hidden])"):
            [label] = self.find(f"label[for='{field.get_attribute('id')}']")
            assert label.is_displayed()
            assert field.accessible_name == label.text
        for error in self.find(".error"):
            assert error.aria_role == "alert"
            [field] = self.find("[aria-invalid=true]")
            assert field.get_attribute("aria-describedby") == error.get_attribute("id")
