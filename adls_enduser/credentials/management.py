"""Credentials for ``DataLakeStoreAccountManagementClient`` and any Resource Manager client.

They are instances of msrestazure's documented classes, and azure-core credentials for the
newer clients. msrestazure's own code for fetching and refreshing tokens is never used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msrestazure.azure_cloud
from msrestazure.azure_active_directory import AADTokenCredentials, UserPassCredentials

from ..options import Settings
from ..strategies.protocol import extended
from .credential import Credential
from .token_formats import TokenDict

if TYPE_CHECKING:
    from ..clouds import Cloud
    from .token_source import TokenSource

_CLOUDS = {
    "public": msrestazure.azure_cloud.AZURE_PUBLIC_CLOUD,
    "china": msrestazure.azure_cloud.AZURE_CHINA_CLOUD,
    "us_government": msrestazure.azure_cloud.AZURE_US_GOV_CLOUD,
}


class ManagementCredential(Credential):
    """The attributes that msrestazure's classes have: ``token``, ``id``, ``scheme`` and others."""

    _kind = "management"
    # Attributes of msrestazure that other code reads; none holds a secret here.
    scheme = "Bearer"
    secret = None
    password = None

    def _begin(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        super()._begin(source, cloud, tenant)
        settings = extended(source.strategy).settings
        self.id = self.store_key = settings.client_id if isinstance(settings, Settings) else ""
        configure: Any = self._configure  # type: ignore[attr-defined]
        configure(
            tenant=tenant or "common",
            resource=source.resource,
            cloud_environment=_environment(cloud),
        )
        # It sets "common" if no tenant was given (its ``AADMixin._configure``).
        self._tenant = tenant

    @property
    def username(self) -> str | None:
        """The user name of the account that signed in."""
        return self.whoami().username

    @property
    def token(self) -> TokenDict:
        """The current token in msrestazure's format (its ``AADMixin._convert_token``)."""
        token = self._source.token()
        return TokenDict(
            access_token=token.secret,
            token_type="Bearer",
            expires_in=max(0, int(token.expires_on - self._source.clock.time())),
            expires_on=token.expires_on,
            expires_at=token.expires_on,
            resource=token.resource,
            tenant_id=token.account.tenant,
            user_id=token.account.username,
            oid=token.account.object_id,
        )

    def set_token(self) -> None:
        """Do nothing: the token is obtained when it is needed."""

    def construct_auth(self) -> str:
        """Return the value of the Authorization header."""
        return f"{self.scheme} {self._source.token().secret}"


class PasswordCredentials(ManagementCredential, UserPassCredentials):  # type: ignore[misc]
    """``UserPassCredentials``, for a sign-in by password."""

    def __init__(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        self._begin(source, cloud, tenant)


class TokenCredentials(ManagementCredential, AADTokenCredentials):  # type: ignore[misc]
    """``AADTokenCredentials``, for every other way of signing in."""

    def __init__(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        self._begin(source, cloud, tenant)


def _environment(cloud: Cloud) -> Any:
    if cloud.name in _CLOUDS:
        return _CLOUDS[cloud.name]
    endpoints = msrestazure.azure_cloud.CloudEndpoints(
        active_directory=cloud.authority,
        active_directory_resource_id=cloud.management,
        resource_manager=cloud.resource_manager,
    )
    return msrestazure.azure_cloud.Cloud(name=cloud.name, endpoints=endpoints)
