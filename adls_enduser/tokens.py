"""Token and Account: what a sign-in yields."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Account:
    """Who signed in: user name, tenant id (GUID) and object id (GUID), as Entra ID says.

    A field is None where the answer did not tell.
    """

    username: str | None = None
    tenant: str | None = None
    object_id: str | None = None


@dataclass(frozen=True)
class Token:
    """An access token and until when it lives.

    ``secret`` is the bearer token and never shown. ``expires_on`` and ``obtained_on``
    are UTC epoch seconds. ``resource`` is the audience it was asked for.
    """

    secret: str = field(repr=False)
    expires_on: float
    obtained_on: float
    resource: str
    account: Account = Account()

    @property
    def lifetime(self) -> float:
        """Seconds between the answer that brought the token and its end."""
        return self.expires_on - self.obtained_on
