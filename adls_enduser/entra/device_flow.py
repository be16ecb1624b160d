"""Waiting for the person with a device code (RFC 8628 section 3.5).

The wait survives what the network does to it: a dropped connection, a timeout, a 429, a
5xx or a page of HTML only means asking again, until the code expires. It ends within a
second of its time, a cancel or Ctrl-C, even while a request hangs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ProtocolError, TransportError
from ..interaction.waiting import Deadline, InterruptibleCall
from .backend import AuthorizationPending, Grant

if TYPE_CHECKING:
    from ..clocks import Clock
    from ..interaction.waiting import WaitOptions
    from .backend import Backend, DeviceFlow

_SLOW_DOWN = 5.0  # seconds more after each slow_down: RFC 8628 section 3.5
_LONGEST = 60.0


def poll_for_token(backend: Backend, flow: DeviceFlow, options: WaitOptions, clock: Clock) -> Grant:
    """Poll until the person has finished.

    Raises SignInTimedOut, SignInCancelled, or what Entra ID refused the sign-in with.
    """
    again = "a new code will be shown"
    deadline = Deadline(options, clock, again=again, expiry=flow.prompt.expires_on)
    interval = max(1.0, flow.interval)
    while True:
        outcome = _ask(backend, flow, deadline)
        if isinstance(outcome, Grant):
            return outcome
        interval, pause = _next(outcome, interval)
        deadline.sleep(pause)


def _next(
    outcome: AuthorizationPending | TransportError | ProtocolError, interval: float
) -> tuple[float, float]:
    """Give the next interval, and how long to pause now."""
    if isinstance(outcome, AuthorizationPending):
        interval = min(interval + _SLOW_DOWN * outcome.slow_down, _LONGEST)
        return interval, interval
    # RFC 8628 section 3.5: on a failing connection reduce the frequency.
    after = outcome.retry_after if isinstance(outcome, TransportError) else None
    return interval, min(max(interval, after or 0.0), _LONGEST)


def _ask(
    backend: Backend, flow: DeviceFlow, deadline: Deadline
) -> Grant | AuthorizationPending | TransportError | ProtocolError:
    """Poll once, in a thread that can be left behind when the wait is over."""
    try:
        return InterruptibleCall(lambda: backend.poll(flow)).result(deadline.check)
    except (TransportError, ProtocolError) as blip:
        return blip
