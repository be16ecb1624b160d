"""Work that one thread does for all, one prompt at a time, and new locks in a forked child.

Ctrl-C, a signal handler that raises, and an exception that another thread sets
(``PyThreadState_SetAsyncExc``) may end a thread's work at any line, also inside of ``finally``. A
signal handler or a ``__del__`` may call this package in the middle of any of its lines. So this
module relies on two things only: a lock of the interpreter's own in a ``with`` statement, which
is released however the block ends, and single operations of built-in types.

``os.fork`` copies a lock in its current state, but not the thread that would release it, so
a child that needs the lock would wait for ever. Each object that is registered here gets new
locks in the child. Source: CPython, ``os.register_at_fork``; ``logging`` does the same.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from copy import copy
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from .clocks import SYSTEM_CLOCK, Clock
from .environment.greenlets import check_patching
from .errors import (
    ProtocolError,
    SignInCancelled,
    SignInDeclined,
    SignInError,
    SignInTimedOut,
    TransportError,
    WrongAccount,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

# How many seconds a thread waits for another thread at most: for a renewal, for a prompt (a
# device code lives for 900), and for a prompt whose callback has not returned: the callback may
# be waiting for this very thread.
_LONGEST_RENEWAL, _LONGEST_PROMPT, _LONGEST_CALLBACK = 120.0, 1000.0, 30.0

# A thread that waits looks so often whether the other one has been interrupted, in seconds.
_POLL_INTERVAL = 0.2

_Result = TypeVar("_Result")


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

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class Stopwatch:
    """Seconds that have passed, by a clock or really, whichever is more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began, self._really_began = clock.monotonic(), time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds since this object was made."""
        really = time.monotonic() - self._really_began
        return max(really, self._clock.monotonic() - self._began)


class Run:
    """Work that one thread does, and for which other threads wait.

    The thread works in ``with run.lock:``, and calls ``wake`` afterwards. Nothing else says
    whether it still works: see the beginning of this module.
    """

    def __init__(self, *, prompting: bool = False) -> None:
        check_patching()  # before anything waits
        self.thread = threading.get_ident()
        self.lock = threading.Lock()
        self.prompting = prompting
        self._wakeups: SimpleQueue[None] = SimpleQueue()

    @property
    def is_running(self) -> bool:
        """Whether the thread still works."""
        return self.lock.locked()

    @property
    def is_mine(self) -> bool:
        """Whether the thread that asks is the one that works."""
        return self.thread == threading.get_ident()

    def wake(self) -> None:
        """Wake a thread that waits, which wakes the next one.

        It is not more than a hint: without it a thread looks a moment later.
        """
        self._wakeups.put(None)

    def wait(self, clock: Clock, longest: float = _LONGEST_PROMPT) -> bool:
        """Wait for the end of the work, a limited time; return whether it has ended."""
        waited = Stopwatch(clock)
        while self.is_running:
            if waited.seconds >= min(longest, self._longest_wait()):
                return False
            try:
                self._wakeups.get(timeout=_POLL_INTERVAL)
            except Empty:
                continue
        self.wake()
        return True

    def _longest_wait(self) -> float:
        if not self.prompting:
            return _LONGEST_RENEWAL
        return 0.0 if _callback_lasts(self.thread) else _LONGEST_PROMPT


_Run = TypeVar("_Run", bound=Run)


class Runs(Generic[_Run]):
    """The work that runs now: one Run for each key."""

    __slots__ = ("_by_key",)

    def __init__(self) -> None:
        self._by_key: dict[object, _Run] = {}

    def join(self, key: object, mine: _Run) -> _Run:
        """Return the work that runs for this key, which is ``mine`` if there is no other.

        Called while ``mine.lock`` is held.
        """
        while True:
            other = self._by_key.setdefault(key, mine)
            if other is mine or other.is_running:
                return other
            self.end(key, other)  # an exception has ended it before it could do so itself

    def end(self, key: object, run: _Run) -> None:
        """Forget a piece of work."""
        # Two threads may do so at once for one that was interrupted. In the worst case each
        # then does the work itself: it costs a request, and no thread waits without end.
        if self._by_key.get(key) is run:
            self._by_key.pop(key, None)

    def has(self, key: object) -> bool:
        """Return whether work for this key runs."""
        run = self._by_key.get(key)
        return run is not None and run.is_running

    def __len__(self) -> int:
        return len(self._by_key)


class PromptCall:
    """A call of a prompt, which only shows something: ``with PromptCall(clock).lock: ...``.

    Threads do not wait for it as long as for a person.
    """

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.Lock()
        self.lasts = Stopwatch(clock)
        _prompt_calls[threading.get_ident()] = self


_prompt_calls: dict[int, PromptCall] = {}  # the last one of each thread


def _callback_lasts(thread: int) -> bool:
    callback = _prompt_calls.get(thread)
    running = callback is not None and callback.lock.locked()
    return running and callback is not None and callback.lasts.seconds >= _LONGEST_CALLBACK


def still_running(run: Run) -> TransportError:
    """Return the error for a thread that has waited long enough."""
    if not run.prompting:
        return TransportError(
            "Another thread is renewing the token, and has not finished in time.",
            remedy="Call again.",
        )
    return TransportError(
        "Another thread is prompting the person, and has not finished in time.",
        remedy="Call again when the person has signed in. A prompt must not wait for a thread"
        " that asks for a token.",
    )


# What the person did, whatever resource the prompt was for. Any other refusal concerns one
# resource or one mode, so another thread's prompt may still succeed.
_PERSONS_OUTCOMES = (SignInCancelled, SignInDeclined, SignInTimedOut, WrongAccount)


class PromptLock:
    """One prompt at a time; the threads that wait for it share its outcome.

    It may be held for minutes. Token renewals do not need it.
    """

    __slots__ = ("__weakref__", "_clock", "_finished", "_outcome", "_prompts")

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._finished = 0  # how many prompts have ended
        self._outcome: SignInError | None = None  # of the last one, unless it signed in
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Forget a prompt that another thread of the parent process shows."""
        self._prompts: Runs[Run] = Runs()

    def exclusive(self, sign_in: Callable[..., _Result], *arguments: object) -> _Result:
        """Call ``sign_in``, which prompts a person, when no other thread does.

        Raises, for a thread that waited, what the person did at the prompt that it waited
        for: SignInCancelled, SignInDeclined, SignInTimedOut or WrongAccount. TransportError if
        it waited too long, ProtocolError if this thread is prompting the person already.
        """
        before = self._finished
        while True:
            mine = Run(prompting=True)
            try:
                with mine.lock:
                    running = self._prompts.join(_ONE, mine)
                    if running is mine:
                        self._raise_shared_outcome(before)
                        try:
                            return sign_in(*arguments)
                        except _PERSONS_OUTCOMES as outcome:
                            self._outcome = copy(outcome)  # a copy keeps no frames alive
                            raise
                        finally:
                            self._finished += 1
            finally:
                self._prompts.end(_ONE, mine)
                mine.wake()
            if running.is_mine:
                raise _prompted_twice()
            if not running.wait(self._clock):
                raise still_running(running)

    def _raise_shared_outcome(self, before: int) -> None:
        if before != self._finished and self._outcome is not None:
            raise copy(self._outcome)
        self._outcome = None


_ONE: Final = "the prompt"


def _prompted_twice() -> ProtocolError:
    return ProtocolError(
        "The prompt of a sign-in asked for a token of the same sign-in.",
        remedy="A prompt, and a signal handler or __del__ that runs meanwhile, must not ask for a"
        " token: ask when the person has signed in.",
    )
