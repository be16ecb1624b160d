"""azure-core's access tokens, whose own repr would show the token, made without azure-core.

azure-core takes longer to load than everything else that a token from the cache needs, and most
programs that ask for a token have loaded it already. So these classes have the same members, and
``isinstance`` takes them for azure-core's once that is loaded.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo
else:

    class AccessToken(NamedTuple):
        """The members of ``azure.core.credentials.AccessToken``."""

        token: str
        expires_on: int

    class AccessTokenInfo:
        """The members of ``azure.core.credentials.AccessTokenInfo``."""

        __slots__ = ("expires_on", "refresh_on", "token", "token_type")

        def __init__(self, token, expires_on, *, token_type="Bearer", refresh_on=None) -> None:
            self.token, self.expires_on = token, expires_on
            self.token_type, self.refresh_on = token_type, refresh_on


class HiddenAccessToken(AccessToken):
    """An AccessToken whose repr hides the token; azure-core's own prints it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"AccessToken(token=..., expires_on={self.expires_on})"

    def __reduce__(self) -> tuple[object, ...]:
        return HiddenAccessToken, (self.token, self.expires_on)

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            """The class that isinstance compares, as unittest.mock has it."""
            return _class_of_azure("AccessToken") or HiddenAccessToken


class HiddenAccessTokenInfo(AccessTokenInfo):
    """An AccessTokenInfo whose repr hides the token; azure-core's own prints it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"AccessTokenInfo(token=..., expires_on={self.expires_on})"

    def __reduce__(self) -> tuple[object, ...]:
        return HiddenAccessTokenInfo, (self.token, self.expires_on)

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            """As that of HiddenAccessToken."""
            return _class_of_azure("AccessTokenInfo") or HiddenAccessTokenInfo


def _class_of_azure(name: str) -> type | None:
    return getattr(sys.modules.get("azure.core.credentials"), name, None)
