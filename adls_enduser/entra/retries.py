"""Send a request again after a short failure."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import tenacity

from ..errors import TransportError
from .dates import retry_after
from .exchange import Response, is_temporary

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..clocks import Clock
    from .network_errors import Failure

# A failing service gets three attempts, with pauses that grow and vary. If it asks for a
# pause longer than this, there is no retry: the caller has to wait.
_ATTEMPTS = 3
_MAX_PAUSE = 10.0
_BACKOFF = tenacity.wait_exponential(multiplier=0.5, max=4.0) + tenacity.wait_random(0, 1)


def retried(
    first: Response | Failure, send: Callable[[], Response | Failure], clock: Clock
) -> Response | Failure:
    """Return the outcome of the last attempt, of which ``first`` was the first.

    No attempt follows a timeout, which has cost enough time, or a bad certificate.
    """
    outcomes = [first]

    def attempt() -> Response | Failure:
        return outcomes.pop() if outcomes else send()

    def pause(state: tenacity.RetryCallState) -> float:
        return _requested_pause(state, clock) or _BACKOFF(state)

    def is_last(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= _ATTEMPTS or pause(state) > _MAX_PAUSE

    def sleep(seconds: float) -> None:
        clock.wait(threading.Event(), seconds)

    return tenacity.Retrying(
        stop=is_last,
        wait=pause,
        retry=tenacity.retry_if_result(is_temporary),
        sleep=sleep,
        retry_error_callback=_last_outcome,
    )(attempt)


def _requested_pause(state: tenacity.RetryCallState, clock: Clock) -> float | None:
    outcome = None if state.outcome is None else state.outcome.result()
    return retry_after(outcome, clock.time()) if isinstance(outcome, Response) else None


def _last_outcome(state: tenacity.RetryCallState) -> Response | Failure:
    outcome = state.outcome
    if outcome is None:
        raise TransportError("Nothing was sent.", remedy="Try again.")
    result: Response | Failure = outcome.result()  # raises what the last attempt raised
    return result
