"""The token for ``azure.datalake.store.core.AzureDLFileSystem``, in 0.0.x and 1.x.

Hand it over as the first positional argument: its keyword is ``token`` in 0.0.x and
``token_credential`` in 1.x, and either swallows the other's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.datalake.store import lib

from .credential import Credential
from .retry_detector import RetryDetector
from .token_formats import HiddenAccessToken, TokenDict

if TYPE_CHECKING:
    import requests
    from azure.core.credentials import AccessToken

    from ..clouds import Cloud
    from .token_source import TokenSource

# The spelling, with both slashes, in which azure-datalake-store 1.x alone asks
# (its lib.DatalakeRESTInterface.__init__), and its margin (get_refreshed_bearer_token).
_STORE_SCOPE = ("https://datalake.azure.net//.default",)
_STORE_MARGIN = 300

# Gone from azure-datalake-store 1.0.
_DataLakeCredential: Any = getattr(lib, "DataLakeCredential", object)


class FilesystemToken(Credential, _DataLakeCredential):  # type: ignore[misc]
    """``lib.DataLakeCredential`` where that class exists, and azure-core's credential."""

    _kind = "file system"

    def __init__(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        self._begin(source, cloud, tenant)

    def _begin(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        super()._begin(source, cloud, tenant)
        self._retry_detector = RetryDetector(source.clock)

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Give a token for one audience; see ``Credential.get_token``.

        azure-datalake-store 1.x keeps a token until five minutes before its end, and
        after a 401 sends the same one for 85 seconds. To it the token ends so soon that
        it asks again for each request, which costs it nothing while the token is fresh.
        """
        if scopes != _STORE_SCOPE:
            return super().get_token(*scopes, **options)
        self._listen()
        token = super().get_token(*scopes, **options)
        soon = int(self._source.clock.time()) + _STORE_MARGIN
        return HiddenAccessToken(token.token, min(token.expires_on, soon))

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        """Give a signed session; see ``Credential.signed_session``."""
        if session is None:  # as azure-datalake-store 0.0.x asks, before each attempt
            self._listen()
        return super().signed_session(session)

    def _listen(self) -> None:
        if self._retry_detector.retried_after_401():
            self._source.renew(self._source.held)

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
