"""Refresh tokens: opaque, valid for every resource of their client, and new at each use."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from .error_responses import EntraError

if TYPE_CHECKING:
    from ..clock import SandboxClock
    from ..directory import Person
    from .applications import Application
    from .token_request import RequestedAccess

_NINETY_DAYS = 90 * 24 * 3600.0


@dataclass
class Grant:
    """The data of a refresh token; times are in epoch seconds of the service."""

    person: Person
    application: Application
    cloud: str
    access: RequestedAccess
    amr: tuple[str, ...]
    issued_at: float
    revoked_with: int | None = None
    revoked_at: float = 0.0
    used: bool = False


class RefreshTokens:
    """All refresh tokens that were issued.

    ``inactivity`` is the number of seconds without use after which a token expires (700082).
    Entra ID still accepts a token that has been exchanged for a new one; with
    ``reuse_is_refused`` that is an ``invalid_grant``. Source: Microsoft, "Refresh tokens in
    the Microsoft identity platform".
    """

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._grants: dict[str, Grant] = {}
        self.inactivity = _NINETY_DAYS
        self.reuse_is_refused = False

    def issue(
        self,
        person: Person,
        application: Application,
        *,
        cloud: str,
        access: RequestedAccess,
        amr: tuple[str, ...],
    ) -> str:
        """Issue a refresh token."""
        # Entra ID's refresh tokens begin with a version such as "0." and are opaque to clients.
        token = "0.AX" + secrets.token_urlsafe(180)
        now = self._clock.service_time()
        with self._lock:
            self._grants[token] = Grant(person, application, cloud, access, amr, now)
        return token

    def use(self, token: str, application: Application, cloud: str) -> Grant:
        """Return the data of a token; raise EntraError if this client cannot use it (any more)."""
        with self._lock:
            grant = self._grants.get(token)
            if (
                grant is None
                or grant.cloud != cloud
                or not _share_refresh_tokens(grant.application, application)
            ):
                raise EntraError(70000, name="refresh_token")
            self._check_alive(grant)
            if grant.used and self.reuse_is_refused:
                raise EntraError(70000, name="refresh_token")
            grant.used = True
            return grant

    def revoke(self, person: Person, number: int) -> None:
        """Reject the refresh tokens that a person has now, with this number."""
        now = self._clock.service_time()
        with self._lock:
            for grant in self._grants.values():
                if grant.person.object_id == person.object_id:
                    grant.revoked_with, grant.revoked_at = number, now

    def _check_alive(self, grant: Grant) -> None:
        now = self._clock.service_time()
        idle = now - grant.issued_at
        details = {"issued": _timestamp(grant.issued_at), "inactive": _duration(idle)}
        if grant.revoked_with is not None:
            valid_from = _timestamp(grant.revoked_at)
            raise EntraError(grant.revoked_with, valid_from=valid_from, **details)
        if idle >= self.inactivity:
            raise EntraError(700082, **details)


def _share_refresh_tokens(application: Application, other: Application) -> bool:
    """Tell whether two clients share refresh tokens: the same client, or Microsoft's family."""
    family = application.first_party and other.first_party
    return family or application.client_id.lower() == other.client_id.lower()


def _timestamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".0000000Z"


def _duration(seconds: float) -> str:
    """Write seconds as .NET does: ``90.00:00:00``."""
    duration = timedelta(seconds=int(seconds))
    return f"{duration.days}.{time.strftime('%H:%M:%S', time.gmtime(duration.seconds))}"
