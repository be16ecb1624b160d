"""Faults to inject: what can go wrong, as values in a queue."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .http import Request


@dataclass(frozen=True)
class Answer:
    """Send this response instead of the service's."""

    status: int
    body: bytes | str = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reset:
    """Reset the connection before the request arrives, or halfway through the response."""

    during_answer: bool = False


@dataclass(frozen=True)
class Stall:
    """Send nothing for so many (real) seconds, then close the connection."""

    seconds: float = 3600.0


@dataclass(frozen=True)
class HalfBody:
    """Send the headers and half of the real response's body, then close the connection."""


@dataclass(frozen=True)
class Drip:
    """Send the real response one byte at a time, with a pause of so many seconds before each.

    With ``headers=False`` the headers arrive at once, and only the body drips.
    """

    seconds: float = 0.05
    headers: bool = True


@dataclass(frozen=True)
class Endless:
    """Send a body that never ends, as fast as the client reads it."""


@dataclass(frozen=True)
class Gzip:
    """Send a small gzip body that is so many bytes long when it is decompressed."""

    size: int = 50_000_000


@dataclass(frozen=True)
class Informational:
    """Send interim responses (RFC 9110 section 15.2) without end, and never the final one."""

    status: int = 100
    seconds: float = 0.05


Fault = Answer | Reset | Stall | HalfBody | Drip | Endless | Gzip | Informational

HTML_502 = Answer(
    502,
    "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>",
    {"Content-Type": "text/html"},
)


def redirect(location: str, status: int = 307) -> Answer:
    """Return a redirect to another address (307: with the same method and body)."""
    return Answer(status, b"", {"Location": location})


def throttled(retry_after: str = "1") -> Answer:
    """Return a 429 response with a Retry-After in seconds or as an HTTP date."""
    return Answer(429, b"", {"Retry-After": retry_after})


@dataclass
class _QueuedFault:
    fault: Fault
    times: int
    method: str | None
    host: str | None
    path: str | None

    def matches(self, request: Request) -> bool:
        """Return whether this fault is for the request."""
        return (
            self.times > 0
            and self.method in (None, request.method)
            and (self.host is None or self.host in request.hostname)
            and (self.path is None or self.path.lower() in request.path.lower())
        )


class Faults:
    """A queue of faults; each fault applies to the next requests that match it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[_QueuedFault] = []

    def add(
        self,
        fault: Fault,
        *,
        times: int = 1,
        method: str | None = None,
        host: str | None = None,
        path: str | None = None,
    ) -> None:
        """Apply a fault to the next ``times`` requests.

        ``host`` and ``path`` are parts of the request's host and path; None matches all.
        """
        with self._lock:
            self._queue.append(_QueuedFault(fault, times, method, host, path))

    def clear(self) -> None:
        """Remove all faults that have not been applied yet."""
        with self._lock:
            self._queue.clear()

    def take(self, request: Request) -> Fault | None:
        """Return the fault for this request, or None."""
        with self._lock:
            for queued in self._queue:
                if queued.matches(request):
                    queued.times -= 1
                    return queued.fault
        return None
