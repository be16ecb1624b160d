"""One access token in every format that an SDK asks for, made once for each token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .rejected_token import RejectedToken

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo

    from ..tokens import Token
    from .token_source import TokenSource


@dataclass(frozen=True, slots=True)
class TokenFormats:
    """One token in the formats that SDKs ask for."""

    token: Token
    access_token: AccessToken
    access_token_info: AccessTokenInfo
    header: str = field(repr=False)

    @classmethod
    def of(cls, token: Token) -> TokenFormats:
        """Make all formats of a token."""
        # Loads azure-core, which takes longer than everything else that a sign-in needs.
        from .access_tokens import HiddenAccessToken, HiddenAccessTokenInfo

        expires_on = int(token.expires_on)
        return cls(
            token,
            HiddenAccessToken(token.secret, expires_on),
            HiddenAccessTokenInfo(token.secret, expires_on),
            f"Bearer {token.secret}",
        )


# How many audiences without a token are remembered, with the time of the next attempt.
_MOST_REFUSED = 32


class AudienceToken:
    """The current token of one audience, in all formats."""

    __slots__ = ("_monotonic", "_rejected", "_time", "made", "source")

    def __init__(self, source: TokenSource) -> None:
        self.source = source
        self._rejected = RejectedToken(source)
        self._time, self._monotonic = source.clock.time, source.clock.monotonic
        # TokenSource.fresh when the formats were made, until when they may be returned (by
        # either clock), and the formats.
        self.made: tuple[object, float, float, TokenFormats | None] = (None, 0.0, 0.0, None)

    def formats(self) -> TokenFormats:
        """Return the formats of a token that is valid now."""
        # The hot path, written out as in TokenSource.token: a call would cost a tenth of it.
        fresh, wall, monotonic, formats = self.made
        if (
            formats is not None
            and fresh is self.source.fresh
            and self._time() < wall
            and self._monotonic() < monotonic
        ):
            return formats
        return self._formats_of(self.source.token())

    def formats_after_401(self) -> TokenFormats:
        """Return the formats of another token than the one that a service seems to reject."""
        return self._formats_of(self._rejected.replacement())

    def _formats_of(self, token: Token) -> TokenFormats:
        formats = self.made[3]
        if formats is None or formats.token is not token:
            formats = TokenFormats.of(token)
        fresh = self.source.fresh
        if fresh[0] is token:
            self.made = (fresh, fresh[1], fresh[2], formats)
        else:
            self.made = (None, 0.0, 0.0, formats)
        return formats

    def __reduce__(self) -> tuple[object, ...]:
        return AudienceToken, (self.source,)  # a pickled requests session holds one


class AudienceTokens:
    """The tokens of every audience of one sign-in, all requested with the same claims."""

    def __init__(
        self, source: TokenSource, claims: str | None, first: AudienceToken | None = None
    ) -> None:
        self._source = source
        self._claims = claims
        self.by_resource = {first.source.resource: first} if first else {}
        self.by_scopes: dict[tuple[object, ...], AudienceToken] = {}

    def for_resource(self, resource: str) -> AudienceToken:
        """Return the token of an audience, which may be asked for the first time."""
        token = self.by_resource.get(resource)
        if token is None:
            # setdefault, so that two threads at once get the same source.
            self._forget_refused()
            new = AudienceToken(self._source.sibling(resource, self._claims))
            token = self.by_resource.setdefault(resource, new)
        return token

    def _forget_refused(self) -> None:
        """Forget the audiences that were refused first: a caller may try any number of them."""
        unused = [
            name
            for name, token in self.by_resource.copy().items()
            if token.source.held is None and not token.source.is_refreshing
        ]
        for name in unused[:-_MOST_REFUSED]:
            self.by_resource.pop(name, None)


class TokenDict(dict[str, Any]):
    """An SDK's own format of a token, a dictionary; its ``repr`` hides the values."""

    def __repr__(self) -> str:
        return f"<token with {', '.join(self)}>"

    __str__ = __repr__
