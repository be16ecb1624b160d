"""The authority hosts of each cloud, and the tenants that each of them serves."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .error_responses import EntraError

if TYPE_CHECKING:
    from ..directory import Directory, Tenant

# Source: the metadata of https://login.microsoftonline.com/common/discovery/instance, and
# adal.constants.AADConstants. The first host of a cloud is its preferred one.
HOSTS = {
    "public": (
        "login.microsoftonline.com",
        "login.windows.net",
        "login.microsoft.com",
        "sts.windows.net",
    ),
    "china": ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
    "usgovernment": ("login.microsoftonline.us", "login.usgovcloudapi.net"),
}
INSTANCE_NAMES = {
    "public": "microsoftonline.com",
    "china": "partner.microsoftonline.cn",
    "usgovernment": "microsoftonline.us",
}
AUDIENCES = {
    "public": "urn:federation:MicrosoftOnline",
    "china": "urn:federation:partner.microsoftonline.cn",
    "usgovernment": "urn:federation:MicrosoftOnline",
}
_ANY_TENANT = {"common", "organizations"}
CONSUMERS = "consumers"
# The tenant of all personal accounts: Microsoft, "OpenID Connect on the Microsoft identity
# platform", on ``consumers``.
CONSUMERS_ID = "9188040d-6c67-4c5b-b112-36a304b66dad"
# A name of two labels or more (RFC 1123 section 2.1): "azurecloud" is none
# (microsoft/vscode-azure-account #504), nor is a name with an underscore
# (AzureAD/azure-activedirectory-library-for-objc #653). The 255 octets of RFC 1035 section 2.3.4
# are 253 characters.
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})+", re.IGNORECASE | re.ASCII)
_LONGEST_NAME = 253


class Authorities:
    """The authority hosts; each belongs to one cloud."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._clouds = {host: cloud for cloud, hosts in HOSTS.items() for host in hosts}
        self._unlisted: set[str] = set()

    def add(self, host: str, cloud: str, *, known: bool = True) -> None:
        """Add another authority host; ``known`` is whether instance discovery lists it."""
        self._clouds[host.lower()] = cloud
        if not known:
            self._unlisted.add(host.lower())

    def cloud(self, host: str) -> str | None:
        """Return the cloud of an authority host, None for any other host."""
        return self._clouds.get(host)

    def tenant(self, name: str, cloud: str) -> Tenant | None:
        """Find the tenant of a path; None for ``common`` and ``organizations``.

        Raises EntraError: 900023 if it is no name of a tenant, 90002 if there is none, 90038 if it
        belongs to another cloud, 9001023 for personal accounts, which the sandbox does not have.
        """
        if name.lower() in _ANY_TENANT:
            return None
        if is_consumers(name):
            raise EntraError(9001023)
        tenant = self._directory.tenant(name)
        if tenant is None:
            raise EntraError(90002 if _is_tenant_name(name) else 900023, tenant=name)
        self.check_cloud(tenant, cloud)
        return tenant

    def check_cloud(self, tenant: Tenant, cloud: str) -> None:
        """Raise EntraError (90038) for a tenant of another cloud."""
        if tenant.cloud != cloud:
            name = INSTANCE_NAMES.get(tenant.cloud, tenant.cloud)
            raise EntraError(90038, tenant=tenant.tenant_id, cloud=name)

    def discover(self, authorization_endpoint: str) -> str:
        """Return the tenant discovery endpoint of an authority.

        Raises EntraError (50049) if its host is unknown, (50050) if it is not an https URL.
        Source: adal.authority, ``_perform_dynamic_instance_discovery``, and the responses for
        either version recorded in the tests of MSAL.js.
        """
        url = urlsplit(authorization_endpoint)
        tenant = url.path.strip("/").partition("/")[0]
        if url.scheme != "https" or not url.hostname or not tenant:
            raise EntraError(50050)
        if url.hostname not in self._clouds.keys() - self._unlisted:
            raise EntraError(50049)
        version = "/v2.0" if "/v2.0/" in url.path.lower() else ""
        return f"https://{url.hostname}/{tenant}{version}/.well-known/openid-configuration"


def is_consumers(name: str) -> bool:
    """Tell whether the tenant of a path is that of personal accounts."""
    return name.lower() in (CONSUMERS, CONSUMERS_ID)


def _is_tenant_name(text: str) -> bool:
    """Tell whether a text is a DNS name or a GUID.

    Others are AADSTS900023, as recorded in microsoft/Analysis-Services #194 (``authorize``),
    KelvinTegelaar/CIPP #5274 (``undefined``) and microsoftgraph/microsoft-graph-docs #13158
    (``{{tenantid}}``).
    """
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return len(text) <= _LONGEST_NAME and _DNS_NAME.fullmatch(text) is not None
