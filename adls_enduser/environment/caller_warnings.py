"""Warn at the line of the program that called this package, however deep the reason lies.

A warning names a line, and Python shows it once for each line. A line of this package would tell
the reader nothing, and a filter for the program's own module would not find it.
"""

from __future__ import annotations

import contextvars
import sys
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from ..log import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

# What stands between a program and this package: the SDKs that ask for a token, what runs
# coroutines and threads, and what calls the functions of a ``with`` statement.
_BETWEEN = frozenset(
    {
        *("adls_enduser", "azure", "msrest", "msrestazure", "adlfs", "fsspec", "requests"),
        *("asyncio", "trio", "anyio", "outcome", "threading", "concurrent", "contextlib"),
    }
)


class _Line(NamedTuple):
    filename: str
    number: int
    module: str
    registry: dict[Any, int]


# The line that started the thread, which is not on the thread's own stack.
_calling_line: contextvars.ContextVar[_Line | None] = contextvars.ContextVar("calling line")


def warn_caller(message: str) -> None:
    """Warn (UserWarning) at the program's line that led here, also from another thread.

    A warning that cannot be shown is no error. Python writes it to standard error, and passes on
    what that raises, for example ValueError if it is closed (CPython,
    warnings._showwarnmsg_impl).
    """
    try:
        _warn(message, _line_of_caller() or _calling_line.get(None))
    except UserWarning:  # the program has asked for it: -W error
        raise
    except Exception:
        logger(__name__).debug("A warning could not be shown.")


def _warn(message: str, line: _Line | None) -> None:
    if line is None:  # a thread that the program started with a function of this package
        warnings.warn(message, UserWarning, stacklevel=3)
    else:
        warnings.warn_explicit(
            message, UserWarning, line.filename, line.number, line.module, line.registry
        )


def in_context_of_caller(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function for a new thread, where its warnings are at the line that led here."""
    context = contextvars.copy_context()
    line = _line_of_caller()
    if line is not None:
        context.run(_calling_line.set, line)

    def run(*arguments: object, **options: object) -> Any:
        return context.run(function, *arguments, **options)

    return run


def _line_of_caller() -> _Line | None:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the interpreter's, documented
    while frame is not None:
        name = str(frame.f_globals.get("__name__") or "<string>")
        if name.partition(".")[0] not in _BETWEEN:
            registry = frame.f_globals.setdefault("__warningregistry__", {})
            return _Line(frame.f_code.co_filename, frame.f_lineno, name, registry)
        frame = frame.f_back
    return None
