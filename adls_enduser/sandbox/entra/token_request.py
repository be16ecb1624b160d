"""The access that a token is requested for: a resource in version 1.0, scopes in version 2.0.

Sources: Microsoft, "Scopes and permissions in the Microsoft identity platform" and
"Scopes for a web API accepting v1.0 tokens" (``msal-v1-app-scopes``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from . import claims
from .applications import required
from .claims import NO_CLAIMS, ClaimsRequest
from .error_responses import EntraError

Form = dict[str, str]

DEFAULT = ".default"
# Data Lake and Resource Manager have this one permission each.
IMPERSONATION = "user_impersonation"
_OPENID_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
_AZURE_AD_GRAPH = "https://graph.windows.net"
_GRAPH = {
    "public": "https://graph.microsoft.com",
    "china": "https://microsoftgraph.chinacloudapi.cn",
    "usgovernment": "https://graph.microsoft.us",
}


@dataclass(frozen=True)
class RequestedAccess:
    """A resource, spelled as the token's audience is to be, with scopes, nonce and claims.

    ``permissions`` are the resource's scopes without its name, ``openid_scopes`` those of
    OpenID Connect. ``nonce`` goes into the id token (OpenID Connect Core, 3.1.2.1).
    """

    resource: str
    permissions: tuple[str, ...] = ()
    openid_scopes: frozenset[str] = _OPENID_SCOPES
    nonce: str = ""
    claims: ClaimsRequest = NO_CLAIMS


def by_resource(form: Form) -> RequestedAccess:
    """Read the access of a version 1.0 request; raise EntraError (900144) without a resource."""
    resource, nonce = required(form, "resource"), form.get("nonce", "")
    return RequestedAccess(resource, nonce=nonce, claims=claims.read(form.get("claims", "")))


def by_scope(form: Form, cloud: str, *, several: bool = False) -> RequestedAccess:
    """Read the access of a version 2.0 request.

    ``several`` allows several resources, as a request for consent does; the token is then for
    the first one. Raises EntraError: 900144 no scope, 28000 or 70011 several resources,
    650053 a permission that the resource does not have.
    """
    every_scope = required(form, "scope").split()
    scopes = [scope for scope in every_scope if scope not in _OPENID_SCOPES]
    resources = list(dict.fromkeys(_resource(scope, cloud) for scope in scopes))
    if len(resources) > 1 and not several:
        raise _several_resources(scopes)
    resource = resources[0] if resources else _graph(cloud)
    scopes = [scope for scope in scopes if _resource(scope, cloud) == resource]
    permissions = tuple(_permission(scope) for scope in scopes)
    _check_permissions(permissions, resource, cloud, scopes)
    return RequestedAccess(
        resource,
        permissions,
        _OPENID_SCOPES & frozenset(every_scope),
        form.get("nonce", ""),
        claims.read(form.get("claims", "")),
    )


def at_authorize(form: Form, cloud: str, version: str) -> RequestedAccess:
    """Read the access of an authorization request.

    In version 1.0 the resource may be left to the token request. In version 2.0 the scopes
    may be of several resources, so that the person consents to all of them at once.
    """
    if version == "2.0":
        return by_scope(form, cloud, several=True)
    return by_resource({**form, "resource": form.get("resource") or _AZURE_AD_GRAPH})


def same_access(original: RequestedAccess, form: Form) -> RequestedAccess:
    """Return the same access for a request that redeems a grant and names no other."""
    return replace(original, nonce="", claims=claims.read(form.get("claims", "")))


def _resource(scope: str, cloud: str) -> str:
    """Return the resource of a scope: everything before its last slash.

    So ``https://datalake.azure.net//.default`` is for ``https://datalake.azure.net/``. A
    scope without a resource is Microsoft Graph's.
    """
    return scope.rpartition("/")[0] or _graph(cloud)


def _permission(scope: str) -> str:
    return scope.rpartition("/")[2]


def _graph(cloud: str) -> str:
    return _GRAPH.get(cloud, _GRAPH["public"])


def _several_resources(scopes: list[str]) -> EntraError:
    """Return the error for several resources, as recorded.

    Source: AzureAD/microsoft-authentication-library-for-js #1487 for 28000, and for
    70011 where one of the scopes is ``.default`` Azure/azure-sdk-for-net #9076.
    """
    default = any(_permission(scope) == DEFAULT for scope in scopes)
    return EntraError(70011 if default else 28000, scope=" ".join(scopes))


def _check_permissions(
    permissions: tuple[str, ...], resource: str, cloud: str, scopes: list[str]
) -> None:
    if DEFAULT in permissions and len(permissions) > 1:
        # ".default" means all registered scopes; no other scope of the resource goes with it.
        raise EntraError(70011, scope=" ".join(scopes))
    unknown = set(permissions) - {DEFAULT, IMPERSONATION}
    if unknown and resource != _graph(cloud):
        raise EntraError(650053, permission=min(unknown), resource=resource)
