"""Credentials: the protocol of what every factory returns, whichever SDK it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import requests
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from typing_extensions import Self

    from ..tokens import Account
    from .aio import AsyncCredential


class Credentials(Protocol):
    """A person's sign-in, with the methods that Azure's SDKs call."""

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:
        """Return a token, for azure-core's clients."""
        ...

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Return a token, for azure-core's newer clients."""
        ...

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        """Return a session, for msrest's clients and azure-datalake-store 0.0.x."""
        ...

    def refresh_session(self, session: requests.Session | None = None) -> requests.Session:
        """Renew the token and return a session."""
        ...

    def whoami(self) -> Account:
        """Return the account that signed in; uses no network."""
        ...

    def aio(self) -> AsyncCredential:
        """Return the same credential for async clients."""
        ...

    def close(self) -> None:
        """Do nothing; azure-core's protocol has this method."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...
