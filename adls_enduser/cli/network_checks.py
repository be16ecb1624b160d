"""The checks of ``adls-enduser doctor`` on the way to the authority.

Each waits for a few seconds at most. No finding shows a proxy's user name or password.
"""

from __future__ import annotations

import os
import socket
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..entra.addresses import host_of
from ..entra.exchange import Request, Response, exchange
from ..entra.route import find_route, trusted_certificates
from ..environment.network_options import check_ca_bundle
from ..errors import ConfigurationError, EndUserError, TransportError
from ..interaction.waiting import InterruptibleCall
from ..log import printable
from .findings import BROKEN, GOOD, TO_MIND, Finding, finding_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..entra.route import Route
    from ..options import Settings

_CONFIGURATION = "/.well-known/openid-configuration"
# Entra ID's tolerance for clocks (Microsoft, "Access tokens": five minutes), and half of it.
_BROKEN_SKEW, _SKEW_TO_MIND = 300.0, 150.0
_NOT_SENT = "not checked: --offline"
_PROXY_VARIABLES = ("https_proxy", "all_proxy", "no_proxy")


def all_checks(own: Settings, *, offline: bool) -> Iterator[Finding]:
    """Yield the proxy, the CA bundle, the name, TLS, the tenant and the clock."""
    try:
        route = find_route(own.authority, own)
    except ConfigurationError as error:
        about_ca = error.message.startswith(("ca_bundle", "REQUESTS_CA", "CURL_CA"))
        yield finding_of("CA bundle" if about_ca else "Proxy", error)
        return
    yield _proxy(route)
    yield _ca_bundle(own)
    if offline:
        yield from (Finding(name, GOOD, _NOT_SENT) for name in ("Name", "TLS", "Clock"))
        return
    yield _name(route, own)
    yield from _authority(own)


def _proxy(route: Route) -> Finding:
    names = sorted(name for name in os.environ if name.lower() in _PROXY_VARIABLES)
    differ = _differ(names)
    if not route.proxy:
        return Finding("Proxy", GOOD, f"none on the way to {route.host}{_set(names)}")
    shown = f"{_without_user(route.proxy)} in {route.proxy_source}"
    secret = ", with a user name and a password" if route.has_proxy_credentials else ""
    text = f"{shown}{secret}"
    if differ:
        remedy = f"Give them one value, or unset one: {' '.join(differ)}."
        return Finding("Proxy", TO_MIND, f"{text}; its variables differ", remedy)
    return Finding("Proxy", GOOD, text)


def _set(names: list[str]) -> str:
    return f", though {' '.join(names)} is set" if names else ""


def _differ(names: list[str]) -> list[str]:
    """Return those variables that have another value in capitals than in small letters."""
    values: dict[str, set[str]] = {}
    for name in names:
        values.setdefault(name.lower(), set()).add(os.environ[name])
    return [name for name in names if len(values[name.lower()]) > 1]


def _without_user(proxy: str) -> str:
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return f"{parts.scheme}://{host_of(parts.geturl())}"


def _ca_bundle(own: Settings) -> Finding:
    source, path = trusted_certificates(own)
    try:
        check_ca_bundle(source or "certifi", path)
    except ConfigurationError as error:
        return finding_of("CA bundle", error)
    if source:
        return Finding("CA bundle", GOOD, f"{path}, from {source}")
    unread = [one for one in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(one)]
    if unread:
        remedy = f"Set REQUESTS_CA_BUNDLE as well, if {unread[0]} is to count here."
        text = f"{path}; {' and '.join(unread)} is set, which requests does not read"
        return Finding("CA bundle", TO_MIND, text, remedy)
    return Finding("CA bundle", GOOD, f"{path}, of requests")


def _name(route: Route, own: Settings) -> Finding:
    """Look up the first host on the way: the proxy's, or the authority's."""
    where = route.proxy or own.authority
    host = urlsplit(where if "://" in where else f"http://{where}").hostname or ""
    try:
        found = InterruptibleCall(_addresses, host).result(_NameLimit(host, own.request_timeout))
    except TransportError as error:
        return finding_of("Name", error)
    except OSError as error:
        remedy = "Check the network, the name server, and the VPN if there is one."
        reason = printable(error.strerror or type(error).__name__)
        return Finding("Name", BROKEN, f"{host} cannot be resolved ({reason})", remedy)
    return Finding("Name", GOOD, f"{host} is {', '.join(found[:2])}")


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class _NameLimit:
    """A function that raises TransportError when it is called after so many seconds."""

    def __init__(self, host: str, seconds: float) -> None:
        self._host, self._end = host, time.monotonic() + seconds

    def __call__(self) -> None:
        if time.monotonic() >= self._end:
            raise TransportError(
                f"{self._host} was not resolved in time.",
                remedy="Check the name server, and the VPN if there is one.",
            )


def _authority(own: Settings) -> Iterator[Finding]:
    """Ask the authority for its metadata, as a sign-in does first."""
    request = Request("GET", own.authority + _CONFIGURATION, {}, None)
    try:
        outcome = exchange(request, own)
    except EndUserError as error:
        yield finding_of("TLS", error)
        return
    if not isinstance(outcome, Response):
        yield finding_of("TLS", outcome.error)
        return
    yield _metadata(own, outcome)
    yield _clock(outcome)


def _metadata(own: Settings, response: Response) -> Finding:
    host = host_of(own.authority)
    if response.ok:
        return Finding("TLS", GOOD, f"{host} is reached, and its certificate is trusted")
    if response.status in (400, 404):
        remedy = "Check --tenant and --cloud: ask your administrator for the tenant's id."
        return Finding("TLS", BROKEN, f"{own.authority} is not known there", remedy)
    remedy = "Try again. If this repeats, check the proxy if there is one."
    return Finding("TLS", BROKEN, f"{host} replied with HTTP {response.status}", remedy)


def _clock(response: Response) -> Finding:
    try:
        theirs = parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return Finding("Clock", TO_MIND, "the authority did not say what time it is")
    skew = time.time() - theirs
    text = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the authority's"
    if abs(skew) < _SKEW_TO_MIND:
        return Finding("Clock", GOOD, text)
    remedy = "Set this machine's clock: tokens seem to have ended, or not to be valid yet."
    return Finding("Clock", BROKEN if abs(skew) >= _BROKEN_SKEW else TO_MIND, text, remedy)
