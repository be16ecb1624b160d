"""Authorization codes: for one client and one redirect URI, valid for ten minutes and one use."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .error_responses import EntraError

if TYPE_CHECKING:
    from ..clock import SandboxClock
    from ..directory import Person
    from .applications import Application
    from .authorization_request import AuthorizationRequest

# RFC 6749 section 4.1.2 and Microsoft's page on the flow: ten minutes at most.
_LIFETIME = 600.0


@dataclass
class AuthorizationCode:
    """The data of a code; ``expires_at`` is in epoch seconds of the service."""

    request: AuthorizationRequest
    person: Person
    amr: tuple[str, ...]
    expires_at: float
    redeemed: bool = False


class AuthorizationCodes:
    """All authorization codes. ``lifetime`` (seconds) applies to codes issued from now on."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: dict[str, AuthorizationCode] = {}
        self.lifetime = _LIFETIME

    def issue(self, request: AuthorizationRequest, person: Person, amr: tuple[str, ...]) -> str:
        """Issue a code for a person who has signed in."""
        value = "1.AX" + secrets.token_urlsafe(240)
        expires_at = self._clock.service_time() + self.lifetime
        with self._lock:
            self._codes[value] = AuthorizationCode(request, person, amr, expires_at)
        return value

    def redeem(
        self, value: str, application: Application, redirect_uri: str, verifier: str, cloud: str
    ) -> AuthorizationCode:
        """Return the data of a code, once.

        Raises EntraError: 70000 unknown or another client's, 54005 redeemed before, 70008 expired,
        500112 another redirect URI, 50148 and 501481 another code verifier.
        """
        with self._lock:
            code = self._codes.get(value)
            if code is None or code.request.cloud != cloud:
                raise EntraError(70000, name="code")
            if code.request.application.client_id != application.client_id:
                raise EntraError(70000, name="code")
            if code.redeemed:
                raise EntraError(54005)
            if self._clock.service_time() >= code.expires_at:
                raise EntraError(70008)
            _check_redirect_uri(code.request, redirect_uri)
            _check_verifier(code.request, verifier)
            code.redeemed = True
            return code


def _check_redirect_uri(request: AuthorizationRequest, redirect_uri: str) -> None:
    if redirect_uri != request.redirect_uri:
        raise EntraError(500112, sent=redirect_uri, redirect_uri=request.redirect_uri)


def _check_verifier(request: AuthorizationRequest, verifier: str) -> None:
    """Raise EntraError for a code verifier that does not match the request (RFC 7636 section 4.6).

    Recorded in AzureAD/microsoft-authentication-library-for-js #5044 (50148, one of the
    two is missing) and #7425 (501481).
    """
    if bool(verifier) != bool(request.code_challenge):
        raise EntraError(50148)
    if verifier and not hmac.compare_digest(
        _code_challenge(request, verifier), request.code_challenge.encode()
    ):
        raise EntraError(501481)


def _code_challenge(request: AuthorizationRequest, verifier: str) -> bytes:
    if request.code_challenge_method == "plain":
        return verifier.encode()
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=")
