"""One access token in every format that an SDK asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessToken, AccessTokenInfo

if TYPE_CHECKING:
    from ..tokens import Token
    from .token_source import TokenSource


@dataclass(frozen=True, slots=True)
class TokenFormats:
    """One token in the forms that SDKs ask for."""

    token: Token
    access_token: AccessToken
    access_token_info: AccessTokenInfo
    header: str = field(repr=False)

    @classmethod
    def of(cls, token: Token) -> TokenFormats:
        """Make all forms of a token."""
        expires_on = int(token.expires_on)
        return cls(
            token,
            HiddenAccessToken(token.secret, expires_on),
            HiddenAccessTokenInfo(token.secret, expires_on),
            f"Bearer {token.secret}",
        )


class AudienceToken:
    """The token of one audience, its forms made once for each token."""

    __slots__ = ("_monotonic", "_time", "made", "source")

    def __init__(self, source: TokenSource) -> None:
        self.source = source
        self._time, self._monotonic = source.clock.time, source.clock.monotonic
        self.made: tuple[object, float, float, TokenFormats | None] = (None, 0.0, 0.0, None)

    def forms(self) -> TokenFormats:
        """Give the forms of a token that is good now."""
        # The hot path, as TokenSource.token has it: here, since a call more costs a tenth.
        fresh, wall, ticks, forms = self.made
        if fresh is self.source.fresh and self._time() < wall and self._monotonic() < ticks:
            return forms  # type: ignore[return-value]
        return self._of(self.source.token())

    def _of(self, token: Token) -> TokenFormats:
        made = self.made[3]
        if made is None or made.token is not token:
            made = TokenFormats.of(token)
        fresh = self.source.fresh
        if fresh[0] is token:
            self.made = (fresh, fresh[1], fresh[2], made)
        else:
            self.made = (None, 0.0, 0.0, made)
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return AudienceToken, (self.source,)  # a session that is pickled holds one


class AudienceTokens:
    """The tokens of every audience, all asked for with the same claims or none."""

    def __init__(self, source: TokenSource, claims: str | None, *first: AudienceToken) -> None:
        self._source = source
        self._claims = claims
        self.by_resource = {one.source.resource: one for one in first}
        self.by_scopes: dict[tuple[object, ...], AudienceToken] = {}

    def ready_for(self, resource: str) -> AudienceToken:
        """Give the token of an audience, which need not have been asked for before."""
        ready = self.by_resource.get(resource)
        if ready is None:
            # setdefault, so that two threads at once end with the same source.
            new = AudienceToken(self._source.sibling(resource, self._claims))
            ready = self.by_resource.setdefault(resource, new)
        return ready


class TokenDict(dict[str, Any]):
    """An SDK's own form of a token, which is a dictionary; its ``repr`` hides the values."""

    def __repr__(self) -> str:
        return f"<token with {', '.join(self)}>"

    __str__ = __repr__


class HiddenAccessToken(AccessToken):
    """An AccessToken whose repr hides the token; azure-core's own prints it."""

    def __repr__(self) -> str:
        return f"AccessToken(token=..., expires_on={self.expires_on})"


class HiddenAccessTokenInfo(AccessTokenInfo):
    """An AccessTokenInfo whose repr hides the token; azure-core's own prints it."""

    def __repr__(self) -> str:
        return f"AccessTokenInfo(token=..., expires_on={self.expires_on})"
