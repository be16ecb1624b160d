"""adal, hardened: its requests and its parsing, sent by our own ``Http``.

adal 1.2.7 is its last release, and it makes its requests itself: some without a
timeout, all following redirects, with TLS checks that an environment variable turns
off. It offers one seam, the ``_create_*`` methods of ``adal.token_request.TokenRequest``,
and through it the five classes below send the same requests through ``http.Http``.
What adal raises and the dictionaries it gives end in this module.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar
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

from ..errors import (
    ConfigurationError,
    EndUserError,
    InvalidCredentials,
    ProtocolError,
    SignInError,
)
from ..prompts import DeviceCodePrompt
from ..refusals import Attempt, refusal
from ..tokens import Account, Secret, Token
from .backend import DeviceFlow, Grant, NotYet
from .http import Answer, Body, Http, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..options import Settings

_Parsed = TypeVar("_Parsed")

# May be sent again when no answer came: the request for a code, which has no grant type,
# and a refresh token, which stays valid (Microsoft, "Refresh tokens": the old one is not
# revoked). A poll has a loop of its own, and passwords are sent once.
_REPEATABLE = (None, "refresh_token")

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# What adal's parsers raise at answers that they did not expect.
_UNREADABLE = (
    adal.AdalError,
    ArithmeticError,
    RecursionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ElementTree.ParseError,
)


class AdalBackend:
    """Entra ID's v1.0 endpoints, through adal; ``http`` sends (default: an Http)."""

    def __init__(self, settings: Settings, http: Http | None = None) -> None:
        self._settings = settings
        self._http = http or Http(settings)
        self._authority = _Authority(
            settings.authority, validate_authority=settings.cloud.validate_authority
        )

    def password(self, resource: str, username: str, password: Secret) -> Grant:
        """Send the password (RFC 6749 section 4.3), or for a federated user WS-Trust."""
        attempt = self._attempt("password", resource)
        answer = self._run(
            attempt,
            lambda: self._request(resource).get_token_with_username_password(
                username, password.reveal()
            ),
        )
        return self._grant(answer, resource)

    def start_device_code(self, resource: str) -> DeviceFlow:
        """Ask for a code to show to the person (RFC 8628 section 3.1)."""
        attempt = self._attempt("device_code", resource)
        answer = self._run(attempt, lambda: self._code_request(resource).get_user_code_info(None))
        return _readable(lambda: self._flow(answer, resource))

    def poll(self, flow: DeviceFlow) -> Grant | NotYet:
        """Ask once whether the person has finished (RFC 8628 sections 3.4 and 3.5)."""
        attempt = self._attempt("device_code", flow.resource)
        answer = self._run(attempt, lambda: self._poll(flow))
        return answer if isinstance(answer, NotYet) else self._grant(answer, flow.resource)

    def refresh(self, resource: str, refresh_token: Secret) -> Grant:
        """Trade the refresh token for an access token (RFC 6749 section 6)."""
        attempt = self._attempt("refresh", resource)
        answer = self._run(
            attempt,
            lambda: self._request(resource).get_token_with_refresh_token(
                refresh_token.reveal(), None
            ),
        )
        return self._grant(answer, resource)

    def _poll(self, flow: DeviceFlow) -> Any:
        try:
            return self._request(flow.resource).poll(flow.device_code)
        except _Refused as refused:
            if refused.error in ("authorization_pending", "slow_down"):
                return NotYet(slow_down=refused.error == "slow_down")
            raise

    def _attempt(self, action: Any, resource: str) -> Attempt:
        settings = self._settings
        return Attempt(action, settings.authority, settings.tenant, settings.client_id, resource)

    def _run(self, attempt: Attempt, call: Callable[[], Any]) -> Any:
        """Run adal, and let nothing of its own out.

        Errors are raised anew outside of the except clause: the old traceback's frames,
        adal's among them, hold passwords and tokens in their locals, and a context would
        keep them alive.
        """
        failure: EndUserError
        try:
            return call()
        except _Refused as refused:
            failure = refused.explained(attempt, self._settings.clock.time())
        except EndUserError as error:
            failure = error.with_traceback(None)
        except _UNREADABLE as error:
            failure = _unreadable(error)
        except BaseException as error:  # Ctrl-C above all
            raise error.with_traceback(None)  # noqa: B904 - the same error, not another
        failure.__context__ = None
        failure.remedy = f"{failure.remedy} {_about_clocks(self._http.skew)}".strip()
        raise failure

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

    def _request(self, resource: str) -> _TokenRequest:
        context = self._context()
        call_context = context._call_context  # noqa: SLF001
        return _TokenRequest(call_context, context, self._settings.client_id, resource)

    def _code_request(self, resource: str) -> _CodeRequest:
        context = self._context()
        call_context = context._call_context  # noqa: SLF001
        return _CodeRequest(call_context, context, self._settings.client_id, resource)

    def _grant(self, answer: Any, resource: str) -> Grant:
        return _readable(lambda: _grant(answer, resource, self._settings.clock.time()))

    def _flow(self, answer: Any, resource: str) -> DeviceFlow:
        # v1.0 says verification_url where RFC 8628 says verification_uri.
        url = _printable(answer["verification_url"])
        code = _printable(answer["user_code"])
        message = answer.get("message")
        sentence = f"To sign in, open {url} in a browser and enter the code {code}."
        prompt = DeviceCodePrompt(
            url=url,
            code=code,
            expires_on=self._settings.clock.time() + _seconds(answer["expires_in"]),
            message=_printable(message) if message else sentence,
        )
        # RFC 8628 section 3.2: without an interval it is 5 seconds.
        interval = _seconds(answer.get("interval", 5))
        device_code = Secret(_header_safe(answer["device_code"]))
        return DeviceFlow(prompt, device_code, interval, resource)


