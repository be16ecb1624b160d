"""azure-core's access tokens, whose own repr would show the token."""

from __future__ import annotations

from azure.core.credentials import AccessToken, AccessTokenInfo


class HiddenAccessToken(AccessToken):
    """An AccessToken whose repr hides the token; azure-core's own prints it."""

    def __repr__(self) -> str:
        return f"AccessToken(token=..., expires_on={self.expires_on})"


class HiddenAccessTokenInfo(AccessTokenInfo):
    """An AccessTokenInfo whose repr hides the token; azure-core's own prints it."""

    def __repr__(self) -> str:
        return f"AccessTokenInfo(token=..., expires_on={self.expires_on})"
