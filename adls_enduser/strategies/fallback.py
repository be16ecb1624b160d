"""Fallback: try the next mode if the tenant does not allow the first one."""

from __future__ import annotations

import threading
from copy import copy
from typing import TYPE_CHECKING

from ..concurrency import PromptLock, reset_after_fork
from ..errors import (
    BlockedByPolicy,
    ConfigurationError,
    MfaRequired,
    SignInError,
    SignInExpired,
    SignInRequired,
)
from ..interaction.prompts import tell
from ..log import logger
from ..options import Settings
from .protocol import (
    AuthStrategy,
    ExtendedStrategy,
    declared_cloud,
    extended,
    is_strategy,
    kind_of,
    strategy_remedy,
)
from .session import HoldsSignIn

if TYPE_CHECKING:
    from ..options import AccountSettings
    from ..tokens import Account, Token


# Another mode may help against these. A wrong password is not one of them.
_TRY_NEXT = (MfaRequired, BlockedByPolicy)


class Fallback(HoldsSignIn):
    """The first of several strategies that the tenant allows.

    Goes on to the next strategy only if one is refused because it needs a second factor
    (MfaRequired) or is blocked by policy (BlockedByPolicy), never for a wrong password. It
    then stays there, and does not send a refused password again. Before it prompts in another
    mode it writes one line on standard error that says why.

    ConfigurationError for fewer than two strategies, an object that is not a strategy, or
    strategies of different clouds. Raises the last refusal if no strategy is left.
    """

    def __init__(self, *strategies: AuthStrategy) -> None:
        _check(strategies)
        _repeat_fallbacks(strategies)
        self.strategies = strategies
        self._index = 0
        self._refusal: SignInError | None = None
        self._prompt_lock = PromptLock(self.settings.clock)
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Make a new lock."""
        self._lock = threading.RLock()

    @property
    def current(self) -> AuthStrategy:
        """The strategy that is being tried, or that has signed in."""
        return self.strategies[self._index]

    @property
    def settings(self) -> AccountSettings:
        """The options of the first strategy."""
        return extended(self.strategies[0]).settings

    @property
    def account(self) -> Account | None:
        """The account that signed in; None if nobody has signed in yet."""
        return self._current.account

    @property
    def prompt(self) -> object:
        """The first prompt of the caller's own that a strategy has; None if none has one."""
        prompts = (extended(strategy).prompt for strategy in self.strategies)
        return next(filter(None, prompts), None)

    @property
    def answers_claims(self) -> bool:
        """Whether the current strategy sends claims to the authority."""
        return self._current.answers_claims

    @property
    def _current(self) -> ExtendedStrategy:
        return extended(self.current)

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Return a token of the current strategy, if it needs no prompt; raises what that does."""
        with self._lock:
            try:
                token = self.current.silent(resource, claims=claims)
            except SignInError as refused:
                self._refusal = copy(refused)  # a copy keeps no frames alive
                if not self._has_next(refused):
                    raise
                raise self._next_not_tried(refused) from refused
            self._refusal = None
            return token

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Sign in by the current strategy, or by the next one that the tenant allows.

        Threads that wait for another thread's prompt share its outcome.
        """
        return self._prompt_lock.exclusive(self._try_in_turn, resource, claims)

    def _try_in_turn(self, resource: str, claims: str | None) -> Token:
        # If silent() was not refused, another thread may have signed in meanwhile.
        silent_first = self._refusal is None
        while True:
            try:
                return self._try_current(resource, claims, silent_first=silent_first)
            except SignInError as error:
                refused = error
            self._next_strategy(refused)
            silent_first = True

    def _try_current(self, resource: str, claims: str | None, *, silent_first: bool) -> Token:
        token = self.current.silent(resource, claims=claims) if silent_first else None
        return token or self.current.sign_in(resource, claims=claims)

    def _next_strategy(self, refused: SignInError) -> None:
        # The reason of the silent refusal says more than "the same password cannot be asked
        # for again".
        with self._lock:
            if isinstance(refused, SignInExpired | SignInRequired) and self._refusal is not None:
                refused = self._refusal
            self._refusal = None
            if not self._has_next(refused):
                raise refused.with_traceback(None)
            self._index += 1
        name = type(self.current).__name__
        logger(__name__).warning(
            "%s %s; trying %s.", type(refused).__name__, refused.code or "", name
        )
        tell(f"{refused.message} Trying {name} instead.\n")

    def _has_next(self, refused: SignInError) -> bool:
        return isinstance(refused, _TRY_NEXT) and self._index + 1 < len(self.strategies)

    def _next_not_tried(self, refused: SignInError) -> SignInError:
        # sign_in tries it. Callers see this error only where sign_in is not called.
        name = type(self.strategies[self._index + 1]).__name__
        error = copy(refused)
        error.remedy = (
            f"{refused.remedy} The fallback {name} was not tried, because nobody may or can be"
            " prompted here."
        ).strip()
        return error

    def cached_token(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Return an unexpired token of the current strategy from memory."""
        return self._current.cached_token(resource, claims=claims)

    def invalidate(self, token: Token) -> None:
        """Never return this token again."""
        self._current.invalidate(token)

    def for_other_process(self) -> AuthStrategy | None:
        """Return what is pickled in place of the current strategy."""
        return self._current.for_other_process()

    def __repr__(self) -> str:
        return f"<Fallback {self.strategies}, now {type(self.current).__name__}>"


def _check(strategies: tuple[AuthStrategy, ...]) -> None:
    example = "For example Fallback(Password(...), DeviceCode(...))."
    for one in strategies:
        if not is_strategy(one):
            raise ConfigurationError(
                f"Fallback takes AuthStrategy objects, not {kind_of(one)}.",
                remedy=f"{strategy_remedy(one)} {example}",
            )
    if len(strategies) < 2:
        raise ConfigurationError("Fallback needs two strategies or more.", remedy=example)
    if len({*map(declared_cloud, strategies)} - {None}) > 1:
        raise ConfigurationError(
            "The strategies of a Fallback must be of one cloud.",
            remedy="Give each of them the same cloud=.",
        )


def _as_source(strategy: AuthStrategy) -> str:
    own = extended(strategy).settings
    return f'"{own.mode}"' if isinstance(own, Settings) else f"{type(strategy).__name__}(...)"


def _repeat_fallbacks(strategies: tuple[AuthStrategy, ...]) -> None:
    """Make the next call in the remedies of each strategy repeat those that come after it."""
    names = [_as_source(strategy) for strategy in strategies]
    for index, strategy in enumerate(strategies[:-1], 1):
        own = extended(strategy).settings
        if isinstance(own, Settings):
            others = names[index:]
            own.beside["fallback"] = others[0] if len(others) == 1 else f"[{', '.join(others)}]"
