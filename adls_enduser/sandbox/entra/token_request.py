"""What a token is asked for: a resource in version 1.0, scopes in version 2.0.

Sources: Microsoft, "Scopes and permissions in the Microsoft identity platform" and
"Scopes for a web API accepting v1.0 tokens" (``msal-v1-app-scopes``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from . import claims
from .applications import required
from .claims import NO_CLAIMS, ClaimsRequest
from .error_responses import Refused

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
class Asked:
    """A resource, spelled as the audience of the token is to be, and what comes with it.

    ``permissions`` are the resource's scopes without its name, ``openid_scopes`` those of
    OpenID Connect. ``nonce`` goes into the id token (OpenID Connect Core, 3.1.2.1).
    """

    resource: str
    permissions: tuple[str, ...] = ()
    openid_scopes: frozenset[str] = _OPENID_SCOPES
    nonce: str = ""
    claims: ClaimsRequest = NO_CLAIMS


def by_resource(form: Form) -> Asked:
    """Read what a version 1.0 request asks for; Refused (900144) without a resource."""
    resource, nonce = required(form, "resource"), form.get("nonce", "")
    return Asked(resource, nonce=nonce, claims=claims.read(form.get("claims", "")))


def by_scope(form: Form, cloud: str, *, several: bool = False) -> Asked:
    """Read what a version 2.0 request asks for.

    ``several`` is whether it may name several resources, as a request for consent may; the
    token is then for the first. Refused: 900144 no scope, 28000 or 70011 several resources,
    650053 a permission that the resource does not have.
    """
    words = required(form, "scope").split()
    wanted = [word for word in words if word not in _OPENID_SCOPES]
    resources = list(dict.fromkeys(_resource(word, cloud) for word in wanted))
    if len(resources) > 1 and not several:
        _check_one_resource(wanted)
    resource = resources[0] if resources else _graph(cloud)
    here = [word for word in wanted if _resource(word, cloud) == resource]
    permissions = tuple(_permission(word) for word in here)
    _check_permissions(permissions, resource, cloud, here)
    return Asked(
        resource,
        permissions,
        _OPENID_SCOPES & frozenset(words),
        form.get("nonce", ""),
        claims.read(form.get("claims", "")),
    )


def at_authorize(form: Form, cloud: str, version: str) -> Asked:
    """Read what an authorization request asks for.

    In version 1.0 the resource may be left for the token request to name; in version 2.0
    the scopes may be of several resources, for the person to consent to all at once.
    """
    if version == "2.0":
        return by_scope(form, cloud, several=True)
    return by_resource({**form, "resource": form.get("resource") or _AZURE_AD_GRAPH})


def again(before: Asked, form: Form) -> Asked:
    """Ask for the same once more, as who redeems a grant and names nothing else does."""
    return replace(before, nonce="", claims=claims.read(form.get("claims", "")))


def _resource(scope: str, cloud: str) -> str:
    """Give the resource of a scope: everything before its last slash.

    So ``https://datalake.azure.net//.default`` is for ``https://datalake.azure.net/``. A
    scope without a resource is Microsoft Graph's.
    """
    return scope.rpartition("/")[0] or _graph(cloud)


def _permission(scope: str) -> str:
    return scope.rpartition("/")[2]


def _graph(cloud: str) -> str:
    return _GRAPH.get(cloud, _GRAPH["public"])


def _check_one_resource(wanted: list[str]) -> None:
    """Refuse several resources, as recorded.

    Source: AzureAD/microsoft-authentication-library-for-js #1487 for 28000, and for
    70011 where one of the scopes is ``.default`` Azure/azure-sdk-for-net #9076.
    """
    whole = any(_permission(word) == DEFAULT for word in wanted)
    raise Refused(70011 if whole else 28000, scope=" ".join(wanted))


def _check_permissions(
    permissions: tuple[str, ...], resource: str, cloud: str, scopes: list[str]
) -> None:
    if DEFAULT in permissions and len(permissions) > 1:
        # ".default" is all that is registered and goes with no other of the same resource.
        raise Refused(70011, scope=" ".join(scopes))
    unknown = set(permissions) - {DEFAULT, IMPERSONATION}
    if unknown and resource != _graph(cloud):
        raise Refused(650053, permission=min(unknown), resource=resource)
