"""A stand-in for Entra ID's version 2.0 endpoints, while the sandbox has none of its own.

msal and azure-identity know no other. It turns each of their requests into the version
1.0 request that the sandbox answers, and the answer back into version 2.0: enough for
prompts, requests and waits to be counted, and no more. Its own cost for a request is a
fraction of a millisecond, and the same number of signatures is made either way.
Source: Microsoft, "Microsoft identity platform and OAuth 2.0 device authorization grant
flow", and what msal.oauth2cli reads.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import jwt
from werkzeug.datastructures import Headers

from adls_enduser.sandbox.http import Request, Response, json_response

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox
    from adls_enduser.sandbox.http import Service

_CONFIGURATION = "/v2.0/.well-known/openid-configuration"
_DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
_HOST = "login.microsoftonline.com"


def add_version_2(azure: Sandbox) -> bool:
    """Let the stand-in answer, unless the sandbox has version 2.0 itself; tell whether it does."""
    path = f"/common{_CONFIGURATION}"
    asked = Request(
        method="GET", scheme="https", host=_HOST, target=path, headers=Headers(), body=b""
    )
    if azure.entra.answer(asked).status_code == 200:
        return False
    services: list[Service] = azure._wire.services  # type: ignore[assignment]  # noqa: SLF001
    services[services.index(azure.entra)] = Version2(azure.entra)
    return True


class Version2:
    """Answers version 2.0 paths, and hands every other to the sandbox's Entra ID."""

    def __init__(self, entra: Service) -> None:
        self._entra = entra

    def serves(self, host: str) -> bool:
        """Tell whether this is an authority host."""
        return self._entra.serves(host)

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        tenant, _, rest = request.path.lstrip("/").partition("/")
        if request.path.endswith(_CONFIGURATION):
            return json_response(_configuration(request.hostname, tenant))
        if rest.startswith("oauth2/v2.0/"):
            return self._translate(request, f"/{tenant}/oauth2/{rest.rpartition('/')[2]}")
        return self._entra.answer(request)

    def _translate(self, request: Request, path: str) -> Response:
        asked = Request(
            method=request.method,
            scheme="https",
            host=request.hostname,
            target=path,
            headers=request.headers,
            body=urlencode(_version_1(request.form)).encode(),
        )
        answer = self._entra.answer(asked)
        fields = json.loads(answer.get_data())
        return json_response(_version_2(fields), answer.status_code)


def _configuration(host: str, tenant: str) -> dict[str, str]:
    base = f"https://{host}/{tenant}"
    return {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
    }


def _version_1(form: dict[str, str]) -> dict[str, str]:
    scopes = [one for one in form.get("scope", "").split() if one.endswith("/.default")]
    changed = dict(form)
    if scopes:
        changed["resource"] = scopes[0].removesuffix(".default").removesuffix("/")
    if form.get("grant_type") == _DEVICE_CODE:
        changed["grant_type"] = "device_code"
    changed["scope"] = "openid"
    return changed


def _version_2(fields: dict[str, str]) -> dict[str, object]:
    changed: dict[str, object] = dict(fields)
    for name in ("expires_in", "ext_expires_in", "interval"):
        if name in fields:
            changed[name] = int(fields[name])
    if "verification_url" in fields:
        changed["verification_uri"] = fields["verification_url"]
    if "access_token" in fields:
        changed["scope"] = f"{fields['resource']}/.default"
        changed["client_info"] = _client_info(fields["access_token"])
    return changed


def _client_info(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    known = json.dumps({"uid": claims["oid"], "utid": claims["tid"]}).encode()
    return base64.urlsafe_b64encode(known).decode().rstrip("=")
