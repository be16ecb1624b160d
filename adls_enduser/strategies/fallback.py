"""Fallback: another way in, when the tenant does not let the first one pass."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NoReturn

from ..concurrency import Question, reset_after_fork
from ..errors import (
    BlockedByPolicy,
    ConfigurationError,
    MfaRequired,
    SignInError,
    SignInExpired,
    SignInRequired,
)
from ..interaction.prompts import tell
from .cached import refuse_pickle
from .protocol import AnswersClaims, AuthStrategy, Rejects, Remembers, Travels

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tokens import Account, Token

# What another way of signing in may help against; a wrong password is none of them.
_CLOSED = (MfaRequired, BlockedByPolicy)


class Fallback:
    """The first of several strategies that the tenant lets pass.

    Goes on to the next only when one is refused because it needs a second factor
    (MfaRequired) or is blocked by policy (BlockedByPolicy), never for a wrong password;
    then stays there. A password that was refused is not sent again. Before it asks in
    another way it writes one line on standard error that says why.

    ConfigurationError if fewer than two strategies are given, one is none, or they are
    of different clouds. Raises the last refusal where no strategy is left.
    """

    def __init__(self, *strategies: AuthStrategy) -> None:
        _check(strategies)
        self.strategies = strategies
        self.settings = getattr(strategies[0], "settings", None)
        self._at = 0
        self._refusal: SignInError | None = None
        self._question = Question()
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Take a new lock."""
        self._lock = threading.RLock()

    @property
    def current(self) -> AuthStrategy:
        """The strategy that is tried, or that has signed in."""
        return self.strategies[self._at]

    @property
    def account(self) -> Account | None:
        """Who signed in, or None as long as nobody has."""
        account: Account | None = getattr(self.current, "account", None)
        return account

    @property
    def prompt(self) -> object:
        """What asks the person in a way of the caller's own, if any strategy has that."""
        return next(filter(None, (getattr(one, "prompt", None) for one in self.strategies)), None)

    @property
    def answers_claims(self) -> bool:
        """Whether the current strategy sends claims on."""
        return isinstance(self.current, AnswersClaims) and self.current.answers_claims

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token from the current strategy, if it needs no person; raises what that does."""
        with self._lock:
            try:
                token = self.current.silent(resource, claims=claims)
            except SignInError as refused:
                self._refusal = refused
                raise
            self._refusal = None
            return token

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Ask the person, in one way after the other.

        Whoever waits while another thread asks shares what the person made of it.
        """
        with self._question.turn():
            # Another thread may have signed in, in another way, since this one was told that
            # a person must.
            way = self._anyhow if self._refusal is None else self.current.sign_in
            return self._question.put(lambda: self._enter(way, resource, claims))

    def _enter(self, way: Callable[..., Token], resource: str, claims: str | None) -> Token:
        refused: SignInError
        try:
            return way(resource, claims=claims)
        except SignInError as error:
            refused = error
        self._go_on(refused)
        return self._enter(self._anyhow, resource, claims)

    def _anyhow(self, resource: str, *, claims: str | None = None) -> Token:
        token = self.current.silent(resource, claims=claims)
        return token or self.current.sign_in(resource, claims=claims)

    def _go_on(self, refused: SignInError) -> None:
        # Why nobody was signed in silently matters more than that nobody can be asked for
        # the same password again.
        with self._lock:
            if isinstance(refused, SignInExpired | SignInRequired) and self._refusal is not None:
                refused = self._refusal
            self._refusal = None
            if not isinstance(refused, _CLOSED) or self._at + 1 == len(self.strategies):
                raise refused.with_traceback(None)
            self._at += 1
        tell(f"{refused.message} Trying {type(self.current).__name__} instead.\n")

    def living(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token that is held and lives, however soon it ends."""
        current = self.current
        return current.living(resource, claims=claims) if isinstance(current, Remembers) else None

    def reject(self, token: Token) -> None:
        """Never give this token again."""
        if isinstance(self.current, Rejects):
            self.current.reject(token)

    def elsewhere(self) -> AuthStrategy | None:
        """Give what another process gets instead of the current strategy."""
        return self.current.elsewhere() if isinstance(self.current, Travels) else None

    def __copy__(self) -> Fallback:
        return self  # as a copy of a lock is the same lock

    def __deepcopy__(self, memo: object) -> Fallback:
        return self

    def __reduce__(self) -> NoReturn:
        refuse_pickle("Fallback")

    def __repr__(self) -> str:
        return f"<Fallback {self.strategies}, now {type(self.current).__name__}>"


def _check(strategies: tuple[AuthStrategy, ...]) -> None:
    for one in strategies:
        if isinstance(one, type) or not isinstance(one, AuthStrategy):
            raise ConfigurationError(
                f"Fallback takes AuthStrategy objects, not {one!r}.",
                remedy="For example Fallback(Password(...), DeviceCode(...)).",
            )
    if len(strategies) < 2:
        raise ConfigurationError("Fallback needs two strategies or more.")
    clouds = {getattr(getattr(one, "settings", None), "cloud", None) for one in strategies}
    if len(clouds - {None}) > 1:
        raise ConfigurationError("The strategies of a Fallback must be of one cloud.")
