"""Secret, Token and Account: what goes into a sign-in and what comes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, cast

from .errors import ConfigurationError

if TYPE_CHECKING:
    from typing_extensions import TypeIs

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


def hide_secrets(options: Mapping[str, object]) -> None:
    """Wrap the password, and proxies whose addresses may hold one, in place.

    A ``**options`` is a local of the frame that takes it, and a traceback with locals, as
    pytest and rich print them, would show what stands there.
    """
    ours = cast("dict[str, object]", options)
    password, proxies = options.get("password"), options.get("proxies")
    if password is not None and not callable(password) and not isinstance(password, Secret):
        ours["password"] = Secret(cast("str", password))  # or whatever it is, until checked
    if isinstance(proxies, Mapping):
        ours["proxies"] = _Hidden(proxies)
    del password, proxies


class _Hidden(dict[object, object]):
    """A dictionary that does not show what it holds."""

    def __repr__(self) -> str:
        return "{...}"


def is_bearer_token(value: object) -> TypeIs[str]:
    """Tell what can be sent as one: visible ASCII characters only (RFC 6750 section 2.1)."""
    return isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]+", value) is not None


def is_epoch_seconds(value: object) -> TypeIs[float]:
    """Tell what can be UTC epoch seconds; milliseconds are too large to be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e11


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
    are UTC epoch seconds. ``resource`` is the audience it was asked for. ``refresh_on``
    is from when its giver wants it renewed, in UTC epoch seconds, or None.
    """

    secret: str = field(repr=False)
    expires_on: float
    obtained_on: float
    resource: str
    account: Account = Account()
    refresh_on: float | None = None

    @property
    def is_sound(self) -> bool:
        """Whether it can be sent (RFC 6750 section 2.1), and its times are times."""
        times = (self.expires_on, self.obtained_on, self.refresh_on or self.expires_on)
        return all([is_bearer_token(self.secret), *map(is_epoch_seconds, times)])

    @property
    def lifetime(self) -> float:
        """Seconds between the answer that brought the token and its end."""
        return self.expires_on - self.obtained_on

    @property
    def advisory_margin(self) -> float:
        """Seconds before the end from which the token is renewed in the background."""
        margin = min(_ADVISORY, self.lifetime * _ADVISORY_SHARE)
        # What was due before the token came had its chance, and would be due for ever.
        if self.refresh_on is not None and self.obtained_on < self.refresh_on < self.expires_on:
            return max(self.expires_on - self.refresh_on, self.mandatory_margin)
        return margin

    @property
    def mandatory_margin(self) -> float:
        """Seconds before the end from which callers wait for a new token."""
        return min(_MANDATORY, self.lifetime * _MANDATORY_SHARE)
