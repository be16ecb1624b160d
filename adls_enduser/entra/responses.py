"""Parse the responses of Entra ID and of federation servers, for both backends.

A response is untrusted: a value is accepted only in the form that it should have.
``ErrorBoundary`` is where the exceptions of a foreign library end.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ..errors import (
    ConfigurationError,
    EndUserError,
    InvalidCredentials,
    ProtocolError,
    SignInError,
)
from ..interaction.prompts import DeviceCodePrompt
from ..tokens import Secret, Token
from .addresses import host_of, parse_page_url
from .backend import AuthorizationPending, DeviceFlow, Grant
from .connections import OneConnection
from .dates import retry_after
from .token_claims import account_in, decode_claims, line, names_in

if TYPE_CHECKING:
    from types import TracebackType

    from ..options import Settings
    from .backend import GrantKind
    from .error_response import RequestContext
    from .exchange import Response
    from .http import Http


# What parsers raise for responses that they did not expect.
_PARSE_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    RecursionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ElementTree.ParseError,
)


class ErrorBoundary:
    """Run a ``with`` block that calls a foreign library, and let only an EndUserError out of it.

    ``parse_errors`` are the exceptions, in addition to ``_PARSE_ERRORS``, that the library
    raises for a response that it cannot read. ``grant_kind`` and ``resource`` say what the
    block requests; the remedy is worded from them only when the block fails.

    Errors are raised anew: the frames of the old traceback, the library's among them, hold
    passwords and tokens in their locals, and a ``__context__`` would keep them alive. The
    frame of the block itself stays in the new traceback. So a block must not assign a
    response to a variable; it returns the result of one call.
    """

    def __init__(
        self,
        settings: Settings,
        http: Http,
        parse_errors: tuple[type[Exception], ...],
        grant_kind: GrantKind,
        resource: str,
    ) -> None:
        self._settings = settings
        self._http = http
        self._connection = OneConnection()
        self._parse_errors = (*_PARSE_ERRORS, *parse_errors)
        self._grant_kind: GrantKind = grant_kind
        self._resource = resource

    def __enter__(self) -> None:
        """Begin the block, whose requests share a connection."""
        self._connection.__enter__()

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raise the EndUserError for what the block raised; Ctrl-C and the like stay."""
        self._connection.__exit__()
        if error is None:
            return
        translated = self._translated(error)
        del error, traceback  # this frame is part of the new traceback
        try:
            raise translated
        finally:
            translated.__context__ = None  # raise has just set it to the old error

    def _translated(self, error: BaseException) -> BaseException:
        if isinstance(error, ErrorResponse):
            translated = error.as_error(self._context(), self._settings.clock.time())
        elif isinstance(error, EndUserError):
            translated = error.with_traceback(None)
        elif isinstance(error, self._parse_errors):
            translated = _unreadable_response(error)
        else:  # Ctrl-C above all
            return error.with_traceback(None)
        translated.remedy = f"{translated.remedy} {_clock_warning(self._http.skew)}".strip()
        return translated

    def _context(self) -> RequestContext:
        from .error_response import RequestContext  # with the texts of all errors

        return RequestContext.from_settings(self._settings, self._grant_kind, self._resource)


