"""AuthStrategy: the one protocol behind every way of signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..tokens import Token


@runtime_checkable
class AuthStrategy(Protocol):
    """A way of signing a person in: once by asking, afterwards silently.

    Any object with these two methods is one, a stranger's included. ``resource`` is
    the audience in its canonical spelling (``https://datalake.azure.net/``);
    ``claims`` is the JSON of a claims challenge, for the strategies that can answer one.
    """

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token without asking anybody, or None when only a person can help.

        Raises SignInExpired or another SignInError when an earlier sign-in was refused
        and only a person can help, TransportError when no answer came.
        """

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Ask the person. Blocks; raises an EndUserError."""


@runtime_checkable
class Travels(Protocol):
    """What a strategy may do besides: stand in for itself in another process."""

    def elsewhere(self) -> AuthStrategy | None:
        """Give what is pickled in its place, which asks nobody and holds no secret."""


@runtime_checkable
class Rejects(Protocol):
    """What a strategy may do besides: forget a token that it would give again."""

    def reject(self, token: Token) -> None:
        """Never give this token again: the service, or the caller, does not want it."""


@runtime_checkable
class Remembers(Protocol):
    """What a strategy may do besides: hold a token for whoever else asks for the same.

    ``silent`` gives one that is fresh, and renews one that is not. A new credential need
    not wait for that, nor depend on it, as long as the token lives.
    """

    def living(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token that is held and lives, however soon it ends; asks no network."""


@runtime_checkable
class AnswersClaims(Protocol):
    """What a strategy may do besides: say whether it sends claims on, or refuses them.

    One that does is also asked for tokens with the capability CP1, by claims that say so
    (``claims.CP1``), where a caller wants continuous access evaluation.
    """

    @property
    def answers_claims(self) -> bool:
        """Whether claims are sent on."""
