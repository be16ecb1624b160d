"""Locks that several threads share: one prompt at a time, and new locks after a fork.

``os.fork`` copies a lock in the state that it has, but not the thread that would open
it; a child would wait for ever. What is registered here is told to start anew.
Source: CPython, ``os.register_at_fork``, and ``logging``, which does the same.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Protocol, TypeVar

from .errors import SignInCancelled, SignInDeclined, SignInError, SignInTimedOut, WrongAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class ForkAware(Protocol):
    """Something that holds locks."""

    def after_fork(self) -> None:
        """Take new locks, and forget the threads of the parent."""


_holders: weakref.WeakSet[ForkAware] = weakref.WeakSet()


def reset_after_fork(holder: ForkAware) -> None:
    """Have a holder of locks start anew in every child of this process."""
    _holders.add(holder)


def _in_child() -> None:
    for holder in list(_holders):
        holder.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_in_child)


_T = TypeVar("_T")


# What a person made of being asked, whatever for. Other refusals are of one resource, or
# of one way of asking.
_ANSWERS = (SignInCancelled, SignInDeclined, SignInTimedOut, WrongAccount)


class Question:
    """Held while a person is asked, which may take long; renewals go on meanwhile."""

    def __init__(self) -> None:
        # How often a person was asked, and what came of it last if it was no sign-in.
        self._asked = 0
        self._answer: SignInError | None = None
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Take a new lock."""
        self._lock = threading.RLock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until nobody else asks; raise what the person made of it meanwhile."""
        asked = self._asked
        with self._lock:
            if asked != self._asked and self._answer is not None:
                raise copy(self._answer)
            yield

    def put(self, ask: Callable[[], _T]) -> _T:
        """Ask, in one's turn, and keep for those who wait what the person made of it."""
        self._answer = None
        try:
            return ask()
        except _ANSWERS as answer:
            self._answer = copy(answer)
            raise
        finally:
            self._asked += 1