class ErrorResponse(Exception):
    """A response that grants nothing. Its body does not leave this package's entra/."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status}")
        self.status = response.status
        self._response = response
        try:
            self._body = json.loads(response.text)
        except (ValueError, RecursionError):
            self._body = None

    @property
    def error(self) -> object:
        """The OAuth error code (RFC 6749 section 5.2), or None."""
        return self._body.get("error") if isinstance(self._body, dict) else None

    def as_error(self, context: RequestContext, now: float) -> EndUserError:
        """Return the typed error, whose remedy says what to do next."""
        from .error_response import error_from_response

        after = retry_after(self._response, now)
        return error_from_response(self._body, context, status=self.status, retry_after=after)


def raise_for_status(response: Response) -> str:
    """Return the text of a 2xx response; raise ErrorResponse for any other."""
    if not response.ok:
        raise ErrorResponse(response)
    return response.text


def pending(error_response: ErrorResponse) -> AuthorizationPending:
    """Return that the person has not finished yet; raise any other error response again."""
    if error_response.error not in ("authorization_pending", "slow_down"):
        raise error_response
    return AuthorizationPending(slow_down=error_response.error == "slow_down")


def check_instance_discovery(response: Response, host: str | None) -> None:
    """Raise unless Microsoft's instance discovery knows the authority.

    Source: adal.authority, ``_perform_dynamic_instance_discovery``.
    """
    if response.ok and "tenant_discovery_endpoint" in json.loads(response.text):
        return
    if response.status >= 500 or response.status == 429:
        raise ErrorResponse(response)
    raise unknown_authority(host)


def unknown_authority(host: str | None) -> ConfigurationError:
    """Return the error for an authority that Microsoft does not know."""
    return ConfigurationError(
        f"Microsoft does not know the authority {host_of(f'https://{host}')}.",
        remedy="Check Cloud.authority. For an authority that Microsoft does not run, set"
        " validate_authority=False in the Cloud.",
    )


def parse_device_flow(
    body: Any, url: Any, resource: str, now: float, claims: str | None = None
) -> DeviceFlow:
    """Parse the response with a device code; ``url`` is the page for the person."""
    url = parse_page_url(_printable(url))
    code = _printable(body["user_code"])
    prompt = DeviceCodePrompt(
        url=url,
        code=code,
        expires_on=now + parse_seconds(body["expires_in"]),
        message=_prompt_message(body.get("message"), url, code),
    )
    # RFC 8628 section 3.2: the default interval is 5 seconds.
    interval = parse_seconds(body.get("interval", 5))
    device_code = Secret(_header_safe(body["device_code"]))
    return DeviceFlow(prompt, device_code, interval, resource, claims)


def _prompt_message(message: object, url: str, code: str) -> str:
    """Return the authority's sentence for the person, or ours if that is not a usable one."""
    text = line(message) or ""
    # DeviceCodePrompt promises both; RFC 8628 section 3.2 has no such field.
    if url in text and code in text:
        return text
    return f"To sign in, open {url} in a browser and enter the code {code}."


def parse_grant(
    token_type: object,
    access_token: object,
    refresh_token: object,
    *,
    expires_on: float,
    now: float,
    resource: str,
    id_token: object,
) -> Grant:
    """Parse the values of a token response, none of which has been checked yet."""
    if str(token_type).lower() != "bearer":
        raise ValueError("not a bearer token")
    claims = decode_claims(id_token)
    account = account_in(claims)
    token = Token(_header_safe(access_token), expires_on, now, resource, account)
    secret = Secret(_header_safe(refresh_token)) if refresh_token else None
    return Grant(token, secret, names_in(claims))


def parse_seconds(value: Any) -> float:
    """Parse a number of seconds."""
    number = int(value)
    if not 0 < number < 10**11:
        raise ValueError("not a number of seconds")
    return float(number)


def refuse_doctype(document: str) -> str:
    """Return an XML document, unless it has a document type declaration (ValueError)."""
    # No DTD is needed here, and the entities of one can grow without bound (the defusedxml
    # project's "billion laughs").
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise ValueError("a document type declaration")
    return document


def check_federation_url(url: str) -> None:
    """Refuse a federation server that would get the password over plain http."""
    if not url.lower().startswith("https://"):
        raise SignInError(
            "The address of the organisation's federation server is plain http; the password"
            " was not sent.",
            remedy="Sign in with mode='device_code', and tell the administrator of the"
            " federation server.",
        )


def federation_error(fault: object, url: str) -> SignInError:
    """Return the error for a federation server's fault, with the fault's text."""
    text = "".join(character for character in str(fault) if character.isprintable())[:300]
    return InvalidCredentials(
        f"The federation server {host_of(url)} refused the user name and password: {text}",
        remedy="Check both. If they are right, the server may not allow passwords from"
        " programs: sign in with mode='device_code'.",
    )


def _unreadable_response(error: Exception) -> ProtocolError:
    # The error's own text is left out: it may quote the response, tokens and all.
    return ProtocolError(
        f"Entra ID's response could not be read ({type(error).__name__}).",
        remedy="Try again. If this repeats, a proxy may be changing the responses.",
    )


def _clock_warning(skew: float) -> str:
    if not skew:
        return ""
    side = "behind" if skew > 0 else "ahead of"
    return (
        f"This machine's clock is {abs(skew):.0f} seconds {side} Entra ID's: set it right,"
        " because tokens are valid only between two points in time."
    )


def _printable(value: Any) -> str:
    # Control characters from the network could steer the terminal.
    if not isinstance(value, str) or not value.isprintable() or len(value) > 1000:
        raise ValueError("not a line of text")
    return value


def _header_safe(value: Any) -> str:
    # RFC 6750 section 2.1: a bearer token has visible ASCII characters only.
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value):
        raise ValueError("not a token")
    return value
