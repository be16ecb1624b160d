"""Reading what Entra ID and a federation server answer, whichever library asked.

What came is untrusted: of each value only the form that it should have is let through.
``ErrorBoundary`` is where a foreign library's exceptions end.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar
from xml.etree import ElementTree

from ..errors import (
    ConfigurationError,
    EndUserError,
    InvalidCredentials,
    ProtocolError,
    SignInError,
)
from ..interaction.prompts import DeviceCodePrompt
from ..tokens import Account, Secret, Token
from .backend import DeviceFlow, Grant
from .error_response import GrantKind, RequestContext, error_from_response
from .http import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..options import Settings
    from .http import Http, Response


_Given = TypeVar("_Given")

# May be sent again when no answer came: the request for a code, which has no grant type,
# and a refresh token, which stays valid (Microsoft, "Refresh tokens": the old one is not
# revoked). A poll has a loop of its own, and passwords are sent once.
REPEATABLE = (None, "refresh_token")

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# RFC 3986's characters without the apostrophe, which ends a string in more than one shell.
_PAGE = re.compile(r"https://[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+")

# What parsers raise at answers that they did not expect.
UNREADABLE: tuple[type[Exception], ...] = (
    ArithmeticError,
    RecursionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ElementTree.ParseError,
)


class ErrorBoundary:
    """Runs a foreign library, reads what it gives, and lets nothing of its own out.

    ``unreadable``: what it raises, beside ``UNREADABLE``, at an answer that it cannot read.
    """

    def __init__(self, settings: Settings, http: Http, unreadable: tuple[type[Exception], ...]):
        self._settings = settings
        self._http = http
        self._unreadable = (*UNREADABLE, *unreadable)

    def attempt(self, action: GrantKind, resource: str) -> RequestContext:
        """Say, for errors, what is asked of Entra ID."""
        own = self._settings
        login_hint_params = (own.authority, own.tenant, own.client_id)
        return RequestContext(
            action, *login_hint_params, resource, f'"{own.mode}"', own.as_source()
        )

    def run(self, attempt: RequestContext, call: Callable[[], _Given]) -> _Given:
        """Give what the call gives, or raise an EndUserError.

        Errors are raised anew outside of the except clause: the old traceback's frames,
        the library's among them, hold passwords and tokens in their locals, and a context
        would keep them alive.
        """
        failure: EndUserError
        try:
            return call()
        except ErrorResponse as refused:
            failure = refused.explained(attempt, self._settings.clock.time())
        except EndUserError as error:
            failure = error.with_traceback(None)
        except self._unreadable as error:
            failure = _unreadable(error)
        except BaseException as error:  # Ctrl-C above all
            raise error.with_traceback(None)  # noqa: B904 - the same error, not another
        failure.__context__ = None
        failure.remedy = f"{failure.remedy} {_about_clocks(self._http.skew)}".strip()
        raise failure


class ErrorResponse(Exception):
    """Entra ID said no; the body stays inside of this room."""

    def __init__(self, answer: Response) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.status = answer.status
        self._answer = answer
        try:
            self._body = json.loads(answer.text)
        except (ValueError, RecursionError):
            self._body = None

    @property
    def error(self) -> object:
        """The OAuth error code (RFC 6749 section 5.2), or None."""
        return self._body.get("error") if isinstance(self._body, dict) else None

    def explained(self, attempt: RequestContext, now: float) -> EndUserError:
        """Give the typed error that says what to do."""
        after = retry_after(self._answer, now)
        return error_from_response(
            self._body, attempt, status=self._answer.status, retry_after=after
        )


def login_hint_params(settings: Settings) -> dict[str, str]:
    """Say on whose behalf the sign-in page is opened: a person, or whom they choose there.

    Microsoft, "Microsoft identity platform and OAuth 2.0 authorization code flow":
    ``login_hint`` fills in the user name; ``prompt=select_account`` offers the accounts of
    the browser, instead of taking the one that happens to be signed in. AD FS has no such
    choice, and says that it does not take the word for one (Microsoft, "AD FS OpenID
    Connect/OAuth flows and Application Scenarios", request an authorization code).
    """
    if settings.username is not None:
        return {"login_hint": settings.username}
    if settings.is_adfs:
        return {}
    return {"prompt": "select_account"}


def raise_for_status(answer: Response) -> str:
    """Give the text of a 2xx; raise ErrorResponse for the rest."""
    if not answer.ok:
        raise ErrorResponse(answer)
    return answer.text


def check_instance(answer: Response, host: str | None) -> None:
    """Raise unless Microsoft's instance discovery knows the authority.

    Source: adal.authority, ``_perform_dynamic_instance_discovery``.
    """
    if answer.ok and "tenant_discovery_endpoint" in json.loads(answer.text):
        return
    if answer.status >= 500 or answer.status == 429:
        raise ErrorResponse(answer)
    raise unknown_authority(host)


def unknown_authority(host: str | None) -> ConfigurationError:
    """Say that nobody vouches for an authority."""
    return ConfigurationError(
        f"Microsoft does not know the authority {host}.",
        remedy="Check Cloud.authority; for an authority that is not Microsoft's own set"
        " validate_authority=False in the Cloud.",
    )


def device_flow(
    answer: Any, url: Any, resource: str, now: float, claims: str | None = None
) -> DeviceFlow:
    """Read the answer that brings a device code; ``url`` is where the person goes."""
    url = _printable(url)
    code = _printable(answer["user_code"])
    message = answer.get("message")
    sentence = f"To sign in, open {url} in a browser and enter the code {code}."
    prompt = DeviceCodePrompt(
        url=url,
        code=code,
        expires_on=now + seconds(answer["expires_in"]),
        message=_printable(message) if message else sentence,
    )
    # RFC 8628 section 3.2: without an interval it is 5 seconds.
    interval = seconds(answer.get("interval", 5))
    return DeviceFlow(
        prompt, Secret(_header_safe(answer["device_code"])), interval, resource, claims
    )


def page(url: str) -> str:
    """Give the address of a page, if a browser may be sent to it and a terminal shown it."""
    if not _PAGE.fullmatch(url):
        raise ValueError("not a page that may be opened")
    return url


def grant(
    token_type: object,
    secret: object,
    refresh_token: object,
    *,
    expires_on: float,
    now: float,
    resource: str,
    account: Account,
) -> Grant:
    """Build what a token endpoint granted, of values that have not been checked yet."""
    if str(token_type).lower() != "bearer":
        raise ValueError("not a bearer token")
    token = Token(_header_safe(secret), expires_on, now, resource, account)
    return Grant(token, Secret(_header_safe(refresh_token)) if refresh_token else None)


def account(username: object, tenant: object, object_id: object) -> Account:
    """Build the account of an id token's claims; None where the answer did not tell."""
    return Account(*(_printable(one) if one else None for one in (username, tenant, object_id)))


def seconds(value: Any) -> float:
    """Read a number of seconds."""
    number = int(value)
    if not 0 < number < 10**11:
        raise ValueError("not a number of seconds")
    return float(number)


def checked_xml(document: str) -> str:
    """Give the document, if it has no document type declaration."""
    # No DTD has a place here, and entities in one can blow a document up (the
    # defusedxml project's "billion laughs").
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise ValueError("a document type declaration")
    return document


def check_federation(url: str) -> None:
    """Refuse a federation server that would be told the password over plain http."""
    if not url.lower().startswith("https://"):
        raise SignInError(
            "The organisation's federation server is offered over plain http; the password"
            " was not sent.",
            remedy="Use mode='device_code', and tell the administrator of the federation.",
        )


def federation_fault(told: object, url: str) -> SignInError:
    """Build the error for a federation server's fault, in its own words."""
    text = "".join(character for character in str(told) if character.isprintable())[:300]
    return InvalidCredentials(
        f"The federation server {url.split('/')[2]} refused the user name and password: {text}",
        remedy="Check both; if they are right, the server may not allow passwords from"
        " programs: use mode='device_code'.",
    )


def _unreadable(error: Exception) -> ProtocolError:
    # The error's own text is left out: it may quote the answer, tokens and all.
    return ProtocolError(
        f"Entra ID's answer could not be read ({type(error).__name__}).",
        remedy="Try again; if it stays so, a proxy may be changing the answers.",
    )


def _about_clocks(skew: float) -> str:
    if not skew:
        return ""
    side = "behind" if skew > 0 else "ahead of"
    return (
        f"This machine's clock is {abs(skew):.0f} seconds {side} Entra ID's: set it right, for"
        " tokens have a beginning and an end."
    )


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
