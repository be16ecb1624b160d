"""The token for ``azure.datalake.store.core.AzureDLFileSystem``, in 0.0.x and 1.x.

Pass it as the first positional argument: its keyword is ``token`` in 0.0.x and
``token_credential`` in 1.x, and each generation ignores the other's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.datalake.store import lib

from .access_tokens import HiddenAccessToken
from .credential import Credential
from .retry_detector import RetryDetector
from .token_formats import TokenDict

if TYPE_CHECKING:
    import requests
    from azure.core.credentials import AccessToken

    from ..clouds import Cloud
    from .token_source import TokenSource

# The spelling, with two slashes, that only azure-datalake-store 1.x uses
# (its lib.DatalakeRESTInterface.__init__), and its margin in seconds
# (get_refreshed_bearer_token).
_STORE_SCOPE = ("https://datalake.azure.net//.default",)
_STORE_MARGIN = 300

_NONE_YET: Any = (None, 0.0, 0.0, None)

# azure-datalake-store 1.0 removed it.
_DataLakeCredential: Any = getattr(lib, "DataLakeCredential", object)


class FilesystemToken(Credential, _DataLakeCredential):  # type: ignore[misc]
    """``lib.DataLakeCredential`` where that class exists, and azure-core's credential."""

    _kind = "file system"

    def __init__(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        self._begin(source, cloud, tenant)

    def _begin(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        super()._begin(source, cloud, tenant)
        self._retried_after_401 = RetryDetector(source.clock).retried_after_401
        self._for_store: tuple[object, float, float, AccessToken] = _NONE_YET

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token for one audience; see ``Credential.get_token``.

        azure-datalake-store 1.x keeps a token until five minutes before its expiry, and
        after a 401 sends the same one for 85 seconds. It is told an expiry so near that it
        asks again for each request, which costs little while the token is fresh.
        """
        if scopes != _STORE_SCOPE:
            return super().get_token(*scopes, **options)
        self._renew_if_rejected()
        if not options:
            # The hot path: the same object for a second, because its expiry is in whole seconds.
            fresh, wall, monotonic, access_token = self._for_store
            if (
                fresh is self._source.fresh
                and self._time() < wall
                and self._monotonic() < monotonic
            ):
                return access_token
        token = super().get_token(*scopes, **options)
        return self._with_near_expiry(token, options)

    def _with_near_expiry(self, token: AccessToken, options: object) -> AccessToken:
        fresh, now = self._source.fresh, int(self._time())
        near = HiddenAccessToken(token.token, min(token.expires_on, now + _STORE_MARGIN))
        if not options and fresh[0].token.secret is token.token:
            self._for_store = (fresh, min(fresh[1], now + 1.0), fresh[2], near)
        return near

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        """Return a signed session; see ``Credential.signed_session``."""
        if session is None:  # how azure-datalake-store 0.0.x calls it, before each attempt
            self._renew_if_rejected()
        return super().signed_session(session)

    def _renew_if_rejected(self) -> None:
        if self._retried_after_401():
            self._source.renew(self._source.held)

    @property
    def token(self) -> TokenDict:
        """The current token, with the keys of both 0.0.52 (adal's) and 0.0.53 (msal's)."""
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
        """Renew the token now, at the authority of the sign-in; ``authority`` is ignored.

        0.0.x renews at login.microsoftonline.com by default (its
        ``DataLakeCredential.refresh_token``), which sends a refresh token of another cloud to
        the public cloud.
        """
        self._source.renew()
