"""Locks: one prompt at a time, and new locks in a forked child.

``os.fork`` copies a lock in its current state, but not the thread that would release it, so
a child that needs the lock would wait for ever. Each object that is registered here gets new
locks in the child. Source: CPython, ``os.register_at_fork``; ``logging`` does the same.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Protocol

from .errors import SignInCancelled, SignInDeclined, SignInError, SignInTimedOut, WrongAccount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self


class ForkAware(Protocol):
    """An object that holds locks."""

    def after_fork(self) -> None:
        """Make new locks, and forget the threads of the parent process."""
        ...


_fork_aware: weakref.WeakSet[ForkAware] = weakref.WeakSet()


def reset_after_fork(holder: ForkAware) -> None:
    """Call ``holder.after_fork`` in every child that this process forks."""
    _fork_aware.add(holder)


def _in_child() -> None:
    for holder in list(_fork_aware):
        holder.after_fork()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_in_child)


class SharedByCopies:
    """Base of objects that hold locks: a copy in the same process is the object itself."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


# What the person did, whatever resource the prompt was for. Any other refusal concerns one
# resource or one mode, so another thread's prompt may still succeed.
_PERSONS_OUTCOMES = (SignInCancelled, SignInDeclined, SignInTimedOut, WrongAccount)


class PromptLock:
    """One prompt at a time; the threads that wait for it share its outcome.

    It may be held for minutes. Token renewals do not need it.
    """

    def __init__(self) -> None:
        self._finished = 0  # how many prompts have ended
        self._outcome: SignInError | None = None  # of the last one, unless it signed in
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Make a new lock."""
        self._lock = threading.RLock()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the lock while a person is prompted.

        Raises, for a thread that waited, what the person did at the prompt that it waited
        for: SignInCancelled, SignInDeclined, SignInTimedOut or WrongAccount.
        """
        before = self._finished
        with self._lock:
            if before != self._finished and self._outcome is not None:
                raise copy(self._outcome)
            self._outcome = None
            try:
                yield
            except _PERSONS_OUTCOMES as outcome:
                self._outcome = copy(outcome)
                raise
            finally:
                self._finished += 1
