"""Prompts for a person: on standard error, in a notebook, or by the caller's own function."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..clocks import SYSTEM_CLOCK
from ..errors import SignInRequired
from ..values import dataclass

if TYPE_CHECKING:
    from .waiting import Deadline

_WARNING = "Only continue if you started this sign-in yourself."

# A response that took so many seconds does not make 15 minutes 14.
_ROUNDING = 5


@dataclass(frozen=True)
class DeviceCodePrompt:
    """What a person needs to sign in on another device (RFC 8628 section 3.3).

    The person opens ``url`` and enters ``code`` there before ``expires_on``, in UTC epoch
    seconds: the code expires then, or the program stops waiting (option ``timeout``), if that
    is earlier. ``message`` is a sentence that says so, with ``url`` and ``code``.
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


def show(prompt: DeviceCodePrompt, deadline: Deadline | None = None) -> None:
    """Show the code in the notebook if there is one, else on standard error.

    Never on standard output, which may be a pipe that is read only at the end, and never
    through logging, whose level may hide it. ``deadline`` is the end of the wait; None: the
    code's expiry. Raises SignInRequired if the prompt cannot be shown.
    """
    end = f"{_end_of_code(prompt, deadline)} {_WARNING}"
    text = f"To sign in, open {prompt.url} in a browser and enter the code {prompt.code}\n{end}"
    if in_notebook():
        from html import escape

        url, code = escape(prompt.url), escape(prompt.code)
        _display(
            f'<p>To sign in, open <a href="{url}" target="_blank" rel="noopener">{url}</a>'
            f" and enter the code <code><strong>{code}</strong></code></p><p>{end}</p>",
            text,
        )
    else:
        _write_prompt(text)


def show_page(prompt: BrowserPrompt, deadline: Deadline | None = None) -> None:
    """Show the page's address in the notebook if there is one, else on standard error.

    Raises SignInRequired if the prompt cannot be shown.
    """
    end = f"{_end_of_wait(prompt, deadline)} {_WARNING}"
    text = f"{prompt.message}\n\n{prompt.url}\n\n{end}"
    if in_notebook():
        from html import escape

        link = f'<a href="{escape(prompt.url)}" target="_blank" rel="noopener">Sign in</a>'
        _display(f"<p>{escape(prompt.message)}</p><p>{link}</p><p>{end}</p>", text)
    else:
        _write_prompt(text)


def tell(text: str) -> None:
    """Write a notice for the person to standard error, if that is possible.

    A notice never ends a sign-in, whatever is wrong with standard error.
    """
    with suppress(Exception):
        write(text)


def write(text: str) -> None:
    """Write a text for the person to standard error, and flush it.

    Raises what the stream raises: there may be none (pythonw), it may be closed, a pipe that
    nobody reads any more, or any object of the program's own.
    """
    stream, harmless = sys.stderr, _harmless(text)
    try:
        stream.write(harmless)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(harmless.encode(encoding, "backslashreplace").decode(encoding))
    if hasattr(stream, "flush"):  # a window's log, for example, may have only write
        stream.flush()


def somebody_can_see() -> bool:
    """Return whether a notebook or a terminal can show a prompt; never in CI."""
    return not why_nobody_can_see()


def why_nobody_can_see() -> str:
    """Return why no prompt can be shown here; "" if one can."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return "the environment variable CI is set"
    return "" if in_notebook() or at_terminal() else "no terminal or notebook"


def at_terminal() -> bool:
    """Return whether a person can read standard error and type on standard input."""
    return all(_is_terminal(stream) for stream in (sys.stdin, sys.stderr))


def in_notebook() -> bool:
    """Return whether an IPython kernel runs this program; does not import IPython."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except Exception:  # None under pythonw; closed; or an object of the program's own
        return False


def _harmless(text: str) -> str:
    """Replace control characters and direction marks, which could change what is shown."""
    return "".join(
        one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text
    )


def _end_of_code(prompt: DeviceCodePrompt, deadline: Deadline | None) -> str:
    if deadline is None or deadline.is_code_expiry:
        return f"The code expires in {_time_left(prompt, deadline)}."
    return _end_of_wait(prompt, deadline)


def _end_of_wait(prompt: DeviceCodePrompt | BrowserPrompt, deadline: Deadline | None) -> str:
    return f"The program waits {_time_left(prompt, deadline)} for your sign-in."


def _time_left(prompt: DeviceCodePrompt | BrowserPrompt, deadline: Deadline | None) -> str:
    clock = deadline.clock if deadline is not None else SYSTEM_CLOCK
    seconds = max(1, round(prompt.expires_on - clock.time()))
    if seconds < 120:
        return f"{seconds} second{'s' if seconds > 1 else ''}"
    return f"{(seconds + _ROUNDING) // 60} minutes"


def _write_prompt(text: str) -> None:
    try:
        write(f"\n{text}\n\n")
    except Exception as error:
        why = "is missing" if sys.stderr is None else f"failed with {type(error).__name__}"
        raise SignInRequired(
            f"A person must sign in, and the prompt cannot be shown: standard error {why}.",
            remedy="Set prompt= to a callback that reaches the person, or run the program where"
            " standard error can be written.",
        ) from error


def _display(markup: str, text: str) -> None:
    """Display a prompt in the notebook; front ends without HTML show the text."""
    try:
        from IPython.display import display  # called only in a running kernel

        display({"text/html": _harmless(markup), "text/plain": _harmless(text)}, raw=True)
    except Exception:  # the kernel may be a maker's own
        _write_prompt(text)