class _Refused(Exception):
    """Entra ID said no; the body stays inside of this module."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self._answer = answer
        try:
            self._body = json.loads(answer.text)
        except (ValueError, RecursionError):
            self._body = None

    @property
    def error(self) -> object:
        """The OAuth error code (RFC 6749 section 5.2), or None."""
        return self._body.get("error") if isinstance(self._body, dict) else None

    def explained(self, attempt: Attempt, now: float) -> EndUserError:
        """Give the typed error that says what to do."""
        after = retry_after(self._answer, now)
        return refusal(self._body, attempt, status=self._answer.status, retry_after=after)


def _ok(answer: Answer) -> str:
    if not answer.ok:
        raise _Refused(answer)
    return answer.text


def _headers(of: Any, headers: dict[str, str]) -> dict[str, str]:
    # A fresh dictionary: adal shares one module-level header dictionary between all
    # requests of the process (adal.oauth2_client._REQ_OPTION).
    options: dict[str, dict[str, str]] = util.create_request_options(of, {"headers": headers})
    return options["headers"]


class _OAuth2Client(OAuth2Client):  # type: ignore[misc]
    def get_token(self, oauth_parameters: dict[str, Any]) -> Any:
        """Ask for a token; as adal's, which follows redirects."""
        answer = self._post(self._create_token_url().geturl(), oauth_parameters)
        return self._validate_token_response(_ok(answer))

    def get_user_code_info(self, oauth_parameters: dict[str, Any]) -> Any:
        """Ask for a device code; as adal's, which follows redirects."""
        answer = self._post(self._create_device_code_url().geturl(), oauth_parameters)
        return self._validate_device_code_response(_ok(answer))

    def _post(self, url: str, form: dict[str, Any]) -> Answer:
        http: Http = self._call_context["http"]
        once = form.get("grant_type") not in _REPEATABLE
        return http.post(url, _headers(self, dict(_FORM)), Body(urlencode(form)), once=once)


class _UserRealm(UserRealm):  # type: ignore[misc]
    def discover(self) -> None:
        """Ask how a user signs in; as adal's, which has no timeout."""
        http: Http = self._call_context["http"]
        headers = _headers(self, {"Accept": "application/json"})
        answer = http.get(self._get_user_realm_url().geturl(), headers)
        self._parse_discovery_response(_ok(answer))


class _Mex(Mex):  # type: ignore[misc]
    def discover(self) -> None:
        """Ask a federation server for its endpoints; as adal's, which has no timeout."""
        http: Http = self._call_context["http"]
        headers = _headers(self, {"Content-Type": "application/soap+xml"})
        document = _ok(http.get(self._url, headers))
        self._dom = _xml(document)
        self._parents = {child: parent for parent in self._dom.iter() for child in parent}
        self._parse()


class _WSTrustRequest(WSTrustRequest):  # type: ignore[misc]
    def acquire_token(self, username: str, password: str) -> Any:
        """Send user name and password; as adal's, which also does so over plain http."""
        url = self._wstrust_endpoint_url
        _check_federation(url)
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

    def _read(self, answer: Answer) -> Any:
        # Built empty, because adal logs a response that it is built with, and knows to
        # hide the assertion only when it has a namespace prefix.
        response = WSTrustResponse(self._call_context, "", self._wstrust_endpoint_version)
        response._response = _checked_xml(answer.text)  # noqa: SLF001
        try:
            response.parse()
        except adal.AdalError:
            if response.error_code or response.fault_message:
                raise _fault(response, self._wstrust_endpoint_url) from None
            if not answer.ok:
                raise _Refused(answer) from None
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
    def _create_oauth2_client(self) -> Any:
        return _OAuth2Client(self._call_context, self._authentication_context.authority)


