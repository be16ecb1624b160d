"""adal, hardened: its requests and its parsing, sent by our own ``Http``.

adal 1.2.7 is its last release, and it makes its requests itself: some without a
timeout, all following redirects, with TLS checks that an environment variable turns
off. It offers one seam, the ``_create_*`` methods of ``adal.token_request.TokenRequest``,
and through it the five classes below send the same requests through ``http.Http``.
What adal raises and the dictionaries it gives end in this module.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import adal
from adal import util
from adal.authority import Authority
from adal.code_request import CodeRequest
from adal.mex import Mex
from adal.oauth2_client import OAuth2Client
from adal.token_request import TokenRequest
from adal.user_realm import UserRealm
from adal.wstrust_request import WSTrustRequest
from adal.wstrust_response import WSTrustResponse

from ..errors import ConfigurationError
from ..tokens import Secret
from .backend import AuthorizationFlow, AuthorizationPending
from .http import Body, Http, Response
from .responses import (
    FORM,
    REPEATABLE,
    ErrorBoundary,
    ErrorResponse,
    account,
    check_federation,
    check_instance,
    checked_xml,
    device_flow,
    federation_fault,
    grant,
    login_hint_params,
    raise_for_status,
    seconds,
)

if TYPE_CHECKING:
    from ..options import Settings
    from ..tokens import Account
    from .backend import DeviceFlow, Grant

# AD FS tells who has signed in only who asks for it (Microsoft, "AD FS OpenID Connect/OAuth
# flows and Application Scenarios", device code flow and authorization code grant flow).
_ADFS_ONLY = {"scope": "openid"}


class AdalBackend:
    """Entra ID's v1.0 endpoints, through adal; ``http`` sends (default: an Http)."""

    answers_claims = False

    def __init__(self, settings: Settings, http: Http | None = None) -> None:
        self._settings = settings
        self._http = http or Http(settings)
        self._authority = _Authority(
            settings.authority, validate_authority=settings.cloud.validate_authority
        )
        self._border = ErrorBoundary(settings, self._http, (adal.AdalError,))

    def password(
        self, resource: str, username: str, password: Secret, claims: str | None = None
    ) -> Grant:
        """Send the password (RFC 6749 section 4.3), or for a federated user WS-Trust."""
        self.check_claims(claims)

        def ask() -> Grant:
            request = self._request(resource)
            return self._grant(
                request.get_token_with_username_password(username, password.reveal()), resource
            )

        return self._border.run(self._border.attempt("password", resource), ask)

    def start_device_code(self, resource: str, claims: str | None = None) -> DeviceFlow:
        """Ask for a code to show to the person (RFC 8628 section 3.1)."""
        self.check_claims(claims)

        def ask() -> DeviceFlow:
            answer = self._code_request(resource).get_user_code_info(None)
            # v1.0 says verification_url where RFC 8628, and so AD FS, says verification_uri.
            url = answer.get("verification_url") or answer["verification_uri"]
            now = self._settings.clock.time()
            return device_flow(answer, url, resource, now)

        return self._border.run(self._border.attempt("device_code", resource), ask)

    def poll(self, flow: DeviceFlow) -> Grant | AuthorizationPending:
        """Ask once whether the person has finished (RFC 8628 sections 3.4 and 3.5)."""
        attempt = self._border.attempt("device_code", flow.resource)
        return self._border.run(attempt, lambda: self._poll(flow))

    def refresh(self, resource: str, refresh_token: Secret, claims: str | None = None) -> Grant:
        """Trade the refresh token for an access token (RFC 6749 section 6)."""
        self.check_claims(claims)

        def ask() -> Grant:
            request = self._request(resource)
            return self._grant(
                request.get_token_with_refresh_token(refresh_token.reveal(), None), resource
            )

        return self._border.run(self._border.attempt("refresh", resource), ask)

    def start_authorization(
        self, resource: str, redirect_uri: str, claims: str | None = None
    ) -> AuthorizationFlow:
        """Make the address of v1.0's sign-in page (RFC 6749 section 4.1.1), as adal does not."""
        self.check_claims(claims)
        attempt = self._border.attempt("browser", resource)
        self._border.run(attempt, self._context)  # is the authority one that may be trusted?
        state, verifier = Secret(token_urlsafe(32)), Secret(token_urlsafe(64))
        query = {
            "response_type": "code",
            "response_mode": "query",
            "client_id": self._settings.client_id,
            "resource": resource,
            "redirect_uri": redirect_uri,
            "state": state.reveal(),
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **login_hint_params(self._settings),
            **(_ADFS_ONLY if self._settings.is_adfs else {}),
        }
        path = adal.constants.AADConstants.AUTHORIZE_ENDPOINT_PATH
        url = f"{self._settings.authority}{path}?{urlencode(query)}"
        return AuthorizationFlow(url, redirect_uri, state, verifier, attempt)

    def redeem_code(self, flow: AuthorizationFlow, code: Secret) -> Grant:
        """Trade the code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""

        def ask() -> Grant:
            resource = flow.attempt.resource
            request = self._request(resource, flow.redirect_uri)
            answer = request.get_token_with_authorization_code(
                code.reveal(), None, flow.verifier.reveal()
            )
            return self._grant(answer, resource)

        return self._border.run(flow.attempt, ask)

    def check_claims(self, claims: str | None) -> None:
        """Say that adal cannot answer a claims challenge: it has no parameter for one."""
        if claims is not None:
            raise ConfigurationError(
                "A claims challenge cannot be answered: adal has no way to send one.",
                remedy="Sign in with library='msal', which has one.",
            )

    def _poll(self, flow: DeviceFlow) -> Grant | AuthorizationPending:
        try:
            return self._grant(self._request(flow.resource).poll(flow.device_code), flow.resource)
        except ErrorResponse as refused:
            if refused.error in ("authorization_pending", "slow_down"):
                return AuthorizationPending(slow_down=refused.error == "slow_down")
            raise

    def _context(self) -> Any:
        # A context of its own for every request: adal's cache would answer a wrong
        # password with an old token, and its correlation id is shared.
        context = adal.AuthenticationContext(
            self._settings.authority,
            validate_authority=False,
            cache=adal.TokenCache(),
            api_version=None,
            verify_ssl=True,
        )
        context.authority = self._authority
        call_context = context._call_context  # noqa: SLF001 - what adal hands to every class
        call_context["log_context"] = adal.log.create_log_context(None, False)
        call_context["http"] = self._http
        self._authority.validate(call_context)
        return context

    def _request(self, resource: str, redirect_uri: str | None = None) -> _TokenRequest:
        context = self._context()
        call_context = context._call_context  # noqa: SLF001
        client_id = self._settings.client_id
        return _TokenRequest(call_context, context, client_id, resource, redirect_uri)

    def _code_request(self, resource: str) -> _CodeRequest:
        context = self._context()
        call_context = context._call_context  # noqa: SLF001
        return _CodeRequest(call_context, context, self._settings.client_id, resource)

    def _grant(self, answer: Any, resource: str) -> Grant:
        return _grant(answer, resource, self._settings.clock.time())


def _challenge(verifier: Secret) -> str:
    # RFC 7636 section 4.2.
    digest = sha256(verifier.reveal().encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _headers(of: Any, headers: dict[str, str]) -> dict[str, str]:
    # A fresh dictionary: adal shares one module-level header dictionary between all
    # requests of the process (adal.oauth2_client._REQ_OPTION).
    options: dict[str, dict[str, str]] = util.create_request_options(of, {"headers": headers})
    return options["headers"]


class _OAuth2Client(OAuth2Client):  # type: ignore[misc]
    def get_token(self, oauth_parameters: dict[str, Any]) -> Any:
        """Ask for a token; as adal's, which follows redirects."""
        answer = self._post(self._create_token_url().geturl(), oauth_parameters)
        return self._validate_token_response(raise_for_status(answer))

    def get_user_code_info(self, oauth_parameters: dict[str, Any]) -> Any:
        """Ask for a device code; as adal's, which follows redirects."""
        answer = self._post(self._create_device_code_url().geturl(), oauth_parameters)
        return self._validate_device_code_response(raise_for_status(answer))

    def _post(self, url: str, form: dict[str, Any]) -> Response:
        http: Http = self._call_context["http"]
        once = form.get("grant_type") not in REPEATABLE
        return http.post(url, _headers(self, dict(FORM)), Body(urlencode(form)), once=once)


