"""The one way in which bytes go to Entra ID and back.

Every request has a timeout, checks certificates whatever the environment says, follows
no redirect (a 307 would carry the password to its target: RFC 9110 section 15.4.8) and
takes nothing from netrc, which would replace or add an Authorization header.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests

from ..errors import ConfigurationError, EndUserError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..options import Settings


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status, body, headers. The body may hold tokens."""

    status: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Tell a 2xx from the rest."""
        return 200 <= self.status < 300


class Http:
    """Sends requests as the settings say. Holds no connection, so threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """GET; TransportError when no usable answer came."""
        return self._send("GET", url, headers, None)

    def post(self, url: str, headers: Mapping[str, str], body: Body) -> Answer:
        """POST; TransportError when no usable answer came."""
        return self._send("POST", url, headers, body)

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Body | None) -> Answer:
        if not url.lower().startswith("https://"):
            raise ConfigurationError(f"{_host(url)} would be asked over plain http.")
        outcome = self._attempt(method, url, headers, body)
        if isinstance(outcome, EndUserError):
            raise outcome
        if 300 <= outcome.status < 400:
            raise TransportError(
                f"{_host(url)} answered with a redirect, which is never followed.",
                remedy="A proxy or a network's log-in page may stand in the way.",
            )
        return outcome

    def _attempt(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> Answer | EndUserError:
        # Errors are given back, not raised here: a requests exception holds the request,
        # and with it the password; even `raise ... from None` would keep it as context.
        settings = self._settings
        with requests.Session() as session:
            session.auth = _no_netrc
            try:
                response = session.request(
                    method,
                    url,
                    data=body.text.encode() if body else None,
                    headers=dict(headers),
                    timeout=settings.request_timeout,
                    allow_redirects=False,
                    proxies=dict(settings.proxies) if settings.proxies else None,
                    # Explicit, because requests lets the environment win over
                    # Session.verify (psf/requests issue 3829); None is True or the
                    # environment's bundle, never False.
                    verify=settings.ca_bundle,
                )
            except OSError as error:  # RequestException is one; a missing CA file another
                return _unreachable(url, error)
            return Answer(response.status_code, response.text, response.headers)


@dataclass(frozen=True)
class Body:
    """A request's body, which may hold a password and so has no repr."""

    text: str = field(repr=False)


def retry_after(answer: Answer, now: float) -> float | None:
    """Give the seconds of a Retry-After header, a number or a date (RFC 9110 10.2.3)."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal() and len(value) < 8:
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] or url


def _unreachable(url: str, error: OSError) -> EndUserError:
    host = _host(url)
    if isinstance(error, requests.exceptions.SSLError):
        return TransportError(
            f"The certificate of {host} could not be verified.",
            remedy="Behind a proxy that inspects TLS, give its certificate as ca_bundle= or in"
            " the environment variable REQUESTS_CA_BUNDLE.",
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return TransportError(
            f"The proxy on the way to {host} failed.",
            remedy="Check proxies= or the environment variable HTTPS_PROXY.",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return TransportError(
            f"{host} did not answer in time.",
            remedy="Try again; a slow network may need a larger request_timeout=.",
        )
    if isinstance(error, requests.exceptions.RequestException):
        return TransportError(
            f"{host} could not be reached ({type(error).__name__}).",
            remedy="Check the network, and proxies= or HTTPS_PROXY if there is a proxy.",
        )
    return ConfigurationError(
        f"{host} could not be asked ({type(error).__name__}).",
        remedy="Check that ca_bundle=, or REQUESTS_CA_BUNDLE, names a file that is there.",
    )
