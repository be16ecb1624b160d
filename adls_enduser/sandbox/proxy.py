"""Sockets: a CONNECT proxy on loopback that ends TLS for the hosts it knows.

A client that is told to use this proxy speaks to ``https://real.host.name/`` as it
always does; every other host is refused with 403, so nothing leaves the machine. What
is asked of the proxy's own address in plain HTTP goes to the page for the person.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import traceback
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING

import h11
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from .faults import Answer, Fault, HalfBody, Reset, Stall
from .http import Request, Response, Service
from .request_log import Exchange, RequestLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .certificates import Certificates
    from .clock import SandboxClock
    from .faults import Faults

_RECEIVE = 256 * 1024
# urllib3 sends a head and its body apart, and leaves Nagle's algorithm on towards a proxy:
# without this a Linux kernel keeps every POST waiting 40 ms for an acknowledgement.
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)
_GONE = (OSError, h11.RemoteProtocolError)


class Wire:
    """Listens on loopback, one thread a connection."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        page: Service,
        certificates: Certificates,
        faults: Faults,
        log: RequestLog,
        clock: SandboxClock,
        port: int = 0,
    ) -> None:
        self.services = services
        self.page = page
        self.certificates = certificates
        self.faults = faults
        self.log = log
        self.clock = clock
        self.stopping = threading.Event()
        self.crashes: list[str] = []
        self._open: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="sandbox", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._accepting.start()

    def stop(self) -> None:
        """Close every connection and wait for their threads."""
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        with self._lock:
            threads, sockets = list(self._threads), list(self._open)
        for connection in sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(timeout=10)

    def service(self, host: str) -> Service | None:
        """Find who answers under a host name."""
        return next((one for one in self.services if one.serves(host)), None)

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
        line = Line(self, connection)
        self._keep(connection)
        try:
            line.serve()
        except _GONE:
            pass  # the client went away, which is its right
        finally:
            line.close()
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def swap(self, old: socket.socket, new: socket.socket | None) -> None:
        """Note that a connection was wrapped, or (None) closed."""
        with self._lock:
            self._open.discard(old)
            if new is not None:
                self._open.add(new)


class Hangup(Exception):
    """This connection is to be closed now, cleanly or with a reset."""


class Line:
    """One connection: perhaps a CONNECT, then requests until somebody hangs up."""

    def __init__(self, wire: Wire, connection: socket.socket) -> None:
        self._wire = wire
        self._socket = connection
        self._http = h11.Connection(h11.SERVER)
        self._tunnel: str | None = None

    def serve(self) -> None:
        """Answer until the connection ends."""
        try:
            while self._exchange():
                self._http.start_next_cycle()
        except Hangup:
            return

    def close(self) -> None:
        """Close the socket, whatever state it is in."""
        self._wire.swap(self._socket, None)
        with suppress(OSError):
            self._socket.close()

    def _exchange(self) -> bool:
        head = self._event()
        if not isinstance(head, h11.Request):
            return False
        if head.method == b"CONNECT":
            self._open_tunnel(head.target.decode("ascii", "replace"))
            return self._exchange()
        request = self._read(head)
        if request is None:
            return False
        self._answer(request)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def _event(self) -> object:
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
        if port != "443" or self._wire.service(host) is None:
            self._refuse("CONNECT", host or target)
        self._send(h11.Response(status_code=200, headers=[]))
        context = self._wire.certificates.context(host)
        wrapped = context.wrap_socket(self._socket, server_side=True)
        self._wire.swap(self._socket, wrapped)
        self._socket, self._tunnel = wrapped, host
        self._http = h11.Connection(h11.SERVER)

    def _refuse(self, method: str, host: str) -> None:
        self._wire.log.add(Exchange(method, host, "", status=403))
        body = f"The sandbox does not play {host}; nothing leaves this machine.\n".encode()
        headers = [("Content-Length", str(len(body))), ("Connection", "close")]
        self._send(h11.Response(status_code=403, headers=headers))
        self._send(h11.Data(data=body))
        raise Hangup

    def _read(self, head: h11.Request) -> Request | None:
        target = head.target.decode("ascii", "replace")
        if self._tunnel is None and not target.startswith("/"):
            self._refuse(head.method.decode(), target)
        body = bytearray()
        while isinstance(event := self._event(), h11.Data):
            body += event.data
        if not isinstance(event, h11.EndOfMessage):
            return None
        headers = Headers([(k.decode("latin-1"), v.decode("latin-1")) for k, v in head.headers])
        return Request(
            method=head.method.decode("ascii"),
            scheme="https" if self._tunnel else "http",
            host=self._tunnel or "localhost",
            target=target,
            headers=headers,
            body=bytes(body),
        )

    def _answer(self, request: Request) -> None:
        exchange = Exchange(request.method, request.hostname, request.path, request)
        self._wire.log.add(exchange)
        fault = exchange.fault = self._wire.faults.take(request)
        if isinstance(fault, Stall):
            self._wire.stopping.wait(fault.seconds)
            raise Hangup
        if isinstance(fault, Reset) and not fault.during_answer:
            self._reset()
        response = self._response(request, fault)
        exchange.status = response.status_code
        self._write(request, response, fault)

    def _response(self, request: Request, fault: Fault | None) -> Response:
        if isinstance(fault, Answer):
            return Response(fault.body, fault.status, fault.headers)
        service = self._wire.service(request.hostname) if self._tunnel else self._wire.page
        try:
            return (service or self._wire.page).answer(request)
        except HTTPException as error:
            return Response(error.description, error.code, content_type="text/plain")
        except Exception:
            self._wire.crashes.append(f"{request.method} {request.path}\n{traceback.format_exc()}")
            return Response("The sandbox has a bug.", 500)

    def _write(self, request: Request, response: Response, fault: Fault | None) -> None:
        now = self._wire.clock.service_time()
        response.headers.setdefault("Date", formatdate(now, usegmt=True))
        if isinstance(fault, Reset | HalfBody):
            self._write_half(response, fault)
        self._send(h11.Response(status_code=response.status_code, headers=list(response.headers)))
        if request.method != "HEAD":
            for chunk in response.iter_encoded():
                self._send(h11.Data(data=chunk))
        self._send(h11.EndOfMessage())
        response.close()

    def _write_half(self, response: Response, fault: Fault) -> None:
        body = response.get_data()
        headers = [*response.headers.items()]
        if "Content-Length" not in response.headers:
            headers.append(("Content-Length", str(len(body))))
        self._send(h11.Response(status_code=response.status_code, headers=headers))
        self._send(h11.Data(data=body[: len(body) // 2]))
        if isinstance(fault, Reset):
            self._reset()
        raise Hangup

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # The raw socket, so that no TLS close_notify makes a reset look like an end.
        raw = self._socket
        if isinstance(raw, ssl.SSLSocket):
            raw = socket.socket(fileno=raw.detach())
        raw.close()
        raise Hangup

    def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._socket.sendall(data)
