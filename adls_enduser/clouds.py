"""Cloud: the authority that signs people in, and the audience of each service's tokens.

A service is one row of ``SERVICES``, and one field of ``Cloud`` for its audience.

Sources: ``msrestazure.azure_cloud`` (authorities, management audiences and endpoints);
azure-cli-core ``cloud.py`` (the data lake audience, public cloud only); Microsoft,
"Authorize access to data in Azure Storage" (the storage audience, the same in every
cloud). Germany's cloud closed in 2021.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from .errors import ConfigurationError, UnsupportedByCloud, clear_call
from .values import dataclass

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_ADFS = "/adfs"


@dataclass(frozen=True)
class Service:
    """One Azure service that people sign in for.

    ``field`` is the attribute of ``Cloud`` that holds its audience, ``permission`` the name
    under which an application's "API permissions" list it, and ``factory`` the function of
    this package whose credentials are for it. ``scope`` is what its SDKs append to the
    audience to make a scope.
    """

    field: str
    permission: str
    factory: str
    scope: str = "/.default"


# The SDKs keep the audience's trailing slash before "/.default": Data Lake requires it
# (azure-datalake-store, lib.DatalakeRESTInterface), and azure-identity writes it for Resource
# Manager (its _DEFAULT_AUTHENTICATE_SCOPES). Azure Storage's clients leave it out
# (azure-storage-blob, _shared.constants.STORAGE_OAUTH_SCOPE).
SERVICES = (
    Service("management", "Azure Service Management", "management_credentials"),
    Service("data_lake", "Azure Data Lake", "filesystem_token"),
    Service("storage", "Azure Storage", "storage_credential", scope=".default"),
)


_URLS = ("authority", "resource_manager", *(service.field for service in SERVICES))


@dataclass(frozen=True)
class Cloud:
    """One Azure cloud: its authority, and the audience of each service's tokens.

    Make your own with ``dataclasses.replace(PUBLIC, name="mine", authority=...)``.
    ``authority`` is an https URL without a tenant, or the URL of an AD FS, which has the path
    ``/adfs`` and no tenants. ``management``, ``data_lake`` and ``storage`` are audiences in
    their canonical spelling; ``data_lake`` is None if the cloud never had Data Lake Storage
    Gen1. ``resource_manager`` is the endpoint of Resource Manager, which is accepted as
    another spelling of ``management``. ``validate_authority=False`` signs in at an authority
    that Microsoft's instance discovery does not know (AD FS, Azure Stack, a network without
    the Internet), and sends nothing to the public cloud: the person's password goes to the
    host that ``authority`` names.
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
        for name in _URLS:
            # A service that this cloud does not have, where the field's default is None.
            if (getattr(self, name), getattr(type(self), name, "")) != (None, None):
                check_https(f"Cloud.{name}", getattr(self, name))
        if _path(self.authority) not in ("", _ADFS):
            raise ConfigurationError(
                f"Cloud.authority must have no path but {_ADFS}, not {self.authority!r}.",
                remedy="Give the tenant as tenant=.",
            )

    @property
    def is_adfs(self) -> bool:
        """Whether people sign in at an AD FS: by convention its path is ``/adfs``.

        Source: adal.authority and msal.authority, ``is_adfs``.
        """
        return _path(self.authority) == _ADFS

    def audience(self, scope: str) -> str:
        """Return the canonical audience that a scope or resource stands for.

        ``X/.default``, ``X//.default``, ``X/user_impersonation`` and ``X`` itself are one
        audience, and so are the two names of Resource Manager. Any other audience keeps its
        spelling, without the last part of the scope.
        """
        resource = scope
        for suffix in ("/.default", "/user_impersonation"):
            resource = resource.removesuffix(suffix)
        return self._canonical().get(resource.rstrip("/").lower(), resource)

    def filesystem_audience(self) -> str:
        """Return the audience of Data Lake Storage Gen1; UnsupportedByCloud if there is none."""
        if self.data_lake is None:
            raise UnsupportedByCloud(
                f"Data Lake Storage Gen1 has no file system in the cloud {self.name!r}.",
                remedy="It existed in the public cloud only (cloud='public'); for Gen2 call"
                " storage_credential with the same arguments.",
            )
        return self.data_lake

    def _canonical(self) -> dict[str, str]:
        spellings = {self.resource_manager.rstrip("/").lower(): self.management}
        return spellings | {one.rstrip("/").lower(): one for one in self.audiences().values()}

    def audiences(self) -> dict[Service, str]:
        """Return the audience of each service that this cloud has."""
        found = {service: getattr(self, service.field) for service in SERVICES}
        return {service: audience for service, audience in found.items() if audience is not None}


