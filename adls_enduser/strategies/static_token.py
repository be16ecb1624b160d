"""StaticToken: an access token that the caller has, until it expires."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..entra.claims import check_claims
from ..errors import ConfigurationError, SignInExpired
from ..options import AccountOptions, refuse_unknown, token_settings
from ..tokens import Account, Secret, Token, is_bearer_token, is_epoch_seconds
from .detached import DetachedStrategy
from .jwt import decode_unverified
from .session import HoldsSignIn, check_account

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..clouds import Cloud
    from .jwt import Unverified


# Ten years in seconds: a smaller expires_on is no moment of this century.
_LONGEST_DURATION = 315_360_000


class StaticTokenOptions(AccountOptions, total=False):
    """Options of StaticToken.

    ``resource``: the audience of the token; None: what its claims say, if they can be read.
    ``tenant`` (an id) and ``username`` are compared with the token's claims.
    """

    resource: str | None


class StaticToken(HoldsSignIn):
    """Use a token that somebody else obtained; it cannot be renewed.

    ``expires_on`` is in UTC epoch seconds; None: what the token's claims say, if they can be
    read. It is never later than the claims say. Takes the options of StaticTokenOptions.
    Raises ConfigurationError for a wrong argument, SignInExpired for an expired token,
    WrongAccount for a token of another person or tenant.
    """

    def __init__(
        self,
        token: str,
        expires_on: float | None = None,
        **options: Unpack[StaticTokenOptions],
    ) -> None:
        self._audiences: frozenset[str] = frozenset()
        secret, claims = _secret_and_claims(token)
        del token  # so that no traceback shows it
        refuse_unknown(options, StaticTokenOptions.__annotations__, "StaticToken")
        self.settings = token_settings(options)
        if secret is None:
            raise _not_a_token()
        self._secret = secret
        self.account: Account | None = claims.account
        self._expires_on = _expiry(expires_on, claims.expires_on)
        self._audiences = _audiences(options.get("resource"), claims.audiences, self.settings.cloud)
        self._invalidated = threading.Event()
        check_account(claims.account, self.settings, claims.names)
        self._raise_if_expired()

    def silent(self, resource: str, *, claims: str | None = None) -> Token:
        """Return the token, if it is for this resource.

        Raises ConfigurationError if it is for another resource or for a claims challenge,
        SignInExpired when it has expired or was invalidated.
        """
        _refuse_claims(claims)
        self._check_resource(resource)
        self._raise_if_expired()
        if self._invalidated.is_set():
            self._invalidated.clear()
            raise _expired("The token was rejected, or must be renewed")
        return Token(
            secret=self._secret.reveal(),
            expires_on=self._expires_on,
            obtained_on=self.settings.clock.time(),
            resource=resource,
            account=self.account or Account(),
        )

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Do as ``silent``: no person can renew the token."""
        return self.silent(resource, claims=claims)

    def invalidate(self, token: Token) -> None:  # noqa: ARG002 - there is only one
        """Make the next ``silent`` raise SignInExpired: there is no other token."""
        self._invalidated.set()

    def for_other_process(self) -> DetachedStrategy:
        """Return a strategy that says that nothing renews the token."""
        return DetachedStrategy(None, self.account, can_renew=False)

    def _raise_if_expired(self) -> None:
        if self.settings.clock.time() >= self._expires_on:
            end = datetime.fromtimestamp(self._expires_on, timezone.utc)
            raise _expired(f"The token expired at {end:%Y-%m-%d %H:%M:%S} UTC")

    def _check_resource(self, resource: str) -> None:
        if self._audiences and resource not in self._audiences:
            raise ConfigurationError(
                f"The token is for {', '.join(sorted(self._audiences))} and not for {resource}.",
                remedy="Use one StaticToken for each resource:"
                " StaticToken(token, expires_on, resource=...).",
            )

    def __repr__(self) -> str:
        if "_audiences" not in vars(self):  # in the traceback of a constructor
            return "<StaticToken>"
        where = ", ".join(sorted(self._audiences)) or "any resource"
        return f"<StaticToken for {where}>"


def _secret_and_claims(token: object) -> tuple[Secret | None, Unverified]:
    if not is_bearer_token(token):
        return None, decode_unverified("")
    return Secret(token), decode_unverified(token)


def _not_a_token() -> ConfigurationError:
    return ConfigurationError(
        "token must be an access token: a str of visible ASCII characters.",
        remedy="Pass it alone, without the word Bearer before it.",
    )


def _expiry(given: object, claimed: float | None) -> float:
    if given is None and claimed is None:
        raise ConfigurationError(
            "expires_on is missing, and it cannot be read from the token.",
            remedy="Set expires_on= in UTC epoch seconds.",
        )
    if given is None:
        return claimed or 0.0
    if is_epoch_seconds(given) and float(given) < _LONGEST_DURATION:
        raise ConfigurationError(
            f"expires_on={given!r} is a number of seconds, and not a moment.",
            remedy="Add the current time: time.time() + expires_in.",
        )
    if not is_epoch_seconds(given):
        raise ConfigurationError(
            f"expires_on={given!r} must be a number of UTC epoch seconds.",
            remedy="For example datetime.now(timezone.utc).timestamp() + 3600; not milliseconds.",
        )
    return float(given) if claimed is None else min(float(given), claimed)


def _audiences(given: object, claimed: frozenset[str], cloud: Cloud) -> frozenset[str]:
    if given is None:
        # An application id (a GUID) is an audience too, but it does not say which service.
        return frozenset(cloud.audience(one) for one in claimed if "://" in one)
    if isinstance(given, str) and given.strip():
        return frozenset({cloud.audience(given)})
    raise ConfigurationError(
        f"resource={given!r} is not an audience.",
        remedy=f"Use the audience of the token, such as '{cloud.management}'.",
    )


def _refuse_claims(claims: str | None) -> None:
    if claims is not None:
        check_claims(claims)
        raise ConfigurationError(
            "A static token cannot meet a claims challenge.",
            remedy="Get a new token with these claims, or sign in: mode='device_code'.",
        )


def _expired(what: str) -> SignInExpired:
    return SignInExpired(
        f"{what}; a static token cannot be renewed.",
        remedy="Get a new token and call the factory again, or let a person sign in:"
        " mode='device_code'.",
    )
