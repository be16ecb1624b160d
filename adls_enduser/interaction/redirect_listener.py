"""The listener on loopback to which the browser brings the answer (RFC 8252 section 7.3).

It listens on the loopback interface only (section 8.3), hands on the query of a GET of the
one address that the browser was told, and answers everything else with an error page. What
a query is worth is not its business. It is the standard library's server, with what that
writes to standard error and into its answers taken out.
"""

from __future__ import annotations

import errno
import html
import os
import socket
import socketserver
import threading
from base64 import b64encode
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

# Where a host name of the redirect URI is listened to, and where besides if that can be:
# browsers try either address for "localhost".
_ADDRESSES = {
    "localhost": ("127.0.0.1", "::1"),
    "127.0.0.1": ("127.0.0.1", None),
    "::1": ("::1", None),
}
_TRIES = 20
_IDLE = 5.0  # seconds for a browser that connects ahead of time and says nothing
_LAST_WORD = 1.0  # seconds for the page to get out before the listener closes
_POLL = 0.05

_STYLE = "body{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:4em auto;padding:0 1em}"
_PAGE = Template(
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>$title</title>'
    f"<style>{_STYLE}</style></head>\n"
    "<body><main><h1>$title</h1><p>$text</p></main></body></html>\n"
)
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address of the page has the code in it
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Connection": "close",
}


@dataclass(frozen=True)
class Reply:
    """A page for the person: HTTP status, title, and a sentence or two."""

    status: int
    title: str
    text: str


_NOT_HERE = Reply(404, "Nothing is here", "This address takes a sign-in's answer and nothing else.")
_NOT_SO = Reply(405, "Not this way", "This address only takes GET requests.")
_NOT_ME = Reply(400, "Not for this machine", "The request was meant for another host.")
_NONSENSE = Reply(400, "Not understood", "The request could not be read.")


class RedirectListener:
    """Listens where ``redirect_uri`` says, or on a free port if it names none.

    Listens from the beginning, and answers from ``serve`` on; a context manager that
    closes the port. ConfigurationError if it cannot be had.
    """

    def __init__(self, redirect_uri: str) -> None:
        parts = urlsplit(redirect_uri)
        host = parts.hostname or ""
        self._servers = _listen(_ADDRESSES[host], parts.port or 0)
        port = self._servers[0].server_address[1]
        shown = f"[{host}]" if ":" in host else host
        # Without a path there is no slash either: Entra ID ignores the port of a loopback
        # address, but not the path (Microsoft, "Redirect URI (reply URL) restrictions");
        # msal.application, acquire_token_interactive, sends it likewise.
        self.redirect_uri = f"http://{shown}:{port}{parts.path}"
        # A browser leaves the default port out (RFC 9110 section 4.2.1).
        self._host = shown if port == 80 else f"{shown}:{port}"
        self._path = parts.path or "/"
        self._told = threading.Event()
        self._told.set()

    def serve(self, receive: Callable[[str], Reply]) -> None:
        """Answer from now on; ``offer`` gets each query and gives the page for it."""
        for server in self._servers:
            server.judge = lambda request: self._judge(request, receive)
            server.told = self._told.set
            threading.Thread(
                target=server.serve_forever,
                args=(_POLL,),
                name="adls_enduser-loopback",
                daemon=True,
            ).start()
            server.serving = True

    def _judge(self, request: _Handler, receive: Callable[[str], Reply]) -> Reply:
        # The exact host stops a page elsewhere whose name was made to point here (DNS
        # rebinding).
        if [host.lower() for host in request.headers.get_all("Host", [])] != [self._host]:
            return _NOT_ME
        path, _, query = request.path.partition("?")
        if path != self._path:
            return _NOT_HERE
        self._told.clear()
        return receive(query)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._told.wait(_LAST_WORD)
        for server in self._servers:
            server.close()


class _Server(socketserver.ThreadingTCPServer):
    # Not http.server's: that looks its own name up, which can take many seconds.
    daemon_threads = True
    # DetachedStrategy it would let two programs have one port (Microsoft, "Using SO_REUSEADDR").
    allow_reuse_address = os.name == "posix"
    serving = False

    def __init__(self, address: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.judge: Callable[[_Handler], Reply] = lambda _: _NOT_HERE
        self.told: Callable[[], None] = lambda: None
        super().__init__((address, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that goes away is no news."""

    def close(self) -> None:
        """Stop, and let go of the port."""
        if self.serving:
            self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    timeout = _IDLE
    server: _Server

    def do_GET(self) -> None:
        """Let the listener judge the request, and show its page."""
        try:
            self._show(self.server.judge(self))
        finally:
            self.server.told()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer what is no GET; as the standard library's, which quotes the request."""
        self._show(_NOT_SO if code == 501 else _NONSENSE)

    def _show(self, reply: Reply) -> None:
        title, text = html.escape(reply.title), html.escape(reply.text)
        body = _PAGE.substitute(title=title, text=text).encode()
        self.close_connection = True
        self.send_response_only(reply.status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if reply.status == 405:
            self.send_header("Allow", "GET")  # RFC 9110 section 15.5.6
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Write nothing, be it that a connection has said nothing for too long."""


def _listen(addresses: tuple[str, str | None], port: int) -> list[_Server]:
    """Listen at both addresses on one port; at the first one it must succeed."""
    outcome: list[_Server] | OSError = []
    for _ in range(1 if port else _TRIES):
        outcome = _try(addresses, port)
        if not isinstance(outcome, OSError):
            return outcome
    reason = errno.errorcode.get(getattr(outcome, "errno", 0), type(outcome).__name__)
    raise ConfigurationError(
        f"Nothing can listen on port {port or '(any)'} of {addresses[0]} ({reason}).",
        remedy="Another program may use it: end that one, or leave the port out of redirect_uri=.",
    )


def _try(addresses: tuple[str, str | None], port: int) -> list[_Server] | OSError:
    first, second = addresses
    try:
        with ExitStack() as opened:
            servers = [_open(first, port, opened)]
            if second is not None:
                servers += _besides(second, servers[0].server_address[1], opened)
            opened.pop_all()
    except OSError as error:
        return error
    return servers


def _besides(address: str, port: int, opened: ExitStack) -> list[_Server]:
    try:
        return [_open(address, port, opened)]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise  # a browser that tries this address first would go to a stranger
        return []  # this machine has no IPv6


def _open(address: str, port: int, opened: ExitStack) -> _Server:
    server = _Server(address, port)
    opened.callback(server.server_close)
    return server
