"""Wait for a person, until a deadline, a cancel or Ctrl-C.

Each of these ends the wait within a second, even while a request hangs.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from ..errors import EndUserError, SignInCancelled, SignInTimedOut
from ..values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..clocks import Clock

POLL_INTERVAL = 0.2

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class WaitOptions:
    """How long to wait: ``timeout`` seconds, or None for no limit; ``cancel`` ends the wait."""

    timeout: float | None = None
    cancel: threading.Event | None = None


class Deadline:
    """When a wait ends, and why.

    ``expiry`` is when the code that the person was shown expires, in UTC epoch seconds.
    ``again`` is a clause for the remedies: what happens when the person signs in again.
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
        # Measured by the monotonic clock as well: the wait must not last longer because
        # somebody sets the other clock back.
        self._monotonic_end = clock.monotonic() + self.end - clock.time()
        self.is_code_expiry = self.end == expiry

    def check(self) -> None:
        """Raise SignInTimedOut or SignInCancelled if the wait is over."""
        self.check_cancel()
        if self._left() <= 0:
            what = "The code expired" if self.is_code_expiry else "The timeout passed"
            raise SignInTimedOut(
                f"{what} before the person finished the sign-in.",
                remedy=f"Sign in again; {self._again}.",
            )

    def check_cancel(self) -> None:
        """Raise SignInCancelled if the program has cancelled the wait."""
        if self.cancel.is_set():
            raise SignInCancelled(
                "The program cancelled the wait for the person.",
                remedy=f"Clear the event given as cancel=, and sign in again; {self._again}.",
            )

    def sleep(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the wait; raise like ``check`` if that is reached."""
        self.clock.wait(self.cancel, max(0.0, min(seconds, self._left())))
        self.check()

    def _left(self) -> float:
        return min(self.end - self.clock.time(), self._monotonic_end - self.clock.monotonic())

    def poll(self, event: threading.Event) -> bool:
        """Wait a moment for the event; return whether it is set, or raise like ``check``."""
        if self.clock.wait(event, POLL_INTERVAL):
            return True
        self.check()
        return False


class AbandonableThread(threading.Thread):
    """A thread whose result may be abandoned; it should then send no more requests."""

    abandoned = False


def is_abandoned() -> bool:
    """Return whether nobody waits any more for what the current thread does."""
    return getattr(threading.current_thread(), "abandoned", False)


class InterruptibleCall(Generic[_Result]):
    """Calls a function with its arguments in a thread, which an error or Ctrl-C can interrupt."""

    def __init__(
        self, function: Callable[..., _Result], *arguments: object, name: str = "adls_enduser-call"
    ) -> None:
        self._function, self._arguments, self._name = function, arguments, name
        self._done = threading.Event()
        self._outcome: list[_Result] = []
        self._error: BaseException | None = None

    def result(self, check: Callable[[], None]) -> _Result:
        """Call the function; return its result or raise its error.

        Meanwhile calls ``check`` a few times a second, and abandons the thread if that raises.
        """
        thread = AbandonableThread(target=self._run, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system allows no more threads, or the interpreter exits
            self._run()
        try:
            while not self._done.wait(POLL_INTERVAL):
                check()
        except BaseException:  # Ctrl-C too
            thread.abandoned = True
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
