"""HTTP: which path is which endpoint, and the headers that every answer carries."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from ..http import Request, Response, json_response
from .error_responses import Refused, correlation_id, refused_response
from .federation.realm import user_realm
from .metadata import clouds, openid_configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..directory import Person
    from ..state import World
    from .applications import Applications
    from .authorities import Authorities
    from .device_codes import DeviceCode
    from .federation.wstrust import FederationServers
    from .grants import Grants, Version
    from .pages.signin import SignIn

    Words = dict[str, str]
    _Handler = Callable[[Request, Words, str], Response]

# What the v1.0 endpoints send with every answer, as recorded.
_HEADERS = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
}

_WELL_KNOWN = "/.well-known/openid-configuration"
_V1, _V2 = {"version": "1.0"}, {"version": "2.0"}
_ROUTES = Map(
    [
        Rule("/<tenant>/oauth2/token", endpoint="token", defaults=_V1),
        Rule("/<tenant>/oauth2/v2.0/token", endpoint="token", defaults=_V2),
        Rule("/<tenant>/oauth2/authorize", endpoint="authorize", defaults=_V1),
        Rule("/<tenant>/oauth2/v2.0/authorize", endpoint="authorize", defaults=_V2),
        Rule("/<tenant>/login/<step>", endpoint="step"),
        Rule("/common/oauth2/nativeclient", endpoint="nativeclient"),
        Rule("/<tenant>/oauth2/devicecode", endpoint="devicecode", defaults=_V1),
        Rule("/<tenant>/oauth2/v2.0/devicecode", endpoint="devicecode", defaults=_V2),
        Rule(f"/<tenant>{_WELL_KNOWN}", endpoint="configuration", defaults=_V1, methods=["GET"]),
        Rule(
            f"/<tenant>/v2.0{_WELL_KNOWN}", endpoint="configuration", defaults=_V2, methods=["GET"]
        ),
        Rule("/<tenant>/discovery/keys", endpoint="keys", methods=["GET"]),
        Rule("/<tenant>/discovery/v2.0/keys", endpoint="keys", methods=["GET"]),
        Rule("/<tenant>/discovery/instance", endpoint="discovery", methods=["GET"]),
        # The user's name may hold a slash, percent-encoded.
        Rule("/<tenant>/userrealm/<path:username>", endpoint="realm", methods=["GET"]),
    ],
    strict_slashes=False,
    merge_slashes=False,
    redirect_defaults=False,
)


class Endpoints:
    """Answers at the authority hosts and at the federation servers.

    ``versions`` are how each version is spoken to; ``show`` says where a new device code is
    to be entered, and for how long (seconds) it lives.
    """

    def __init__(
        self,
        world: World,
        *,
        authorities: Authorities,
        applications: Applications,
        federation: FederationServers,
        grants: Grants,
        sign_in: SignIn,
        versions: Mapping[str, Version],
        show: Callable[[DeviceCode], tuple[str, float]],
    ) -> None:
        self._world = world
        self._authorities = authorities
        self._applications = applications
        self._federation = federation
        self._grants = grants
        self._sign_in = sign_in
        self._versions = versions
        self._show = show
        self._handlers: dict[str, _Handler] = {
            "token": self._token,
            "authorize": sign_in.authorize,
            "step": sign_in.step,
            "nativeclient": sign_in.native_client,
            "devicecode": self._device_code,
            "configuration": self._configuration,
            "keys": self._keys,
            "discovery": self._discovery,
            "realm": self._realm,
        }

    def serves(self, host: str) -> bool:
        """Tell whether a host is an authority or a federation server."""
        return bool(self._authorities.cloud(host) or self._federation.of_host(host))

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        server = self._federation.of_host(request.hostname)
        if server is not None:
            return self._federation.answer(server, request)
        trace, correlation = ids = str(uuid.uuid4()), correlation_id(request)
        response = self._attempt(request, ids)
        for name, value in {**_HEADERS, "x-ms-request-id": trace}.items():
            response.headers.setdefault(name, value)
        if request.headers.get("return-client-request-id", "").lower() == "true":
            response.headers["client-request-id"] = correlation
        return response

    def authorize(self, request: Request, *, person: Person | None, accepts: bool) -> Response:
        """Answer an authorization request as if a person had gone through all pages.

        Refused if they get no answer; ValueError if it is no authorization request.
        """
        cloud = self._authorities.cloud(request.hostname)
        try:
            endpoint, words = _match(request)
        except HTTPException:
            endpoint, words = "", {}
        if cloud is None or endpoint != "authorize":
            raise ValueError(f"{request.hostname}{request.path} is no authorize endpoint")
        return self._sign_in.scripted(request, words, cloud, person=person, accepts=accepts)

    def _attempt(self, request: Request, ids: tuple[str, str]) -> Response:
        try:
            endpoint, words = _match(request)
            cloud = self._authorities.cloud(request.hostname) or "public"
            return self._handlers[endpoint](request, words, cloud)
        except Refused as refused:
            known, now = self._known(request), self._world.clock.service_time()
            return refused_response(refused, request.hostname, now=now, known=known, ids=ids)
        except HTTPException as error:
            return Response(error.description, error.code, content_type="text/plain")

    def _token(self, request: Request, words: Words, cloud: str) -> Response:
        _check_post(request)
        version = self._versions[words["version"]]
        return json_response(self._grants.token(request.form, words["tenant"], cloud, version))

    def _device_code(self, request: Request, words: Words, cloud: str) -> Response:
        _check_post(request)
        version = self._versions[words["version"]]
        code = self._grants.device_code(request.form, words["tenant"], cloud, version)
        return json_response(version.describe(code, *self._show(code)))

    def _configuration(self, request: Request, words: Words, cloud: str) -> Response:
        tenant = self._authorities.tenant(words["tenant"], cloud)
        return json_response(
            openid_configuration(
                request.hostname,
                tenant.tenant_id if tenant else None,
                words["tenant"],
                cloud=cloud,
                version=words["version"],
            )
        )

    def _keys(self, request: Request, words: Words, cloud: str) -> Response:
        return json_response(self._world.identity.keys())

    def _realm(self, request: Request, words: Words, cloud: str) -> Response:
        directory = self._world.directory
        return json_response(user_realm(words["username"], directory, self._federation, cloud))

    def _discovery(self, request: Request, words: Words, cloud: str) -> Response:
        asked = request.args.get("authorization_endpoint", "")
        found: dict[str, object] = {"tenant_discovery_endpoint": self._authorities.discover(asked)}
        if request.args.get("api-version") == "1.1":
            found |= {"api-version": "1.1", "metadata": clouds()}
        return json_response(found)

    def _known(self, request: Request) -> dict[str, str]:
        """Give what a request says of itself, for the sentence of a refusal."""
        form = request.form
        application = self._applications.named(form.get("client_id", ""))
        return {
            "username": form.get("username", ""),
            "client_id": form.get("client_id", ""),
            "app": application.name if application else "",
            "resource": form.get("resource", ""),
            "scope": form.get("scope", ""),
            "tenant": request.path.strip("/").partition("/")[0],
        }


def _check_post(request: Request) -> None:
    if request.method != "POST":
        raise Refused(900561, allowed="POST", method=request.method)


def _match(request: Request) -> tuple[str, Words]:
    """Find the endpoint; paths are compared in any case, as Entra ID does."""
    tenant, _, tail = request.path.lstrip("/").partition("/")
    name, slash, rest = tail.partition("/")
    path = f"/{tenant}/{name.lower()}{slash}{rest}"
    if name.lower() != "userrealm":
        path = path.lower()
    endpoint, words = _ROUTES.bind(request.hostname).match(path, method=request.method)
    return str(endpoint), {key: str(value) for key, value in words.items()}
