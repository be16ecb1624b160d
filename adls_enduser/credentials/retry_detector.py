"""Detect, from when a client asks for the token, that the service rejects the token.

azure-datalake-store answers HTTP 401 with four more attempts of its own, after sleeps of
1, 4, 16 and 64 seconds (its ``retry.ExponentialRetryPolicy``), and never tells the
credential. But it asks for the token before each attempt, so a thread that asks after
one second and then after four more is most likely being rejected. A wrong guess costs
one silent token request, at most once a minute; a right one saves 80 seconds.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..clocks import Clock

_FIRST, _SECOND = 1.0, 4.0
# The longest time that a rejected attempt takes in addition to the sleep.
_SLACK = 0.4
# Calls closer than this belong to one attempt: 1.x asks twice for each.
_SAME = 0.5
_PAUSE = 60.0
# A difference of two floats of today's epoch can be so much too small.
_RESOLUTION = 1e-3


class _LastCall(threading.local):
    """When the thread asked last, and how many seconds after the time before."""

    asked_on = float("inf")
    gap = 0.0


class RetryDetector:
    """Notes when each thread asks. In another process it starts with nothing."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._last = _LastCall()
        self._detected_on = -_PAUSE

    def retried_after_401(self) -> bool:
        """Note that this thread asks now; return whether the service seems to reject its token."""
        now, last = self._monotonic(), self._last
        gap = now - last.asked_on
        last.asked_on = now
        if gap < _SAME:
            return False
        before, last.gap = last.gap, gap
        fits = _fits(before, _FIRST) and _fits(gap, _SECOND)
        if not fits or now - self._detected_on < _PAUSE:
            return False
        self._detected_on = now
        return True


def _fits(gap: float, sleep: float) -> bool:
    return -_RESOLUTION <= gap - sleep < _SLACK
