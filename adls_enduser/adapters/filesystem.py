"""The token for ``azure.datalake.store.core.AzureDLFileSystem``, in 0.0.x and 1.x.

Hand it over as the first positional argument: its keyword is ``token`` in 0.0.x and
``token_credential`` in 1.x, and either swallows the other's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.datalake.store import lib

from .credential import Credential, TokenDict

if TYPE_CHECKING:
    from ..clouds import Cloud
    from ..source import TokenSource

# Gone from azure-datalake-store 1.0.
_DataLakeCredential: Any = getattr(lib, "DataLakeCredential", object)


class FilesystemToken(Credential, _DataLakeCredential):  # type: ignore[misc]
    """``lib.DataLakeCredential`` where that class exists, and azure-core's credential."""

    _kind = "file system"

    def __init__(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        self._begin(source, cloud, tenant)

    @property
    def token(self) -> TokenDict:
        """The live token, with the keys of both 0.0.52 (adal's) and 0.0.53 (msal's)."""
        token = self._source.token()
        seconds = max(0, int(token.lifetime))
        return TokenDict(
            access=token.secret,
            access_token=token.secret,
            accessToken=token.secret,
            tokenType="Bearer",
            token_type="Bearer",
            time=token.obtained_on,
            expiresIn=seconds,
            expires_in=seconds,
            resource=token.resource,
            tenant=token.account.tenant or self._tenant,
            refresh=False,
        )

    def refresh_token(self, authority: object = None) -> None:  # noqa: ARG002 - 0.0.x's signature
        """Renew the token now, at the authority that signed in whatever ``authority`` says.

        0.0.x renews at login.microsoftonline.com unless told otherwise (its
        ``DataLakeCredential.refresh_token``), which sends a refresh token of another
        cloud to the public one.
        """
        self._source.renew()
