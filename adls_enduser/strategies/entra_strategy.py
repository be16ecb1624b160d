"""EntraStrategy, the base of strategies that call Entra ID, and its stand-in CachedStrategy.

Both are in one file because each needs the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clocks import SYSTEM_CLOCK
from ..entra.library import answers_claims, check_library
from ..errors import SignInRequired
from ..values import replace
from .protocol import ExtendedStrategy
from .session import HoldsSignIn, Session

if TYPE_CHECKING:
    from ..entra.backend import Grant
    from ..interaction.waiting import WaitOptions
    from ..options import Settings
    from ..tokens import Account, Token
    from .detached import DetachedStrategy


class EntraStrategy(HoldsSignIn):
    """Sign in at Entra ID, once with a prompt, then by the refresh token.

    A subclass prompts the person in ``_obtain_grant``. It validates its options before it
    calls this constructor. MissingDependency if the library that calls Entra ID is not installed;
    it loads with the first request. ``wait_options`` end the wait for a keyring that prompts the
    person, if there is a cache.
    """

    def __init__(self, settings: Settings, wait_options: WaitOptions | None = None) -> None:
        check_library(settings.library)
        self.settings = settings
        self._session = Session(settings, wait_options)

    @property
    def account(self) -> Account | None:
        """The account that signed in; None if nobody has signed in yet."""
        return self._session.account

    @property
    def answers_claims(self) -> bool:
        """Whether claims are sent to the authority. If not, they are refused."""
        return answers_claims(self.settings.library)

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Return a token by the refresh token; None if nobody has signed in yet."""
        return self._session.acquire_silent(resource, claims=claims)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Prompt the person, and return a token."""
        session = self._session
        session.check_claims(claims)
        return session.prompt_lock.exclusive(
            session.acquire_interactive, resource, self._obtain_grant, None, claims
        )

    def _obtain_grant(self, resource: str, claims: str | None) -> Grant:
        raise NotImplementedError

    def cached_token(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Return an unexpired token from memory, however soon it ends."""
        return self._session.unexpired(resource, claims)

    def invalidate(self, token: Token) -> None:
        """Never return this token again."""
        self._session.invalidate(token)

    def for_other_process(self) -> CachedStrategy | None:
        """Return a strategy that renews from the cache; None if there is no cache."""
        if self.settings.cache is None:
            return None
        from .detached import DetachedStrategy

        username = self.account.username if self.account else None
        detached = DetachedStrategy(None, self.account, cache=self.settings.cache)
        return CachedStrategy(self.settings, username, detached)

    def __repr__(self) -> str:
        name = type(self).__name__
        if "_session" not in vars(self):  # in the traceback of a constructor
            return f"<{name}>"
        return f"<{name} at {self.settings.authority}>"


# So that isinstance need not look: from Python 3.12 on that loads inspect (typing, _ProtocolMeta).
ExtendedStrategy.register(EntraStrategy)  # pyright: ignore[reportAttributeAccessIssue]


class CachedStrategy(EntraStrategy):
    """Renew a sign-in that the cache keeps, in a process where nobody can be prompted.

    ``detached`` stands for it if the cache does not keep it here.
    """

    prompt = None

    def __init__(
        self, settings: Settings, username: str | None, detached: DetachedStrategy
    ) -> None:
        super().__init__(settings)
        self._username = username
        self._detached = detached

    def silent(self, resource: str, *, claims: str | None = None) -> Token:
        """Return a token from the cache, or by the refresh token that it keeps.

        If it keeps none, do as ``DetachedStrategy.silent``.
        """
        token = self._session.acquire_silent(resource, self._username, claims)
        return token or self._detached.silent(resource, claims=claims)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Raise SignInRequired: nobody can be prompted in this process."""
        self._session.check_claims(claims)
        raise SignInRequired(
            f"A person must sign in for {resource}, and nobody can be prompted in this process.",
            remedy="Sign in again in the process that made the credential: it shares the cache"
            " with this one.",
        )

    def for_other_process(self) -> CachedStrategy:
        """Return itself, for a process that sends the credential on."""
        return self

    def __reduce__(self) -> tuple[object, ...]:  # type: ignore[override]
        settings = _for_other_process(self.settings)
        return CachedStrategy, (settings, self._username, self._detached)


def _for_other_process(settings: Settings) -> Settings:
    """Leave out what belongs to this process: an injected clock, and proxies with a password."""
    proxies = settings.proxies or {}
    plain = {scheme: url for scheme, url in proxies.items() if "@" not in url}
    return replace(settings, clock=SYSTEM_CLOCK, proxies=plain or None)
