"""The package's loggers: ``adls_enduser``, with a child for each module.

No secret is logged at any level: no token, code, password, cookie, query or body, and no text
of a prompt.
"""

from __future__ import annotations

import logging
from datetime import datetime, timezone

# Without a handler Python prints warnings on standard error (logging.lastResort), where a
# program that did not ask for a log does not expect them.
logging.getLogger("adls_enduser").addHandler(logging.NullHandler())


def get_logger(module: str) -> logging.Logger:
    """Return the logger of a module, from its ``__name__``."""
    return logging.getLogger(module)


def utc(epoch: float) -> str:
    """Return UTC epoch seconds as text."""
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def printable(text: object, limit: int = 200) -> str:
    """Return a text that others wrote as one bounded line."""
    line = "".join(letter if letter.isprintable() else " " for letter in str(text)[:limit])
    return line if len(str(text)) <= limit else f"{line}..."
