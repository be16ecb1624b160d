"""The package's loggers: ``adls_enduser``, with a child for each module.

``logging`` is imported by the first entry, not by ``import adls_enduser``: it is a tenth of what
a short program would wait for.

No secret is logged at any level: no token, code, password, cookie, query or body, and no text
of a prompt.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


def logger(module: str) -> logging.Logger:
    """Return the logger of a module, from its ``__name__``."""
    import logging

    # Without a handler Python prints warnings on standard error (logging.lastResort), where a
    # program that did not ask for a log does not expect them.
    package = logging.getLogger(__package__)
    if not package.handlers:
        package.addHandler(logging.NullHandler())
    return logging.getLogger(module)


def utc(epoch: float) -> str:
    """Return UTC epoch seconds as text."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(epoch))


def printable(text: object, limit: int = 200) -> str:
    """Return a text that others wrote as one bounded line."""
    line = "".join(letter if letter.isprintable() else " " for letter in str(text)[:limit])
    return line if len(str(text)) <= limit else f"{line}..."
