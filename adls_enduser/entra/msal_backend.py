"""msal, hardened: its requests and its parsing, sent by our own ``Http``.

Only what msal makes public is used: ``PublicClientApplication`` finds the endpoints and makes
the client, and the methods of its ``client`` (``msal.oauth2cli.oidc.Client``) send each
request and parse the response. The application's own methods are not used: they keep tokens
(Session does that here), they wait without a time limit, and the method for passwords is
deprecated and will be removed (msal warns of it).

Every request goes through an ``http_client`` of ours. msal's own has no timeout, follows a
307 with the password, and returns an earlier failure again without a new request, as msal
does with any client (msal.throttled_http_client). So an application makes one request and is
dropped; only the documents of discovery are kept (discovery.py). msal's dictionaries and
exceptions do not leave this module.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

import msal
from msal import mex, wstrust_request, wstrust_response
from msal.authority import WELL_KNOWN_AUTHORITY_HOSTS
from msal.exceptions import MsalError

from ..errors import EndUserError
from ..tokens import Secret
from .addresses import parse_page_url
from .backend import RETRYABLE_GRANTS, AuthorizationFlow, login_hint_params
from .claims import check_claims
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
    unknown_authority,
)
from .token_claims import decode_claims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..options import Settings
    from .backend import AuthorizationPending, DeviceFlow, Grant, GrantKind
    from .exchange import Response

# msal's own application adds these to every request (its ``_decorate_scope``): for an id token
# with the user's name in it, and for a refresh token.
_OIDC_SCOPES = ("openid", "profile", "offline_access")

_INSTANCE_DISCOVERY = "/common/discovery/instance"

# msal is told form_post, and the address says query. msal warns of every mode but form_post,
# because an address with a code in it stays in the browser's history (RFC 9700 section 4.3.1).
# Here such a code is of no use afterwards: it is redeemed at once, and only with the verifier
# (section 2.1.1). And where the browser is on another machine, the person pastes its address,
# which must have the code in it.
_FORM_POST, _QUERY = "form_post", "query"

_SAML_1_1 = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
_SAML_2 = "urn:ietf:params:oauth:grant-type:saml2-bearer"
_GRANT_TYPES = {
    wstrust_response.SAML_TOKEN_TYPE_V1: _SAML_1_1,
    wstrust_response.WSS_SAML_TOKEN_PROFILE_V1_1: _SAML_1_1,
    wstrust_response.SAML_TOKEN_TYPE_V2: _SAML_2,
    wstrust_response.WSS_SAML_TOKEN_PROFILE_V2: _SAML_2,
}

# What msal raises for responses that it did not expect, its assertions included.
_PARSE_ERRORS = (MsalError, RuntimeError, AssertionError)


class MsalBackend:
    """Entra ID's v2.0 endpoints, through msal. ``http`` sends the requests (default: an Http)."""

    __slots__ = ("_http", "_settings")

    def __init__(self, settings: Settings, http: Http | None = None) -> None:
        self._settings = settings
        self._http = http or Http(settings)

    def password(
        self, resource: str, username: str, password: Secret, claims: str | None = None
    ) -> Grant:
        """Send the password (RFC 6749 section 4.3), or for a federated user WS-Trust."""
        with self._error_boundary("password", resource):
            return self._send_password(resource, UserPassword(username, password), claims)

    def start_device_code(self, resource: str, claims: str | None = None) -> DeviceFlow:
        """Request a code to show to the person (RFC 8628 section 3.1)."""
        with self._error_boundary("device_code", resource):
            return self._start_device_code(resource, claims)

    def poll(self, flow: DeviceFlow) -> Grant | AuthorizationPending:
        """Ask once whether the person has finished (RFC 8628 sections 3.4 and 3.5)."""
        with self._error_boundary("device_code", flow.resource):
            return self._poll(flow)

    def refresh(self, resource: str, refresh_token: Secret, claims: str | None = None) -> Grant:
        """Exchange the refresh token for an access token (RFC 6749 section 6)."""
        with self._error_boundary("refresh", resource):
            return self._refresh(resource, refresh_token, claims)

    def start_authorization(
        self, resource: str, redirect_uri: str, claims: str | None = None
    ) -> AuthorizationFlow:
        """Make the address of v2.0's sign-in page (RFC 6749 section 4.1.1)."""
        with self._error_boundary("browser", resource):
            return self._start_authorization(resource, redirect_uri, claims)

    def redeem_code(self, flow: AuthorizationFlow, code: Secret) -> Grant:
        """Exchange the code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""
        with self._error_boundary("browser", flow.resource):
            return self._redeem_code(flow, code)

    def check_claims(self, claims: str | None) -> None:
        """Raise ConfigurationError for a text that is no claims challenge."""
        if claims is not None:
            check_claims(claims)

    def _error_boundary(self, kind: GrantKind, resource: str) -> ErrorBoundary:
        return ErrorBoundary(self._settings, self._http, _PARSE_ERRORS, kind, resource)

    def _send_password(self, resource: str, user: UserPassword, claims: str | None) -> Grant:
        http_client = self._http_client()
        client = self._client(http_client)
        # AD FS has no realms: msal.application, acquire_token_by_username_password.
        authority, is_adfs = self._settings.authority, self._settings.is_adfs
        realm = {} if is_adfs else _user_realm(http_client, authority, user.username)
        if realm.get("account_type") == "Federated":
            assertion = _request_assertion(http_client, realm, user)
            body = _redeem_assertion(client, assertion, resource, claims)
        else:
            body = client.obtain_token_by_username_password(
                user.username, user.password.reveal(), scope=_scope(resource), data=_data(claims)
            )
        return self._grant(body, resource)

    def _start_device_code(self, resource: str, claims: str | None) -> DeviceFlow:
        body = self._client().initiate_device_flow(_scope(resource), data=_data(claims))
        now = self._settings.clock.time()
        return parse_device_flow(body, body["verification_uri"], resource, now, claims)

    def _poll(self, flow: DeviceFlow) -> Grant | AuthorizationPending:
        code = flow.device_code.reveal()
        try:
            body = self._client().obtain_token_by_device_flow(
                {"device_code": code},
                exit_condition=_after_one_poll,
                # The service may want the code under either name: msal.application,
                # acquire_token_by_device_flow.
                data={"code": code, **_data(flow.claims)},
            )
        except ErrorResponse as error_response:
            return pending(error_response)
        return self._grant(body, flow.resource)

    def _refresh(self, resource: str, refresh_token: Secret, claims: str | None) -> Grant:
        body = self._client().obtain_token_by_refresh_token(
            refresh_token.reveal(), scope=_scope(resource), data=_data(claims)
        )
        return self._grant(body, resource)

    def _start_authorization(
        self, resource: str, redirect_uri: str, claims: str | None
    ) -> AuthorizationFlow:
        flow = self._client().initiate_auth_code_flow(
            scope=_scope(resource),
            redirect_uri=redirect_uri,
            response_mode=_FORM_POST,
            claims=claims,
            **login_hint_params(self._settings),
        )
        url = flow["auth_uri"].replace(f"response_mode={_FORM_POST}", f"response_mode={_QUERY}")
        return AuthorizationFlow(
            parse_page_url(url),
            flow["redirect_uri"],
            Secret(flow["state"]),
            Secret(flow["code_verifier"]),
            resource,
            nonce=Secret(flow["nonce"]),
            claims=claims,
        )

    def _redeem_code(self, flow: AuthorizationFlow, code: Secret) -> Grant:
        body = self._client().obtain_token_by_auth_code_flow(
            _msal_flow(flow),
            {"state": flow.state.reveal(), "code": code.reveal()},
            data=_data(flow.claims),
        )
        return self._grant(body, flow.resource)

    def _http_client(self) -> MsalHttpClient:
        host = urlsplit(self._settings.authority).hostname
        now = self._settings.clock.time()
        return MsalHttpClient(self._http, host, known_documents(self._settings), now)

    def _client(self, http_client: MsalHttpClient | None = None) -> Any:
        http_client = http_client or self._http_client()
        application = self._application(http_client)
        keep_documents(self._settings, http_client.documents)
        return application.client

    def _application(self, http_client: MsalHttpClient) -> Any:
        settings = self._settings
        validate = settings.cloud.validate_authority
        host = urlsplit(settings.authority).hostname
        if validate and settings.is_adfs and host not in WELL_KNOWN_AUTHORITY_HOSTS:
            # msal takes any AD FS for known; Microsoft's instance discovery knows none.
            raise unknown_authority(host)
        try:
            return msal.PublicClientApplication(
                settings.client_id,
                authority=settings.authority,
                validate_authority=validate,
                http_client=http_client,
                token_cache=NullTokenCache(),
            )
        except ValueError:
            # msal catches every ValueError, our ConfigurationError among them, and raises its
            # own with a text that says less.
            if http_client.failure is not None:
                raise http_client.failure from None
            raise

    def _grant(self, body: Any, resource: str) -> Grant:
        now = self._settings.clock.time()
        return parse_grant(
            body["token_type"],
            body["access_token"],
            body.get("refresh_token"),
            expires_on=now + parse_seconds(body["expires_in"]),
            now=now,
            resource=resource,
            id_token=body.get("id_token"),
        )


class UserPassword(NamedTuple):
    """A user name and its password."""

    username: str
    password: Secret


class NullTokenCache(msal.TokenCache):  # type: ignore[misc]
    """Keep no token: Session keeps them, and msal's own cache logs tokens that it gets."""

    def add(self, event: Any, now: Any = None) -> None:
        """Keep nothing."""

    def remove_rt(self, rt_item: Any) -> None:
        """Do nothing: there is nothing to remove."""

    def update_rt(self, rt_item: Any, new_rt: Any) -> None:
        """Do nothing: there is nothing to update."""


