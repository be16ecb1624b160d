"""Say a thing once a process, however often it is noticed."""

from __future__ import annotations

import warnings

# Each message and who said it first. A dict and no lock: a fork inherits no held lock.
_said: dict[str, object] = {}


def warn_once(message: str) -> None:
    """Warn (UserWarning), unless this process has said the very same before."""
    mine = object()
    if _said.setdefault(message, mine) is not mine:
        return
    warnings.warn(message, UserWarning, stacklevel=2)
