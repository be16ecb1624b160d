"""HTTP: which path is which endpoint, and the headers that every answer carries."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from ..http import Request, Response, json_response
from .authorities import HOSTS
from .realm import user_realm
from .refusals import Refused, correlation_id, refused_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..world import World
    from .applications import Applications
    from .authorities import Authorities
    from .device import DeviceCode
    from .grants import Grants
    from .wstrust import FederationServers

# What the v1.0 endpoints send with every answer, as recorded.
_HEADERS = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
}

_ROUTES = Map(
    [
        Rule("/<tenant>/oauth2/token", endpoint="token"),
        Rule("/<tenant>/oauth2/devicecode", endpoint="devicecode"),
        Rule("/<tenant>/discovery/instance", endpoint="discovery", methods=["GET"]),
        # The user's name may hold a slash, percent-encoded.
        Rule("/<tenant>/userrealm/<path:username>", endpoint="realm", methods=["GET"]),
    ],
    strict_slashes=False,
    merge_slashes=False,
)


class Endpoints:
    """Answers at the authority hosts and at the federation servers.

    ``describe`` writes the answer about a new device code.
    """

    def __init__(
        self,
        world: World,
        *,
        authorities: Authorities,
        applications: Applications,
        federation: FederationServers,
        grants: Grants,
        describe: Callable[[DeviceCode], dict[str, str]],
    ) -> None:
        self._world = world
        self._authorities = authorities
        self._applications = applications
        self._federation = federation
        self._grants = grants
        self._describe = describe

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
        response.headers.extend({**_HEADERS, "x-ms-request-id": trace})
        if request.headers.get("return-client-request-id", "").lower() == "true":
            response.headers["client-request-id"] = correlation
        return response

    def _attempt(self, request: Request, ids: tuple[str, str]) -> Response:
        try:
            return self._route(request)
        except Refused as refused:
            known, now = self._known(request), self._world.clock.service_time()
            return refused_response(refused, request.hostname, now=now, known=known, ids=ids)
        except HTTPException as error:
            return Response(error.description, error.code, content_type="text/plain")

    def _route(self, request: Request) -> Response:
        cloud = self._authorities.cloud(request.hostname) or "public"
        endpoint, words = _match(request)
        if endpoint == "discovery":
            return json_response(self._discovery(request))
        if endpoint == "realm":
            directory = self._world.directory
            return json_response(user_realm(words["username"], directory, self._federation, cloud))
        if request.method != "POST":
            raise Refused(900561, allowed="POST", method=request.method)
        if endpoint == "token":
            return json_response(self._grants.token(request.form, words["tenant"], cloud))
        code = self._grants.device_code(request.form, words["tenant"], cloud)
        return json_response(self._describe(code))

    def _discovery(self, request: Request) -> dict[str, object]:
        asked = request.args.get("authorization_endpoint", "")
        found: dict[str, object] = {"tenant_discovery_endpoint": self._authorities.discover(asked)}
        if request.args.get("api-version") == "1.1":
            found["api-version"] = "1.1"
            found["metadata"] = [
                {"preferred_network": hosts[0], "preferred_cache": hosts[0], "aliases": hosts}
                for hosts in HOSTS.values()
            ]
        return found

    def _known(self, request: Request) -> dict[str, str]:
        """Give what a request says of itself, for the sentence of a refusal."""
        form = request.form
        application = self._applications.named(form.get("client_id", ""))
        return {
            "username": form.get("username", ""),
            "client_id": form.get("client_id", ""),
            "app": application.name if application else "",
            "resource": form.get("resource", ""),
            "tenant": request.path.strip("/").partition("/")[0],
        }


def _match(request: Request) -> tuple[str, dict[str, str]]:
    """Find the endpoint; paths are compared in any case, as Entra ID does."""
    tenant, _, tail = request.path.lstrip("/").partition("/")
    name, slash, rest = tail.partition("/")
    path = f"/{tenant}/{name.lower()}{slash}{rest}"
    if name.lower() != "userrealm":
        path = path.lower()
    endpoint, words = _ROUTES.bind(request.hostname).match(path, method=request.method)
    return str(endpoint), {key: str(value) for key, value in words.items()}
