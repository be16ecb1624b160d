"""How long a person is waited for, and how a wait ends: in time, by a cancel, by Ctrl-C.

Each within a second, even while a request hangs.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ..errors import EndUserError, SignInCancelled, SignInTimedOut

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..clocks import Clock

POLL_INTERVAL = 0.2

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class WaitOptions:
    """How long to wait: ``timeout`` seconds, or None for no end; ``cancel`` stops it."""

    timeout: float | None = None
    cancel: threading.Event | None = None


class Deadline:
    """When a wait ends, and why.

    ``expiry``: the end of what was shown to the person, in UTC epoch seconds; ``again``:
    what happens at the next attempt, a clause.
    """

    def __init__(
        self, options: WaitOptions, clock: Clock, *, again: str, expiry: float | None = None
    ) -> None:
        self.clock = clock
        self.cancel = options.cancel or threading.Event()
        self._again = again
        ends = [] if expiry is None else [expiry]
        if options.timeout is not None:
            ends.append(clock.time() + options.timeout)
        self.end = min(ends, default=float("inf"))
        # By the clock that is never set as well, lest a wait outlives its time because the
        # other one was set back.
        self._ticks = clock.monotonic() + self.end - clock.time()
        self._by_code = self.end == expiry

    def check(self) -> None:
        """Raise if the wait is over."""
        self.check_cancel()
        if self._left() <= 0:
            what = "The code has expired" if self._by_code else "The timeout is over"
            raise SignInTimedOut(
                f"{what} before the person finished the sign-in.",
                remedy=f"Sign in again; {self._again}.",
            )

    def check_cancel(self) -> None:
        """Raise if the program has stopped the wait."""
        if self.cancel.is_set():
            raise SignInCancelled(
                "The wait for the person was cancelled.",
                remedy=f"Clear the event given as cancel=, and sign in again; {self._again}.",
            )

    def sleep(self, seconds: float) -> None:
        """Pause, but not beyond the end of the wait."""
        self.clock.wait(self.cancel, max(0.0, min(seconds, self._left())))
        self.check()

    def _left(self) -> float:
        return min(self.end - self.clock.time(), self._ticks - self.clock.monotonic())

    def poll(self, event: threading.Event) -> bool:
        """Wait for a moment until the event is set, and tell whether it is."""
        if self.clock.wait(event, POLL_INTERVAL):
            return True
        self.check()
        return False


class AbandonableThread(threading.Thread):
    """A thread that may be left behind; what it runs should then begin nothing new."""

    left_behind = False


class InterruptibleCall(Generic[_Result]):
    """A function that runs in a thread, which can be left behind.

    ``check`` raises when nobody wants the result any more.
    """

    def __init__(self, function: Callable[..., _Result], *arguments: object) -> None:
        self._function, self._arguments = function, arguments
        self._done = threading.Event()
        self._outcome: list[_Result] = []
        self._error: BaseException | None = None

    def result(self, check: Callable[[], None]) -> _Result:
        """Run, and give the result or raise the error."""
        caller = AbandonableThread(target=self._run, name="adls_enduser-call", daemon=True)
        caller.start()
        try:
            while not self._done.wait(POLL_INTERVAL):
                check()
        except BaseException:  # Ctrl-C too
            caller.left_behind = True
            raise
        if self._error is not None:
            raise self._error
        return self._outcome[0]

    def _run(self) -> None:
        try:
            self._outcome.append(self._function(*self._arguments))
        except EndUserError as error:
            self._error = error.with_traceback(None)
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()
