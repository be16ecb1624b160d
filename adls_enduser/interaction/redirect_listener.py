"""Listen on loopback for the browser that returns from the sign-in (RFC 8252 section 7.3).

The listener uses the loopback interface only (section 8.3). It passes on the query of a GET
request for the redirect URI, and sends an error page for every other request. It does not
look at the query itself. It is the standard library's server, except that it writes nothing
to standard error and repeats nothing of the request in its pages.
"""

from __future__ import annotations

import errno
import html
import threading
from base64 import b64encode
from hashlib import sha256
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..values import dataclass
from .loopback_server import LoopbackHandler, LoopbackServer, cannot_listen

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler
    from types import TracebackType

    from typing_extensions import Self

# For each host of a redirect URI, the address to listen on, and a second one if this machine
# has it: browsers try both addresses for "localhost".
_ADDRESSES = {
    "localhost": ("127.0.0.1", "::1"),
    "127.0.0.1": ("127.0.0.1", None),
    "::1": ("::1", None),
}
_PORT_ATTEMPTS = 20
_SEND_TIMEOUT = 1.0  # seconds to wait at the end for a page that is still being sent
_REMEDY = (
    "If another program uses the port, end that program, or leave the port out of redirect_uri=."
)

_STYLE = "body{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:4em auto;padding:0 1em}"
_PAGE = Template(
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>$title</title>'
    f"<style>{_STYLE}</style></head>\n"
    "<body><main><h1>$title</h1><p>$text</p></main></body></html>\n"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address of the page contains the code
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True)
class Reply:
    """A page for the person: HTTP status, title, and one or two sentences."""

    status: int
    title: str
    text: str


_NOT_FOUND = Reply(
    404,
    "There is no page here",
    "A program on this computer waits at this address for the end of a sign-in."
    " You can close this window.",
)
_METHOD_NOT_ALLOWED = Reply(405, "Wrong kind of request", "Only GET requests are accepted here.")
_WRONG_HOST = Reply(400, "Wrong address", "The request was meant for another host.")
_BAD_REQUEST = Reply(400, "Unreadable request", "The request could not be understood.")


class RedirectListener:
    """Listens on the port of ``redirect_uri``, or on a free port if it names none.

    Accepts connections as soon as it is created, and replies to them from ``serve`` on. Leaving
    the ``with`` closes the port. Raises ConfigurationError if it cannot listen there.
    """

    def __init__(self, redirect_uri: str) -> None:
        parts = urlsplit(redirect_uri)
        host = parts.hostname or ""
        self._servers = _listen(_ADDRESSES[host], parts.port or 0)
        port = self._servers[0].port
        url_host = f"[{host}]" if ":" in host else host
        # Without a path there is no slash either: Entra ID ignores the port of a loopback
        # address, but not the path (Microsoft, "Redirect URI (reply URL) restrictions").
        # msal.application, acquire_token_interactive, sends the same.
        self.redirect_uri = f"http://{url_host}:{port}{parts.path}"
        # A browser leaves the default port out (RFC 9110 section 4.2.1).
        self._host = url_host if port == 80 else f"{url_host}:{port}"
        self._path = parts.path or "/"
        self._reply_sent = threading.Event()
        self._reply_sent.set()

    def serve(self, receive: Callable[[str], Reply]) -> None:
        """Reply from now on; ``receive`` is called with each query, and returns its page."""
        self._receive = receive
        for server in self._servers:
            server.serve(self._reply_to, self._reply_sent)

    def _reply_to(self, request: BaseHTTPRequestHandler) -> Reply:
        # The exact host stops a foreign page whose name was made to point here (DNS rebinding).
        if [host.lower() for host in request.headers.get_all("Host", [])] != [self._host]:
            return _WRONG_HOST
        path, _, query = request.path.partition("?")
        if path != self._path:
            return _NOT_FOUND
        self._reply_sent.clear()
        return self._receive(query)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._reply_sent.wait(_SEND_TIMEOUT)
        for server in self._servers:
            server.close()


class _Server(LoopbackServer):
    def __init__(self, address: str, port: int) -> None:
        super().__init__(address, port, _Handler)

    def serve(
        self, reply_to: Callable[[BaseHTTPRequestHandler], Reply], reply_sent: threading.Event
    ) -> None:
        """Handle requests in a thread; set ``reply_sent`` after each reply."""
        self.reply_to, self.reply_sent = reply_to, reply_sent
        self.start("adls_enduser-loopback")


class _Handler(LoopbackHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] - socketserver sets it

    def reply(self) -> None:
        """Send the page that the listener replies with."""
        try:
            self._send_page(self.server.reply_to(self))
        finally:
            self.server.reply_sent.set()

    def refuse(self, status: int) -> None:
        """Send an error page."""
        self._send_page(_METHOD_NOT_ALLOWED if status == 405 else _BAD_REQUEST)

    def _send_page(self, reply: Reply) -> None:
        title, text = html.escape(reply.title), html.escape(reply.text)
        self.send(reply.status, _HEADERS, _PAGE.substitute(title=title, text=text).encode())


def _listen(addresses: tuple[str, str | None], port: int) -> list[_Server]:
    """Listen at both addresses on one port; the first address must succeed."""
    attempts_left = 1 if port else _PORT_ATTEMPTS
    while True:
        attempts_left -= 1
        try:
            return _listen_on_both(addresses, port)
        except OSError as error:
            if not attempts_left:
                raise cannot_listen(addresses[0], port, error, _REMEDY) from None


def _listen_on_both(addresses: tuple[str, str | None], port: int) -> list[_Server]:
    first, second = addresses
    server = _Server(first, port)
    if second is None:
        return [server]
    try:
        return [server, _Server(second, server.port)]
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return [server]  # this machine has no IPv6
        # A browser that tries the second address first would reach another program.
        server.server_close()
        raise
