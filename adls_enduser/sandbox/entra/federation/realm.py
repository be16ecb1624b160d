"""User realm discovery: whether Entra ID knows a person's password, or another server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..authorities import AUDIENCES, INSTANCE_NAMES

if TYPE_CHECKING:
    from ...directory import Directory
    from .wstrust import FederationServers


def user_realm(
    username: str, directory: Directory, federation: FederationServers, cloud: str
) -> dict[str, str]:
    """Give what ``/common/UserRealm/{username}?api-version=1.0`` says.

    It tells of domains, not of persons: a person who does not exist is as managed as
    their neighbours. Source: adal.user_realm, ``_parse_discovery_response``, and the
    answers recorded in the tests of MSAL.NET.
    """
    domain = username.rpartition("@")[2].lower() if "@" in username else ""
    tenant = directory.tenant(domain) if domain else None
    place = tenant.cloud if tenant else cloud
    known = {"account_type": "Unknown"}
    server = federation.of_domain(domain)
    if server:
        known = {"account_type": "Federated", "domain_name": domain, **server.realm()}
    elif tenant:
        known = {"account_type": "Managed", "domain_name": domain}
    return {
        "ver": "1.0",
        **known,
        "cloud_instance_name": INSTANCE_NAMES.get(place, place),
        "cloud_audience_urn": AUDIENCES.get(place, AUDIENCES["public"]),
    }
