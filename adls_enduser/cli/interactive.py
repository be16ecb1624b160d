"""A sign-in that may ask the person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..credentials.token_source import TokenSource
from ..errors import SignInError
from ..modes import strategy_for
from ..strategies.protocol import extended
from .sign_in import audience_for

if TYPE_CHECKING:
    from ..options import AccountSettings
    from ..strategies.protocol import AuthStrategy
    from ..tokens import Token


class SignedIn(NamedTuple):
    """A token of the person, and whether the sign-in was kept before, so that nobody was asked."""

    token: Token
    settings: AccountSettings
    was_kept: bool


def signed_in(
    mode: object, service: str | None, given: dict[str, Any], fallback: object = ()
) -> SignedIn:
    """Return a token by the kept sign-in, else ask the person. Raises an EndUserError."""
    strategy = strategy_for(mode, fallback, given, "adls-enduser")
    settings = extended(strategy).settings
    resource = audience_for(service, settings.cloud)
    was_kept = _is_kept(strategy, resource)
    # Whoever calls a command that asks is there, also where standard error is no terminal.
    source = TokenSource(strategy, resource, interactive=True, clock=settings.clock)
    return SignedIn(source.token(), settings, was_kept)


def _is_kept(strategy: AuthStrategy, resource: str) -> bool:
    try:
        return strategy.silent(resource) is not None
    except SignInError:
        return False  # it has ended: the person signs in again
