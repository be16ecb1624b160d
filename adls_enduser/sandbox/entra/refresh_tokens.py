"""Refresh tokens: opaque, good for every resource of their client, and new at each use."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from .error_responses import Refused

if TYPE_CHECKING:
    from ..clock import SandboxClock
    from ..directory import Person
    from .applications import Application
    from .token_request import Asked

_NINETY_DAYS = 90 * 24 * 3600.0


@dataclass
class Grant:
    """What a refresh token stands for; times in epoch seconds of the service."""

    person: Person
    application: Application
    cloud: str
    asked: Asked
    amr: tuple[str, ...]
    issued_at: float
    revoked_with: int | None = None
    revoked_at: float = 0.0
    used: bool = False


class RefreshTokens:
    """All refresh tokens ever given out.

    ``inactivity`` is after how many seconds without use one dies (700082). Entra ID
    keeps honouring a token that has been exchanged for a new one; with
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
        asked: Asked,
        amr: tuple[str, ...],
    ) -> str:
        """Make a new refresh token."""
        # Entra's begin with a version such as "0." and are opaque to clients.
        token = "0.AX" + secrets.token_urlsafe(180)
        now = self._clock.service_time()
        with self._lock:
            self._grants[token] = Grant(person, application, cloud, asked, amr, now)
        return token

    def use(self, token: str, application: Application, cloud: str) -> Grant:
        """Give what a token stands for; Refused if it is unknown, foreign, dead or used up."""
        with self._lock:
            grant = self._grants.get(token)
            if grant is None or grant.cloud != cloud or not _same(grant.application, application):
                raise Refused(70000, name="refresh_token")
            self._check_alive(grant)
            if grant.used and self.reuse_is_refused:
                raise Refused(70000, name="refresh_token")
            grant.used = True
            return grant

    def revoke(self, person: Person, number: int) -> None:
        """Refuse every refresh token that a person has now with this number."""
        now = self._clock.service_time()
        with self._lock:
            for grant in self._grants.values():
                if grant.person.object_id == person.object_id:
                    grant.revoked_with, grant.revoked_at = number, now

    def _check_alive(self, grant: Grant) -> None:
        now = self._clock.service_time()
        idle = now - grant.issued_at
        details = {"issued": _instant(grant.issued_at), "inactive": _duration(idle)}
        if grant.revoked_with is not None:
            valid_from = _instant(grant.revoked_at)
            raise Refused(grant.revoked_with, valid_from=valid_from, **details)
        if idle >= self.inactivity:
            raise Refused(700082, **details)


def _same(one: Application, other: Application) -> bool:
    """Tell whether refresh tokens are shared: the same client, or the first-party family."""
    family = one.first_party and other.first_party
    return family or one.client_id.lower() == other.client_id.lower()


def _instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".0000000Z"


def _duration(seconds: float) -> str:
    """Write seconds as .NET does: ``90.00:00:00``."""
    whole = timedelta(seconds=int(seconds))
    return f"{whole.days}.{time.strftime('%H:%M:%S', time.gmtime(whole.seconds))}"
