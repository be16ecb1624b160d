"""Connections to a host: ended by any thread, and shared by the requests of one sign-in."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import requests
import requests.adapters

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _Result = TypeVar("_Result")

# A server closes a connection that nobody uses, at the earliest after some seconds. A request that
# is sent just then has no response, and a password is not sent twice.
_LONGEST_IDLE = 2.0

_current = threading.local()


class OneConnection:
    """Send the requests of a ``with`` block by one connection, which ends with the block.

    They are those that this thread sends. In the block of another one they use that one's.
    Nothing is kept between two sign-ins or renewals. ``longest_idle``: after how many seconds
    without a request the next one opens a new connection.
    """

    def __init__(self, longest_idle: float = _LONGEST_IDLE) -> None:
        self._longest_idle = longest_idle
        self._free: list[Wire] = []
        self._is_over = False

    def __enter__(self) -> OneConnection:
        """Begin the block; another one may be around it."""
        self._around = current_connection()
        _current.connection = self._around or self
        return self

    def __exit__(self, *error: object) -> None:
        """Close the connection."""
        _current.connection = self._around
        self.close()

    def used_by(self, function: Callable[..., _Result]) -> Callable[..., _Result]:
        """Return the function, whose requests, in any thread, use this connection."""

        def call(*arguments: object) -> _Result:
            around, _current.connection = current_connection(), self
            try:
                return function(*arguments)
            finally:
                _current.connection = around

        return call

    def take(self) -> Wire:
        """Return the connection of the request before, or a new one if that may be closed."""
        while self._free:
            wire = self._free.pop()
            if time.monotonic() - wire.idle_since < self._longest_idle:
                return wire
            wire.close()
        return Wire()

    def put_back(self, wire: Wire) -> None:
        """Keep a connection for the next request."""
        wire.idle_since = time.monotonic()
        self._free.append(wire)
        if self._is_over:  # an abandoned thread's
            self.close()

    def close(self) -> None:
        """Close the connection; one that is in use is closed when it is put back."""
        self._is_over = True
        while self._free:
            self._free.pop().close()


def current_connection() -> OneConnection | None:
    """Return the connection for this thread's requests, or None if each has its own."""
    found: OneConnection | None = getattr(_current, "connection", None)
    return found


class Wire:
    """A session of requests, for one request after the other; any thread may end its connection."""

    def __init__(self) -> None:
        self.session = _Session()
        self.session.trust_env = False  # what holds of it, route.py has found; and no netrc
        self.session.mount("https://", _Adapter(self))
        self.idle_since = 0.0
        self._connection: Any = None
        self._socket: Any = None
        self._is_over = False

    def close(self) -> None:
        """End the connection, if there is one, and with it the thread that uses it."""
        self._is_over = True
        with suppress(OSError):  # of gevent's closed socket, each attribute raises one
            connected = self._socket or getattr(self._connection, "sock", None)
            # urllib3's SSLTransport, for TLS through a proxy that itself is reached by TLS,
            # holds the socket.
            _shut_down(getattr(connected, "socket", connected))
        self.session.close()

    def watched(self, connection_class: Any) -> Any:
        """Return a class of connections that this object can end."""
        wire = self

        class WatchedConnection(connection_class):  # type: ignore[misc]
            is_watched = True

            def connect(self) -> None:
                wire._connection, wire._socket = self, None
                super().connect()
                wire._socket = self.sock
                if wire._is_over:  # nothing may be sent after the caller was told of a timeout
                    self.close()
                    raise TimeoutError

            def putrequest(self, *arguments: Any, **options: Any) -> Any:
                # A session has a connection for each host, and this one is in use now.
                wire._connection, wire._socket = self, self.sock
                return super().putrequest(*arguments, **options)

        return WatchedConnection


def _shut_down(connected: Any) -> None:
    """End a socket's connection, by the class that is no TLS socket.

    A TLS socket's own ``shutdown`` would also drop the state that the other thread is reading
    with. Under eventlet its base class is not the one that the module ``socket`` then has.
    """
    kinds = type(connected).__mro__
    plain = next((kind for kind in kinds if kind.__name__ == "socket"), kinds[0])
    if hasattr(plain, "shutdown"):
        plain.shutdown(connected, socket.SHUT_RDWR)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """Find no redirect: requests would read its whole body, also if it does not follow."""
        return


class _Adapter(requests.adapters.HTTPAdapter):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool whose connections can be ended."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not hasattr(pool.ConnectionCls, "is_watched"):  # a pool serves several requests
            pool.ConnectionCls = self._wire.watched(pool.ConnectionCls)
        return pool
