"""Wait for the person who signs in with a device code (RFC 8628 section 3.5).

The wait survives faults of the network: after a dropped connection, a timeout, a 429, a 5xx
or a page of HTML the next poll follows, until the code expires. Not after a proxy has refused the
credentials: it may lock the account. The wait ends within a second of its timeout, of a cancel or
of Ctrl-C, even while a request hangs.

All requests of one sign-in go by one connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ProtocolError, TransportError
from ..interaction.waiting import Deadline, InterruptibleCall
from .backend import AuthorizationPending, Grant
from .connections import OneConnection
from .network_errors import ProxyAuthenticationFailed

if TYPE_CHECKING:
    from .backend import Backend, DeviceFlow

_SLOW_DOWN = 5.0  # seconds to add after each slow_down: RFC 8628 section 3.5
_MAX_INTERVAL = 60.0
# Entra ID keeps a connection for longer than an interval. Where it is closed just when a poll is
# sent, the next poll follows, so that nothing is lost.
_LONGEST_IDLE = 60.0


def device_code_connection() -> OneConnection:
    """Return the connection for the request of a code and for all polls."""
    return OneConnection(_LONGEST_IDLE)


def poll_for_token(
    backend: Backend, flow: DeviceFlow, deadline: Deadline, connection: OneConnection
) -> Grant:
    """Poll until the person has finished, or the wait is over.

    Raises SignInTimedOut, SignInCancelled, or the error for Entra ID's refusal.
    """
    interval = max(1.0, flow.interval)
    while True:
        outcome = _poll(backend, flow, deadline, connection)
        if isinstance(outcome, Grant):
            return outcome
        interval, pause = _next_interval(outcome, interval)
        deadline.sleep(pause)


def _next_interval(
    outcome: AuthorizationPending | TransportError | ProtocolError, interval: float
) -> tuple[float, float]:
    """Return the interval from now on, and the pause before the next poll."""
    if isinstance(outcome, AuthorizationPending):
        interval = min(interval + _SLOW_DOWN * outcome.slow_down, _MAX_INTERVAL)
        return interval, interval
    # RFC 8628 section 3.5: poll less often while the connection fails.
    after = outcome.retry_after if isinstance(outcome, TransportError) else None
    return interval, min(max(interval, after or 0.0), _MAX_INTERVAL)


def _poll(
    backend: Backend, flow: DeviceFlow, deadline: Deadline, connection: OneConnection
) -> Grant | AuthorizationPending | TransportError | ProtocolError:
    """Poll once, in a thread that can be left behind when the wait is over."""
    try:
        return InterruptibleCall(connection.used_by(backend.poll), flow).result(deadline.check)
    except ProxyAuthenticationFailed:
        raise
    except (TransportError, ProtocolError) as fault:
        return fault
