"""The HTTP endpoints: the path of each one, and the headers of every response."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from ..http import Request, Response, json_response
from .authorities import CONSUMERS_ID, is_consumers
from .error_responses import EntraError, correlation_id, error_response
from .federation.realm import user_realm
from .metadata import clouds, openid_configuration
from .parameters import parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..directory import Person
    from ..state import State
    from .applications import Applications
    from .authorities import Authorities
    from .device_codes import DeviceCode
    from .federation.wstrust import FederationServers
    from .grants import Grants, Version
    from .pages.signin import SignIn

    PathValues = dict[str, str]
    _Handler = Callable[[Request, PathValues, str], Response]

# The headers that the v1.0 endpoints send with every response, as recorded.
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
        # The user name may contain a slash, percent-encoded.
        Rule("/<tenant>/userrealm/<path:username>", endpoint="realm", methods=["GET"]),
    ],
    strict_slashes=False,
    merge_slashes=False,
    redirect_defaults=False,
)


class Endpoints:
    """Serves the authority hosts and the federation servers.

    ``versions`` are the versions of the protocol; ``present_code`` returns the page of a new
    device code, and the code's lifetime (seconds).
    """

    def __init__(
        self,
        state: State,
        *,
        authorities: Authorities,
        applications: Applications,
        federation: FederationServers,
        grants: Grants,
        sign_in: SignIn,
        versions: Mapping[str, Version],
        present_code: Callable[[DeviceCode], tuple[str, float]],
    ) -> None:
        self._state = state
        self._authorities = authorities
        self._applications = applications
        self._federation = federation
        self._grants = grants
        self._sign_in = sign_in
        self._versions = versions
        self._present_code = present_code
        self._handlers = self._new_handlers()

    def _new_handlers(self) -> dict[str, _Handler]:
        return {
            "token": self._token,
            "authorize": self._sign_in.authorize,
            "step": self._sign_in.step,
            "nativeclient": self._sign_in.native_client,
            "devicecode": self._device_code,
            "configuration": self._configuration,
            "keys": self._keys,
            "discovery": self._discovery,
            "realm": self._realm,
        }

    def serves(self, host: str) -> bool:
        """Tell whether a host is an authority or a federation server."""
        return bool(self._authorities.cloud(host) or self._federation.by_host(host))

    def respond(self, request: Request) -> Response:
        """Respond to one request."""
        server = self._federation.by_host(request.hostname)
        if server is not None:
            return self._federation.respond(server, request)
        trace, correlation = ids = str(uuid.uuid4()), correlation_id(request)
        response = self._response(request, ids)
        for name, value in {**_HEADERS, "x-ms-request-id": trace}.items():
            response.headers.setdefault(name, value)
        if request.headers.get("return-client-request-id", "").lower() == "true":
            response.headers["client-request-id"] = correlation
        return response

    def authorize(self, request: Request, *, person: Person | None, accepts: bool) -> Response:
        """Respond to an authorization request as if a person had gone through all pages.

        Raises EntraError if the program gets no response; ValueError if it is not an
        authorization request.
        """
        cloud = self._authorities.cloud(request.hostname)
        try:
            endpoint, path_values = _match(request)
        except HTTPException:
            endpoint, path_values = "", {}
        if cloud is None or endpoint != "authorize":
            raise ValueError(f"{request.hostname}{request.path} is no authorize endpoint")
        return self._sign_in.scripted_response(
            request, path_values, cloud, person=person, accepts=accepts
        )

    def _response(self, request: Request, ids: tuple[str, str]) -> Response:
        try:
            endpoint, path_values = _match(request)
            cloud = self._authorities.cloud(request.hostname) or "public"
            return self._handlers[endpoint](request, path_values, cloud)
        except EntraError as error:
            values, now = self._message_values(request), self._state.clock.service_time()
            return error_response(error, request.hostname, now=now, values=values, ids=ids)
        except HTTPException as error:
            return Response(error.description, error.code, content_type="text/plain")

    def _token(self, request: Request, path_values: PathValues, cloud: str) -> Response:
        _check_method(request, "POST")
        version = self._versions[path_values["version"]]
        form = parameters(request)
        return json_response(self._grants.token(form, path_values["tenant"], cloud, version))

    def _device_code(self, request: Request, path_values: PathValues, cloud: str) -> Response:
        """Issue a device code, for a POST or a GET.

        Microsoft's libraries for Java send GET: azure-data-lake-store-java's
        ``DeviceCodeTokenProviderHelper.getDeviceCodeInfo``, and msal4j before its pull request
        241.
        """
        _check_method(request, "GET", "POST")
        version = self._versions[path_values["version"]]
        code = self._grants.device_code(parameters(request), path_values["tenant"], cloud, version)
        return json_response(version.device_code_response(code, *self._present_code(code)))

    def _configuration(self, request: Request, path_values: PathValues, cloud: str) -> Response:
        return json_response(
            openid_configuration(
                request.hostname,
                self._tenant_id(path_values["tenant"], cloud),
                path_values["tenant"],
                cloud=cloud,
                version=path_values["version"],
            )
        )

    def _tenant_id(self, name: str, cloud: str) -> str | None:
        """Return the id of the tenant that a configuration is of, None for any tenant.

        The public cloud describes the tenant of personal accounts too: Microsoft, "OpenID Connect
        on the Microsoft identity platform".
        """
        if is_consumers(name) and cloud == "public":
            return CONSUMERS_ID
        tenant = self._authorities.tenant(name, cloud)
        return tenant.tenant_id if tenant else None

    def _keys(self, request: Request, path_values: PathValues, cloud: str) -> Response:
        return json_response(self._state.identity.keys())

    def _realm(self, request: Request, path_values: PathValues, cloud: str) -> Response:
        directory = self._state.directory
        username = path_values["username"]
        return json_response(user_realm(username, directory, self._federation, cloud))

    def _discovery(self, request: Request, path_values: PathValues, cloud: str) -> Response:
        endpoint = request.args.get("authorization_endpoint", "")
        found: dict[str, object] = {
            "tenant_discovery_endpoint": self._authorities.discover(endpoint)
        }
        if request.args.get("api-version") == "1.1":
            found |= {"api-version": "1.1", "metadata": clouds()}
        return json_response(found)

    def _message_values(self, request: Request) -> dict[str, str]:
        """Return the values from a request that an error message may contain.

        A resource is none of them: version 2.0 names it by a scope, a grant may be for another.
        """
        form = parameters(request)
        application = self._applications.find(form.get("client_id", ""))
        return {
            "username": form.get("username", ""),
            "client_id": form.get("client_id", ""),
            "app": application.name if application else "",
            "scope": form.get("scope", ""),
            "tenant": request.path.lstrip("/").partition("/")[0],
        }


def _check_method(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        raise EntraError(900561, allowed=", ".join(allowed), method=request.method)


def _match(request: Request) -> tuple[str, PathValues]:
    """Find the endpoint; paths match in any case, as at Entra ID.

    Several slashes count as one. msal asks for ``/common//v2.0/.well-known/openid-configuration``
    by default (``msal.authority``: its default authority ends with a slash).
    """
    joined = re.sub("/{2,}", "/", request.path)
    tenant, _, tail = joined.lstrip("/").partition("/")
    name, slash, rest = tail.partition("/")
    path = f"/{tenant}/{name.lower()}{slash}{rest}"
    if name.lower() != "userrealm":
        path = path.lower()
    endpoint, path_values = _ROUTES.bind(request.hostname).match(path, method=request.method)
    return str(endpoint), {key: str(value) for key, value in path_values.items()}
