"""How a person is asked: standard error, a notebook, or your own callback."""

from __future__ import annotations

import getpass
import html
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

_WARNING = "Only continue if you started this yourself."


@dataclass(frozen=True)
class DeviceCodePrompt:
    """What a person needs to sign in on another device (RFC 8628 section 3.3).

    ``expires_on`` is in UTC epoch seconds; ``message`` is a sentence that says it all.
    """

    url: str
    code: str
    expires_on: float
    message: str


Prompt = Callable[[DeviceCodePrompt], None]


def show(prompt: DeviceCodePrompt) -> None:
    """Show the code in the notebook if there is one, else on standard error.

    Never on standard output, which may be a pipe that nobody reads before the end, and
    never through logging, whose level may hide it.
    """
    if in_notebook():
        _show_in_notebook(prompt)
    else:
        sys.stderr.write(_text(prompt))
        sys.stderr.flush()


def say(text: str) -> None:
    """Write one line to the person, where the prompts are; a notebook shows it as well."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def somebody_can_see() -> bool:
    """Tell whether a notebook or a terminal is there to show a prompt; never in CI."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return False
    return in_notebook() or at_terminal()


def at_terminal() -> bool:
    """Tell whether a person can read standard error and type an answer."""
    return all(_is_terminal(stream) for stream in (sys.stdin, sys.stderr))


def in_notebook() -> bool:
    """Tell whether an IPython kernel runs this program; asks without importing it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def ask_username() -> str:
    """Ask for a user name on standard error and standard input."""
    sys.stderr.write("User name: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def ask_password(username: str) -> str:
    """Ask for a password without showing it."""
    return getpass.getpass(f"Password of {username}: ", stream=sys.stderr)


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):  # None under pythonw; ValueError once closed
        return False


def _minutes_left(prompt: DeviceCodePrompt) -> str:
    minutes = max(1, round((prompt.expires_on - time.time()) / 60))
    return f"{minutes} minute{'s' if minutes > 1 else ''}"


def _text(prompt: DeviceCodePrompt) -> str:
    return (
        f"\nTo sign in, open {prompt.url} in a browser and enter the code {prompt.code}\n"
        f"The code expires in {_minutes_left(prompt)}. {_WARNING}\n\n"
    )


def _show_in_notebook(prompt: DeviceCodePrompt) -> None:
    from IPython.display import HTML, display  # only ever in a running kernel

    url, code = html.escape(prompt.url), html.escape(prompt.code)
    display(
        HTML(
            f'<p>To sign in, open <a href="{url}" target="_blank" rel="noopener">{url}</a>'
            f" and enter the code <code><strong>{code}</strong></code></p>"
            f"<p>The code expires in {_minutes_left(prompt)}. {_WARNING}</p>"
        )
    )
