"""Waiting for the person with a device code (RFC 8628 section 3.5).

The wait survives what the network does to it: a dropped connection, a timeout, a 429, a
5xx or a page of HTML only means asking again, until the code expires. It ends within a
second of its time, a cancel or Ctrl-C, even while a request hangs.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import (
    EndUserError,
    ProtocolError,
    SignInCancelled,
    SignInTimedOut,
    TransportError,
)
from .backend import Grant, NotYet

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..clocks import Clock
    from .backend import Backend, DeviceFlow

_SLOW_DOWN = 5.0  # seconds more after each slow_down: RFC 8628 section 3.5
_LONGEST = 60.0
_GLANCE = 0.2


@dataclass(frozen=True)
class Patience:
    """How long to wait: ``timeout`` seconds, or the code's own life; ``cancel`` stops it."""

    timeout: float | None = None
    cancel: threading.Event | None = None


def wait_for_person(backend: Backend, flow: DeviceFlow, patience: Patience, clock: Clock) -> Grant:
    """Poll until the person has finished.

    Raises SignInTimedOut, SignInCancelled, or what Entra ID refused the sign-in with.
    """
    deadline = _Deadline(flow, patience, clock)
    interval = max(1.0, flow.interval)
    while True:
        outcome = _ask(lambda: backend.poll(flow), deadline)
        if isinstance(outcome, Grant):
            return outcome
        interval, pause = _next(outcome, interval)
        deadline.rest(pause)


def _next(outcome: NotYet | TransportError | ProtocolError, interval: float) -> tuple[float, float]:
    """Give the next interval, and how long to pause now."""
    if isinstance(outcome, NotYet):
        interval = min(interval + _SLOW_DOWN * outcome.slow_down, _LONGEST)
        return interval, interval
    # RFC 8628 section 3.5: on a failing connection reduce the frequency.
    after = outcome.retry_after if isinstance(outcome, TransportError) else None
    return interval, min(max(interval, after or 0.0), _LONGEST)


class _Deadline:
    """When the wait ends, and why."""

    def __init__(self, flow: DeviceFlow, patience: Patience, clock: Clock) -> None:
        self.clock = clock
        self.cancel = patience.cancel or threading.Event()
        ends = [flow.prompt.expires_on]
        if patience.timeout is not None:
            ends.append(clock.time() + patience.timeout)
        self.end = min(ends)
        self.by_code = self.end == flow.prompt.expires_on

    def check(self) -> None:
        """Raise if the wait is over."""
        if self.cancel.is_set():
            raise SignInCancelled("The wait for the person was cancelled.")
        if self.clock.time() >= self.end:
            what = "The code has expired" if self.by_code else "The timeout is over"
            raise SignInTimedOut(
                f"{what} before the person finished the sign-in.",
                remedy="Sign in again; a new code will be shown.",
            )

    def rest(self, seconds: float) -> None:
        """Pause, but not beyond the end of the wait."""
        left = self.end - self.clock.time()
        self.clock.wait(self.cancel, max(0.0, min(seconds, left)))
        self.check()


def _ask(
    poll: Callable[[], Grant | NotYet], deadline: _Deadline
) -> Grant | NotYet | TransportError | ProtocolError:
    """Run one poll in a thread that can be left behind when the wait is over."""
    call = _Call(poll)
    thread = threading.Thread(target=call.run, name="adls_enduser-poll", daemon=True)
    thread.start()
    while not call.done.wait(_GLANCE):
        deadline.check()
    outcome = call.outcome
    if isinstance(outcome, Grant | NotYet | TransportError | ProtocolError):
        return outcome
    raise outcome


class _Call:
    """A function that runs elsewhere, and what came of it."""

    def __init__(self, function: Callable[[], Grant | NotYet]) -> None:
        self._function = function
        self.done = threading.Event()
        self.outcome: Grant | NotYet | BaseException = NotYet()

    def run(self) -> None:
        """Run, keeping the result or the error."""
        try:
            self.outcome = self._function()
        except EndUserError as error:
            self.outcome = error.with_traceback(None)
        except BaseException as error:
            self.outcome = error
        finally:
            self.done.set()
