"""The clock that the package reads, so that a test can give it another one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import threading


@runtime_checkable
class Clock(Protocol):
    """What this package needs of a clock."""

    def time(self) -> float:
        """Return UTC epoch seconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds that are never set back, but may stop while a laptop sleeps."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set (True) or the seconds have passed (False)."""
        ...


class SystemClock:
    """The clock of the machine."""

    # The functions themselves, without a method around them: each get_token calls both.
    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set (True) or the seconds have passed (False)."""
        return event.wait(seconds)


SYSTEM_CLOCK = SystemClock()
