"""One access token in every format that an SDK asks for, made once for each token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .access_tokens import HiddenAccessToken, HiddenAccessTokenInfo

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo

    from ..tokens import Token


class TokenFormats:
    """One token in the formats that SDKs ask for.

    ``header`` and ``info`` are None until they are made: most programs need only one format, and
    each holds the token's text.
    """

    __slots__ = ("access_token", "header", "info", "token")

    def __init__(self, token: Token) -> None:
        self.token = token
        self.access_token: AccessToken = HiddenAccessToken(token.secret, int(token.expires_on))
        self.header: str | None = None
        self.info: AccessTokenInfo | None = None

    def make_header(self) -> str:
        """Return the value of the Authorization header."""
        self.header = f"Bearer {self.token.secret}"
        return self.header

    def make_info(self) -> AccessTokenInfo:
        """Return azure-core's newer token."""
        info = HiddenAccessTokenInfo(self.token.secret, int(self.token.expires_on))
        self.info = info
        return info


class TokenDict(dict[str, Any]):
    """An SDK's own format of a token, a dictionary; its ``repr`` hides the values."""

    def __repr__(self) -> str:
        return f"<token with {', '.join(self)}>"

    __str__ = __repr__
