"""What can go wrong, as values in a queue."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .http import Request


@dataclass(frozen=True)
class Answer:
    """Answer with this instead of asking the service."""

    status: int
    body: bytes | str = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reset:
    """Reset the connection: before the service hears of the request, or half-way back."""

    during_answer: bool = False


@dataclass(frozen=True)
class Stall:
    """Say nothing for so many (real) seconds, then close the connection."""

    seconds: float = 3600.0


@dataclass(frozen=True)
class HalfBody:
    """Send the headers and half of the true answer's body, then close the connection."""


Fault = Answer | Reset | Stall | HalfBody

HTML_502 = Answer(
    502,
    "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>",
    {"Content-Type": "text/html"},
)


def redirect(location: str, status: int = 307) -> Answer:
    """Send the client, and what it carries, somewhere else."""
    return Answer(status, b"", {"Location": location})


def throttled(retry_after: str = "1") -> Answer:
    """Answer 429 with a Retry-After in seconds or as an HTTP date."""
    return Answer(429, b"", {"Retry-After": retry_after})


@dataclass
class _Waiting:
    fault: Fault
    times: int
    method: str | None
    host: str | None
    path: str | None

    def fits(self, request: Request) -> bool:
        return (
            self.times > 0
            and self.method in (None, request.method)
            and (self.host is None or self.host in request.hostname)
            and (self.path is None or self.path.lower() in request.path.lower())
        )


class Faults:
    """A queue of faults; each meets the next requests that it fits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []

    def add(
        self,
        fault: Fault,
        *,
        times: int = 1,
        method: str | None = None,
        host: str | None = None,
        path: str | None = None,
    ) -> None:
        """Let a fault meet the next ``times`` requests.

        ``host`` and ``path`` are parts of what the request must have; None fits all.
        """
        with self._lock:
            self._waiting.append(_Waiting(fault, times, method, host, path))

    def clear(self) -> None:
        """Forget every fault that has not happened yet."""
        with self._lock:
            self._waiting.clear()

    def take(self, request: Request) -> Fault | None:
        """Give the fault that meets this request, or None."""
        with self._lock:
            for waiting in self._waiting:
                if waiting.fits(request):
                    waiting.times -= 1
                    return waiting.fault
        return None
