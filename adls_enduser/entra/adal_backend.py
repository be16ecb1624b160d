"""adal, hardened: its requests and its parsing, sent by our own ``Http``.

adal 1.2.7 is its last release, and it makes its requests itself: some without a
timeout, all following redirects, with TLS checks that an environment variable turns
off. The ``_create_*`` methods of ``adal.token_request.TokenRequest`` can be overridden, and
with them the five classes below send the same requests through ``http.Http``. adal's
exceptions and dictionaries do not leave this module.
"""

from __future__ import annotations

import importlib.util
import re
from base64 import urlsafe_b64encode
from datetime import datetime, timezone
from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import adal
from adal import constants, util
from adal.authority import Authority
from adal.code_request import CodeRequest
from adal.mex import Mex
from adal.oauth2_client import OAuth2Client
from adal.token_request import TokenRequest
from adal.user_realm import UserRealm
from adal.wstrust_response import WSTrustResponse

from ..errors import ConfigurationError
from ..tokens import Secret
from .backend import RETRYABLE_GRANTS, AuthorizationFlow, login_hint_params
from .discovery import Document, keep_documents, known_documents
from .http import FORM_HEADERS, Body, Http
from .responses import (
    ErrorBoundary,
    ErrorResponse,
    check_federation_url,
    check_instance_discovery,
    federation_error,
    parse_device_flow,
    parse_grant,
    parse_seconds,
    pending,
    raise_for_status,
    refuse_doctype,
)

if TYPE_CHECKING:
    from ..options import Settings
    from .backend import AuthorizationPending, DeviceFlow, Grant, GrantKind
    from .exchange import Response

# AD FS names the person who signed in only if the request asks for it (Microsoft, "AD FS OpenID
# Connect/OAuth flows and Application Scenarios", device code flow and authorization code grant
# flow).
_ADFS_PARAMS = {"scope": "openid"}


