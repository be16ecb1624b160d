"""The metadata of an authority (OpenID Connect Discovery 1.0), and of its clouds."""

from __future__ import annotations

from .authorities import HOSTS, INSTANCE_NAMES

# There is no single issuer for all tenants; the real service uses this placeholder.
_ANY = "{tenantid}"
_GRAPH_HOSTS = {
    "public": ("graph.windows.net", "graph.microsoft.com"),
    "china": ("graph.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"),
    "usgovernment": ("graph.windows.net", "graph.microsoft.us"),
}
_AUTH_METHODS = ["client_secret_post", "private_key_jwt", "client_secret_basic"]
_CAPABILITIES = {
    "response_modes_supported": ["query", "fragment", "form_post"],
    "subject_types_supported": ["pairwise"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
    "scopes_supported": ["openid", "profile", "email", "offline_access"],
}
_CLAIMS = (
    "sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host aud"
    " exp iat auth_time acr nonce preferred_username name tid ver at_hash c_hash email"
)


def issuer(tenant_id: str, cloud: str, version: str = "2.0") -> str:
    """Return the issuer of a tenant's tokens."""
    if version == "1.0":
        return f"https://sts.windows.net/{tenant_id}/"
    return f"https://{HOSTS[cloud][0]}/{tenant_id}/v2.0"


def openid_configuration(
    host: str, tenant_id: str | None, name: str, *, cloud: str, version: str
) -> dict[str, object]:
    """Return ``/.well-known/openid-configuration``.

    ``tenant_id`` is None for ``common`` and ``organizations``, whose name is ``name``.
    Source: https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration,
    as it is served.
    """
    base = f"https://{host}/{tenant_id or name}"
    suffix = "" if version == "1.0" else "/v2.0"
    oauth2, hosts = f"{base}/oauth2{suffix}", _cloud_hosts(cloud)
    return {
        "token_endpoint": f"{oauth2}/token",
        "token_endpoint_auth_methods_supported": _AUTH_METHODS,
        "jwks_uri": f"{base}/discovery{suffix}/keys",
        **_CAPABILITIES,
        "issuer": issuer(tenant_id or _ANY, cloud, version),
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"https://{hosts['msgraph_host']}/oidc/userinfo",
        "authorization_endpoint": f"{oauth2}/authorize",
        "device_authorization_endpoint": f"{oauth2}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{oauth2}/logout",
        "claims_supported": _CLAIMS.split(),
        "kerberos_endpoint": f"{base}/kerberos",
        "tenant_region_scope": None,
        **hosts,
    }


def _cloud_hosts(cloud: str) -> dict[str, str]:
    graph, msgraph = _GRAPH_HOSTS.get(cloud, _GRAPH_HOSTS["public"])
    return {
        "cloud_instance_name": INSTANCE_NAMES.get(cloud, cloud),
        "cloud_graph_host_name": graph,
        "msgraph_host": msgraph,
        "rbac_url": "https://pas.windows.net",
    }


def clouds() -> list[dict[str, object]]:
    """Return the ``metadata`` of instance discovery, api-version 1.1.

    Source: https://login.microsoftonline.com/common/discovery/instance?api-version=1.1.
    """
    return [
        {
            "preferred_network": hosts[0],
            # The public cloud's tokens were cached under an older name.
            "preferred_cache": "login.windows.net" if cloud == "public" else hosts[0],
            "aliases": list(hosts),
        }
        for cloud, hosts in HOSTS.items()
    ]
