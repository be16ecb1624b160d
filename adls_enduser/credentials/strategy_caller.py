"""StrategyCaller: call a strategy, and let only sound tokens and EndUserErrors out of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import ConfigurationError, EndUserError, ProtocolError, TransportError
from ..strategies.protocol import extended
from ..tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..clocks import Clock
    from ..strategies.protocol import AuthStrategy


_FIX = "Fix the strategy: sign_in returns an adls_enduser.Token, silent one or None."


class StrategyCaller:
    """One strategy, called for one resource. The strategy may be anybody's."""

    __slots__ = ("_clock", "_resource", "name", "strategy")

    def __init__(self, strategy: AuthStrategy, resource: str, clock: Clock) -> None:
        self.strategy = extended(strategy)
        self.name = type(strategy).__name__
        self._resource = resource
        self._clock = clock

    def silent(self, claims: str | None) -> Token | None:
        """Return the strategy's token; None when only a person can help."""
        with self.only_our_errors():
            token: object = self.strategy.silent(self._resource, claims=claims)
        return self._checked(token)

    def checked_sign_in(self, token: object) -> Token:
        """Return the token of the strategy's ``sign_in``, if it is sound."""
        checked = self._checked(token)
        if checked is None:
            raise ConfigurationError(
                f"{self.name}.sign_in returned None instead of a Token.", remedy=_FIX
            )
        return checked

    def cached_token(self, claims: str | None) -> Token | None:
        """Return an unexpired token that the strategy has in memory, or None."""
        with self.only_our_errors():
            token: object = self.strategy.cached_token(self._resource, claims=claims)
        return self._checked(token)

    @contextmanager
    def only_our_errors(self) -> Iterator[None]:
        """Turn every other exception into an EndUserError.

        msrest calls a credential twice after a TypeError, and azure-datalake-store retries
        requests' errors for 85 seconds, so a strategy's own exceptions must not reach them.
        """
        try:
            yield
        except EndUserError:
            raise
        except Exception as error:
            ours = TransportError if isinstance(error, OSError) else ProtocolError
            raise ours(
                f"{self.name} failed with {type(error).__name__}.",
                remedy="Fix the code that raised it (see this error's __cause__); it may be a"
                " callback of yours.",
            ) from error

    def _checked(self, token: object) -> Token | None:
        if token is None:
            return None
        if not isinstance(token, Token):
            kind = type(token).__name__
            raise ConfigurationError(f"{self.name} must return a Token, not {kind}.", remedy=_FIX)
        if not token.is_sound:
            raise ConfigurationError(
                f"{self.name} returned an invalid Token: its secret must be visible ASCII"
                " characters, its times UTC epoch seconds.",
                remedy=_FIX,
            )
        if token.expires_on <= self._clock.time():
            raise ProtocolError(
                f"{self.name} returned a token that has expired already.",
                remedy="Check whether this machine's clock is right.",
            )
        return token