class AdalBackend:
    """Entra ID's v1.0 endpoints, through adal. ``http`` sends the requests (default: an Http)."""

    __slots__ = ("_http", "_settings")

    def __init__(self, settings: Settings, http: Http | None = None) -> None:
        self._settings = settings
        self._http = http or Http(settings)

    def password(
        self, resource: str, username: str, password: Secret, claims: str | None = None
    ) -> Grant:
        """Send the password (RFC 6749 section 4.3), or for a federated user WS-Trust."""
        self.check_claims(claims)
        with self._error_boundary("password", resource):
            return self._send_password(resource, username, password)

    def start_device_code(self, resource: str, claims: str | None = None) -> DeviceFlow:
        """Request a code to show to the person (RFC 8628 section 3.1)."""
        self.check_claims(claims)
        with self._error_boundary("device_code", resource):
            return self._start_device_code(resource)

    def poll(self, flow: DeviceFlow) -> Grant | AuthorizationPending:
        """Ask once whether the person has finished (RFC 8628 sections 3.4 and 3.5)."""
        with self._error_boundary("device_code", flow.resource):
            return self._poll(flow)

    def refresh(self, resource: str, refresh_token: Secret, claims: str | None = None) -> Grant:
        """Exchange the refresh token for an access token (RFC 6749 section 6)."""
        self.check_claims(claims)
        with self._error_boundary("refresh", resource):
            return self._refresh(resource, refresh_token)

    def start_authorization(
        self, resource: str, redirect_uri: str, claims: str | None = None
    ) -> AuthorizationFlow:
        """Make the address of v1.0's sign-in page (RFC 6749 section 4.1.1); adal makes none."""
        self.check_claims(claims)
        with self._error_boundary("browser", resource):
            self._context()  # raises unless the authority may be trusted
        state, verifier = Secret(token_urlsafe(32)), Secret(token_urlsafe(64))
        query = {
            "response_type": "code",
            "response_mode": "query",
            "client_id": self._settings.client_id,
            "resource": resource,
            "redirect_uri": redirect_uri,
            "state": state.reveal(),
            "code_challenge": _code_challenge(verifier),
            "code_challenge_method": "S256",
            **login_hint_params(self._settings),
            **(_ADFS_PARAMS if self._settings.is_adfs else {}),
        }
        path = constants.AADConstants.AUTHORIZE_ENDPOINT_PATH
        url = f"{self._settings.authority}{path}?{urlencode(query)}"
        return AuthorizationFlow(url, redirect_uri, state, verifier, resource)

    def redeem_code(self, flow: AuthorizationFlow, code: Secret) -> Grant:
        """Exchange the code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""
        with self._error_boundary("browser", flow.resource):
            return self._redeem_code(flow, code)

    def check_claims(self, claims: str | None) -> None:
        """Refuse any claims challenge: adal has no parameter for one."""
        if claims is not None:
            raise ConfigurationError(
                "adal cannot reply to a claims challenge: it has no way to send one.",
                remedy="Sign in with library='msal', which can send it.",
            )

    def _error_boundary(self, kind: GrantKind, resource: str) -> ErrorBoundary:
        return ErrorBoundary(self._settings, self._http, (adal.AdalError,), kind, resource)

    def _send_password(self, resource: str, username: str, password: Secret) -> Grant:
        request = self._token_request(resource)
        body = request.get_token_with_username_password(username, password.reveal())
        return self._grant(body, resource)

    def _start_device_code(self, resource: str) -> DeviceFlow:
        body = self._code_request(resource).get_user_code_info(None)
        # v1.0 says verification_url where RFC 8628, and so AD FS, says verification_uri.
        url = body.get("verification_url") or body["verification_uri"]
        return parse_device_flow(body, url, resource, self._settings.clock.time())

    def _poll(self, flow: DeviceFlow) -> Grant | AuthorizationPending:
        try:
            body = self._token_request(flow.resource).poll(flow.device_code)
        except ErrorResponse as error_response:
            return pending(error_response)
        return self._grant(body, flow.resource)

    def _refresh(self, resource: str, refresh_token: Secret) -> Grant:
        request = self._token_request(resource)
        body = request.get_token_with_refresh_token(refresh_token.reveal(), None)
        return self._grant(body, resource)

    def _redeem_code(self, flow: AuthorizationFlow, code: Secret) -> Grant:
        request = self._token_request(flow.resource, flow.redirect_uri)
        body = request.get_token_with_authorization_code(
            code.reveal(), None, flow.verifier.reveal()
        )
        return self._grant(body, flow.resource)

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
        context.authority = authority = _Authority(
            self._settings.authority, self._settings.cloud.validate_authority
        )
        call_context = context._call_context  # noqa: SLF001 - what adal hands to every class
        call_context["log_context"] = adal.log.create_log_context(None, False)
        call_context |= {"http": self._http, "settings": self._settings}
        authority.validate(call_context)
        return context

    def _token_request(self, resource: str, redirect_uri: str | None = None) -> _TokenRequest:
        context = self._context()
        call_context = context._call_context  # noqa: SLF001
        client_id = self._settings.client_id
        return _TokenRequest(call_context, context, client_id, resource, redirect_uri)

    def _code_request(self, resource: str) -> _CodeRequest:
        context = self._context()
        call_context = context._call_context  # noqa: SLF001
        return _CodeRequest(call_context, context, self._settings.client_id, resource)

    def _grant(self, body: Any, resource: str) -> Grant:
        now = self._settings.clock.time()
        return parse_grant(
            body["tokenType"],
            body["accessToken"],
            body.get("refreshToken"),
            expires_on=_expires_on(body, now),
            now=now,
            resource=resource,
            id_token=body.get("id_token"),
        )


def _code_challenge(verifier: Secret) -> str:
    # RFC 7636 section 4.2.
    digest = sha256(verifier.reveal().encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _headers(request: Any, headers: dict[str, str]) -> dict[str, str]:
    # A fresh dictionary: adal shares one module-level header dictionary between all
    # requests of the process (adal.oauth2_client._REQ_OPTION).
    options: dict[str, dict[str, str]] = util.create_request_options(request, {"headers": headers})
    return options["headers"]


class _OAuth2Client(OAuth2Client):  # type: ignore[misc]
    def get_token(self, oauth_parameters: dict[str, Any]) -> Any:
        """Request a token; adal's own follows redirects."""
        response = self._post(self._create_token_url().geturl(), oauth_parameters)
        return self._validate_token_response(raise_for_status(response))

    def get_user_code_info(self, oauth_parameters: dict[str, Any]) -> Any:
        """Request a device code; adal's own follows redirects."""
        response = self._post(self._create_device_code_url().geturl(), oauth_parameters)
        return self._validate_device_code_response(raise_for_status(response))

    def _parse_id_token(self, encoded_token: Any) -> dict[str, Any]:
        """Return the id token as it is; adal's own raises for a claim of another form."""
        return {"id_token": encoded_token}

    def _post(self, url: str, form: dict[str, Any]) -> Response:
        http: Http = self._call_context["http"]
        retry = form.get("grant_type") in RETRYABLE_GRANTS
        headers = _headers(self, dict(FORM_HEADERS))
        return http.post(url, headers, Body(urlencode(form)), retry=retry)


class _UserRealm(UserRealm):  # type: ignore[misc]
    account_type: Any

    def discover(self) -> None:
        """Ask how a user signs in; adal's own has no timeout."""
        http: Http = self._call_context["http"]
        headers = _headers(self, {"Accept": "application/json"})
        response = http.get(self._get_user_realm_url().geturl(), headers)
        self._parse_discovery_response(raise_for_status(response))
        types = constants.UserRealm.account_type
        if self.account_type == types["Unknown"]:
            # The domain is nobody's, most often because of a typo. adal stops here with an error
            # that does not help. If the password is sent all the same, as msal does
            # (msal.application, acquire_token_by_username_password), Entra ID says that there is
            # no such user.
            self.account_type = types["Managed"]


