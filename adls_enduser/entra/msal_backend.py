"""msal, hardened: its requests and its parsing, sent by our own ``Http``.

The seam is what msal makes public: ``PublicClientApplication`` finds the endpoints and
builds the client, and the methods of its ``client`` (``msal.oauth2cli.oidc.Client``)
make each request and read its answer. The application's own methods are not used: they
keep tokens where Session does, wait without an end, and that for passwords is deprecated
and will be removed (msal warns of it). Everything goes through an ``http_client`` of
ours, because msal's own has no timeout, follows a 307 with the password, and with any
client gives an earlier failure again without asking (msal.throttled_http_client). So an
application serves one call and is forgotten; only what discovery found is kept.
The dictionaries that msal gives and what it raises end in this module.
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

from ..claims import check_claims
from ..errors import EndUserError
from ..tokens import Secret
from .backend import AuthorizationFlow, AuthorizationPending
from .http import Body, Http
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
    page,
    raise_for_status,
    seconds,
    unknown_authority,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..options import Settings
    from ..tokens import Account
    from .backend import DeviceFlow, Grant
    from .error_response import RequestContext
    from .http import Response

# What msal's own application asks for beside the resource (its ``_decorate_scope``): an id
# token with the user's name in it, and a refresh token.
_ALWAYS = ("openid", "profile", "offline_access")

_INSTANCE_DISCOVERY = "/common/discovery/instance"

# msal warns of every other mode, because an address with a code in it stays in the browser's
# history (RFC 9700 section 4.3.1). Here it is good for nothing once it has arrived: it is
# redeemed at once, and only with the verifier (section 2.1.1). And where the browser is at
# another machine, its address is what the person brings.
_FORM_POST, _QUERY = "form_post", "query"

_SAML_1_1 = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
_SAML_2 = "urn:ietf:params:oauth:grant-type:saml2-bearer"
_GRANT_TYPES = {
    wstrust_response.SAML_TOKEN_TYPE_V1: _SAML_1_1,
    wstrust_response.WSS_SAML_TOKEN_PROFILE_V1_1: _SAML_1_1,
    wstrust_response.SAML_TOKEN_TYPE_V2: _SAML_2,
    wstrust_response.WSS_SAML_TOKEN_PROFILE_V2: _SAML_2,
}

# What msal raises at answers that it did not expect, its assertions included.
_UNREADABLE = (msal.exceptions.MsalError, RuntimeError, AssertionError)


class MsalBackend:
    """Entra ID's v2.0 endpoints, through msal; ``http`` sends (default: an Http)."""

    answers_claims = True

    def __init__(self, settings: Settings, http: Http | None = None) -> None:
        self._settings = settings
        self._http = http or Http(settings)
        self._border = ErrorBoundary(settings, self._http, _UNREADABLE)
        self._discovered: Mapping[str, Response] = {}

    def password(
        self, resource: str, username: str, password: Secret, claims: str | None = None
    ) -> Grant:
        """Send the password (RFC 6749 section 4.3), or for a federated user WS-Trust."""
        person = UserPassword(username, password)
        return self._border.run(
            self._border.attempt("password", resource),
            lambda: self._grant(self._password(person, resource, claims), resource),
        )

    def start_device_code(self, resource: str, claims: str | None = None) -> DeviceFlow:
        """Ask for a code to show to the person (RFC 8628 section 3.1)."""

        def ask() -> DeviceFlow:
            answer = self._client().initiate_device_flow(_scope(resource), data=_data(claims))
            url, now = answer["verification_uri"], self._settings.clock.time()
            return device_flow(answer, url, resource, now, claims)

        return self._border.run(self._border.attempt("device_code", resource), ask)

    def poll(self, flow: DeviceFlow) -> Grant | AuthorizationPending:
        """Ask once whether the person has finished (RFC 8628 sections 3.4 and 3.5)."""
        attempt = self._border.attempt("device_code", flow.resource)
        return self._border.run(attempt, lambda: self._poll(flow))

    def refresh(self, resource: str, refresh_token: Secret, claims: str | None = None) -> Grant:
        """Trade the refresh token for an access token (RFC 6749 section 6)."""

        def ask() -> Grant:
            answer = self._client().obtain_token_by_refresh_token(
                refresh_token.reveal(), scope=_scope(resource), data=_data(claims)
            )
            return self._grant(answer, resource)

        return self._border.run(self._border.attempt("refresh", resource), ask)

    def start_authorization(
        self, resource: str, redirect_uri: str, claims: str | None = None
    ) -> AuthorizationFlow:
        """Make the address of v2.0's sign-in page (RFC 6749 section 4.1.1)."""
        attempt = self._border.attempt("browser", resource)

        def ask() -> AuthorizationFlow:
            started = self._client().initiate_auth_code_flow(
                scope=_scope(resource),
                redirect_uri=redirect_uri,
                response_mode=_FORM_POST,
                claims=claims,
                **login_hint_params(self._settings),
            )
            return _flow(started, attempt, claims)

        return self._border.run(attempt, ask)

    def redeem_code(self, flow: AuthorizationFlow, code: Secret) -> Grant:
        """Trade the code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""

        def ask() -> Grant:
            answer = self._client().obtain_token_by_auth_code_flow(
                _started(flow),
                {"state": flow.state.reveal(), "code": code.reveal()},
                data=_data(flow.claims),
            )
            return self._grant(answer, flow.attempt.resource)

        return self._border.run(flow.attempt, ask)

    def check_claims(self, claims: str | None) -> None:
        """Refuse what is no claims challenge."""
        if claims is not None:
            check_claims(claims)

    def _poll(self, flow: DeviceFlow) -> Grant | AuthorizationPending:
        code = flow.device_code.reveal()
        try:
            answer = self._client().obtain_token_by_device_flow(
                {"device_code": code},
                exit_condition=lambda _: True,  # once; polling.py has the loop
                # The service may want the code under either name: msal.application,
                # acquire_token_by_device_flow.
                data={"code": code, **_data(flow.claims)},
            )
            return self._grant(answer, flow.resource)
        except ErrorResponse as refused:
            if refused.error in ("authorization_pending", "slow_down"):
                return AuthorizationPending(slow_down=refused.error == "slow_down")
            raise

    def _password(self, person: UserPassword, resource: str, claims: str | None) -> Any:
        settings, wire = self._settings, self._wire()
        client = self._client(wire)
        # AD FS has no realms: msal.application, acquire_token_by_username_password.
        realm = {} if settings.is_adfs else _realm(wire, settings.authority, person.username)
        if realm.get("account_type") == "Federated":
            assertion = _assertion(wire, realm, person)
            return _obtain_by_assertion(client, assertion, resource, claims)
        return client.obtain_token_by_username_password(
            person.username, person.password.reveal(), scope=_scope(resource), data=_data(claims)
        )

    def _wire(self) -> MsalHttpClient:
        return MsalHttpClient(
            self._http, urlsplit(self._settings.authority).hostname, self._discovered
        )

    def _client(self, wire: MsalHttpClient | None = None) -> Any:
        wire = wire or self._wire()
        application = self._application(wire)
        self._discovered = wire.found
        return application.client

    def _application(self, wire: MsalHttpClient) -> Any:
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
                http_client=wire,
                token_cache=NullTokenCache(),
            )
        except ValueError:
            # What msal makes of it says less; a ConfigurationError of ours is one too.
            if wire.failure is not None:
                raise wire.failure from None
            raise

    def _grant(self, answer: Any, resource: str) -> Grant:
        return _grant(answer, resource, self._settings.clock.time())


class UserPassword(NamedTuple):
    """A user name and a password on their way."""

    username: str
    password: Secret


class NullTokenCache(msal.TokenCache):  # type: ignore[misc]
    """Keeps nothing: Session does, and on the way into msal's own cache tokens are logged."""

    def add(self, event: Any, now: Any = None) -> None:
        """Forget what was obtained."""

    def remove_rt(self, rt_item: Any) -> None:
        """Have nothing to remove."""

    def update_rt(self, rt_item: Any, new_rt: Any) -> None:
        """Have nothing to update."""


