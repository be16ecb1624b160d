"""Where: the authority that signs people in and the audience of each service.

Sources: ``msrestazure.azure_cloud`` (authorities, management audiences and endpoints);
azure-cli-core ``cloud.py`` (the data lake audience, public cloud only); Microsoft,
"Authorize access to data in Azure Storage" (the storage audience, the same in every
cloud). Germany's cloud closed in 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import ConfigurationError, UnsupportedByCloud


@dataclass(frozen=True)
class Cloud:
    """One Azure: who signs people in, and what each service's tokens are for.

    Make your own with ``dataclasses.replace(PUBLIC, name="mine", authority=...)``.
    ``authority`` is an https URL without a tenant. ``management``, ``data_lake`` and
    ``storage`` are audiences in their canonical spelling; ``data_lake`` is None where
    Data Lake Storage Gen1 never existed. ``resource_manager`` is Resource Manager's
    endpoint, whose name is accepted as another spelling of ``management``.
    ``validate_authority=False`` signs in at an authority that Microsoft's instance
    discovery does not know (AD FS, Azure Stack, a network without the Internet): the
    person's password goes to whatever host ``authority`` names.
    """

    name: str
    authority: str
    management: str
    resource_manager: str
    storage: str
    data_lake: str | None = None
    validate_authority: bool = True

    def __post_init__(self) -> None:
        for field in ("authority", "management", "resource_manager", "storage"):
            _check_https(field, getattr(self, field))
        if self.data_lake is not None:
            _check_https("data_lake", self.data_lake)

    def audience(self, scope: str) -> str:
        """Give the canonical audience that a scope or resource stands for.

        ``X/.default``, ``X//.default``, ``X/user_impersonation`` and ``X`` itself are
        one audience, and so are the two names of Resource Manager. An audience that is
        none of this cloud's own keeps its spelling, less the scope's last part.
        """
        resource = scope
        for suffix in ("/.default", "/user_impersonation"):
            resource = resource.removesuffix(suffix)
        return self._canonical().get(resource.rstrip("/").lower(), resource)

    def filesystem_audience(self) -> str:
        """Give the audience of Data Lake Storage Gen1, or say that there is none."""
        if self.data_lake is None:
            raise UnsupportedByCloud(
                f"Data Lake Storage Gen1 has no file system in the cloud {self.name!r}.",
                remedy="It existed in the public cloud only (cloud='public'); for Gen2 call"
                f" management_credentials(...).get_token('{self.storage}.default').",
            )
        return self.data_lake

    def _canonical(self) -> dict[str, str]:
        known = {self.resource_manager.rstrip("/").lower(): self.management}
        for audience in (self.management, self.data_lake, self.storage):
            if audience is not None:
                known[audience.rstrip("/").lower()] = audience
        return known


def _check_https(field: str, url: object) -> None:
    if not isinstance(url, str):
        raise ConfigurationError(f"Cloud.{field} must be a str, not {type(url).__name__}.")
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ConfigurationError(
            f"Cloud.{field} must be an https URL, not {url!r}.",
            remedy="Tokens and passwords are never sent over plain http.",
        )
    if parts.username or parts.query or parts.fragment:
        raise ConfigurationError(f"Cloud.{field} must be a plain URL, not {url!r}.")


PUBLIC = Cloud(
    name="public",
    authority="https://login.microsoftonline.com",
    management="https://management.core.windows.net/",
    resource_manager="https://management.azure.com/",
    storage="https://storage.azure.com/",
    data_lake="https://datalake.azure.net/",
)

CHINA = Cloud(
    name="china",
    authority="https://login.chinacloudapi.cn",
    management="https://management.core.chinacloudapi.cn/",
    resource_manager="https://management.chinacloudapi.cn/",
    storage="https://storage.azure.com/",
)

US_GOVERNMENT = Cloud(
    name="us_government",
    authority="https://login.microsoftonline.us",
    management="https://management.core.usgovcloudapi.net/",
    resource_manager="https://management.usgovcloudapi.net/",
    storage="https://storage.azure.com/",
)

_NAMED = {cloud.name: cloud for cloud in (PUBLIC, CHINA, US_GOVERNMENT)}


def cloud_named(cloud: object) -> Cloud:
    """Give the cloud itself for a cloud or its name; ConfigurationError for another."""
    if isinstance(cloud, Cloud):
        return cloud
    known = _NAMED.get(cloud) if isinstance(cloud, str) else None
    if known is not None:
        return known
    raise ConfigurationError(
        f"cloud={cloud!r} is not known.",
        remedy=f"Give one of {', '.join(map(repr, _NAMED))}, or a Cloud of your own made by"
        " dataclasses.replace(PUBLIC, ...).",
    )
