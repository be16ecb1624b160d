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
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
import urllib3

from ..errors import ConfigurationError, EndUserError, TransportError
from .addresses import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator

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

# Source: OpenSSL, "X509_STORE_CTX_get_error", the numbers of its verification errors.
_CERTIFICATE_ERRORS = {
    9: "certificate not valid yet",
    10: "certificate expired",
    18: "self-signed certificate",
    19: "self-signed certificate in the chain",
    20: "unknown issuer",
    21: "unknown issuer",
    23: "certificate revoked",
    62: "certificate for another name",
    64: "certificate for another address",
}


@dataclass(frozen=True)
class Failure:
    """Why no usable response arrived. ``retry``: the same request may succeed at once."""

    error: EndUserError
    retry: bool = False


def failure_of(url: str, error: Exception, timeout: float) -> Failure:
    """Return why a request failed; ``error`` is what requests or urllib3 raised for it."""
    host = host_of(url)
    ours = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError)
    if not isinstance(error, ours):
        return Failure(_cannot_send(host, error))
    if isinstance(error, requests.exceptions.ProxyError):
        # Also raised when a connection is reset within the proxy's tunnel.
        return Failure(_proxy_failed(host, error), retry=True)
    if _cause(error, (ssl.SSLError,)) and not _cause(error, _TIMEOUTS):
        return Failure(_tls_failed(host, error))
    if _cause(error, _TIMEOUTS):
        return Failure(timed_out(url, timeout))
    return Failure(
        TransportError(
            f"{host} could not be reached ({_kind(error)}).",
            remedy="Check the network, and proxies= or HTTPS_PROXY if there is a proxy.",
        ),
        retry=not isinstance(error, ValueError),  # an address that cannot be requested
    )


def timed_out(url: str, timeout: float) -> TransportError:
    """Return the error for a request that did not end within ``timeout`` seconds."""
    return TransportError(
        f"{host_of(url)} did not respond in time (timed out after {timeout:g} seconds).",
        remedy="Try again; a slow network may need a larger request_timeout=.",
    )


def _proxy_failed(host: str, error: Exception) -> TransportError:
    return TransportError(
        f"The proxy on the way to {host} failed ({_kind(error)}).",
        remedy="Check proxies= or the environment variable HTTPS_PROXY.",
    )


def _tls_failed(host: str, error: Exception) -> TransportError:
    verification = _cause(error, (ssl.SSLCertVerificationError,))
    if verification is None:
        return TransportError(
            f"The connection to {host} could not be encrypted ({_kind(error)}).",
            remedy="Check that the host speaks TLS at this port, and proxies= or HTTPS_PROXY if"
            " there is a proxy.",
        )
    return TransportError(
        f"The certificate of {host} could not be verified ({_kind(error)}).",
        remedy="Behind a proxy that inspects TLS, give its certificate as ca_bundle= or in"
        " the environment variable REQUESTS_CA_BUNDLE.",
    )


def _cannot_send(host: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"The request to {host} could not be sent ({type(error).__name__}).",
        remedy="Check that ca_bundle=, or REQUESTS_CA_BUNDLE, names a file that exists.",
    )


def _kind(error: Exception) -> str:
    """Return the kind of a failure in words that hold nothing from the network."""
    if _cause(error, _TIMEOUTS):
        return "timed out"
    tls = _cause(error, (ssl.SSLError,))
    if isinstance(tls, ssl.SSLError):
        return f"TLS: {_tls_reason(tls)}"
    for kind, words in _KINDS:
        if _cause(error, (kind,)):
            return words
    return _os_kind(error)


def _os_kind(error: Exception) -> str:
    cause = _cause(error, (OSError,), but=(requests.exceptions.RequestException,))
    if cause is None:
        return type(error).__name__
    # http.client, HTTPConnection._tunnel, has the status of the proxy's response in its text.
    refused = re.match(r"Tunnel connection failed: ([0-9]{3})\b", str(cause))
    if refused:
        return f"HTTP {refused[1]}"
    number = cause.errno if isinstance(cause, OSError) else None
    return "unreachable" if number in _UNREACHABLE else errno.errorcode.get(number or 0, "failed")


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        number = getattr(error, "verify_code", 0)
        return _CERTIFICATE_ERRORS.get(number, f"certificate error {number:d}")
    # OpenSSL's own names, such as WRONG_VERSION_NUMBER.
    reason = error.reason or ""
    if re.fullmatch(r"[A-Z0-9_]{1,60}", reason):
        return reason.lower().replace("_", " ")
    return "failed"


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