class _Response:
    """An answer in the form that msal reads (msal.oauth2cli.http.Response)."""

    def __init__(self, answer: Response) -> None:
        self.status_code, self.text, self.headers = answer.status, answer.text, answer.headers

    def raise_for_status(self) -> None:
        """Raise nothing: what was refused never gets here."""


class MsalHttpClient:
    """The ``http_client`` of one application (msal.oauth2cli.http.HttpClient).

    ``discovered`` are answers to GET requests that need not be asked for again; ``found``
    are they and those of this application. A refusal is raised here, as ErrorResponse, so that
    all of them are read in one way and msal, which logs a body that is no JSON, sees none.
    """

    def __init__(self, http: Http, host: str | None, discovered: Mapping[str, Response]) -> None:
        self._http = http
        self._host = host
        self._id = str(uuid.uuid4())
        self.found = dict(discovered)
        self.failure: EndUserError | None = None

    def get(self, url: str, headers: Any = None, params: Any = None, **_: Any) -> _Response:
        """Ask for a document of discovery, unless it is known."""
        url = f"{url}?{urlencode(params)}" if params else url
        try:
            self.found[url] = self.found.get(url) or self.ask(url, headers)
        except EndUserError as error:
            self.failure = error
            raise
        return _Response(self.found[url])

    def ask(self, url: str, headers: Any = None) -> Response:
        """Send a GET."""
        answer = self._http.get(url, self._headers(headers))
        if urlsplit(url).path == _INSTANCE_DISCOVERY:
            check_instance(answer, self._host)
        raise_for_status(answer)
        return answer

    def post(self, url: str, headers: Any = None, data: Any = None, **_: Any) -> _Response:
        """Send a form, or an envelope to a federation server."""
        if isinstance(data, str):
            return _Response(self._send_envelope(url, headers, data))
        form = {name: value for name, value in data.items() if value is not None}
        once = form.get("grant_type") not in REPEATABLE
        headers = self._headers({**headers, **FORM})
        answer = self._http.post(url, headers, Body(urlencode(form)), once=once)
        json.loads(raise_for_status(answer))
        return _Response(answer)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def _send_envelope(self, url: str, headers: Any, envelope: str) -> Response:
        check_federation(url)
        answer = self._http.post(url, self._headers(headers), Body(envelope), once=True)
        told = _fault(answer.text)
        if told:
            raise federation_fault(told, url)
        checked_xml(raise_for_status(answer))
        return answer

    def _headers(self, headers: Any) -> dict[str, str]:
        # X-AnchorMailbox, a hint for routing, is the user name as it was given, and not
        # every letter may stand in a header (RFC 9110 section 5.5).
        ascii_only = {name: one for name, one in (headers or {}).items() if one.isascii()}
        return {**ascii_only, "client-request-id": self._id}


