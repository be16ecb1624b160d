"""The package's loggers: ``adls_enduser``, with a child for each module.

``logging`` is imported by the first entry, not by ``import adls_enduser``: it is a tenth of what
a short program would wait for.

No secret is logged at any level: no token, code, password, cookie, query or body, and no text
of a prompt.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


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


def logger(module: str) -> Log:
    """Return the logger of a module, from its ``__name__``."""
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
