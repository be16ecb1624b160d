"""Decide whether a browser can open in front of the person, and open it.

If the person sits at another machine than the program runs on, a browser would open on the
wrong machine, or a text browser would take over the terminal.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING

from ..log import logger, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

# Set when the person is at another machine: by GitHub Codespaces
# (azure.cli.core.util.is_github_codespaces reads the same name) and by sshd.
_REMOTE_VARIABLES = ("CODESPACES", "SSH_CONNECTION", "SSH_TTY")
# Set by a desktop; a container has them only if a browser in it can open a window.
_DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY")
# The standard library also registers these if there is a terminal (webbrowser,
# register_X_browsers), but they cannot show Entra ID's page.
_TEXT_BROWSERS = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})
# Those that the standard library looks for in a desktop (webbrowser, register_X_browsers).
_SYSTEM_BROWSERS = (
    *("xdg-open", "gio", "x-www-browser", "firefox", "mozilla", "epiphany", "konqueror"),
    *("google-chrome", "chrome", "chromium", "chromium-browser", "microsoft-edge", "opera"),
)
_POWERSHELL = "powershell.exe"


def can_open(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether a browser that opens here is in front of the person.

    Like ``can_launch_browser`` of azure-cli (azure.cli.core.util), which checks that there is
    a desktop; this also checks that the person is at this machine. azure-identity's
    ``InteractiveBrowserCredential`` does not check, and fails if no browser can open.
    """
    return not why_no_browser(environ)


def why_no_browser(environ: Mapping[str, str] | None = None) -> str:
    """Return the reason why no browser can open in front of the person; "" if one can."""
    environ = os.environ if environ is None else environ
    for name in _REMOTE_VARIABLES:
        if environ.get(name):
            return f"{name} is set, so the person is at another machine"
    unusable = why_unusable()
    if unusable:
        return unusable
    if not sys.platform.startswith("linux") or (_in_wsl() and shutil.which(_POWERSHELL)):
        return ""
    if not any(environ.get(name) for name in _DISPLAY_VARIABLES):
        return f"there is no display (neither {' nor '.join(_DISPLAY_VARIABLES)} is set)"
    return "" if _has_graphical_browser() else "there is no graphical browser"


def why_unusable() -> str:
    """Return why no browser can open because of ``BROWSER``; "" if one can, or it is not set.

    The standard library raises ValueError for unbalanced quotes and IndexError for blanks
    (webbrowser, get and _synthesize). If none of the programs is there, it goes on with the
    browsers of the system.
    """
    value = os.environ.get("BROWSER", "")
    commands = [one for one in value.split(os.pathsep) if one]
    why = f"BROWSER is set to {printable(repr(value))}, which"
    if not all(map(str.strip, commands)):
        return f"{why} has a blank command"
    try:
        found = any(map(_is_there, commands)) or _has_system_browser()
    except Exception as error:  # whatever the standard library raises for what stands there
        return f"{why} Python cannot read ({printable(error)})"
    return "" if found or not commands else f"{why} names no program that is here"


def _is_there(command: str) -> bool:
    try:
        browser = webbrowser.get(command)
    except webbrowser.Error:  # BROWSER was set after the standard library had read it
        return bool(shutil.which(command))
    # Any other class stands for a browser that was found (webbrowser, register_X_browsers).
    return not isinstance(browser, webbrowser.GenericBrowser) or bool(shutil.which(browser.name))


def _has_system_browser() -> bool:
    return not sys.platform.startswith("linux") or any(map(shutil.which, _SYSTEM_BROWSERS))


def open_page(url: str) -> None:
    """Open the page in the background; there is no way to know whether that works.

    In a thread, because ``webbrowser.open`` waits for a browser that runs in the terminal.
    """
    threading.Thread(target=_open, args=(url,), name="adls_enduser-browser", daemon=True).start()


def _open(url: str) -> None:
    try:
        opened = webbrowser.open(url, new=2)
        if not opened and _in_wsl():
            # As msal.oauth2cli.authcode does; an encoded URL contains no apostrophe.
            command = f"Start-Process '{url}'"
            subprocess.run([_POWERSHELL, "-NoProfile", "-Command", command], check=False)  # noqa: S603
    # Whatever the standard library raises for a BROWSER: the person was also shown the address.
    except Exception as error:
        logger(__name__).debug("No browser opens: %s.", type(error).__name__)


def _in_wsl() -> bool:
    # As azure.cli.core.util.is_wsl does: the kernel is Microsoft's.
    return "microsoft" in platform.uname().release.lower()


def _has_graphical_browser() -> bool:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return os.path.basename(getattr(browser, "name", "")) not in _TEXT_BROWSERS