def _scope(resource: str) -> list[str]:
    # The audience keeps its trailing slash, so that there are two: with one, Entra ID
    # makes the token for another audience (azure-cli-core, auth/util.py, resource_to_scopes).
    return [f"{resource}/.default", *_ALWAYS]


def _data(claims: str | None) -> dict[str, str]:
    return {} if claims is None else {"claims": claims}


def _realm(wire: MsalHttpClient, authority: str, username: str) -> Any:
    """Ask how a user signs in; as msal, which drops a port and does not quote the name."""
    url = f"https://{urlsplit(authority).netloc}/common/userrealm/{quote(username, safe='')}"
    try:
        answer = wire.ask(f"{url}?api-version=1.0", {"Accept": "application/json"})
    except ErrorResponse as refused:
        if refused.status == 404:  # an authority without realms: msal.authority
            return {}
        raise
    realm = json.loads(answer.text)
    if not isinstance(realm["account_type"], str):
        raise TypeError("not an account type")
    return realm


def _assertion(wire: MsalHttpClient, realm: Any, person: UserPassword) -> Any:
    """Have the federation server say, as SAML, who the person is (WS-Trust 1.3 or 2005)."""
    endpoint = _endpoint(wire, realm.get("federation_metadata_url"))
    url = endpoint.get("address") or realm["federation_active_auth_url"]
    check_federation(url)
    return wstrust_request.send_request(
        person.username,
        person.password.reveal(),
        realm.get("cloud_audience_urn") or "urn:federation:MicrosoftOnline",
        url,
        endpoint.get("action"),
        wire,
    )


def _endpoint(wire: MsalHttpClient, url: Any) -> Any:
    if not url:
        return {}
    check_federation(url)
    document = mex.Mex(checked_xml(wire.ask(url).text))
    return document.get_wstrust_username_password_endpoint() or {}


def _fault(envelope: str) -> str | None:
    try:
        told = wstrust_response.parse_error(checked_xml(envelope))
    except (ElementTree.ParseError, AttributeError, ValueError):
        return None
    return str(told["reason"] or told["code"]) if told else None


def _obtain_by_assertion(client: Any, assertion: Any, resource: str, claims: str | None) -> Any:
    """Trade an assertion for tokens (RFC 7522 section 2.1)."""
    grant_type = _GRANT_TYPES[assertion["type"]]
    client.grant_assertion_encoders = {grant_type: client.encode_saml_assertion}
    return client.obtain_token_by_assertion(
        assertion["token"], grant_type, scope=_scope(resource), data=_data(claims)
    )


def _grant(answer: Any, resource: str, now: float) -> Grant:
    return grant(
        answer["token_type"],
        answer["access_token"],
        answer.get("refresh_token"),
        expires_on=now + seconds(answer["expires_in"]),
        now=now,
        resource=resource,
        account=_account(answer.get("id_token_claims") or {}),
    )


def _flow(started: Any, attempt: RequestContext, claims: str | None) -> AuthorizationFlow:
    url = started["auth_uri"].replace(f"response_mode={_FORM_POST}", f"response_mode={_QUERY}")
    return AuthorizationFlow(
        page(url),
        started["redirect_uri"],
        Secret(started["state"]),
        Secret(started["code_verifier"]),
        attempt,
        nonce=Secret(started["nonce"]),
        claims=claims,
    )


def _started(flow: AuthorizationFlow) -> dict[str, Any]:
    """Give the flow in msal's form (initiate_auth_code_flow)."""
    return {
        "state": flow.state.reveal(),
        "redirect_uri": flow.redirect_uri,
        "scope": _scope(flow.attempt.resource),
        "code_verifier": flow.verifier.reveal(),
        "nonce": flow.nonce.reveal() if flow.nonce else "",
    }


def _account(claims: Any) -> Account:
    # preferred_username is Entra ID's, upn is AD FS's: msal.token_cache, _get_username.
    username = claims.get("preferred_username") or claims.get("upn")
    return account(username, claims.get("tid"), claims.get("oid"))
