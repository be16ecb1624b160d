"""The one way in which bytes go to Entra ID and back.

Every request has a timeout, checks certificates whatever the environment says, follows
no redirect (a 307 would carry the password to its target: RFC 9110 section 15.4.8) and
takes nothing from netrc, which would replace or add an Authorization header.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests
import tenacity

from ..errors import ConfigurationError, EndUserError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..clocks import Clock
    from ..options import Settings


@dataclass(frozen=True)
class Response:
    """What came back: HTTP status, body, headers. The body may hold tokens."""

    status: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Tell a 2xx from the rest."""
        return 200 <= self.status < 300


# A failing service is asked three times, after pauses that grow and differ; if it asks
# for a longer one than this, that is the caller's business.
_ATTEMPTS = 3
_LONGEST_PAUSE = 10.0
# Worth another try at once: RFC 9110 sections 15.5.9, 15.6 and RFC 6585 section 4.
_TEMPORARY = frozenset({408, 429, 500, 502, 503, 504})
_SKEW = 120.0


class Http:
    """Sends requests as the settings say. Holds no connection, so threads may share it.

    ``skew`` is how many seconds the other side's clock was ahead of ours at its last
    answer, if more than two minutes; else 0.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.skew = 0.0

    def get(self, url: str, headers: Mapping[str, str]) -> Response:
        """GET, three times if need be; TransportError when no usable answer came."""
        return self._patiently(lambda: self._send("GET", url, headers, None))

    def post(self, url: str, headers: Mapping[str, str], body: Body, *, once: bool) -> Response:
        """POST, three times if need be; TransportError when no usable answer came.

        ``once`` for what must not be sent twice: a password, because an answer that was
        lost may have been a refusal, and refusals are counted.
        """
        if once:
            return self._send("POST", url, headers, body)
        return self._patiently(lambda: self._send("POST", url, headers, body))

    def _patiently(self, send: Callable[[], Response]) -> Response:
        clock = self._settings.clock
        growing = tenacity.wait_exponential(multiplier=0.5, max=4.0) + tenacity.wait_random(0, 1)

        def pause(state: tenacity.RetryCallState) -> float:
            return _asked_pause(state, clock.time()) or growing(state)

        retrying = tenacity.Retrying(
            stop=lambda state: state.attempt_number >= _ATTEMPTS or pause(state) > _LONGEST_PAUSE,
            wait=pause,
            retry=tenacity.retry_any(
                tenacity.retry_if_exception(_is_worth_retrying),
                tenacity.retry_if_result(lambda answer: answer.status in _TEMPORARY),
            ),
            sleep=lambda seconds: _sleep(clock, seconds),
            retry_error_callback=_last_outcome,
        )
        return retrying(send)

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> Response:
        if not url.lower().startswith("https://"):
            raise ConfigurationError(
                f"{_host(url)} would be asked over plain http.",
                remedy="Sign-ins go over https only: have its address made one of https.",
            )
        if getattr(threading.current_thread(), "abandoned", False):  # see waiting.AbandonableThread
            raise TransportError(
                f"{_host(url)} is not asked again: nobody waits for the answer.",
                remedy="Sign in again.",
            )
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
    ) -> Response | EndUserError:
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
            answer = Response(response.status_code, response.text, response.headers)
            self.skew = _skew(answer, settings.clock.time())
            return answer


@dataclass(frozen=True)
class Body:
    """A request's body, which may hold a password and so has no repr."""

    text: str = field(repr=False)


class Dropped(TransportError):
    """The connection ended before an answer, and quickly: another try may be luckier."""


def _sleep(clock: Clock, seconds: float) -> None:
    clock.wait(threading.Event(), seconds)


def _is_worth_retrying(error: BaseException) -> bool:
    # Not after a timeout, whose waiting was long enough, and not for a certificate.
    return isinstance(error, Dropped)


def _asked_pause(state: tenacity.RetryCallState, now: float) -> float | None:
    outcome = state.outcome
    if outcome is None or outcome.failed:
        return None
    return retry_after(outcome.result(), now)


def _last_outcome(state: tenacity.RetryCallState) -> Response:
    outcome = state.outcome
    if outcome is None:
        raise TransportError("Nothing was sent.", remedy="Try again.")
    answer: Response = outcome.result()  # raises what the last attempt raised
    return answer


def _skew(answer: Response, now: float) -> float:
    theirs = _moment(answer.headers.get("Date", ""))
    return theirs - now if theirs is not None and abs(theirs - now) > _SKEW else 0.0


def _moment(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def retry_after(answer: Response, now: float) -> float | None:
    """Give the seconds of a Retry-After header, a number or a date (RFC 9110 10.2.3).

    A date is compared with the answer's own, so that a clock here that is wrong does no
    harm; ``now`` stands in for one that is missing.
    """
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal() and len(value) < 8:
        return float(value)
    then, sent = _moment(value), _moment(answer.headers.get("Date", ""))
    if then is None:
        return None
    return max(0.0, then - (now if sent is None else sent))


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
        # Also what a connection looks like that is reset within the proxy's tunnel.
        return Dropped(
            f"The proxy on the way to {host} failed.",
            remedy="Check proxies= or the environment variable HTTPS_PROXY.",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return TransportError(
            f"{host} did not answer in time.",
            remedy="Try again; a slow network may need a larger request_timeout=.",
        )
    if isinstance(error, requests.exceptions.RequestException):
        return Dropped(
            f"{host} could not be reached ({type(error).__name__}).",
            remedy="Check the network, and proxies= or HTTPS_PROXY if there is a proxy.",
        )
    return ConfigurationError(
        f"{host} could not be asked ({type(error).__name__}).",
        remedy="Check that ca_bundle=, or REQUESTS_CA_BUNDLE, names a file that is there.",
    )