class _UserRealm(UserRealm):  # type: ignore[misc]
    account_type: Any

    def discover(self) -> None:
        """Ask how a user signs in; as adal's, which has no timeout."""
        http: Http = self._call_context["http"]
        headers = _headers(self, {"Accept": "application/json"})
        answer = http.get(self._get_user_realm_url().geturl(), headers)
        self._parse_discovery_response(raise_for_status(answer))
        kinds = adal.constants.UserRealm.account_type
        if self.account_type == kinds["Unknown"]:
            # A domain that nobody has, a slip of the keys above all. adal gives up without a
            # word that helps; Entra ID, asked as msal asks it, says that there is no such user
            # (msal.application, acquire_token_by_username_password).
            self.account_type = kinds["Managed"]


class _Mex(Mex):  # type: ignore[misc]
    def discover(self) -> None:
        """Ask a federation server for its endpoints; as adal's, which has no timeout."""
        http: Http = self._call_context["http"]
        headers = _headers(self, {"Content-Type": "application/soap+xml"})
        document = raise_for_status(http.get(self._url, headers))
        self._dom = _xml(document)
        self._parents = {child: parent for parent in self._dom.iter() for child in parent}
        self._parse()


class _WSTrustRequest(WSTrustRequest):  # type: ignore[misc]
    def acquire_token(self, username: str, password: str) -> Any:
        """Send user name and password; as adal's, which also does so over plain http."""
        url = self._wstrust_endpoint_url
        check_federation(url)
        action, envelope = self._envelope(username, password)
        content = {"Content-Type": "application/soap+xml; charset=utf-8", "SOAPAction": action}
        http: Http = self._call_context["http"]
        answer = http.post(url, _headers(self, content), envelope, once=True)
        return self._read(answer)

    def _envelope(self, username: str, password: str) -> tuple[str, Body]:
        if self._wstrust_endpoint_version == adal.constants.WSTrustVersion.UNDEFINED:
            raise adal.AdalError("unknown version of WS-Trust")
        # adal escapes the password but not the user name (adal/wstrust_request.py).
        text = self._build_rst(escape(username), password)
        match = re.search(r"<wsa:Action[^>]*>([^<]*)<", text)
        return (match.group(1) if match else ""), Body(text)

    def _read(self, answer: Response) -> Any:
        # Built empty, because adal logs a response that it is built with, and knows to
        # hide the assertion only when it has a namespace prefix.
        response = WSTrustResponse(self._call_context, "", self._wstrust_endpoint_version)
        try:
            response._response = checked_xml(answer.text)  # noqa: SLF001
            response.parse()
        except (adal.AdalError, ElementTree.ParseError, ValueError):
            told = response.fault_message or response.error_code
            if told:
                raise federation_fault(told, self._wstrust_endpoint_url) from None
            if not answer.ok:
                raise ErrorResponse(answer) from None
            raise
        return response