_EXAMPLE = 'dataclasses.replace(PUBLIC, name="mine", authority="https://login.example.com")'
Cloud.__init__ = clear_call(_EXAMPLE)(Cloud.__init__)  # type: ignore[method-assign]


def _path(url: str) -> str:
    """Return the path of a URL, in lower case and without a slash at its end."""
    if is_plain_https(url):
        _, slash, path = url[len(_HTTPS) :].partition("/")
        return f"{slash}{path}".rstrip("/")
    from urllib.parse import urlsplit

    return urlsplit(url).path.rstrip("/").lower()


def _check_name(name: object) -> None:
    if not (isinstance(name, str) and name.strip() and name.isprintable()):
        raise ConfigurationError(
            f"Cloud.name={name!r} must be a str of printable characters.",
            remedy="Choose a short name of your own, such as 'on_premises'.",
        )


def _check_flag(validate_authority: object) -> None:
    # Only a bool: if None counted as False, it would turn a security check off.
    if not isinstance(validate_authority, bool):
        raise ConfigurationError(
            f"Cloud.validate_authority={validate_authority!r} must be True or False.",
            remedy="Leave it out, unless Microsoft does not know the authority.",
        )


def check_https(name: str, url: object) -> None:
    """Raise ConfigurationError, which mentions ``name``, unless ``url`` is a plain https URL."""
    if not isinstance(url, str):
        raise ConfigurationError(
            f"{name} must be a str, not {type(url).__name__}.", remedy="Use an https URL."
        )
    if is_plain_https(url):
        return
    parts = _split(url)
    if parts is None or parts.scheme != "https" or not parts.hostname:
        raise ConfigurationError(
            f"{name} must be an https URL, not {url!r}.",
            remedy="Tokens and passwords are never sent over plain http.",
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{name} must be a plain URL, not {url!r}.",
            remedy="Leave out the user name, the query and the fragment.",
        )


_HTTPS = "https://"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-./")


def is_plain_https(url: str) -> bool:
    """Return whether a URL has nothing but https, a host and a path, all in lower case.

    Most have. Then urllib.parse is not needed, which takes long to load.
    """
    rest = url[len(_HTTPS) :]
    return url.startswith(_HTTPS) and rest[:1].isalnum() and _PLAIN.issuperset(rest)


def _split(url: str) -> SplitResult | None:
    from urllib.parse import urlsplit

    # urlsplit drops tabs and line ends, and other parsers treat a backslash as a slash. A URL
    # that two parsers read differently could send a password elsewhere (RFC 3986 section 2).
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

# Hosts of all clouds that Microsoft lists as its own. Source: the metadata of
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

CloudName = Literal["public", "china", "us_government"]

_CLOUDS_BY_NAME = {cloud.name: cloud for cloud in (PUBLIC, CHINA, US_GOVERNMENT)}

_SERVICES_BY_AUDIENCE = {
    audience: service
    for cloud in _CLOUDS_BY_NAME.values()
    for service, audience in cloud.audiences().items()
}


def service_of(resource: str) -> Service | None:
    """Return the service of an audience in Microsoft's clouds; None for any other audience."""
    return _SERVICES_BY_AUDIENCE.get(resource)


def factory_for(resource: str) -> str:
    """Return the name of the factory whose credentials are for this audience."""
    service = service_of(resource)
    return service.factory if service else "management_credentials"


def scope_of(resource: str) -> str:
    """Return the scope of an audience as its SDKs spell it, so that their token caches match."""
    service = service_of(resource)
    return resource + (service.scope if service else Service.scope)


def resolve_cloud(cloud: object) -> Cloud:
    """Return the Cloud for a Cloud or its name; ConfigurationError for anything else."""
    if isinstance(cloud, Cloud):
        return cloud
    found = _CLOUDS_BY_NAME.get(cloud) if isinstance(cloud, str) else None
    if found is not None:
        return found
    from .suggestions import cloud_hint

    hint = cloud_hint(cloud, _CLOUDS_BY_NAME)
    named = ", ".join(map(repr, _CLOUDS_BY_NAME))
    raise ConfigurationError(
        f"cloud={cloud!r} is not known.",
        remedy=f"{hint} Use one of {named}, or create your own Cloud with"
        " dataclasses.replace(PUBLIC, ...).".lstrip(),
    )
