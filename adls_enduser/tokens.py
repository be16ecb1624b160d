"""Secret, Token and Account: what goes into a sign-in and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from .errors import ConfigurationError

# How long before its end a token is renewed: nobody waits in the advisory window, and
# everybody in the mandatory one. The latter is the SDKs' own margin (azure-core's
# BearerTokenCredentialPolicy, adal's cache_driver), the former botocore's; or that share
# of a token's life, if it is shorter, so that a short-lived token does not cost a request
# at every call. A quarter is what 15 minutes are of an hour.
_ADVISORY, _ADVISORY_SHARE = 900.0, 0.25
_MANDATORY, _MANDATORY_SHARE = 300.0, 0.2


class Secret:
    """A password, refresh token or code that shows itself only when asked to.

    It has no readable ``repr`` and cannot be pickled, so that neither a log, nor a
    traceback with locals, nor another process ever sees the value.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the value, to be sent and forgotten."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError(
            "A password or refresh token is never pickled.",
            remedy="Pickle what a factory returned: it carries the short-lived access token.",
        )


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

    @property
    def advisory_margin(self) -> float:
        """Seconds before the end from which the token is renewed in the background."""
        return min(_ADVISORY, self.lifetime * _ADVISORY_SHARE)

    @property
    def mandatory_margin(self) -> float:
        """Seconds before the end from which callers wait for a new token."""
        return min(_MANDATORY, self.lifetime * _MANDATORY_SHARE)
