"""Wait for events, not for times: a machine that is busy needs longer for everything."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from adls_enduser import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

# How long a request may take that is to hang until its timeout. The first is usually enough for
# the requests before it; if it is not, a test begins again with the next.
PATIENCE = (0.5, 4.0, 30.0)


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds. The limit is for a test that fails."""
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            pytest.fail("waited in vain")
        time.sleep(0.01)


# How long an access token may live whose end a test waits for, if other processes, which have
# no clock but the machine's, are to have used it before.
LIFETIMES = (3, 12, 48)


def with_patience(act: Callable[[float], object], seconds: Sequence[float] = PATIENCE) -> None:
    """Act with so many seconds, and again with more until ``act`` returns true."""
    for patience in seconds[:-1]:
        with suppress(TransportError):
            if act(patience):
                return
    assert act(seconds[-1])


class Stopwatch:
    """Measure the seconds that this process had, by short sleeps in a thread.

    While the machine gives its time to others, a sleep takes as much longer as the code does
    that is measured. So a promise such as "within a second" can be kept on a busy machine.
    """

    _STEP = 0.01

    def __init__(self) -> None:
        self._steps = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    @property
    def seconds(self) -> float:
        """Return the seconds since the start."""
        return self._steps * self._STEP

    def start(self) -> None:
        """Begin to measure."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ended.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _count(self) -> None:
        while not self._ended.wait(self._STEP):
            self._steps += 1
