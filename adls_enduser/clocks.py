"""Time, as something that a test can hold in its hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import threading


@runtime_checkable
class Clock(Protocol):
    """What this package asks of time."""

    def time(self) -> float:
        """UTC epoch seconds."""

    def monotonic(self) -> float:
        """Seconds since some moment; never set back, but it may stop while a laptop sleeps."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set (True) or the seconds are over (False)."""


class SystemClock:
    """The machine's own clock."""

    # The functions themselves, since every read of a live token calls both.
    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set (True) or the seconds are over (False)."""
        return event.wait(seconds)


SYSTEM_CLOCK = SystemClock()
