"""The package's loggers: ``adls_enduser``, with a child for each module.

A program that has not imported ``logging`` has no handler, so nobody would see an entry. Then none
is made, because the import takes longer than a short program waits for its token.

No secret is logged at any level: no token, code, password, cookie, query or body, and no text
of a prompt.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


class NoLogger:
    """The logger of a program that has not imported ``logging``: drops every entry."""

    def debug(self, message: str, *values: object) -> None:
        """Drop an entry."""

    info = warning = debug


class Log:
    """A logger whose entries never end the call that makes them.

    A program's own handler or filter may raise; ``logging`` lets that out of the call that logs.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, message: str, *values: object) -> None:
        """Log what a developer needs."""
        with suppress(Exception):
            self._logger.debug(message, *values, stacklevel=2)

    def info(self, message: str, *values: object) -> None:
        """Log what happened."""
        with suppress(Exception):
            self._logger.info(message, *values, stacklevel=2)

    def warning(self, message: str, *values: object) -> None:
        """Log what should be looked into."""
        with suppress(Exception):
            self._logger.warning(message, *values, stacklevel=2)


_NO_LOGGER = NoLogger()


def logger(module: str) -> Log | NoLogger:
    """Return the logger of a module, from its ``__name__``."""
    if "logging" not in sys.modules:
        return _NO_LOGGER
    import logging

    # Without a handler Python prints warnings on standard error (logging.lastResort), where a
    # program that did not ask for a log does not expect them.
    package = logging.getLogger(__package__)
    if not package.handlers:
        package.addHandler(logging.NullHandler())
    return Log(logging.getLogger(module))


def utc(epoch: float) -> str:
    """Return UTC epoch seconds as text."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(epoch))


def printable(text: object, limit: int = 200) -> str:
    """Return a text that others wrote as one bounded line."""
    line = "".join(letter if letter.isprintable() else " " for letter in str(text)[:limit])
    return line if len(str(text)) <= limit else f"{line}..."
