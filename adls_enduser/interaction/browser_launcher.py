"""Whether a browser can open here for the person at this program, and opening it.

Where the program runs elsewhere than the person sits, a browser that opened would be the
wrong machine's, or a text browser that takes the terminal away.
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

if TYPE_CHECKING:
    from collections.abc import Mapping

# GitHub Codespaces says so (azure.cli.core.util.is_github_codespaces reads the same name),
# and sshd says that the person is at another machine.
_ELSEWHERE = ("CODESPACES", "SSH_CONNECTION", "SSH_TTY")
# What a desktop sets, and a container lacks unless a browser in it can show itself.
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
# The standard library registers these too where there is a terminal (webbrowser,
# register_X_browsers); they cannot show Entra ID's page.
_TEXT_BROWSERS = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})
_POWERSHELL = "powershell.exe"


def can_open(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether a browser that opens here is in front of the person.

    Like ``can_launch_browser`` of azure-cli (azure.cli.core.util), which asks whether a
    desktop is there, and besides whether the person is. azure-identity's
    ``InteractiveBrowserCredential`` tries, and fails where none can open.
    """
    return not why_no_browser(environ)


def why_no_browser(environ: Mapping[str, str] | None = None) -> str:
    """Say why no browser can open here in front of the person; nothing if one can."""
    environ = os.environ if environ is None else environ
    for name in _ELSEWHERE:
        if environ.get(name):
            return f"{name} is set: the person is at another machine"
    if not sys.platform.startswith("linux") or (_in_wsl() and shutil.which(_POWERSHELL)):
        return ""
    if not any(environ.get(name) for name in _DISPLAYS):
        return f"there is no display ({' or '.join(_DISPLAYS)})"
    return "" if _has_graphical_browser() else "there is no browser but a text browser, if any"


def open_page(url: str) -> None:
    """Open the page in the background; whether that works nobody can tell.

    In a thread, because a browser in a terminal is waited for by ``webbrowser.open``.
    """
    threading.Thread(target=_open, args=(url,), name="adls_enduser-browser", daemon=True).start()


def _open(url: str) -> None:
    try:
        opened = webbrowser.open(url, new=2)
        if not opened and _in_wsl():
            # As msal.oauth2cli.authcode does; a URL has no apostrophe once it is encoded.
            command = f"Start-Process '{url}'"
            subprocess.run([_POWERSHELL, "-NoProfile", "-Command", command], check=False)  # noqa: S603
    except (OSError, webbrowser.Error):
        pass  # the person has the address


def _in_wsl() -> bool:
    # As in azure.cli.core.util.is_wsl: the kernel is Microsoft's.
    return "microsoft" in platform.uname().release.lower()


def _has_graphical_browser() -> bool:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return os.path.basename(getattr(browser, "name", "")) not in _TEXT_BROWSERS
