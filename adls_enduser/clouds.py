"""Where: the authority that signs people in and the audience of each service.

Sources: ``msrestazure.azure_cloud`` (authorities, management audiences and endpoints);
azure-cli-core ``cloud.py`` (the data lake audience, public cloud only); Microsoft,
"Authorize access to data in Azure Storage" (the storage audience, the same in every
cloud). Germany's cloud closed in 2021.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from .errors import ConfigurationError, UnsupportedByCloud

_ADFS = "/adfs"


@dataclass(frozen=True)
class Cloud:
    """One Azure: who signs people in, and what each service's tokens are for.

    Make your own with ``dataclasses.replace(PUBLIC, name="mine", authority=...)``.
    ``authority`` is an https URL without a tenant, or that of an AD FS, whose path is
    ``/adfs`` and which has no tenants. ``management``, ``data_lake`` and
    ``storage`` are audiences in their canonical spelling; ``data_lake`` is None where
    Data Lake Storage Gen1 never existed. ``resource_manager`` is Resource Manager's
    endpoint, whose name is accepted as another spelling of ``management``.
    ``validate_authority=False`` signs in at an authority that Microsoft's instance
    discovery does not know (AD FS, Azure Stack, a network without the Internet), and asks
    the public cloud nothing: the person's password goes to whatever host ``authority``
    names.
    """

    name: str
    authority: str
    management: str
    resource_manager: str
    storage: str
    data_lake: str | None = None
    validate_authority: bool = True

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_flag(self.validate_authority)
        for field in ("authority", "management", "resource_manager", "storage"):
            check_https(f"Cloud.{field}", getattr(self, field))
        if self.data_lake is not None:
            check_https("Cloud.data_lake", self.data_lake)
        if urlsplit(self.authority).path.rstrip("/").lower() not in ("", _ADFS):
            raise ConfigurationError(
                f"Cloud.authority must have no path but {_ADFS}, not {self.authority!r}.",
                remedy="Give the tenant as tenant=.",
            )

    @property
    def is_adfs(self) -> bool:
        """Whether people sign in at an AD FS: by convention, a path that is ``/adfs``.

        Source: adal.authority and msal.authority, ``is_adfs``.
        """
        return urlsplit(self.authority).path.rstrip("/").lower() == _ADFS

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
        """Give the audience of Data Lake Storage Gen1; UnsupportedByCloud if there is none."""
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


def _check_name(name: object) -> None:
    if not (isinstance(name, str) and name.strip() and name.isprintable()):
        raise ConfigurationError(f"Cloud.name={name!r} must be a str of printable characters.")


def _check_flag(validate_authority: object) -> None:
    # Not whatever is true or false: to take None for False would give up a check.
    if not isinstance(validate_authority, bool):
        raise ConfigurationError(
            f"Cloud.validate_authority={validate_authority!r} must be True or False."
        )


def check_https(name: str, url: object) -> None:
    """Refuse what is no plain https URL; ConfigurationError calls it by ``name``."""
    if not isinstance(url, str):
        raise ConfigurationError(f"{name} must be a str, not {type(url).__name__}.")
    parts = _parts(url)
    if parts is None or parts.scheme != "https" or not parts.hostname:
        raise ConfigurationError(
            f"{name} must be an https URL, not {url!r}.",
            remedy="Tokens and passwords are never sent over plain http.",
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must be a plain URL, not {url!r}.")


def _parts(url: str) -> SplitResult | None:
    # urlsplit drops tabs and line ends, and other readers of URLs take a backslash for a
    # slash: what is read in two ways could send a password elsewhere (RFC 3986 section 2).
    if not re.fullmatch(r"[!#-;=?-\[\]_a-z~%]+", url):
        return None
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


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

# Hosts that Microsoft vouches for, of all clouds. Source: the metadata of
# https://login.microsoftonline.com/common/discovery/instance?api-version=1.1.
MICROSOFT_AUTHORITIES = frozenset(
    {
        "login.microsoftonline.com",
        "login.windows.net",
        "login.microsoft.com",
        "sts.windows.net",
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
        "login.microsoftonline.us",
        "login.usgovcloudapi.net",
    }
)

_NAMED = {cloud.name: cloud for cloud in (PUBLIC, CHINA, US_GOVERNMENT)}


def resolve_cloud(cloud: object) -> Cloud:
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
