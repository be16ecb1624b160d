"""AD FS 2019: an authority on an organisation's own premises, with neither tenants nor realms.

Sources: Microsoft, "AD FS OpenID Connect/OAuth flows and Application Scenarios" (the
endpoints, the fields of a device code and of a token answer), "AD FS Scenarios for
Developers" (401 and MSIS9615 for a refresh token that has expired) and [MS-OAPX] 4.7.4
(``bearer``); the configuration document as recorded in redpanda-data/redpanda; the MSIS
refusals as public programs that sign in there quote them. Not known from any recording, and
so without a number: what is said of a device code that waits or has been declined, which is
as RFC 8628 section 3.5 has it, and of an authorization request. The sign-in page is not
played; a script signs in (``Entra.authorize``).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..http import Response, json_response
from .error_responses import Refused
from .pages.signin import send
from .token_request import Asked
from .tokens import Entitlement

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..access_tokens import Identity
    from ..directory import Person
    from ..http import Request
    from .accounts import Accounts
    from .applications import Application, Applications
    from .authorization_codes import AuthorizationCodes
    from .authorization_request import AuthorizationRequest, AuthorizationRequests, Reply
    from .device_codes import DeviceCode, DeviceCodes
    from .refresh_tokens import RefreshTokens
    from .token_request import Form
    from .tokens import Tokens

_DEVICE_CODE = ("device_code", "urn:ietf:params:oauth:grant-type:device_code")
_EIGHT_HOURS = 28800
# "The only valid values at this time are login, and none": the first source above.
_PROMPTS = {"", "login", "none"}


class AdfsRefused(Exception):
    """A refusal in AD FS's form: no number of its own, no time, no correlation id."""

    def __init__(self, error: str, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.error, self.sentence, self.status = error, sentence, status

    def response(self) -> Response:
        """Give the refusal as it goes over the wire."""
        return json_response({"error": self.error, "error_description": self.sentence}, self.status)


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

# What the parts shared with Entra ID refuse, in the words of this server.
_REFUSALS = {
    700016: AdfsRefused("invalid_client", _UNKNOWN_CLIENT),
    500011: AdfsRefused("invalid_resource", _UNKNOWN_RESOURCE),
    50126: AdfsRefused("invalid_grant", _WRONG_PASSWORD),
    50034: AdfsRefused("invalid_grant", _WRONG_PASSWORD),
    50053: AdfsRefused("invalid_grant", _WRONG_PASSWORD),
    90002: AdfsRefused("invalid_grant", _WRONG_PASSWORD),
    70000: AdfsRefused("invalid_grant", _EXPIRED, 401),
    700082: AdfsRefused("invalid_grant", _EXPIRED, 401),
    50173: AdfsRefused("invalid_grant", _EXPIRED, 401),
    70016: AdfsRefused("authorization_pending", "The user has not yet signed in."),
    70018: AdfsRefused("bad_verification_code", "The device code is not known."),
    70020: AdfsRefused("expired_token", "The device code has expired."),
    65004: AdfsRefused("authorization_declined", "The user declined."),
}


@dataclass(frozen=True)
class Parts:
    """What an AD FS here has in common with Entra ID: people, applications, codes, tokens."""

    applications: Applications
    accounts: Accounts
    device_codes: DeviceCodes
    refresh_tokens: RefreshTokens
    tokens: Tokens
    identity: Identity
    requests: AuthorizationRequests
    codes: AuthorizationCodes
    show: Callable[[DeviceCode], tuple[str, float]]


class Adfs:
    """One AD FS. ``gives_refresh_tokens`` is how its administrator has set it up."""

    def __init__(self, host: str, parts: Parts, *, gives_refresh_tokens: bool) -> None:
        self.host = host
        # Its refresh tokens and resources are its own.
        self.cloud = f"adfs:{host}"
        self._parts = parts
        self._gives_refresh_tokens = gives_refresh_tokens
        self._grants: dict[str, Callable[[Form], dict[str, Any]]] = {
            "password": self._with_password,
            "refresh_token": self._with_refresh_token,
            "authorization_code": self._with_code,
            **dict.fromkeys(_DEVICE_CODE, self._with_device_code),
        }

    def answer(self, request: Request) -> Response:
        """Answer one request; what is no endpoint of AD FS is 404."""
        endpoints: dict[tuple[str, str], Callable[[Form], dict[str, Any]]] = {
            ("GET", "/adfs/.well-known/openid-configuration"): lambda _: self._configuration(),
            ("GET", "/adfs/discovery/keys"): lambda _: self._parts.identity.keys(),
            ("POST", "/adfs/oauth2/token"): self._token,
            ("POST", "/adfs/oauth2/devicecode"): self._device_code,
        }
        endpoint = endpoints.get((request.method, request.path.lower().rstrip("/")))
        if endpoint is None:
            return Response("Not Found", 404, content_type="text/html; charset=us-ascii")
        return self._attempt(endpoint, request.form)

    def authorize(self, request: Request, person: Person, *, accepts: bool) -> Response:
        """Answer an authorization request as if somebody had signed in on the page.

        Refused where the answer must not go, ValueError for another address.
        """
        if request.path.lower().rstrip("/") != "/adfs/oauth2/authorize":
            raise ValueError(f"{request.hostname}{request.path} is no authorize endpoint")
        form = request.args.to_dict()
        reply = self._parts.requests.reply(form, "common", self.cloud)
        try:
            if not accepts:
                raise AdfsRefused("access_denied", "The user declined.")
            code = self._parts.codes.issue(self._requested(reply, form), person, ("pwd",))
        except Refused as refused:
            return _sent(reply, _translated(refused))
        except AdfsRefused as refused:
            return _sent(reply, refused)
        return send(reply, {"code": code})

    def _requested(self, reply: Reply, form: Form) -> AuthorizationRequest:
        if form.get("prompt", "") not in _PROMPTS:
            raise AdfsRefused("invalid_request", "The 'prompt' parameter is not valid.")
        return self._parts.requests.read(reply, form, lambda: _asked(form))

    def _attempt(self, endpoint: Callable[[Form], dict[str, Any]], form: Form) -> Response:
        try:
            response = json_response(endpoint(form))
        except Refused as refused:
            if refused.error == "slow_down":
                response = AdfsRefused("slow_down", "Polled too often.").response()
            else:
                response = _translated(refused).response()
        except AdfsRefused as refused:
            response = refused.response()
        response.headers["client-request-id"] = str(uuid.uuid4())
        return response

    def _configuration(self) -> dict[str, Any]:
        base = f"https://{self.host}/adfs"
        return {
            "issuer": base,
            "authorization_endpoint": f"{base}/oauth2/authorize/",
            "token_endpoint": f"{base}/oauth2/token/",
            "jwks_uri": f"{base}/discovery/keys",
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
            "access_token_issuer": f"http://{self.host}/adfs/services/trust",
            "claims_supported": ["aud", "iss", "iat", "exp", "sub", "upn", "unique_name", "sid"],
            "microsoft_multi_refresh_token": True,
            "userinfo_endpoint": f"{base}/userinfo",
            "end_session_endpoint": f"{base}/oauth2/logout",
            "device_authorization_endpoint": f"{base}/oauth2/devicecode",
        }

    def _token(self, form: Form) -> dict[str, Any]:
        grant = self._grants.get(form.get("grant_type", ""))
        if grant is None:
            sentence = "MSIS9611: The authorization server does not support the 'grant_type'."
            raise AdfsRefused("unsupported_grant_type", sentence)
        return grant(form)

    def _device_code(self, form: Form) -> dict[str, Any]:
        application, asked = self._asked(form)
        code = self._parts.device_codes.create(application, asked, None, self.cloud)
        url, lifetime = self._parts.show(code)
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
        application, asked = self._asked(form)
        person = self._parts.accounts.with_password(
            form.get("username", ""), form.get("password", ""), None, managed=False
        )
        return self._answer(person, application, asked, ("pwd",))

    def _with_device_code(self, form: Form) -> dict[str, Any]:
        application = self._parts.applications.client(form)
        value = form.get("device_code") or form.get("code", "")
        code, person = self._parts.device_codes.redeem(value, application, expired_code=70020)
        return self._answer(person, application, code.asked, code.amr)

    def _with_refresh_token(self, form: Form) -> dict[str, Any]:
        application, asked = self._asked(form)
        token = form.get("refresh_token", "")
        grant = self._parts.refresh_tokens.use(token, application, self.cloud)
        fields = self._answer(grant.person, application, asked, grant.amr)
        # The old one stays good for as long as it lives; no answer brings another.
        return {name: one for name, one in fields.items() if not name.startswith("refresh_token")}

    def _with_code(self, form: Form) -> dict[str, Any]:
        application = self._parts.applications.client(form)
        value, back = form.get("code", ""), form.get("redirect_uri", "")
        verifier = form.get("code_verifier", "")
        try:
            code = self._parts.codes.redeem(value, application, back, verifier, self.cloud)
        except Refused:
            raise AdfsRefused("invalid_grant", _WRONG_CODE) from None
        return self._answer(code.person, application, code.request.asked, code.amr)

    def _asked(self, form: Form) -> tuple[Application, Asked]:
        application = self._parts.applications.client(form)
        asked = _asked(form)
        self._parts.applications.check_resource(application, asked.resource, self.cloud)
        return application, asked

    def _answer(
        self, person: Person, application: Application, asked: Asked, amr: tuple[str, ...]
    ) -> dict[str, Any]:
        parts = self._parts
        tenant = parts.accounts.home(person)
        entitled = Entitlement(person, tenant, application, asked, self.cloud, amr)
        fields: dict[str, Any] = {
            "access_token": parts.tokens.access_token(entitled),
            "token_type": "bearer",
            "expires_in": int(parts.tokens.lifetime),
            "scope": " ".join(sorted({*asked.permissions, *asked.openid_scopes})),
        }
        if self._gives_refresh_tokens:
            fields["refresh_token"] = parts.tokens.refresh_token(entitled)
            fields["refresh_token_expires_in"] = _EIGHT_HOURS
        if "openid" in asked.openid_scopes:
            fields["id_token"] = parts.identity.sign(self._id_claims(entitled))
        return fields

    def _id_claims(self, entitled: Entitlement) -> dict[str, Any]:
        """Give the claims of an id token, which names neither a tenant nor an object id."""
        person, now = entitled.person, self._parts.tokens.now()
        return {
            "aud": entitled.application.client_id,
            "iss": f"https://{self.host}/adfs",
            "iat": now,
            "nbf": now,
            "exp": now + int(self._parts.tokens.lifetime),
            "auth_time": now,
            "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, person.object_id)),
            "upn": person.username,
            **({"nonce": entitled.asked.nonce} if entitled.asked.nonce else {}),
            "unique_name": f"CONTOSO\\{person.username.partition('@')[0]}",
        }


def _asked(form: Form) -> Asked:
    """Read a resource, which since AD FS 2019 may stand before a scope, as ``X/scope``."""
    words = form.get("scope", "").split()
    named = [word for word in words if "/" in word]
    resource = form.get("resource") or (named[0].rpartition("/")[0] if named else "")
    permissions = tuple(word.rpartition("/")[2] for word in named)
    openid = frozenset(word for word in words if "/" not in word)
    return Asked(resource, permissions, openid, form.get("nonce", ""))


def _sent(reply: Reply, refused: AdfsRefused) -> Response:
    """Send the browser back with an error (RFC 6749 section 4.1.2.1)."""
    return send(reply, {"error": refused.error, "error_description": refused.sentence})


def _translated(refused: Refused) -> AdfsRefused:
    known = _REFUSALS.get(refused.number)
    return known or AdfsRefused("invalid_request", "The request is not valid.")