class _MsalResponse:
    """A response in the form that msal reads (msal.oauth2cli.http.Response)."""

    def __init__(self, text: str, headers: Mapping[str, str] | None = None) -> None:
        self.status_code, self.headers, self.text = 200, headers or {}, text

    def raise_for_status(self) -> None:
        """Do nothing: MsalHttpClient has raised ErrorResponse already."""


class MsalHttpClient:
    """The ``http_client`` of one application (msal.oauth2cli.http.HttpClient).

    ``documents`` are those of discovery, by URL, that need not be requested again. An error
    response is raised here, as ErrorResponse: so all of them are read in one way, and msal,
    which logs a body that is not JSON, sees none.
    """

    def __init__(
        self, http: Http, host: str | None, documents: dict[str, Document], now: float
    ) -> None:
        self._http, self._host, self._now = http, host, now
        self._correlation_id = str(uuid.uuid4())
        self.documents = documents
        self.failure: EndUserError | None = None

    def get(self, url: str, headers: Any = None, params: Any = None, **_: Any) -> _MsalResponse:
        """Return a document of discovery; request it unless it is known."""
        url = f"{url}?{urlencode(params)}" if params else url
        try:
            if url not in self.documents:
                self.documents[url] = Document(self.send_get(url, headers).text, self._now)
        except EndUserError as error:
            self.failure = error
            raise
        return _MsalResponse(self.documents[url].text)

    def send_get(self, url: str, headers: Any = None) -> Response:
        """Send a GET; raise ErrorResponse unless it succeeds."""
        response = self._http.get(url, self._headers(headers))
        if urlsplit(url).path == _INSTANCE_DISCOVERY:
            check_instance_discovery(response, self._host)
        raise_for_status(response)
        return response

    def post(self, url: str, headers: Any = None, data: Any = None, **_: Any) -> _MsalResponse:
        """Send a form, or an envelope to a federation server."""
        if isinstance(data, str):
            envelope = self._send_envelope(url, headers, data)
            return _MsalResponse(envelope.text, envelope.headers)
        form = {name: value for name, value in data.items() if value is not None}
        retry = form.get("grant_type") in RETRYABLE_GRANTS
        headers = self._headers({**headers, **FORM_HEADERS})
        response = self._http.post(url, headers, Body(urlencode(form)), retry=retry)
        text = _with_readable_id_token(raise_for_status(response))
        return _MsalResponse(text, response.headers)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def _send_envelope(self, url: str, headers: Any, envelope: str) -> Response:
        check_federation_url(url)
        response = self._http.post(url, self._headers(headers), Body(envelope), retry=False)
        fault = _fault(response.text)
        if fault:
            raise federation_error(fault, url)
        refuse_doctype(raise_for_status(response))
        return response

    def _headers(self, headers: Any) -> dict[str, str]:
        # X-AnchorMailbox, a hint for routing, holds the user name as it was given, and not
        # every letter may stand in a header (RFC 9110 section 5.5).
        ascii_only = {name: value for name, value in (headers or {}).items() if value.isascii()}
        return {**ascii_only, "client-request-id": self._correlation_id}


