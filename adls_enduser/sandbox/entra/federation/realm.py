"""User realm discovery: whether Entra ID or a federation server checks a person's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..authorities import AUDIENCES, INSTANCE_NAMES

if TYPE_CHECKING:
    from ...directory import Directory
    from .wstrust import FederationServers


def user_realm(
    username: str, directory: Directory, federation: FederationServers, cloud: str
) -> dict[str, str]:
    """Return the response to ``/common/UserRealm/{username}?api-version=1.0``.

    It is about domains, not persons: for a person who does not exist it is the same as for
    others of the domain. Source: adal.user_realm, ``_parse_discovery_response``, and the
    responses recorded in the tests of MSAL.NET.
    """
    domain = username.rpartition("@")[2].lower() if "@" in username else ""
    tenant = directory.tenant(domain) if domain else None
    home_cloud = tenant.cloud if tenant else cloud
    account = {"account_type": "Unknown"}
    server = federation.by_domain(domain)
    if server:
        account = {"account_type": "Federated", "domain_name": domain, **server.realm()}
    elif tenant:
        account = {"account_type": "Managed", "domain_name": domain}
    return {
        "ver": "1.0",
        **account,
        "cloud_instance_name": INSTANCE_NAMES.get(home_cloud, home_cloud),
        "cloud_audience_urn": AUDIENCES.get(home_cloud, AUDIENCES["public"]),
    }