class _Mex(Mex):  # type: ignore[misc]
    def discover(self) -> None:
        """Ask a federation server for its endpoints; adal's own has no timeout."""
        http: Http = self._call_context["http"]
        headers = _headers(self, {"Content-Type": "application/soap+xml"})
        document = raise_for_status(http.get(self._url, headers))
        self._dom = ElementTree.fromstring(refuse_doctype(document))  # noqa: S314 - without DTD
        self._parents = {child: parent for parent in self._dom.iter() for child in parent}
        self._parse()


class _Utc(datetime):
    @classmethod
    def utcnow(cls) -> _Utc:
        """Return the time; Python 3.12 and later warn about datetime's own method.

        Never with 0 microseconds, which isoformat leaves out: adal then cuts the seconds off.
        """
        now = cls.now(timezone.utc).replace(tzinfo=None)
        return now.replace(microsecond=now.microsecond or 1)


def _wstrust_request() -> Any:
    """Return a second copy of adal.wstrust_request, which has our clock.

    The module calls datetime.utcnow. Where a program makes warnings errors, that would end the
    sign-in, and a filter for one call is not possible: filters are the same for all threads.
    """
    spec: Any = importlib.util.find_spec("adal.wstrust_request")
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.datetime = _Utc
    return module


class _WSTrustRequest(_wstrust_request().WSTrustRequest):  # type: ignore[misc]
    def acquire_token(self, username: str, password: str) -> Any:
        """Send user name and password; adal's own does so over plain http too."""
        url = self._wstrust_endpoint_url
        check_federation_url(url)
        action, envelope = self._envelope(username, password)
        content = {"Content-Type": "application/soap+xml; charset=utf-8", "SOAPAction": action}
        http: Http = self._call_context["http"]
        response = http.post(url, _headers(self, content), envelope, retry=False)
        return self._parse(response)

    def _envelope(self, username: str, password: str) -> tuple[str, Body]:
        if self._wstrust_endpoint_version == constants.WSTrustVersion.UNDEFINED:
            raise adal.AdalError("unknown version of WS-Trust")
        # adal escapes the password but not the user name (adal/wstrust_request.py).
        text = self._build_rst(escape(username), password)
        match = re.search(r"<wsa:Action[^>]*>([^<]*)<", text)
        return (match.group(1) if match else ""), Body(text)

    def _parse(self, response: Response) -> Any:
        # Made with an empty text, because adal logs the text that it is made with, and hides
        # the assertion in it only if that has a namespace prefix.
        parsed = WSTrustResponse(self._call_context, "", self._wstrust_endpoint_version)
        try:
            parsed._response = refuse_doctype(response.text)  # noqa: SLF001
            parsed.parse()
        except (adal.AdalError, ElementTree.ParseError, ValueError):
            fault = parsed.fault_message or parsed.error_code
            if fault:
                raise federation_error(fault, self._wstrust_endpoint_url) from None
            if not response.ok:
                raise ErrorResponse(response) from None
            raise
        return parsed


class _TokenRequest(TokenRequest):  # type: ignore[misc]
    def poll(self, device_code: Secret) -> Any:
        """Request the token once; adal's own loop has no timeout and stops at a 502."""
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

    def _create_wstrust_request(
        self, wstrust_endpoint: str, applies_to: str, wstrust_endpoint_version: Any
    ) -> Any:
        version = wstrust_endpoint_version
        return _WSTrustRequest(self._call_context, wstrust_endpoint, applies_to, version)


class _CodeRequest(CodeRequest):  # type: ignore[misc]
    def _create_oauth_parameters(self) -> Any:
        parameters = super()._create_oauth_parameters()
        if self._authentication_context.authority.is_adfs_authority:
            parameters |= _ADFS_PARAMS
        return parameters

    def _create_oauth2_client(self) -> Any:
        return _OAuth2Client(self._call_context, self._authentication_context.authority)


class _Authority(Authority):  # type: ignore[misc]
    _call_context: Any

    def _whitelisted(self) -> bool:
        # adal trusts every host with ".dsts." in its name, no matter who owns the domain.
        return False

    def _perform_dynamic_instance_discovery(self) -> None:
        url = self._create_instance_discovery_endpoint_from_template(
            constants.AADConstants.WORLD_WIDE_AUTHORITY
        ).geturl()
        settings: Settings = self._call_context["settings"]
        if url in known_documents(settings):
            return
        http: Http = self._call_context["http"]
        response = http.get(url, _headers(self, {}))
        check_instance_discovery(response, self._url.hostname)
        document = Document(response.text, settings.clock.time())
        keep_documents(settings, {url: document})


def _expires_on(body: Any, now: float) -> float:
    # From expires_in at this moment; adal's own expiresOn is local time without a zone.
    if body.get("expiresIn"):
        return now + parse_seconds(body["expiresIn"])
    return parse_seconds(body["expiresOn"])
