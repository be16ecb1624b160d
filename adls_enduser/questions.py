"""Question: a person is asked once, and everybody who waited meanwhile shares the answer."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, TypeVar

from .errors import (
    SignInCancelled,
    SignInDeclined,
    SignInError,
    SignInTimedOut,
    WrongAccount,
)
from .locks import survive_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        survive_fork(self)

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
