"""Prompts for a person: on standard error, in a notebook, or by the caller's own function."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

_WARNING = "Only continue if you started this sign-in yourself."


@dataclass(frozen=True)
class DeviceCodePrompt:
    """What a person needs to sign in on another device (RFC 8628 section 3.3).

    The person opens ``url`` and enters ``code`` there before ``expires_on``, in UTC epoch
    seconds. ``message`` is a sentence that says so, with both.
    """

    url: str
    code: str
    expires_on: float
    message: str


@dataclass(frozen=True)
class BrowserPrompt:
    """What a person needs to sign in in a browser (RFC 6749 section 4.1).

    The person who opens ``url`` signs in for this program. At ``expires_on``, in UTC epoch
    seconds, the program stops waiting. ``message`` says what to do.
    """

    url: str
    expires_on: float
    message: str


Prompt = Callable[[DeviceCodePrompt], None]
PagePrompt = Callable[[BrowserPrompt], None]


def show(prompt: DeviceCodePrompt) -> None:
    """Show the code in the notebook if there is one, else on standard error.

    Never on standard output, which may be a pipe that is read only at the end, and never
    through logging, whose level may hide it.
    """
    if in_notebook():
        _show_in_notebook(prompt)
    else:
        tell(_text(prompt))


def show_page(prompt: BrowserPrompt) -> None:
    """Show the page's address in the notebook if there is one, else on standard error."""
    end = f"The program waits {_minutes_left(prompt)} for your sign-in. {_WARNING}"
    if in_notebook():
        from html import escape

        link = f'<a href="{escape(prompt.url)}" target="_blank" rel="noopener">Sign in</a>'
        _display(f"<p>{escape(prompt.message)}</p><p>{link}</p><p>{end}</p>")
    else:
        tell(f"\n{prompt.message}\n\n{prompt.url}\n\n{end}\n\n")


def tell(text: str) -> None:
    """Write a text for the person to standard error, and flush it."""
    sys.stderr.write(_harmless(text))
    sys.stderr.flush()


def somebody_can_see() -> bool:
    """Return whether a notebook or a terminal can show a prompt; never in CI."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return False
    return in_notebook() or at_terminal()


def at_terminal() -> bool:
    """Return whether a person can read standard error and type on standard input."""
    return all(_is_terminal(stream) for stream in (sys.stdin, sys.stderr))


def in_notebook() -> bool:
    """Return whether an IPython kernel runs this program; does not import IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def ask_username() -> str:
    """Ask for a user name on standard error, and read it from standard input."""
    tell("User name: ")
    return sys.stdin.readline().strip()


def ask_password(username: str) -> str:
    """Ask for a password, which is not shown while it is typed."""
    return getpass.getpass(f"Password for {username}: ", stream=sys.stderr)


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):  # None under pythonw; ValueError if it is closed
        return False


def _harmless(text: str) -> str:
    """Replace control characters and direction marks, which could change what is shown."""
    return "".join(
        one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text
    )


def _minutes_left(prompt: DeviceCodePrompt | BrowserPrompt) -> str:
    minutes = max(1, round((prompt.expires_on - time.time()) / 60))
    return f"{minutes} minute{'s' if minutes > 1 else ''}"


def _text(prompt: DeviceCodePrompt) -> str:
    return (
        f"\nTo sign in, open {prompt.url} in a browser and enter the code {prompt.code}\n"
        f"The code expires in {_minutes_left(prompt)}. {_WARNING}\n\n"
    )


def _show_in_notebook(prompt: DeviceCodePrompt) -> None:
    from html import escape

    url, code = escape(prompt.url), escape(prompt.code)
    _display(
        f'<p>To sign in, open <a href="{url}" target="_blank" rel="noopener">{url}</a>'
        f" and enter the code <code><strong>{code}</strong></code></p>"
        f"<p>The code expires in {_minutes_left(prompt)}. {_WARNING}</p>"
    )


def _display(markup: str) -> None:
    from IPython.display import HTML, display  # called only in a running kernel

    display(HTML(_harmless(markup)))
