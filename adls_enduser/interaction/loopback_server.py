"""A server on loopback: one request for each connection, bounded in size, time and number.

It is the standard library's server, except that it writes nothing to standard error, and that no
client can hold it, or delay its end: a client may send a byte now and then, open connections
without number, or never read or close.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import socketserver
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..concurrency import reset_after_fork
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_POLL_INTERVAL = 0.05
_MOST_CONNECTIONS = 64

# The longest request line with its headers, in bytes; as much as http.server reads of one line.
# Browsers send a page on localhost the cookies of all programs there.
_LONGEST_HEAD = 65536
_END_OF_HEAD = re.compile(rb"\n\r?\n")

# How many seconds a client has to send its request, to read the response, and to close.
_REQUEST_TIMEOUT, _SEND_TIMEOUT, _CLOSE_TIMEOUT = 5.0, 5.0, 1.0


class LoopbackServer(socketserver.ThreadingTCPServer):
    """Listens at an address of loopback; handles requests in threads from ``start`` on."""

    # Not http.server's, which looks up its own host name; that can take many seconds.
    daemon_threads = True
    # On Windows this option would let two programs use one port (Microsoft, "Using SO_REUSEADDR").
    allow_reuse_address = os.name == "posix"
    request_queue_size = _MOST_CONNECTIONS

    def __init__(self, address: str, port: int, handler: type[LoopbackHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._is_serving = False
        # Each open connection, and whether it may be ended for a newer one.
        self._connections: dict[Any, bool] = {}
        self._lock = threading.Lock()
        super().__init__((address, port), handler)
        reset_after_fork(self)

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self.server_address[1])

    def start(self, thread_name: str) -> None:
        """Handle requests from now on."""
        threading.Thread(
            target=self.serve_forever, args=(_POLL_INTERVAL,), name=thread_name, daemon=True
        ).start()
        self._is_serving = True

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle one connection; end the oldest one that has sent no request if there are many."""
        with self._lock:
            self._connections[request] = True
            if len(self._connections) > _MOST_CONNECTIONS:
                open_ones = self._connections.items()
                oldest = next(connection for connection, may_end in open_ones if may_end)
                del self._connections[oldest]
                _end(oldest)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and forget it."""
        with self._lock:
            self._connections.pop(request, None)
        super().shutdown_request(request)

    def keep(self, connection: object, *, kept: bool) -> None:
        """Say whether a connection must stay open when there are many."""
        with self._lock:
            if connection in self._connections:
                self._connections[connection] = not kept

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: it is no error if a client closes its connection."""

    def close(self) -> None:
        """Stop the thread, close the port, and end the connections that are still open."""
        if self._is_serving:
            self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                _end(connection)

    def after_fork(self) -> None:
        """Close the child's copies: a copy of the port would outlive the server, and not reply."""
        self._lock = threading.Lock()
        self._is_serving = False
        self.server_close()
        for connection in self._connections:
            connection.close()
        self._connections = {}


class LoopbackHandler(BaseHTTPRequestHandler):
    """Reads one GET request, and sends one response: a subclass says which."""

    server: LoopbackServer  # pyright: ignore[reportIncompatibleVariableOverride]
    # What send_error needs if not even the request line can be read.
    command = requestline = ""
    request_version = "HTTP/1.1"

    def handle(self) -> None:
        """Read a request, and reply, unless the client sends no whole request in time."""
        head = self._read_head()
        if len(head) > _LONGEST_HEAD:
            self.refuse(431)
        elif _END_OF_HEAD.search(head):
            self.rfile.close()
            self.rfile = BytesIO(head)
            self.handle_one_request()
        self._discard_the_rest()

    def do_GET(self) -> None:
        """Send the response to a GET request; ``http.server`` calls this."""
        self.reply()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse a request; the response of ``http.server`` would quote it."""
        self.refuse(405 if code == 501 else code)

    def reply(self) -> None:
        """Send the response to a GET request."""
        raise NotImplementedError

    def refuse(self, status: int) -> None:
        """Send an error: 405 for another method, else for a request that cannot be read."""
        raise NotImplementedError

    def _read_head(self) -> bytes:
        """Read up to the empty line after the headers; a body is not read."""
        end = time.monotonic() + _REQUEST_TIMEOUT
        head = b""
        while len(head) <= _LONGEST_HEAD and not _END_OF_HEAD.search(head):
            left = end - time.monotonic()
            if left <= 0:
                break
            self.connection.settimeout(left)
            try:
                received = self.connection.recv(_LONGEST_HEAD)
            except TimeoutError:
                break
            if not received:
                break
            head += received
        return head

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send the response."""
        self.connection.settimeout(_SEND_TIMEOUT)
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status == 405:
            self.send_header("Allow", "GET")  # RFC 9110 section 15.5.6
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _discard_the_rest(self) -> None:
        """Wait a moment for the client to read the response and to close.

        To close while there is something unread would reset the connection, and the client might
        lose the response (RFC 9112 section 9.6).
        """
        self.server.keep(self.connection, kept=False)
        end = time.monotonic() + _CLOSE_TIMEOUT
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while (left := end - time.monotonic()) > 0:
                self.connection.settimeout(left)
                if not self.connection.recv(_LONGEST_HEAD):
                    break

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Write nothing; the standard library would write to standard error."""


def cannot_listen(address: str, port: int, error: OSError, remedy: str) -> ConfigurationError:
    """Return the error for a server that cannot listen there."""
    reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return ConfigurationError(
        f"The program cannot listen on port {port or '(any)'} of {address} ({reason}).",
        remedy=remedy,
    )


def _end(connection: socket.socket) -> None:
    """End a connection that another thread uses, which then closes it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
