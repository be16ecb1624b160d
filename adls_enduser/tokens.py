"""Secret, Token and Account: the values that sign-ins use and return."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn, cast

from .errors import ConfigurationError
from .values import dataclass, field

if TYPE_CHECKING:
    from typing_extensions import TypeIs

# How many seconds before it expires a token is renewed: in the advisory window in the
# background, in the mandatory window while callers wait. The mandatory margin is the one of
# the SDKs (azure-core's BearerTokenCredentialPolicy, adal's cache_driver), the advisory
# margin is botocore's. For a short-lived token it is a share of the lifetime, so that not
# every call sends a request; a quarter, as 15 minutes are a quarter of an hour.
_ADVISORY, _ADVISORY_SHARE = 900.0, 0.25
_MANDATORY, _MANDATORY_SHARE = 300.0, 0.2


_SECRET_NAMES = ("secret", "pwd", "token", "assertion", "key")


class Secret:
    """A password, refresh token or code, whose value only ``reveal`` returns.

    Its ``repr`` hides the value and it cannot be pickled, so that neither a log, nor a
    traceback with locals, nor another process ever sees the value.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value. Do not keep it in a variable."""
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
    """Wrap the password, and proxies whose addresses may contain one, in place.

    ``**options`` is a local variable of the function that takes it, and tracebacks with
    locals, as pytest and rich print them, would show its values.
    """
    writable = cast("dict[str, object]", options)
    password, proxies = options.get("password"), options.get("proxies")
    if password is not None and not callable(password) and not isinstance(password, Secret):
        writable["password"] = Secret(cast("str", password))  # the type is checked later
    if isinstance(proxies, Mapping):
        writable["proxies"] = _HiddenDict(proxies)
    del password, proxies


def hide_all_secrets(options: Mapping[str, object]) -> None:
    """Do as ``hide_secrets``, also for the options of other libraries, which are refused later."""
    hide_secrets(options)
    writable = cast("dict[str, object]", options)
    for name in filter(_is_secret, options):
        if isinstance(options[name], str):
            writable[name] = Secret(cast("str", options[name]))


def _is_secret(option: str) -> bool:
    """Return whether an option of this name may hold a secret."""
    name = option.lower()
    return any(one in name for one in _SECRET_NAMES) or re.search("pas+w", name) is not None


class _HiddenDict(dict[object, object]):
    """A dictionary whose ``repr`` hides its content."""

    def __repr__(self) -> str:
        return "{...}"


def is_bearer_token(value: object) -> TypeIs[str]:
    """Return whether a value can be sent as one: visible ASCII only (RFC 6750 section 2.1)."""
    # Without a regular expression, which must be compiled first.
    if not isinstance(value, str) or not value.isascii():
        return False
    return value.isprintable() and value != "" and " " not in value


def is_epoch_seconds(value: object) -> TypeIs[float]:
    """Return whether a value can be UTC epoch seconds; milliseconds are too large."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e11


@dataclass(frozen=True)
class Account:
    """The account that signed in: user name, tenant id (GUID) and object id (GUID).

    A field is None if Entra ID's response did not contain it.
    """

    username: str | None = None
    tenant: str | None = None
    object_id: str | None = None


@dataclass(frozen=True)
class Token:
    """An access token, its times, its audience and its account.

    ``secret`` is the bearer token, which ``repr`` hides. ``expires_on`` and ``obtained_on``
    are UTC epoch seconds. ``resource`` is the audience that it was requested for. From
    ``refresh_on``, in UTC epoch seconds or None, its issuer wants it to be renewed.
    """

    secret: str = field(repr=False)
    expires_on: float
    obtained_on: float
    resource: str
    account: Account = Account()
    refresh_on: float | None = None

    @property
    def is_sound(self) -> bool:
        """Whether it can be sent (RFC 6750 section 2.1), and its times are epoch seconds."""
        times = (self.expires_on, self.obtained_on, self.refresh_on or self.expires_on)
        return all([is_bearer_token(self.secret), *map(is_epoch_seconds, times)])

    @property
    def lifetime(self) -> float:
        """Seconds from the response that contained the token until it expires."""
        return self.expires_on - self.obtained_on

    @property
    def advisory_margin(self) -> float:
        """How many seconds before it expires the token is renewed in the background."""
        margin = min(_ADVISORY, self.lifetime * _ADVISORY_SHARE)
        # A refresh_on before obtained_on is ignored: it would make every new token due at once.
        if self.refresh_on is not None and self.obtained_on < self.refresh_on < self.expires_on:
            return max(self.expires_on - self.refresh_on, self.mandatory_margin)
        return margin

    @property
    def mandatory_margin(self) -> float:
        """How many seconds before it expires callers wait for a new token."""
        return min(_MANDATORY, self.lifetime * _MANDATORY_SHARE)
