"""The package's loggers: ``adls_enduser``, with a child for each module.

No secret is logged at any level: no token, code, password, cookie, query or body, and no text
of a prompt.
"""

from __future__ import annotations

import logging

# Without a handler Python prints warnings on standard error (logging.lastResort), where a
# program that did not ask for a log does not expect them.
logging.getLogger("adls_enduser").addHandler(logging.NullHandler())


def logger(module: str) -> logging.Logger:
    """Return the logger of a module, from its ``__name__``."""
    return logging.getLogger(module)
