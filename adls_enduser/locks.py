"""Locks that a forked child finds open.

``os.fork`` copies a lock in the state that it has, but not the thread that would open
it; a child would wait for ever. What is registered here is told to start anew.
Source: CPython, ``os.register_at_fork``, and ``logging``, which does the same.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class StartsAnew(Protocol):
    """Something that holds locks."""

    def after_fork(self) -> None:
        """Take new locks, and forget the threads of the parent."""


_holders: weakref.WeakSet[StartsAnew] = weakref.WeakSet()


def survive_fork(holder: StartsAnew) -> None:
    """Have a holder of locks start anew in every child of this process."""
    _holders.add(holder)


def _in_child() -> None:
    for holder in list(_holders):
        holder.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_in_child)
