"""What was asked of the sandbox, and what came of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .faults import Fault
    from .http import Request


@dataclass
class Exchange:
    """One request and its status; None while, or if, there was no answer.

    ``request`` is None for a host that was refused at the proxy's door.
    """

    method: str
    host: str
    path: str
    request: Request | None = field(default=None, repr=False)
    fault: Fault | None = None
    status: int | None = None


class RequestLog:
    """Every exchange, oldest first. Iterates over what was there when it began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []

    def add(self, exchange: Exchange) -> Exchange:
        """Write one down."""
        with self._lock:
            self._exchanges.append(exchange)
        return exchange

    def clear(self) -> None:
        """Forget everything so far."""
        with self._lock:
            self._exchanges.clear()

    def __iter__(self) -> Iterator[Exchange]:
        with self._lock:
            return iter(list(self._exchanges))

    def __len__(self) -> int:
        return len(self._exchanges)

    def to(self, path: str, *, method: str | None = None, host: str = "") -> list[Exchange]:
        """Give the exchanges whose path has this part, at hosts that have that part."""
        return [
            one
            for one in self
            if path.lower() in one.path.lower()
            and host in one.host
            and method in (None, one.method)
        ]