class _TokenRequest(TokenRequest):  # type: ignore[misc]
    def poll(self, device_code: Secret) -> Any:
        """Ask for the token once; adal's own loop has no timeout and stops at a 502."""
        parameters = self._create_oauth_parameters("device_code")
        parameters["code"] = device_code.reveal()
        return self._oauth_get_token(parameters)

    def _create_oauth2_client(self) -> Any:
        return _OAuth2Client(self._call_context, self._authentication_context.authority)

    def _create_user_realm_request(self, username: str) -> Any:
        url = self._authentication_context.authority.url
        return _UserRealm(self._call_context, username, url)

    def _create_mex(self, mex_endpoint: str) -> Any:
        return _Mex(self._call_context, mex_endpoint)

    def _create_wstrust_request(self, wstrust_endpoint: str, applies_to: str, version: Any) -> Any:
        return _WSTrustRequest(self._call_context, wstrust_endpoint, applies_to, version)


class _CodeRequest(CodeRequest):  # type: ignore[misc]
    def _create_oauth_parameters(self) -> Any:
        parameters = super()._create_oauth_parameters()
        if self._authentication_context.authority.is_adfs_authority:
            parameters |= _ADFS_ONLY
        return parameters

    def _create_oauth2_client(self) -> Any:
        return _OAuth2Client(self._call_context, self._authentication_context.authority)


class _Authority(Authority):  # type: ignore[misc]
    def _whitelisted(self) -> bool:
        # adal trusts every host with ".dsts." in its name, whoever owns the domain.
        return False

    def _perform_dynamic_instance_discovery(self) -> None:
        url = self._create_instance_discovery_endpoint_from_template(
            adal.constants.AADConstants.WORLD_WIDE_AUTHORITY
        )
        http: Http = self._call_context["http"]
        answer = http.get(url.geturl(), _headers(self, {}))
        check_instance(answer, self._url.hostname)


def _grant(answer: Any, resource: str, now: float) -> Grant:
    return grant(
        answer["tokenType"],
        answer["accessToken"],
        answer.get("refreshToken"),
        expires_on=_expiry(answer, now),
        now=now,
        resource=resource,
        account=_account(answer),
    )


def _expiry(answer: Any, now: float) -> float:
    # From expires_in at this moment; adal's own expiresOn is local time without a zone.
    if answer.get("expiresIn"):
        return now + seconds(answer["expiresIn"])
    return float(seconds(answer["expiresOn"]))


def _account(answer: Any) -> Account:
    # adal invents a userId where the id token has none (adal.oauth2_client._get_user_id).
    username = answer.get("userId") if answer.get("isUserIdDisplayable") else None
    return account(username, answer.get("tenantId"), answer.get("oid"))


def _xml(document: str) -> Any:
    return ElementTree.fromstring(checked_xml(document))  # noqa: S314 - DTDs are refused above
