"""TokenSource: a strategy and a resource become a token that works right now.

The rules, after botocore's ``tokens.DeferredRefreshableToken``: a fresh token comes
from memory without a lock; near its end it is renewed silently by one caller while the
others go on with the old one; if that fails, the old token serves as long as it lives;
and a person is asked only when no token lives and nothing silent helps.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from .clocks import SYSTEM_CLOCK, Clock
from .errors import (
    ConfigurationError,
    EndUserError,
    ProtocolError,
    SignInError,
    SignInRequired,
    TransportError,
)
from .prompts import somebody_can_see
from .tokens import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from .strategy import AuthStrategy

# The SDKs' own margin (azure-core's BearerTokenCredentialPolicy, adal's cache_driver).
_MARGIN = 300.0
# A token that lives shorter than five margins is renewed in the last fifth of its life,
# so that a short-lived one does not cost a request at every call.
_SHARE = 0.2
# After a failed renewal the old token serves undisturbed for so long.
_PAUSE = 30.0


class _Held(NamedTuple):
    token: Token
    renew_on: float


class TokenSource:
    """Gives a usable token for one resource, as seldom from the network as possible.

    ``interactive`` says whether a person may be asked; None: if the strategy has a
    prompt of its own, or a terminal or notebook is there. ``what`` names, in errors, the
    call that made this source.
    """

    def __init__(
        self,
        strategy: AuthStrategy,
        resource: str,
        *,
        interactive: bool | None = None,
        clock: Clock = SYSTEM_CLOCK,
        what: str = "management_credentials",
    ) -> None:
        self.strategy = strategy
        self.resource = resource
        self.interactive = interactive
        self.clock = clock
        self.what = what
        self._held: _Held | None = None
        self._lock = threading.Lock()

    @property
    def held(self) -> Token | None:
        """The token in memory, fresh or not; asks nobody."""
        return self._held.token if self._held else None

    def token(self) -> Token:
        """Give a token that is good for minutes, or at worst for now.

        Raises an EndUserError when no token lives and none can be had.
        """
        held = self._held
        if held is not None and self.clock.time() < held.renew_on:
            return held.token
        return self._renewed(held)

    def renew(self) -> Token:
        """Give a new token even if the held one looks fresh; asks nobody while it lives."""
        return self._renewed(self._held, force=True)

    def answer(self, claims: str) -> Token:
        """Give a token that meets a claims challenge (its JSON), by asking if need be."""
        with self._lock:
            return self._hold(self._obtain(may_ask=True, claims=claims))

    def sibling(self, resource: str) -> TokenSource:
        """Give a source for another resource of the same sign-in."""
        return TokenSource(
            self.strategy,
            resource,
            interactive=self.interactive,
            clock=self.clock,
            what=self.what,
        )

    def _renewed(self, seen: _Held | None, *, force: bool = False) -> Token:
        # Whoever still has a living token does not queue behind the one who renews it.
        if not self._lock.acquire(blocking=force or not self._lives(seen)):
            return seen.token  # type: ignore[union-attr]
        try:
            held = self._held
            if held is not seen and held is not None and self.clock.time() < held.renew_on:
                return held.token
            return self._fetch(held)
        finally:
            self._lock.release()

    def _fetch(self, held: _Held | None) -> Token:
        lives = self._lives(held)
        try:
            return self._hold(self._obtain(may_ask=not lives))
        except EndUserError:
            if held is None or not self._lives(held):
                raise
            pause = min(self.clock.time() + _PAUSE, held.token.expires_on)
            self._held = _Held(held.token, pause)
            return held.token

    def _lives(self, held: _Held | None) -> bool:
        return held is not None and self.clock.time() < held.token.expires_on

    def _hold(self, token: Token) -> Token:
        margin = min(_MARGIN, token.lifetime * _SHARE)
        self._held = _Held(token, token.expires_on - margin)
        return token

    def _obtain(self, *, may_ask: bool, claims: str | None = None) -> Token:
        reason: SignInError | None = None
        try:
            token = self._checked(lambda: self.strategy.silent(self.resource, claims=claims))
        except SignInError as refused:
            token, reason = None, refused
        if token is not None:
            return token
        if may_ask and self._somebody_may_be_asked():
            return self._asked(claims)
        raise reason or self._nobody()

    def _asked(self, claims: str | None) -> Token:
        token = self._checked(lambda: self.strategy.sign_in(self.resource, claims=claims))
        if token is None:
            raise ConfigurationError(f"{self._name}.sign_in returned None instead of a Token.")
        return token

    def _checked(self, act: Callable[[], object]) -> Token | None:
        failure: Exception
        try:
            token = act()
        except EndUserError:
            raise
        except Exception as error:
            failure = error
        else:
            return self._valid(token)
        # msrest calls a credential twice after a TypeError, and the store's client
        # retries requests' errors for 85 seconds, so neither may get out.
        ours = TransportError if isinstance(failure, OSError) else ProtocolError
        raise ours(f"{self._name} failed with {type(failure).__name__}.") from failure

    def _valid(self, token: object) -> Token | None:
        if token is not None and not isinstance(token, Token):
            kind = type(token).__name__
            raise ConfigurationError(f"{self._name} must give a Token, not {kind}.")
        if token is not None and token.expires_on <= self.clock.time():
            raise ProtocolError(
                f"{self._name} gave a token that is over already.",
                remedy="Compare this machine's clock with the time of day.",
            )
        return token

    def _somebody_may_be_asked(self) -> bool:
        if self.interactive is not None:
            return self.interactive
        return getattr(self.strategy, "prompt", None) is not None or somebody_can_see()

    def _nobody(self) -> SignInRequired:
        why = "interactive=False" if self.interactive is False else "no terminal or notebook"
        return SignInRequired(
            f"A person must sign in for {self.resource}, and nobody can be asked here ({why}).",
            remedy=f"Call {self.what}(mode='device_code', prompt=...) with a callback that"
            " reaches a person, or run the program in a terminal.",
        )

    @property
    def _name(self) -> str:
        return type(self.strategy).__name__

    def __getstate__(self) -> dict[str, object]:
        # Another process gets the short-lived access token and nothing that lasts.
        kept = ("resource", "clock", "what", "_held")
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.strategy = Elsewhere()
        self.interactive = False
        self._lock = threading.Lock()


class Elsewhere:
    """The strategy of a credential that came from another process: it cannot ask anybody."""

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:  # noqa: ARG002
        """Know nothing but the token that came along."""
        return None

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:  # noqa: ARG002
        """Refuse: the person is at the process that signed in."""
        raise SignInRequired(
            f"The sign-in for {resource} lives in another process.",
            remedy="Send this process a fresh credential before the old token ends.",
        )