def _with_readable_id_token(text: str) -> str:
    """Return a response for msal, which raises where it cannot read the id token."""
    body = json.loads(text)
    if not isinstance(body, dict) or decode_claims(body.get("id_token")):
        return text
    return json.dumps({name: value for name, value in body.items() if name != "id_token"})


def _scope(resource: str) -> list[str]:
    # The audience keeps its trailing slash, so that there are two: with one, Entra ID
    # makes the token for another audience (azure-cli-core, auth/util.py, resource_to_scopes).
    return [f"{resource}/.default", *_OIDC_SCOPES]


def _data(claims: str | None) -> dict[str, str]:
    return {} if claims is None else {"claims": claims}


def _after_one_poll(_flow: Any) -> bool:
    """Tell msal to stop: device_flow.py has the loop."""
    return True


def _user_realm(http_client: MsalHttpClient, authority: str, username: str) -> Any:
    """Ask how a user signs in; msal's own drops the port and does not quote the name."""
    url = f"https://{urlsplit(authority).netloc}/common/userrealm/{quote(username, safe='')}"
    try:
        response = http_client.send_get(f"{url}?api-version=1.0", {"Accept": "application/json"})
    except ErrorResponse as error_response:
        if error_response.status == 404:  # an authority without realms: msal.authority
            return {}
        raise
    realm = json.loads(response.text)
    if not isinstance(realm["account_type"], str):
        raise TypeError("not an account type")
    return realm


