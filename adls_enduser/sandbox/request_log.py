"""The log of the requests that the sandbox got, and of their outcomes."""

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
    """One request and its status; the status is None until, or if, there is no response.

    ``request`` is None for a host that the proxy refused.
    """

    method: str
    host: str
    path: str
    request: Request | None = field(default=None, repr=False)
    fault: Fault | None = None
    status: int | None = None


class RequestLog:
    """All exchanges, oldest first. Iterating uses a copy made at the beginning."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []

    def add(self, exchange: Exchange) -> Exchange:
        """Add an exchange."""
        with self._lock:
            self._exchanges.append(exchange)
        return exchange

    def clear(self) -> None:
        """Remove all exchanges."""
        with self._lock:
            self._exchanges.clear()

    def __iter__(self) -> Iterator[Exchange]:
        with self._lock:
            return iter(list(self._exchanges))

    def __len__(self) -> int:
        return len(self._exchanges)

    def to(self, path: str, *, method: str | None = None, host: str = "") -> list[Exchange]:
        """Return the exchanges whose path and host contain these parts."""
        return [
            exchange
            for exchange in self
            if path.lower() in exchange.path.lower()
            and host in exchange.host
            and method in (None, exchange.method)
        ]
