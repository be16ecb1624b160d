"""Send requests over https. Every request to Entra ID goes through this module.

Every request has a timeout, checks certificates whatever the environment says, follows no
redirect (a 307 would carry the password to its target: RFC 9110 section 15.4.8) and ignores
netrc, which would replace or add an Authorization header.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests
import tenacity

from ..errors import ConfigurationError, EndUserError, TransportError
from ..interaction.waiting import AbandonableThread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..options import Settings

FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


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


@dataclass(frozen=True)
class Body:
    """The body of a request. It may hold a password, so it is not in the repr."""

    text: str = field(repr=False)


class ConnectionDropped(TransportError):
    """The connection ended before a response came, and quickly: a retry may succeed."""


# A failing service gets three attempts, with pauses that grow and vary. If it asks for a
# pause longer than this, there is no retry: the caller has to wait.
_ATTEMPTS = 3
_MAX_PAUSE = 10.0
_BACKOFF = tenacity.wait_exponential(multiplier=0.5, max=4.0) + tenacity.wait_random(0, 1)
# A retry may succeed at once: RFC 9110 sections 15.5.9, 15.6 and RFC 6585 section 4.
_TEMPORARY = frozenset({408, 429, 500, 502, 503, 504})
# Seconds by which clocks may differ without a warning.
_TOLERATED_SKEW = 120.0


class Http:
    """Send requests as the settings say. Holds no connection, so threads may share it.

    ``skew`` is by how many seconds the other side's clock was ahead of ours at its last
    response, if by more than two minutes; else 0.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.skew = 0.0

    def get(self, url: str, headers: Mapping[str, str]) -> Response:
        """Send a GET, up to three times; TransportError when no usable response came."""
        return self._with_retries("GET", url, headers, None)

    def post(self, url: str, headers: Mapping[str, str], body: Body, *, retry: bool) -> Response:
        """Send a POST, up to three times; TransportError when no usable response came.

        ``retry=False`` for a password: a response that was lost may have been a refusal, and
        refusals are counted.
        """
        send = self._with_retries if retry else self._send
        return send("POST", url, headers, body)

    def _with_retries(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> Response:
        retrying = tenacity.Retrying(
            stop=self._is_last_attempt,
            wait=self._pause,
            # Not after a timeout, which has cost enough time, and not for a bad certificate.
            retry=tenacity.retry_if_exception_type(ConnectionDropped)
            | tenacity.retry_if_result(_is_temporary),
            sleep=self._sleep,
            retry_error_callback=_last_outcome,
        )
        return retrying(self._send, method, url, headers, body)

    def _pause(self, state: tenacity.RetryCallState) -> float:
        return self._requested_pause(state) or _BACKOFF(state)

    def _is_last_attempt(self, state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= _ATTEMPTS or self._pause(state) > _MAX_PAUSE

    def _requested_pause(self, state: tenacity.RetryCallState) -> float | None:
        outcome = state.outcome
        if outcome is None or outcome.failed:
            return None
        return retry_after(outcome.result(), self._settings.clock.time())

    def _sleep(self, seconds: float) -> None:
        self._settings.clock.wait(threading.Event(), seconds)

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> Response:
        _check_may_send(url)
        outcome = self._attempt(method, url, headers, body)
        if isinstance(outcome, EndUserError):
            raise outcome
        if 300 <= outcome.status < 400:
            raise TransportError(
                f"{_host(url)} responded with a redirect, which is never followed.",
                remedy="Check whether a proxy or a network's log-in page intercepts the request.",
            )
        return outcome

    def _attempt(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> Response | EndUserError:
        # Errors are returned, not raised here: a requests exception holds the request,
        # and with it the password; even `raise ... from None` would keep it as context.
        settings = self._settings
        with requests.Session() as session:
            session.auth = _no_netrc
            try:
                received = session.request(
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
                return _transport_error(url, error)
            response = Response(received.status_code, received.text, received.headers)
            self.skew = _skew(response, settings.clock.time())
            return response


def _check_may_send(url: str) -> None:
    if not url.lower().startswith("https://"):
        raise ConfigurationError(
            f"The address of {_host(url)} is plain http, so nothing was sent.",
            remedy="Sign-ins go over https only. Ask its administrator for an https address.",
        )
    thread = threading.current_thread()
    if isinstance(thread, AbandonableThread) and thread.abandoned:
        raise TransportError(
            f"No further request was sent to {_host(url)}: the wait for the sign-in is over.",
            remedy="Sign in again.",
        )


def _is_temporary(response: Response) -> bool:
    return response.status in _TEMPORARY


def _last_outcome(state: tenacity.RetryCallState) -> Response:
    outcome = state.outcome
    if outcome is None:
        raise TransportError("Nothing was sent.", remedy="Try again.")
    response: Response = outcome.result()  # raises what the last attempt raised
    return response


def _skew(response: Response, now: float) -> float:
    theirs = _epoch_seconds(response.headers.get("Date", ""))
    if theirs is None or abs(theirs - now) <= _TOLERATED_SKEW:
        return 0.0
    return theirs - now


def _epoch_seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def retry_after(response: Response, now: float) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date (RFC 9110 10.2.3).

    A date is compared with the response's own date, so that a wrong clock here does no
    harm; ``now`` is used where the response has none.
    """
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal() and len(value) < 8:
        return float(value)
    then, sent = _epoch_seconds(value), _epoch_seconds(response.headers.get("Date", ""))
    if then is None:
        return None
    return max(0.0, then - (now if sent is None else sent))


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] or url


def _transport_error(url: str, error: OSError) -> EndUserError:
    host = _host(url)
    if isinstance(error, requests.exceptions.SSLError):
        return TransportError(
            f"The certificate of {host} could not be verified.",
            remedy="Behind a proxy that inspects TLS, give its certificate as ca_bundle= or in"
            " the environment variable REQUESTS_CA_BUNDLE.",
        )
    if isinstance(error, requests.exceptions.ProxyError):
        # Also raised when a connection is reset within the proxy's tunnel.
        return ConnectionDropped(
            f"The proxy on the way to {host} failed.",
            remedy="Check proxies= or the environment variable HTTPS_PROXY.",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return TransportError(
            f"{host} did not respond in time.",
            remedy="Try again; a slow network may need a larger request_timeout=.",
        )
    if isinstance(error, requests.exceptions.RequestException):
        return ConnectionDropped(
            f"{host} could not be reached ({type(error).__name__}).",
            remedy="Check the network, and proxies= or HTTPS_PROXY if there is a proxy.",
        )
    return ConfigurationError(
        f"The request to {host} could not be sent ({type(error).__name__}).",
        remedy="Check that ca_bundle=, or REQUESTS_CA_BUNDLE, names a file that exists.",
    )
