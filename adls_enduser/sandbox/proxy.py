"""The sockets: a CONNECT proxy on loopback that terminates TLS for the hosts it serves.

A client that is told to use this proxy connects to ``https://real.host.name/`` as it
always does. Every other host is refused, so nothing leaves the machine. Plain HTTP requests to
the proxy's own address go to the device login page.

A client may also leave TLS to the proxy, and send it ``GET https://real.host.name/`` (the absolute
form of RFC 9112 section 3.2.2), as axios before 1.0 does (its ``lib/adapters/http.js``).
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import traceback
import zlib
from contextlib import suppress
from email.utils import formatdate
from functools import cache
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import h11
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from .faults import Answer, Drip, Endless, Fault, Gzip, HalfBody, Informational, Reset, Stall
from .http import AccountHosts, Request, Response, Service
from .request_log import Exchange, RequestLog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .certificates import Certificates
    from .clock import SandboxClock
    from .faults import Faults

_RECEIVE = 256 * 1024
# A request's body is in memory. The largest that clients send by themselves are blocks of
# 100 MiB (azure-storage-file-datalake, ``upload_datalake_file``); the services allow 4000 MiB.
LARGEST_BODY = 512 * 1024 * 1024
# urllib3 sends the headers and the body separately, and leaves Nagle's algorithm on for a
# proxy. Without quick acknowledgements a Linux kernel delays every POST by 40 ms.
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)
_CLIENT_GONE = (OSError, h11.RemoteProtocolError)


class Proxy:
    """Listens on loopback, with one thread per connection."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        page: Service,
        accounts: Sequence[AccountHosts] = (),
        certificates: Certificates,
        faults: Faults,
        log: RequestLog,
        clock: SandboxClock,
        port: int = 0,
    ) -> None:
        self.services = list(services)
        self.page = page
        self.accounts = tuple(accounts)
        self.certificates = certificates
        self.faults = faults
        self.log = log
        self.clock = clock
        self.largest_body = LARGEST_BODY
        self.stopping = threading.Event()
        self.crashes: list[str] = []
        self._sockets: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._accept_thread = threading.Thread(target=self._accept, name="sandbox", daemon=True)

    def start(self) -> None:
        """Start to accept connections."""
        self._accept_thread.start()

    def stop(self) -> None:
        """Close all connections and wait for their threads."""
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accept_thread.join()
        with self._lock:
            threads, sockets = list(self._threads), list(self._sockets)
        for connection in sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(timeout=10)

    def service(self, host: str) -> Service | None:
        """Return the service of a host name, or None."""
        return next((service for service in self.services if service.serves(host)), None)

    def of_free_name(self, host: str) -> AccountHosts | None:
        """Return the service that would serve a host name, if somebody had created its account."""
        return next((service for service in self.accounts if service.is_free_name(host)), None)

    def is_own_address(self, target: str) -> bool:
        """Tell whether an absolute http address is the proxy's own: that of the login page."""
        names = ("localhost", "127.0.0.1", "[::1]")
        return target.startswith(tuple(f"http://{name}:{self.port}/" for name in names))

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._threads.add(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        client = ClientConnection(self, connection)
        self._add_socket(connection)
        try:
            client.serve()
        except _CLIENT_GONE:
            pass  # the client may close its connection at any time
        finally:
            client.close()
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _add_socket(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.add(connection)

    def replace_socket(self, old: socket.socket, new: socket.socket | None) -> None:
        """Record that a connection was wrapped in TLS, or (None) closed."""
        with self._lock:
            self._sockets.discard(old)
            if new is not None:
                self._sockets.add(new)


class CloseConnection(Exception):
    """This connection is to be closed now, cleanly or with a reset."""


class ClientConnection:
    """One connection: perhaps a CONNECT, then requests until either side closes it."""

    def __init__(self, proxy: Proxy, connection: socket.socket) -> None:
        self._proxy = proxy
        self._socket = connection
        self._http = h11.Connection(h11.SERVER)
        self._tunnel: str | None = None

    def serve(self) -> None:
        """Serve requests until the connection ends."""
        try:
            while self._serve_request():
                self._http.start_next_cycle()
        except CloseConnection:
            return

    def close(self) -> None:
        """Close the socket, whatever its state."""
        self._proxy.replace_socket(self._socket, None)
        with suppress(OSError):
            self._socket.close()

    def _serve_request(self) -> bool:
        head = self._next_event()
        if not isinstance(head, h11.Request):
            return False
        if head.method == b"CONNECT":
            self._open_tunnel(head.target.decode("ascii", "replace"))
            return self._serve_request()
        request = self._read_request(head)
        if request is None:
            return False
        self._respond(request)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def _next_event(self) -> object:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self._http.they_are_waiting_for_100_continue:
                self._send(h11.InformationalResponse(status_code=100, headers=[]))
            if _QUICK_ACK is not None:
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            self._http.receive_data(self._socket.recv(_RECEIVE))

    def _open_tunnel(self, target: str) -> None:
        host, _, port = target.lower().rpartition(":")
        if port != "443" or self._proxy.service(host) is None:
            self._refuse("CONNECT", host or target)
        self._send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))
        tls_context = self._proxy.certificates.tls_context(host)
        wrapped = tls_context.wrap_socket(self._socket, server_side=True)
        self._proxy.replace_socket(self._socket, wrapped)
        self._socket, self._tunnel = wrapped, host
        self._http = h11.Connection(h11.SERVER)

    def _refuse(self, method: str, host: str) -> None:
        """Refuse a host: 502 for a name of Azure's that nobody has, as it does not resolve."""
        free = self._proxy.of_free_name(host) is not None
        status = HTTPStatus.BAD_GATEWAY if free else HTTPStatus.FORBIDDEN
        self._proxy.log.add(Exchange(method, host, "", status=status))
        why = f"There is no account {host}" if free else f"The sandbox does not serve {host}"
        body = f"{why}; nothing leaves this machine.\n".encode()
        headers = [("Content-Length", str(len(body))), ("Connection", "close")]
        reason = status.phrase.encode()
        self._send(h11.Response(status_code=status, headers=headers, reason=reason))
        self._send(h11.Data(data=body))
        raise CloseConnection

    def _read_request(self, head: h11.Request) -> Request | None:
        scheme, host, target = self._destination(head)
        body, length = bytearray(), 0
        while isinstance(event := self._next_event(), h11.Data):
            length += len(event.data)
            if length <= self._proxy.largest_body:
                body += event.data
        if not isinstance(event, h11.EndOfMessage):
            return None
        # As they were sent: the names of a blob's metadata keep their case.
        sent = head.headers.raw_items()
        headers = Headers([(k.decode("latin-1"), v.decode("latin-1")) for k, v in sent])
        return Request(
            method=head.method.decode("ascii"),
            scheme=scheme,
            host=host,
            target=target,
            headers=headers,
            body=bytes(body) if length <= self._proxy.largest_body else None,
        )

    def _destination(self, head: h11.Request) -> tuple[str, str, str]:
        """Return the scheme, the host and the target; refuse what is not served.

        A server accepts the absolute form too, also inside of a tunnel (RFC 9112 section 3.2.2).
        """
        sent = head.target.decode("ascii", "replace")
        scheme, host, target = _absolute(sent)
        if self._tunnel:
            return "https", self._tunnel, target or sent
        if sent.startswith("/") or self._proxy.is_own_address(sent):
            return "http", "localhost", target or sent
        if scheme != "https" or self._proxy.service(host) is None:
            self._refuse(head.method.decode(), host if scheme == "https" else sent)
        return scheme, host, target

    def _respond(self, request: Request) -> None:
        exchange = Exchange(request.method, request.hostname, request.path, request)
        self._proxy.log.add(exchange)
        fault = exchange.fault = self._proxy.faults.take(request)
        if isinstance(fault, Stall):
            self._proxy.stopping.wait(fault.seconds)
            raise CloseConnection
        if isinstance(fault, Reset) and not fault.during_answer:
            self._reset()
        if isinstance(fault, Informational):
            self._send_informational(fault)
        response = self._response(request, fault)
        exchange.status = response.status_code
        self._send_response(request, response, fault)

    def _response(self, request: Request, fault: Fault | None) -> Response:
        if isinstance(fault, Answer):
            return Response(fault.body, fault.status, fault.headers)
        if isinstance(fault, Endless):
            return Response(self._endless_body(), content_type="application/json")
        if isinstance(fault, Gzip):
            headers = {"Content-Encoding": "gzip"}
            body = _gzip_of_spaces(fault.size)
            return Response(body, headers=headers, content_type="application/json")
        try:
            return self._service(request).respond(request)
        except HTTPException as error:
            return Response(error.description, error.code, content_type="text/plain")
        except Exception:
            self._proxy.crashes.append(f"{request.method} {request.path}\n{traceback.format_exc()}")
            return Response("The sandbox has a bug.", 500)

    def _service(self, request: Request) -> Service:
        """Return the service of a request, also of an account that was deleted meanwhile."""
        if request.scheme != "https":
            return self._proxy.page
        host = request.hostname
        return self._proxy.service(host) or self._proxy.of_free_name(host) or self._proxy.page

    def _send_response(self, request: Request, response: Response, fault: Fault | None) -> None:
        now = self._proxy.clock.service_time()
        response.headers.setdefault("Date", formatdate(now, usegmt=True))
        if isinstance(fault, Reset | HalfBody):
            self._send_half(response, fault)
        if isinstance(fault, Drip):
            self._send_dripping(response, fault)
        self._send(_head(response, list(response.headers)))
        if request.method != "HEAD":
            for chunk in response.iter_encoded():
                self._send(h11.Data(data=chunk))
        self._send(h11.EndOfMessage())
        response.close()

    def _send_half(self, response: Response, fault: Fault) -> None:
        body = response.get_data()
        headers = [*response.headers.items()]
        if "Content-Length" not in response.headers:
            headers.append(("Content-Length", str(len(body))))
        self._send(_head(response, headers))
        self._send(h11.Data(data=body[: len(body) // 2]))
        if isinstance(fault, Reset):
            self._reset()
        raise CloseConnection

    def _send_dripping(self, response: Response, fault: Drip) -> None:
        body = response.get_data()
        response.headers["Content-Length"] = str(len(body))
        data = self._http.send(_head(response, list(response.headers))) or b""
        if not fault.headers:
            self._socket.sendall(data)
            data = b""
        for byte in data + body:
            if self._proxy.stopping.wait(fault.seconds):
                break
            self._socket.sendall(bytes([byte]))
        raise CloseConnection

    def _send_informational(self, fault: Informational) -> None:
        while not self._proxy.stopping.wait(fault.seconds):
            self._send(h11.InformationalResponse(status_code=fault.status, headers=[]))
        raise CloseConnection

    def _endless_body(self) -> Iterator[bytes]:
        while not self._proxy.stopping.is_set():
            yield b" " * _RECEIVE

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # Detach the raw socket: a TLS close_notify would make the reset look like a normal end.
        raw = self._socket
        if isinstance(raw, ssl.SSLSocket):
            raw = socket.socket(fileno=raw.detach())
        raw.close()
        raise CloseConnection

    def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._socket.sendall(data)


def _absolute(target: str) -> tuple[str, str, str]:
    """Return scheme, host and target of the absolute form; of an origin form, empty texts.

    Raises nothing: of a malformed address the host is empty, and nobody serves that.
    """
    try:
        url = urlsplit(target)
        host = (url.hostname or "") if url.port in (None, 443) else url.netloc
    except ValueError:
        return "", "", ""
    if not url.scheme or not url.netloc:
        return "", "", ""
    path = target[target.index("://") + 3 + len(url.netloc) :]
    return url.scheme, host, path if path.startswith("/") else f"/{path}"


def _head(response: Response, headers: list[tuple[str, str]]) -> h11.Response:
    """Return the head with the reason phrase, which some clients show or log.

    Every recorded response has one (for example azure-mgmt-datalake-store's
    ``test_vnet_operations``: 200 OK, 404 Not Found).
    """
    status = response.status_code
    reason = responses.get(status, "").encode()
    return h11.Response(status_code=status, headers=headers, reason=reason)


@cache
def _gzip_of_spaces(size: int) -> bytes:
    """Return the gzip form of ``size`` spaces, which are never in memory all at once."""
    compressor = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16)
    parts = [
        compressor.compress(b" " * min(_RECEIVE, size - start))
        for start in range(0, size, _RECEIVE)
    ]
    return b"".join([*parts, compressor.flush()])
