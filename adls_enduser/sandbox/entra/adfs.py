"""AD FS 2019: an authority in an organisation's own network, without tenants and user realms.

Sources: Microsoft, "AD FS OpenID Connect/OAuth flows and Application Scenarios" (the
endpoints, the fields of a device code and of a token response), "AD FS Scenarios for
Developers" (401 and MSIS9615 for a refresh token that has expired) and [MS-OAPX] 4.7.4
(``bearer``); the configuration document as recorded in redpanda-data/redpanda; the MSIS
errors as public programs that sign in there quote them. Not known from any recording, and
so without a number: the errors for a device code that is pending or has been declined,
which follow RFC 8628 section 3.5, and those for an authorization request. There is no
sign-in page; a script signs in (``Entra.authorize``).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..http import Response, json_response
from .error_responses import EntraError
from .pages.signin import authorization_response
from .parameters import parameters
from .token_request import RequestedAccess
from .tokens import GrantedAccess

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..access_tokens import AccessTokenIssuer
    from ..directory import Person
    from ..http import Request
    from .accounts import Accounts
    from .applications import Application, Applications
    from .authorization_codes import AuthorizationCodes
    from .authorization_request import AuthorizationRequest, AuthorizationRequests, ResponseTarget
    from .device_codes import DeviceCode, DeviceCodes
    from .refresh_tokens import RefreshTokens
    from .token_request import Form
    from .tokens import Tokens

_DEVICE_CODE = ("device_code", "urn:ietf:params:oauth:grant-type:device_code")
_EIGHT_HOURS = 28800
# "The only valid values at this time are login, and none": the first source above.
_PROMPTS = {"", "login", "none"}


class AdfsError(Exception):
    """An error in AD FS's form: without a numeric code, a time and a correlation id."""

    def __init__(self, error: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.error, self.message, self.status = error, message, status

    def response(self) -> Response:
        """Return the error as an HTTP response."""
        return json_response({"error": self.error, "error_description": self.message}, self.status)


_UNKNOWN_CLIENT = (
    "MSIS9607: The 'client_id' parameter in the request is invalid. No registered client is"
    " found with this identifier."
)
_UNKNOWN_RESOURCE = (
    "MSIS9602: The received 'resource' parameter is invalid. The authorization server can not"
    " find a registered resource with the specified identifier."
)
_EXPIRED = "MSIS9615: The refresh token received in refresh_token parameter has expired."
_WRONG_PASSWORD = "MSIS9659: Invalid 'username' or 'password'."
_WRONG_CODE = "MSIS9612: The authorization code received in 'code' parameter is invalid."

# The errors of the parts shared with Entra ID, as AD FS words them.
_ADFS_ERRORS = {
    700016: AdfsError("invalid_client", _UNKNOWN_CLIENT),
    500011: AdfsError("invalid_resource", _UNKNOWN_RESOURCE),
    50126: AdfsError("invalid_grant", _WRONG_PASSWORD),
    50034: AdfsError("invalid_grant", _WRONG_PASSWORD),
    50053: AdfsError("invalid_grant", _WRONG_PASSWORD),
    90002: AdfsError("invalid_grant", _WRONG_PASSWORD),
    70000: AdfsError("invalid_grant", _EXPIRED, 401),
    700082: AdfsError("invalid_grant", _EXPIRED, 401),
    50173: AdfsError("invalid_grant", _EXPIRED, 401),
    70016: AdfsError("authorization_pending", "The user has not yet signed in."),
    70018: AdfsError("bad_verification_code", "The device code is not known."),
    70020: AdfsError("expired_token", "The device code has expired."),
    65004: AdfsError("authorization_declined", "The user declined."),
}


# The capabilities in the configuration document.
_CAPABILITIES = {
    "token_endpoint_auth_methods_supported": [
        "client_secret_post",
        "client_secret_basic",
        "private_key_jwt",
        "windows_client_authentication",
    ],
    "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
    "response_modes_supported": ["query", "fragment", "form_post"],
    "grant_types_supported": [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "implicit",
        "password",
        "srv_challenge",
        *reversed(_DEVICE_CODE),
    ],
    "subject_types_supported": ["pairwise"],
    "scopes_supported": ["openid", "email", "profile", "user_impersonation", "aza"],
    "id_token_signing_alg_values_supported": ["RS256"],
}


@dataclass(frozen=True)
class SharedServices:
    """The parts of Entra ID that an AD FS here uses: people, applications, codes, tokens."""

    applications: Applications
    accounts: Accounts
    device_codes: DeviceCodes
    refresh_tokens: RefreshTokens
    tokens: Tokens
    token_issuer: AccessTokenIssuer
    requests: AuthorizationRequests
    authorization_codes: AuthorizationCodes
    present_code: Callable[[DeviceCode], tuple[str, float]]


class Adfs:
    """One AD FS. ``gives_refresh_tokens`` is a setting of its administrator."""

    def __init__(self, host: str, shared: SharedServices, *, gives_refresh_tokens: bool) -> None:
        self.host = host
        # A cloud of its own: its refresh tokens and resources are not Entra ID's.
        self.cloud = f"adfs:{host}"
        self._shared = shared
        self._gives_refresh_tokens = gives_refresh_tokens
        self._grants: dict[str, Callable[[Form], dict[str, Any]]] = {
            "password": self._with_password,
            "refresh_token": self._with_refresh_token,
            "authorization_code": self._with_authorization_code,
            **dict.fromkeys(_DEVICE_CODE, self._with_device_code),
        }

    def respond(self, request: Request) -> Response:
        """Respond to one request; a path that is no endpoint of AD FS is 404."""
        endpoints: dict[tuple[str, str], Callable[[Form], dict[str, Any]]] = {
            ("GET", "/adfs/.well-known/openid-configuration"): self._configuration,
            ("GET", "/adfs/discovery/keys"): self._keys,
            ("POST", "/adfs/oauth2/token"): self._token,
            ("POST", "/adfs/oauth2/devicecode"): self._device_code,
        }
        endpoint = endpoints.get((request.method, request.path.lower().rstrip("/")))
        if endpoint is None:
            return Response("Not Found", 404, content_type="text/html; charset=us-ascii")
        try:
            response = json_response(endpoint(parameters(request)))
        except (EntraError, AdfsError) as error:
            response = _as_adfs_error(error).response()
        response.headers["client-request-id"] = str(uuid.uuid4())
        return response

    def authorize(self, request: Request, person: Person, *, accepts: bool) -> Response:
        """Respond to an authorization request as if a person had signed in on the page.

        Raises EntraError where the program must not get a response, and ValueError for
        another address.
        """
        if request.path.lower().rstrip("/") != "/adfs/oauth2/authorize":
            raise ValueError(f"{request.hostname}{request.path} is no authorize endpoint")
        form = request.args.to_dict()
        target = self._shared.requests.response_target(form, "common", self.cloud)
        try:
            if not accepts:
                raise AdfsError("access_denied", "The user declined.")
            authorization = self._authorization_request(target, form)
        except (EntraError, AdfsError) as error:
            return _error_redirect(target, _as_adfs_error(error))
        code = self._shared.authorization_codes.issue(authorization, person, ("pwd",))
        return authorization_response(target, {"code": code})

    def _authorization_request(self, target: ResponseTarget, form: Form) -> AuthorizationRequest:
        if form.get("prompt", "") not in _PROMPTS:
            raise AdfsError("invalid_request", "The 'prompt' parameter is not valid.")
        return self._shared.requests.read(target, form, _read_access)

    def _configuration(self, form: Form) -> dict[str, Any]:
        base = f"https://{self.host}/adfs"
        return {
            "issuer": base,
            "authorization_endpoint": f"{base}/oauth2/authorize/",
            "token_endpoint": f"{base}/oauth2/token/",
            "jwks_uri": f"{base}/discovery/keys",
            **_CAPABILITIES,
            "access_token_issuer": f"http://{self.host}/adfs/services/trust",
            "claims_supported": ["aud", "iss", "iat", "exp", "sub", "upn", "unique_name", "sid"],
            "microsoft_multi_refresh_token": True,
            "userinfo_endpoint": f"{base}/userinfo",
            "end_session_endpoint": f"{base}/oauth2/logout",
            "device_authorization_endpoint": f"{base}/oauth2/devicecode",
        }

    def _keys(self, form: Form) -> dict[str, Any]:
        return self._shared.token_issuer.keys()

    def _token(self, form: Form) -> dict[str, Any]:
        grant = self._grants.get(form.get("grant_type", ""))
        if grant is None:
            message = "MSIS9611: The authorization server does not support the 'grant_type'."
            raise AdfsError("unsupported_grant_type", message)
        return grant(form)

    def _device_code(self, form: Form) -> dict[str, Any]:
        application, access = self._read_access(form)
        code = self._shared.device_codes.create(application, access, None, self.cloud)
        url, lifetime = self._shared.present_code(code)
        return {
            "device_code": code.device_code,
            "user_code": code.user_code,
            "verification_uri": url,
            "verification_uri_complete": f"{url}?user_code={code.user_code}",
            "expires_in": int(lifetime),
            "interval": int(code.interval),
            "message": f"Open {url} in a browser and enter the code {code.user_code}.",
        }

    def _with_password(self, form: Form) -> dict[str, Any]:
        application, access = self._read_access(form)
        person = self._shared.accounts.authenticate(
            form.get("username", ""), form.get("password", ""), None, managed=False
        )
        return self._token_response(person, application, access, ("pwd",))

    def _with_device_code(self, form: Form) -> dict[str, Any]:
        application = self._shared.applications.authenticate(form)
        value = form.get("device_code") or form.get("code", "")
        code, person = self._shared.device_codes.redeem(value, application, expired_error=70020)
        return self._token_response(person, application, code.access, code.amr)

    def _with_refresh_token(self, form: Form) -> dict[str, Any]:
        application, access = self._read_access(form)
        token = form.get("refresh_token", "")
        grant = self._shared.refresh_tokens.use(token, application, self.cloud)
        fields = self._token_response(grant.person, application, access, grant.amr)
        # The old refresh token stays valid until it expires; no response contains a new one.
        return {key: fields[key] for key in fields if not key.startswith("refresh_token")}

    def _with_authorization_code(self, form: Form) -> dict[str, Any]:
        application = self._shared.applications.authenticate(form)
        value, redirect_uri = form.get("code", ""), form.get("redirect_uri", "")
        verifier = form.get("code_verifier", "")
        try:
            code = self._shared.authorization_codes.redeem(
                value, application, redirect_uri, verifier, self.cloud
            )
        except EntraError:
            raise AdfsError("invalid_grant", _WRONG_CODE) from None
        return self._token_response(code.person, application, code.request.access, code.amr)

    def _read_access(self, form: Form) -> tuple[Application, RequestedAccess]:
        application = self._shared.applications.authenticate(form)
        access = _read_access(form)
        self._shared.applications.check_resource(application, access.resource, self.cloud)
        return application, access

    def _token_response(
        self,
        person: Person,
        application: Application,
        access: RequestedAccess,
        amr: tuple[str, ...],
    ) -> dict[str, Any]:
        shared = self._shared
        tenant = shared.accounts.home_tenant(person)
        granted = GrantedAccess(person, tenant, application, access, self.cloud, amr)
        fields: dict[str, Any] = {
            "access_token": shared.tokens.access_token(granted),
            "token_type": "bearer",
            "expires_in": int(shared.tokens.lifetime),
            "scope": " ".join(sorted({*access.permissions, *access.openid_scopes})),
        }
        if self._gives_refresh_tokens:
            fields["refresh_token"] = shared.tokens.refresh_token(granted)
            fields["refresh_token_expires_in"] = _EIGHT_HOURS
        if "openid" in access.openid_scopes:
            fields["id_token"] = shared.token_issuer.sign(self._id_claims(granted))
        return fields

    def _id_claims(self, granted: GrantedAccess) -> dict[str, Any]:
        """Return the claims of an id token, which names neither a tenant nor an object id."""
        person, now = granted.person, self._shared.tokens.now()
        return {
            "aud": granted.application.client_id,
            "iss": f"https://{self.host}/adfs",
            "iat": now,
            "nbf": now,
            "exp": now + int(self._shared.tokens.lifetime),
            "auth_time": now,
            "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, person.object_id)),
            "upn": person.username,
            **({"nonce": granted.access.nonce} if granted.access.nonce else {}),
            "unique_name": f"CONTOSO\\{person.username.partition('@')[0]}",
        }


def _read_access(form: Form) -> RequestedAccess:
    """Read a resource; since AD FS 2019 it may also precede a scope, as ``X/scope``."""
    words = form.get("scope", "").split()
    scopes = [word for word in words if "/" in word]
    resource = form.get("resource") or (scopes[0].rpartition("/")[0] if scopes else "")
    permissions = tuple(scope.rpartition("/")[2] for scope in scopes)
    openid = frozenset(word for word in words if "/" not in word)
    return RequestedAccess(resource, permissions, openid, form.get("nonce", ""))


def _error_redirect(target: ResponseTarget, error: AdfsError) -> Response:
    """Send the browser back with an error (RFC 6749 section 4.1.2.1)."""
    return authorization_response(
        target, {"error": error.error, "error_description": error.message}
    )


def _as_adfs_error(error: EntraError | AdfsError) -> AdfsError:
    if isinstance(error, AdfsError):
        return error
    if error.error == "slow_down":
        return AdfsError("slow_down", "Polled too often.")
    translated = _ADFS_ERRORS.get(error.number)
    return translated or AdfsError("invalid_request", "The request is not valid.")
