"""Say why TLS failed, with the reason that OpenSSL gives and the remedy that fits it."""

from __future__ import annotations

import re
import ssl
import time
from typing import TYPE_CHECKING

from ..errors import TransportError
from ..log import printable, utc

if TYPE_CHECKING:
    from .route import Route

# Source: OpenSSL, "X509_STORE_CTX_get_error", the numbers of its verification errors.
_NOT_YET_VALID, _EXPIRED, _REVOKED = 9, 10, 23
_UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})
_OTHER_NAME = frozenset({62, 64})
_WEAK = frozenset({66, 67, 68})
_CERTIFICATE_ERRORS = {
    2: "unknown issuer",
    _NOT_YET_VALID: "certificate not valid yet",
    _EXPIRED: "certificate expired",
    18: "self-signed certificate",
    19: "self-signed certificate in the chain",
    20: "unknown issuer",
    21: "unknown issuer",
    _REVOKED: "certificate revoked",
    62: "certificate for another name",
    64: "certificate for another address",
    66: "certificate with a weak key",
    67: "certificate authority with a weak key",
    68: "certificate with a weak signature",
}
# OpenSSL's names for a TLS key, of a certificate or of the key exchange, that is too weak.
_WEAK_REASON = re.compile(r"TOO_SMALL|TOO_WEAK")
# What a server says that does not speak TLS: OpenSSL's names.
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST"})
_REASON = re.compile(r"[A-Z0-9_]{1,60}")
_STRONG = "a key of 2048 bits or more, signed with SHA-256"


def tls_failed(route: Route, peer: str, error: ssl.SSLError) -> TransportError:
    """Return the error for a connection to ``peer``, the host or the proxy on the way to it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransportError(
            f"The certificate of {peer} could not be verified (TLS: {_certificate_reason(error)}).",
            remedy=_certificate_remedy(route, peer, error.verify_code),
        )
    return TransportError(
        f"The connection to {peer} could not be encrypted (TLS: {_reason(error)}).",
        remedy=_encryption_remedy(route, peer, error.reason or ""),
    )


def _certificate_reason(error: ssl.SSLCertVerificationError) -> str:
    # OpenSSL's X509_verify_cert_error_string, which quotes nothing of the certificate; Python
    # adds the name that was asked for (_ssl.c, fill_and_set_sslerror).
    text = printable(error.verify_message).rstrip(".")
    words = _CERTIFICATE_ERRORS.get(error.verify_code, f"certificate error {error.verify_code}")
    return f"{words}; OpenSSL: {text}"


def _reason(error: ssl.SSLError) -> str:
    # OpenSSL's own names, such as WRONG_VERSION_NUMBER.
    reason = error.reason or ""
    return reason.lower().replace("_", " ") if _REASON.fullmatch(reason) else "failed"


def _certificate_remedy(route: Route, peer: str, number: int) -> str:
    ask = f"Ask the administrator of {peer}"
    clock = f"this machine's clock is wrong (it shows {utc(time.time())}), set it"
    if number == _NOT_YET_VALID:
        return f"If {clock}. Else ask the administrator of {peer} for one that is valid now."
    if number == _EXPIRED:
        also = f", and replace an old one in {route.ca_source}" if route.ca_source else ""
        return f"{ask} to renew it{also}. If {clock}."
    if number in _OTHER_NAME:
        return "Check the address, and whether the network's log-in page intercepts the connection."
    if number in _UNKNOWN_ISSUER:
        return _issuer_remedy(route)
    if number in _WEAK:
        return f"{ask} for a certificate with {_STRONG}."
    if number == _REVOKED:
        return f"Do not sign in. {ask}."
    return f"{ask} for a certificate without this fault."


def _issuer_remedy(route: Route) -> str:
    if route.ca_source:
        return (
            f"The certificates in {route.ca_source} do not include its issuer: add the issuer's"
            " certificate there, for example that of a proxy that inspects TLS."
        )
    return (
        "Behind a proxy that inspects TLS, give its certificate as ca_bundle= or in the"
        " environment variable REQUESTS_CA_BUNDLE."
    )


def _encryption_remedy(route: Route, peer: str, reason: str) -> str:
    if _WEAK_REASON.search(reason):
        return f"Ask the administrator of {peer} for {_STRONG}."
    if route.proxy.lower().startswith("https:") and reason in _NOT_TLS:
        return f"Most proxies are reached without TLS: write http:// in {route.proxy_source}."
    return f"Check that {peer} speaks TLS at this port. {route.proxy_remedy}"
