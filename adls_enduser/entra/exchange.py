"""Send one request and read its response, bounded in time and in size.

The time limit of requests is one for each read, which a server that sends a byte at a time
never reaches (requests, "Timeouts": "timeout is not a time limit on the entire response
download"). It bounds neither headers that drip nor 1xx responses without end, which
``http.client`` reads before requests returns, nor a host of many addresses that are tried in
turn. So the request runs in a thread, and the thread that waits for it ends the connection at the
deadline: the thread's next read fails, and the thread ends.
"""

from __future__ import annotations

import codecs
import re
import ssl
import time
import zlib
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.util import SSLContext as _Urllib3Context

from .. import __version__
from ..environment.greenlets import check_patching, patched_late, patching_library
from ..errors import ProtocolError, TransportError
from ..interaction.waiting import InterruptibleCall, is_abandoned
from ..values import dataclass, field
from .addresses import host_of
from .connections import Wire
from .network_errors import Failure, failure_of, proxy_refused_credentials, timed_out
from .route import Route, find_route

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from ..options import Settings
    from .connections import OneConnection

# The largest document is a federation server's metadata, of less than 100 kB.
MAX_BODY = 1_000_000
_CHUNK = 65_536
# A retry may succeed at once: RFC 9110 sections 15.5.9, 15.6 and RFC 6585 section 4.
_TEMPORARY = frozenset({408, 429, 500, 502, 503, 504})
# By the names that Python's codecs have. Others are of no use here, and some take quadratic
# time (idna, punycode) or are no character sets (undefined, unicode_escape).
_CHARSETS = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252", "utf-16"})
_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s"';]*)""", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """A request. The body may hold a password, and the headers a user name."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: str | None = field(repr=False)


@dataclass(frozen=True)
class Response:
    """An HTTP response: status, body, headers. The body may hold tokens."""

    status: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300


def is_temporary(outcome: Response | Failure) -> bool:
    """Return whether the same request may succeed at once."""
    return outcome.retry if isinstance(outcome, Failure) else outcome.status in _TEMPORARY


def exchange(
    request: Request, settings: Settings, connection: OneConnection | None = None
) -> Response | Failure:
    """Return the response, or why there is none; raise TransportError at the deadline.

    ``connection``: what the requests of one sign-in share; None: it ends with the request.
    Raises ConfigurationError or MissingDependency for a proxy or a CA bundle that cannot be used.
    """
    _check_patching()
    route = find_route(request.url, settings)
    wire = connection.take() if connection else Wire()
    outcome: Response | Failure | None = None
    try:
        sender = _Sender(request, settings, route, wire)
        call = InterruptibleCall(sender.send, name="adls_enduser-request")
        outcome = call.result(sender.check)
        return outcome
    finally:
        if connection and isinstance(outcome, Response):
            connection.put_back(wire)
        else:
            wire.close()


def _check_patching() -> None:
    """Raise ConfigurationError for a process that gevent or eventlet has patched wrongly."""
    check_patching()
    library = patching_library()
    # urllib3 keeps the class that it found. Where that was patched later, it calls itself
    # without end.
    if library and _Urllib3Context is not ssl.SSLContext:
        raise patched_late(library, "urllib3")


def check_wanted(url: str) -> None:
    """Raise TransportError if nobody waits any more for the sign-in that this thread makes."""
    if is_abandoned():
        raise TransportError(
            f"No further request was sent to {host_of(url)}: the wait for the sign-in is over.",
            remedy="Sign in again.",
        )


class _Sender:
    """Sends one request in one thread; another thread may end it."""

    def __init__(self, request: Request, settings: Settings, route: Route, wire: Wire) -> None:
        self._request, self._settings, self._route = request, settings, route
        self._wire = wire
        # Real time, whatever clock the settings have: a socket knows no other.
        self._end = time.monotonic() + settings.request_timeout

    def check(self) -> None:
        """Raise TransportError if the exchange has lasted too long, or is not wanted any more."""
        check_wanted(self._request.url)
        if time.monotonic() >= self._end:
            raise timed_out(self._route, self._settings.request_timeout)

    def send(self) -> Response | Failure:
        """Send the request, and return the response or why there is none."""
        # Errors are returned, not raised here: a requests exception holds the request,
        # and with it the password; even `raise ... from None` would keep it as context.
        url = self._request.url
        try:
            with self._open() as received:
                if received.status_code == 407 and self._route.proxy:
                    return Failure(proxy_refused_credentials(self._route))
                return Response(received.status_code, _read(received), received.headers)
        except _UnusableBody as error:
            return Failure(_unusable(url, error.problem))
        # A RequestException is an OSError; a missing CA file is another. A ValueError is an
        # address or a header that cannot be sent.
        except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
            return failure_of(self._route, error, self._settings.request_timeout)

    def _open(self) -> requests.Response:
        request, route = self._request, self._route
        return self._wire.session.request(
            request.method,
            request.url,
            data=request.body.encode() if request.body else None,
            # Responses are small, and a compressed one can grow a thousandfold.
            headers={
                "Accept-Encoding": "identity",
                **request.headers,
                "User-Agent": f"adls-enduser/{__version__}",  # RFC 9110 section 10.1.5
            },
            timeout=self._settings.request_timeout,
            allow_redirects=False,
            stream=True,
            proxies={"https": route.proxy} if route.proxy else None,
            verify=route.ca_bundle or True,
        )


class _UnusableBody(Exception):
    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def _unusable(url: str, problem: str) -> ProtocolError:
    return ProtocolError(
        f"The response of {host_of(url)} could not be read: {problem}.",
        remedy="Try again. If this repeats, a proxy may be changing the responses.",
    )


def _read(received: requests.Response) -> str:
    """Return the text of a body; _UnusableBody if it is too large or cannot be decoded."""
    body = _read_bounded(received.raw)
    encoding = received.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        body = _gunzip(body)
    elif encoding not in ("", "identity"):
        raise _UnusableBody("it is compressed in a way that was not asked for")
    return _decode(body, received.headers.get("Content-Type", ""))


def _read_bounded(raw: Any) -> bytes:
    body = bytearray()
    while chunk := raw.read(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > MAX_BODY:
            raise _UnusableBody(f"it is larger than {MAX_BODY} bytes")
    return bytes(body)


def _gunzip(body: bytes) -> bytes:
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        text = decoder.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise _UnusableBody("it is not gzip, as its headers say") from None
    if len(text) > MAX_BODY:
        raise _UnusableBody(f"it is larger than {MAX_BODY} bytes when decompressed")
    if not decoder.eof:
        raise _UnusableBody("its gzip data is cut off")
    return text


def _decode(body: bytes, content_type: str) -> str:
    match = _CHARSET.search(content_type)
    # RFC 8259 section 8.1 for JSON, and the default of XML.
    charset = match[1] if match and match[1] else "utf-8"
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        name = ""
    if name not in _CHARSETS:
        raise _UnusableBody("it names a character set that is not in use")
    return body.decode(name, "replace")
