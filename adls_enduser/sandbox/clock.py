"""The sandbox's clock: the machine's time, moved forward on request, or frozen."""

from __future__ import annotations

import threading
import time


class SandboxClock:
    """A clock in UTC epoch seconds that a test can move forward.

    With ``frozen=True`` the clock stands still: only ``advance`` and ``wait`` move it, and
    ``wait`` returns at once. So a client that uses this clock polls for a quarter of an hour
    in milliseconds. ``skew`` is how many seconds the *services'* clocks are ahead of it.
    """

    def __init__(self, *, frozen: bool = False, skew: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._frozen_at = time.time() if frozen else None
        self._offset = 0.0
        self._jumped = 0.0
        self.skew = skew

    def time(self) -> float:
        """Return the time of a client's clock."""
        base = time.time() if self._frozen_at is None else self._frozen_at
        return base + self._offset

    def service_time(self) -> float:
        """Return the time of the services' clocks."""
        return self.time() + self.skew

    def monotonic(self) -> float:
        """Return the seconds that have really passed; ``jump`` does not change them."""
        return self.time() - self._jumped

    def advance(self, seconds: float) -> None:
        """Move the clock forward by so many seconds."""
        with self._lock:
            self._offset += seconds

    def jump(self, seconds: float) -> None:
        """Set the client's clock forward or back, though no time has passed.

        The services' clocks do not follow.
        """
        with self._lock:
            self._offset += seconds
            self._jumped += seconds
            self.skew -= seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for the event or the seconds, whichever is first; a frozen clock does not wait."""
        if self._frozen_at is None:
            return event.wait(seconds)
        self.advance(seconds)
        return event.is_set()
