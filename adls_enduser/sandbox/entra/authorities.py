"""Which authority hosts there are, in which cloud, and whose tenants each one knows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .error_responses import Refused

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


class Authorities:
    """Authority hosts, each of one cloud."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._clouds = {host: cloud for cloud, hosts in HOSTS.items() for host in hosts}
        self._private: set[str] = set()

    def add(self, host: str, cloud: str, *, known: bool = True) -> None:
        """Let another host be an authority, which instance discovery may know or not."""
        self._clouds[host.lower()] = cloud
        if not known:
            self._private.add(host.lower())

    def cloud(self, host: str) -> str | None:
        """Give the cloud of an authority host, None for any other host."""
        return self._clouds.get(host)

    def tenant(self, name: str, cloud: str) -> Tenant | None:
        """Find the tenant of a path; None for ``common`` and ``organizations``.

        Refused (90002) if there is none, (90038) if it lives in another cloud.
        """
        if name.lower() in _ANY_TENANT:
            return None
        if name.lower() == "consumers":
            raise Refused(9001023)
        tenant = self._directory.tenant(name)
        if tenant is None:
            raise Refused(90002, tenant=name)
        self.check_cloud(tenant, cloud)
        return tenant

    def check_cloud(self, tenant: Tenant, cloud: str) -> None:
        """Refuse (90038) a tenant of another cloud."""
        if tenant.cloud != cloud:
            name = INSTANCE_NAMES.get(tenant.cloud, tenant.cloud)
            raise Refused(90038, tenant=tenant.tenant_id, cloud=name)

    def discover(self, authorization_endpoint: str) -> str:
        """Give the tenant discovery endpoint of an authority.

        Refused (50049) if its host is unknown, (50050) if it is no https URL.
        Source: adal.authority, ``_perform_dynamic_instance_discovery``, and the answers for
        either version recorded in the tests of MSAL.js.
        """
        url = urlsplit(authorization_endpoint)
        tenant = url.path.strip("/").partition("/")[0]
        if url.scheme != "https" or not url.hostname or not tenant:
            raise Refused(50050)
        if url.hostname not in self._clouds.keys() - self._private:
            raise Refused(50049)
        version = "/v2.0" if "/v2.0/" in url.path.lower() else ""
        return f"https://{url.hostname}/{tenant}{version}/.well-known/openid-configuration"
