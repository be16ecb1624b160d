"""Send requests over https. Every request to Entra ID goes through this module.

Every request ends at a deadline and reads a bounded response (exchange.py), checks certificates
whatever the environment says, follows no redirect (a 307 would carry the password to its target:
RFC 9110 section 15.4.8) and ignores netrc, which would replace or add an Authorization header.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import ConfigurationError, ProtocolError, TransportError
from ..log import logger, printable
from ..values import dataclass, field
from .addresses import can_take_request, host_of
from .connections import current_connection
from .dates import epoch_seconds
from .exchange import Request, Response, check_wanted, exchange, is_temporary
from .network_errors import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..options import Settings


FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Body:
    """The body of a request. It may hold a password, so it is not in the repr."""

    text: str = field(repr=False)


# Seconds by which clocks may differ without a warning.
_TOLERATED_SKEW = 120.0


class Http:
    """Send requests as the settings say. Holds no connection, so threads may share it.

    ``skew`` is by how many seconds the other side's clock was ahead of ours at its last
    response, if by more than two minutes; else 0.
    """

    __slots__ = ("_settings", "skew")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.skew = 0.0

    def get(self, url: str, headers: Mapping[str, str]) -> Response:
        """Send a GET, up to three times; TransportError when no usable response came."""
        return self._with_retries(Request("GET", url, headers, None))

    def post(self, url: str, headers: Mapping[str, str], body: Body, *, retry: bool) -> Response:
        """Send a POST, up to three times; TransportError when no usable response came.

        ``retry=False`` for a password: a response that was lost may have been a refusal, and
        refusals are counted.
        """
        request = Request("POST", url, headers, body.text)
        return self._with_retries(request) if retry else _response(self._send(request))

    def _with_retries(self, request: Request) -> Response:
        outcome = self._send(request)
        if is_temporary(outcome):
            from .retries import retried  # loads tenacity, which most requests do without

            outcome = retried(outcome, partial(self._send, request), self._settings.clock)
        return _response(outcome)

    def _send(self, request: Request) -> Response | Failure:
        _check_may_send(request.url)
        start = time.monotonic()
        outcome = exchange(request, self._settings, current_connection())
        _log_exchange(request, outcome, time.monotonic() - start)
        if isinstance(outcome, Response):
            self.skew = _skew(outcome, self._settings.clock.time())
            _check_is_final(outcome, request.url)
        return outcome


def _log_exchange(request: Request, outcome: Response | Failure, seconds: float) -> None:
    # Never the query or a body: they hold codes, passwords and tokens.
    where = f"{request.method} {host_of(request.url)} {printable(urlsplit(request.url).path)}"
    if isinstance(outcome, Failure):
        logger(__name__).debug(
            "%s: no response after %.0f ms. %s", where, seconds * 1000, outcome.error.message
        )
    else:
        size = len(outcome.text.encode(errors="replace"))
        logger(__name__).debug(
            "%s: %d, %.0f ms, %d bytes", where, outcome.status, seconds * 1000, size
        )


def _response(outcome: Response | Failure) -> Response:
    """Return the response, or raise why there is none."""
    if isinstance(outcome, Failure):
        raise outcome.error
    return outcome


def _check_is_final(response: Response, url: str) -> None:
    """Raise for a response that says only what is to follow, or where."""
    if response.status < 200:  # http.client skips a 100 only
        raise TransportError(
            f"{host_of(url)} sent an interim response (HTTP {response.status}) and no other.",
            remedy="Try again. If this repeats, check the proxy if there is one.",
        )
    if 300 <= response.status < 400:
        raise TransportError(
            f"{host_of(url)} responded with a redirect, which is never followed.",
            remedy="Check whether a proxy or a network's log-in page intercepts the request.",
        )


def _check_may_send(url: str) -> None:
    if not url.lower().startswith("https://"):
        raise ConfigurationError(
            f"The address of {host_of(url)} is plain http, so nothing was sent.",
            remedy="Sign-ins go over https only. Ask its administrator for an https address.",
        )
    if not can_take_request(url):
        raise ProtocolError(
            f"The address of {host_of(url)} is not one that a request may go to, so nothing was"
            " sent.",
            remedy="Ask the administrator of the organisation's sign-in for the right address.",
        )
    check_wanted(url)


def _skew(response: Response, now: float) -> float:
    theirs = epoch_seconds(response.headers.get("Date", ""))
    if theirs is None or abs(theirs - now) <= _TOLERATED_SKEW:
        return 0.0
    return theirs - now
