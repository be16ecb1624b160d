"""CachedStrategy: what stands in for a strategy in a process that no person is at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from ..entra.backend import load_backend
from ..errors import ConfigurationError, SignInRequired
from .session import Session

if TYPE_CHECKING:
    from ..options import Settings
    from ..tokens import Account, Token


class CachedStrategy:
    """Renews a sign-in that the cache keeps, and asks nobody."""

    def __init__(self, settings: Settings, username: str | None) -> None:
        self.settings = settings
        self._username = username
        self._sign_in = Session(settings, load_backend(settings))

    @property
    def account(self) -> Account | None:
        """Who signed in, as far as is known here."""
        return self._sign_in.account

    @property
    def answers_claims(self) -> bool:
        """Whether claims are sent on, or refused."""
        return self._sign_in.backend.answers_claims

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token from the cache, or by the refresh token that it keeps."""
        return self._sign_in.renew(resource, self._username, claims)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Refuse: the person is at another process."""
        self._sign_in.backend.check_claims(claims)
        raise SignInRequired(
            f"A person must sign in for {resource}, and none is at this process.",
            remedy="Sign in again where the credential was made; the cache serves both.",
        )

    def living(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token that is held and lives, however soon it ends."""
        return self._sign_in.living(resource, claims)

    def reject(self, token: Token) -> None:
        """Never give this token again."""
        self._sign_in.reject(token)

    def elsewhere(self) -> CachedStrategy:
        """Stand in for itself once more, where a process sends the credential on."""
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return CachedStrategy, (_without_passwords(self.settings), self._username)


def _without_passwords(settings: Settings) -> Settings:
    """Leave a proxy whose address holds a password to the other process's environment."""
    if settings.proxies is None:
        return settings
    plain = {scheme: url for scheme, url in settings.proxies.items() if "@" not in url}
    return replace(settings, proxies=plain or None)


def refuse_pickle(strategy: str) -> NoReturn:
    """Say what to pickle instead of a strategy, which holds a person's sign-in."""
    raise ConfigurationError(
        f"{strategy} is never pickled: it holds a person's sign-in.",
        remedy="Pickle what a factory returned: it carries the short-lived access token.",
    )


def stand_in(settings: Settings, account: Account | None) -> CachedStrategy | None:
    """Give what another process can renew from: the cache, if there is one."""
    if settings.cache is None:
        return None
    return CachedStrategy(settings, account.username if account else None)
