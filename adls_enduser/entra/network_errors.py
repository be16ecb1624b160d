"""Say in a few safe words why a request failed, as one of this package's errors.

The text of an exception of requests, urllib3 or OpenSSL is never quoted: it can hold the
address with its query, and what the other side wrote. The kind of the failure is found in the
exceptions that it was made from.
"""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3

from ..environment.network_options import unusable_proxy
from ..errors import ConfigurationError, EndUserError, TransportError
from ..values import dataclass
from .tls_errors import tls_failed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .route import Route

# The first that fits is taken, so a subclass stands before its base class.
_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "name not found"),
    (ConnectionRefusedError, "refused"),
    (http.client.RemoteDisconnected, "closed without a response"),
    (ConnectionResetError, "reset"),
    (ConnectionAbortedError, "aborted"),
    (BrokenPipeError, "closed"),
    (http.client.IncompleteRead, "cut off"),
    (http.client.HTTPException, "not HTTP"),
)
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})
# Not urllib3's TimeoutError, of which its error for a refused connection is a subclass.
_TIMEOUTS = (requests.exceptions.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)
_NETWORK_ERRORS = (
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    ValueError,
)
# What is raised before anything is sent, for what route.py did not find wrong.
_UNUSABLE_PROXY = (
    requests.exceptions.InvalidProxyURL,
    urllib3.exceptions.LocationParseError,
    urllib3.exceptions.ProxySchemeUnknown,
)

# Another attempt may succeed at once: RFC 9110 sections 15.5.9 and 15.6, RFC 6585 section 4.
_TEMPORARY = frozenset({None, 408, 429, 500, 502, 503, 504})


class ProxyAuthenticationFailed(TransportError):
    """The proxy wants other credentials. It may lock the account if it is asked repeatedly."""


@dataclass(frozen=True)
class Failure:
    """Why no usable response arrived. ``retry``: the same request may succeed at once."""

    error: EndUserError
    retry: bool = False


def failure_of(route: Route, error: Exception, timeout: float) -> Failure:
    """Return why a request failed; ``error`` is what requests or urllib3 raised for it."""
    if route.proxy and _cause(error, _UNUSABLE_PROXY):
        return Failure(unusable_proxy(route.proxy_source, "its host is not one"))
    if not isinstance(error, _NETWORK_ERRORS):
        return Failure(_cannot_send(route, error))
    if isinstance(error, requests.exceptions.ProxyError) or _is_of_socks(error):
        return _proxy_failed(route, error)
    if _cause(error, _TIMEOUTS):
        return Failure(timed_out(route, timeout))
    tls = _tls_cause(error)
    if tls is not None:
        return Failure(tls_failed(route, route.host, tls))
    return Failure(
        TransportError(
            f"{route.host} could not be reached ({_kind(error)}).",
            remedy=f"Check the network. {route.proxy_remedy}",
        ),
        retry=not isinstance(error, ValueError),  # an address that cannot be requested
    )


def timed_out(route: Route, timeout: float) -> TransportError:
    """Return the error for a request that did not end within ``timeout`` seconds."""
    return TransportError(
        f"{route.host} did not respond in time (timed out after {timeout:g} seconds).",
        remedy="Try again; a slow network may need a larger request_timeout=.",
    )


def proxy_refused_credentials(route: Route, how: str = "HTTP 407") -> ProxyAuthenticationFailed:
    """Return the error for a proxy that wants other credentials (RFC 9110 section 15.5.8)."""
    wanted = "other credentials than the user name and the password in"
    if not route.has_proxy_credentials:
        wanted = "credentials, a user name and a password, which are not in"
    return ProxyAuthenticationFailed(
        f"The proxy on the way to {route.host} wants {wanted} {route.proxy_source} ({how}).",
        remedy="Write them there, like http://USER:PASSWORD@proxy.example:8080, with special"
        " characters as %XX. They are not tried again by themselves, because a proxy may lock the"
        " account. For a proxy that takes only Kerberos or NTLM, run a local proxy that adds them.",
    )


def _proxy_failed(route: Route, error: Exception) -> Failure:
    status, proxy = _proxy_status(error), f"the proxy on the way to {route.host}"
    if status == 407:
        return Failure(proxy_refused_credentials(route))
    if _is_of_socks(error, "SOCKS5AuthError"):
        return Failure(proxy_refused_credentials(route, "SOCKS 5"))
    tls = None if _cause(error, _TIMEOUTS) else _tls_cause(error)
    if tls is not None:
        return Failure(tls_failed(route, proxy, tls))
    # Also raised when a connection is reset within the proxy's tunnel.
    failed = TransportError(
        f"The proxy on the way to {route.host} failed ({_kind(error)}).",
        remedy=route.proxy_remedy,
    )
    return Failure(failed, retry=status in _TEMPORARY)


def _cannot_send(route: Route, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"The request to {route.host} could not be sent ({type(error).__name__}).",
        remedy="Check that ca_bundle=, or REQUESTS_CA_BUNDLE, names a file that exists.",
    )


def _kind(error: Exception) -> str:
    """Return the kind of a failure in words that hold nothing from the network."""
    if _cause(error, _TIMEOUTS):
        return "timed out"
    for kind, words in _KINDS:
        if _cause(error, (kind,)):
            return words
    return _os_kind(error)


def _os_kind(error: Exception) -> str:
    cause = _cause(error, (OSError,), but=(requests.exceptions.RequestException,))
    if cause is None:
        return type(error).__name__
    status = _proxy_status(error)
    if status is not None:
        return f"HTTP {status}"
    number = cause.errno if isinstance(cause, OSError) else None
    return "unreachable" if number in _UNREACHABLE else errno.errorcode.get(number or 0, "failed")


def _proxy_status(error: Exception) -> int | None:
    """Return the status of the proxy's response to CONNECT."""
    # http.client, HTTPConnection._tunnel, has it in the text of an OSError only.
    for cause in _causes(error):
        refused = re.match(r"Tunnel connection failed: ([0-9]{3})\b", str(cause))
        if type(cause) is OSError and refused:
            return int(refused[1])
    return None


def _is_of_socks(error: Exception, name: str = "") -> bool:
    """Return whether PySocks raised one of the causes, with this class name if one is given."""
    found = (type(one) for one in _causes(error))
    return any(one.__module__ == "socks" and name in ("", one.__name__) for one in found)


def _tls_cause(error: Exception) -> ssl.SSLError | None:
    found = _cause(error, (ssl.SSLError,))
    return found if isinstance(found, ssl.SSLError) else None


def _cause(
    error: BaseException,
    kinds: tuple[type[BaseException], ...],
    but: tuple[type[BaseException], ...] = (),
) -> BaseException | None:
    """Return the first of the error and its causes that is of these kinds."""
    found = (one for one in _causes(error) if isinstance(one, kinds) and not isinstance(one, but))
    return next(found, None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and every error that it was raised from or holds."""
    queue, seen = [error], {id(error)}
    while queue:
        one = queue.pop(0)
        yield one
        # urllib3's MaxRetryError has ``reason``; requests' errors hold urllib3's as argument.
        held = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        for inner in held:
            if isinstance(inner, BaseException) and id(inner) not in seen:
                seen.add(id(inner))
                queue.append(inner)