class _Authority(Authority):  # type: ignore[misc]
    def _perform_dynamic_instance_discovery(self) -> None:
        url = self._create_instance_discovery_endpoint_from_template(
            adal.constants.AADConstants.WORLD_WIDE_AUTHORITY
        )
        http: Http = self._call_context["http"]
        answer = http.get(url.geturl(), _headers(self, {}))
        known = answer.ok and "tenant_discovery_endpoint" in json.loads(answer.text)
        if answer.ok and known:
            return
        if answer.status >= 500 or answer.status == 429:
            raise _Refused(answer)
        raise ConfigurationError(
            f"Microsoft does not know the authority {self._url.hostname}.",
            remedy="Check Cloud.authority; for an authority that is not Microsoft's own set"
            " validate_authority=False in the Cloud.",
        )


def _about_clocks(skew: float) -> str:
    if not skew:
        return ""
    side = "behind" if skew > 0 else "ahead of"
    return (
        f"This machine's clock is {abs(skew):.0f} seconds {side} Entra ID's: set it right, for"
        " tokens have a beginning and an end."
    )


def _readable(parse: Callable[[], _Parsed]) -> _Parsed:
    try:
        return parse()
    except _UNREADABLE as error:
        failure = _unreadable(error)
    raise failure


def _unreadable(error: Exception) -> ProtocolError:
    # The error's own text is left out: it may quote the answer, tokens and all.
    return ProtocolError(
        f"Entra ID's answer could not be read ({type(error).__name__}).",
        remedy="Try again; if it stays so, a proxy may be changing the answers.",
    )


def _grant(answer: Any, resource: str, now: float) -> Grant:
    if str(answer["tokenType"]).lower() != "bearer":
        raise ValueError("not a bearer token")
    refresh_token = answer.get("refreshToken")
    token = Token(
        secret=_header_safe(answer["accessToken"]),
        expires_on=_expiry(answer, now),
        obtained_on=now,
        resource=resource,
        account=_account(answer),
    )
    return Grant(token, Secret(_header_safe(refresh_token)) if refresh_token else None)


def _expiry(answer: Any, now: float) -> float:
    # From expires_in at this moment; adal's own expiresOn is local time without a zone.
    if answer.get("expiresIn"):
        return now + _seconds(answer["expiresIn"])
    return float(_seconds(answer["expiresOn"]))


def _account(answer: Any) -> Account:
    # adal invents a userId where the id token has none (adal.oauth2_client._get_user_id).
    username = answer.get("userId") if answer.get("isUserIdDisplayable") else None
    found = (username, answer.get("tenantId"), answer.get("oid"))
    return Account(*(_printable(one) if one else None for one in found))


def _seconds(value: Any) -> float:
    number = int(value)
    if not 0 < number < 10**11:
        raise ValueError("not a number of seconds")
    return float(number)


def _printable(value: Any) -> str:
    # Nothing from the network reaches a terminal that could steer it.
    if not isinstance(value, str) or not value.isprintable() or len(value) > 1000:
        raise ValueError("not a line of text")
    return value


def _header_safe(value: Any) -> str:
    # RFC 6750 section 2.1: a bearer token has visible ASCII characters only.
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value):
        raise ValueError("not a token")
    return value


def _checked_xml(document: str) -> str:
    # No DTD has a place here, and entities in one can blow a document up (the
    # defusedxml project's "billion laughs").
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise ValueError("a document type declaration")
    return document


def _xml(document: str) -> Any:
    return ElementTree.fromstring(_checked_xml(document))  # noqa: S314 - DTDs are refused above


def _check_federation(url: str) -> None:
    if not url.lower().startswith("https://"):
        raise SignInError(
            "The organisation's federation server is offered over plain http; the password"
            " was not sent.",
            remedy="Use mode='device_code', and tell the administrator of the federation.",
        )


def _fault(response: Any, url: str) -> SignInError:
    text = str(response.fault_message or response.error_code or "")
    text = "".join(character for character in text if character.isprintable())[:300]
    return InvalidCredentials(
        f"The federation server {url.split('/')[2]} refused the user name and password: {text}",
        remedy="Check both; if they are right, the server may not allow passwords from"
        " programs: use mode='device_code'.",
    )
