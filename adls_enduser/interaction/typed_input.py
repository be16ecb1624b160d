"""Ask a person for a user name and a password, at the terminal or in a notebook."""

from __future__ import annotations

import getpass
import os
import re
import sys
from typing import TYPE_CHECKING

from ..errors import SignInCancelled, SignInRequired
from ..tokens import Secret
from .prompts import at_terminal, in_notebook, tell, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import SignInError

_ATTEMPTS = 3
# What a terminal puts around a text that is pasted (xterm, "Bracketed Paste Mode"), if a program
# before this one has left that mode on.
_PASTE_MARKS = re.compile(r"\x1b\[20[01]~")
# As surrogateescape has it for a byte that cannot be decoded; no check accepts it.
_UNREADABLE = "\udcff"

_REMEDIES = {
    "username": "Set username=, for example 'ada@contoso.onmicrosoft.com', and password=.",
    "password": "Set password= to a str or a callable.",
}


def can_ask() -> bool:
    """Return whether a person can be asked here: in a notebook, or at a real terminal.

    Some windows (IDLE's) only pretend to be a terminal, and would show a password.
    """
    if in_notebook():
        return True
    try:
        return at_terminal() and os.isatty(sys.stdin.fileno())
    except (OSError, ValueError):
        return False


def ask_username(problem: Callable[[Secret], str]) -> str:
    """Ask for a user name.

    ``problem`` returns what is wrong with it, or "". Then it is asked for again, and
    SignInCancelled ends that. SignInRequired if nobody can type.
    """
    return _ask("username", "User name: ", _read, problem).reveal().strip()


def ask_password(username: str, problem: Callable[[Secret], str]) -> Secret:
    """Ask for a password, which is not shown while it is typed; like ``ask_username``."""
    return _ask("password", f"Password for {username}: ", _read_hidden, problem)


def _ask(
    option: str, question: str, read: Callable[[str], str], problem: Callable[[Secret], str]
) -> Secret:
    wrong = ""
    for _ in range(_ATTEMPTS):
        typed = _typed(option, f"{wrong} {question}".lstrip(), read)
        wrong = problem(typed)
        if not wrong:
            return typed
    raise _cancelled(option, f"what was typed cannot be used: {wrong}")


def _typed(option: str, question: str, read: Callable[[str], str]) -> Secret:
    error: SignInError
    try:
        return Secret(_PASTE_MARKS.sub("", read(question)))
    except UnicodeDecodeError:
        return Secret(_UNREADABLE)
    except EOFError:
        tell("\n")
        error = _cancelled(option, "the input ended (Ctrl-D)")
    except Exception as failure:
        error = _nobody_can_type(option, failure)
    # Not above, where it would carry the frames of getpass, in which a password may be.
    raise error


def _read(question: str) -> str:
    if in_notebook():
        _check_cell_runs()
        return input(question)
    write(question)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _read_hidden(question: str) -> str:
    if in_notebook():
        _check_cell_runs()
        return getpass.getpass(question)  # ipykernel's, which warns if it is given a stream
    # getpass turns the echo off, and discards what was typed before, ahead of its question.
    return getpass.getpass(question, stream=sys.stderr)


def _check_cell_runs() -> None:
    """Raise NotImplementedError unless the kernel has put its own functions in place.

    It does while it runs a cell (ipykernel, ``_forward_input``). At other times Python's own
    functions would read the standard input of the kernel, into which nobody types.
    """
    if getattr(getpass.getpass, "__module__", None) == "getpass":
        raise NotImplementedError


def _nobody_can_type(option: str, failure: Exception) -> SignInRequired:
    # IPython's StdinNotImplementedError is a NotImplementedError.
    if isinstance(failure, NotImplementedError):
        why = "the notebook takes no input now"
    else:
        why = f"the terminal failed with {type(failure).__name__}"
    return SignInRequired(
        f"The {option} is missing, and nobody can type it here: {why}.", remedy=_REMEDIES[option]
    )


def _cancelled(option: str, why: str) -> SignInCancelled:
    return SignInCancelled(
        f"The person entered no {option}: {why}.",
        remedy=f"Sign in again, or set {option}=.",
    )