def _request_assertion(http_client: MsalHttpClient, realm: Any, user: UserPassword) -> Any:
    """Request a SAML assertion about the person from the federation server.

    By WS-Trust 1.3 or 2005.
    """
    endpoint = _wstrust_endpoint(http_client, realm.get("federation_metadata_url"))
    url = endpoint.get("address") or realm["federation_active_auth_url"]
    check_federation_url(url)
    return wstrust_request.send_request(
        user.username,
        user.password.reveal(),
        realm.get("cloud_audience_urn") or "urn:federation:MicrosoftOnline",
        url,
        endpoint.get("action"),
        http_client,
    )


def _wstrust_endpoint(http_client: MsalHttpClient, metadata_url: Any) -> Any:
    if not metadata_url:
        return {}
    check_federation_url(metadata_url)
    document = mex.Mex(refuse_doctype(http_client.send_get(metadata_url).text))
    return document.get_wstrust_username_password_endpoint() or {}


def _fault(envelope: str) -> str | None:
    try:
        fault = wstrust_response.parse_error(refuse_doctype(envelope))
    except (ElementTree.ParseError, AttributeError, ValueError):
        return None
    return str(fault["reason"] or fault["code"]) if fault else None


def _redeem_assertion(client: Any, assertion: Any, resource: str, claims: str | None) -> Any:
    """Exchange an assertion for tokens (RFC 7522 section 2.1)."""
    grant_type = _GRANT_TYPES[assertion["type"]]
    client.grant_assertion_encoders = {grant_type: client.encode_saml_assertion}
    return client.obtain_token_by_assertion(
        assertion["token"], grant_type, scope=_scope(resource), data=_data(claims)
    )


def _msal_flow(flow: AuthorizationFlow) -> dict[str, Any]:
    """Return the flow in the form of msal's ``initiate_auth_code_flow``."""
    return {
        "state": flow.state.reveal(),
        "redirect_uri": flow.redirect_uri,
        "scope": _scope(flow.resource),
        "code_verifier": flow.verifier.reveal(),
        "nonce": flow.nonce.reveal() if flow.nonce else "",
    }
