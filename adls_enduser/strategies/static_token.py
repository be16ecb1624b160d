"""StaticToken: an access token from elsewhere, as long as it lives."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NoReturn

from ..claims import check_claims
from ..errors import ConfigurationError, SignInExpired
from ..options import AccountOptions, refuse_unknown, token_settings
from ..tokens import Account, Secret, Token, is_bearer_token, is_epoch_seconds
from .cached import refuse_pickle
from .jwt import decode_unverified
from .session import check_account

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..clouds import Cloud
    from .jwt import Unverified


class StaticToken:
    """Use a token that somebody else obtained; it cannot be renewed.

    ``expires_on`` is in UTC epoch seconds; None: as the token says itself, if it can be
    read, and never later than that. Takes the options of StaticTokenOptions. Raises
    ConfigurationError for what is wrong, SignInExpired for a token that is over already,
    WrongAccount for somebody else's.
    """

    def __init__(
        self,
        token: str,
        expires_on: float | None = None,
        **options: Unpack[StaticTokenOptions],
    ) -> None:
        self._audiences: frozenset[str] = frozenset()
        secret, told = _taken(token)
        del token  # lest a traceback show it
        refuse_unknown(options, StaticTokenOptions, "StaticToken")
        self.settings = token_settings(options)
        if secret is None:
            raise _no_token()
        self._secret = secret
        self.account: Account | None = told.account
        self._expires_on = _end(expires_on, told.expires_on)
        self._audiences = _audiences(options.get("resource"), told.audiences, self.settings.cloud)
        self._rejected = threading.Event()
        check_account(told.account, self.settings)
        self._raise_if_over()

    def silent(self, resource: str, *, claims: str | None = None) -> Token:
        """Give the token, if it is for this resource.

        Raises ConfigurationError if it is for another one or to answer a claims
        challenge, SignInExpired when it is over or was rejected.
        """
        _refuse_claims(claims)
        self._refuse_other(resource)
        self._raise_if_over()
        if self._rejected.is_set():
            self._rejected.clear()
            raise _ended("The token was refused, or is to be renewed")
        return Token(
            secret=self._secret.reveal(),
            expires_on=self._expires_on,
            obtained_on=self.settings.clock.time(),
            resource=resource,
            account=self.account or Account(),
        )

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Refuse likewise: no person can renew it either."""
        return self.silent(resource, claims=claims)

    def reject(self, token: Token) -> None:  # noqa: ARG002 - there is only the one
        """Say once, instead of giving it again, that there is no other."""
        self._rejected.set()

    def _raise_if_over(self) -> None:
        if self.settings.clock.time() >= self._expires_on:
            end = datetime.fromtimestamp(self._expires_on, timezone.utc)
            raise _ended(f"The token ended at {end:%Y-%m-%d %H:%M:%S} UTC")

    def _refuse_other(self, resource: str) -> None:
        if self._audiences and resource not in self._audiences:
            raise ConfigurationError(
                f"The token is for {', '.join(sorted(self._audiences))} and not for {resource}.",
                remedy="Give each its own: StaticToken(token, expires_on, resource=...).",
            )

    def __copy__(self) -> StaticToken:
        return self

    def __deepcopy__(self, memo: object) -> StaticToken:
        return self

    def __reduce__(self) -> NoReturn:
        refuse_pickle("StaticToken")

    def __repr__(self) -> str:
        if "_audiences" not in vars(self):  # in the traceback of a constructor
            return "<StaticToken>"
        where = ", ".join(sorted(self._audiences)) or "any resource"
        return f"<StaticToken for {where}>"


def _taken(token: object) -> tuple[Secret | None, Unverified]:
    if not is_bearer_token(token):
        return None, decode_unverified("")
    return Secret(token), decode_unverified(token)


def _no_token() -> ConfigurationError:
    return ConfigurationError(
        "token must be an access token: a str of visible ASCII characters.",
        remedy="Give it alone, without the word Bearer before it.",
    )


def _end(given: object, told: float | None) -> float:
    if given is None and told is None:
        raise ConfigurationError(
            "expires_on is missing, and the token does not tell it.",
            remedy="Give expires_on= in UTC epoch seconds.",
        )
    if given is None:
        return told or 0.0
    if not is_epoch_seconds(given):
        raise ConfigurationError(
            f"expires_on={given!r} must be a number of UTC epoch seconds.",
            remedy="For example datetime.now(timezone.utc).timestamp() + 3600; not milliseconds.",
        )
    return float(given) if told is None else min(float(given), told)


def _audiences(given: object, told: frozenset[str], cloud: Cloud) -> frozenset[str]:
    if given is None:
        # The id of an application (a GUID) is an audience too, of which nobody here knows
        # whose it is.
        return frozenset(cloud.audience(one) for one in told if "://" in one)
    if isinstance(given, str) and given.strip():
        return frozenset({cloud.audience(given)})
    raise ConfigurationError(
        f"resource={given!r} is not an audience.",
        remedy=f"Give what the token is for, such as '{cloud.management}'.",
    )


def _refuse_claims(claims: str | None) -> None:
    if claims is not None:
        check_claims(claims)
        raise ConfigurationError(
            "A claims challenge cannot be answered by a token that is there already.",
            remedy="Get a new token that meets the claims, or sign in: mode='device_code'.",
        )


def _ended(what: str) -> SignInExpired:
    return SignInExpired(
        f"{what}; a static token cannot be renewed.",
        remedy="Get a new one and call the factory again, or let a person sign in:"
        " mode='device_code'.",
    )


class StaticTokenOptions(AccountOptions, total=False):
    """What StaticToken takes as well.

    ``resource``: what the token is for; None: what it says itself, if it can be read.
    ``tenant`` (an id) and ``username`` are compared with what the token says.
    """

    resource: str | None
