"""Turn an error answer of Entra ID into one of this package's errors.

The body is untrusted: nothing of it is kept but its sentence, bounded and printable,
and the five values of ``ErrorDetails``, each only in the form that it should have.

Sources: RFC 6749 section 5.2 and RFC 8628 section 3.5 (``error``); Microsoft,
"Microsoft Entra authentication and authorization error codes" (the body's fields) and
"Microsoft identity platform and the OAuth 2.0 device authorization grant flow"; MSAL's
``OAuth2SubError`` and ``UiRequiredExceptionClassification`` (``suberror``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlencode, urlsplit

from ..clouds import factory_for, service_of
from ..errors import (
    BlockedByPolicy,
    ConfigurationError,
    ConsentDeclined,
    ConsentRequired,
    EndUserError,
    ErrorDetails,
    InvalidCredentials,
    MfaRequired,
    ProtocolError,
    SignInDeclined,
    SignInError,
    SignInExpired,
    SignInTimedOut,
    TransportError,
)
from ..options import format_call
from .aadsts import AUTHORIZATION_PENDING, DEFAULT_REMEDIES, REMEDIES, AadstsEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

GrantKind = Literal["password", "device_code", "browser", "refresh", "credential"]


@dataclass(frozen=True)
class RequestContext:
    """What was asked of Entra ID.

    ``authority`` is ``https://host/tenant``; ``tenant`` is what the caller gave, or
    None; ``client_id`` is None where it is somebody else's and not known; ``resource`` is
    an audience in its canonical spelling. ``mode`` is how the person signed in, or was to,
    and ``options`` what the factory was given, both as source text (calls.py).
    """

    action: GrantKind
    authority: str
    tenant: str | None
    client_id: str | None
    resource: str
    mode: str = "..."
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_adfs(self) -> bool:
        """Whether it was an AD FS that was asked."""
        return self.authority.lower().endswith("/adfs")


def error_from_response(
    answer: object, attempt: RequestContext, *, status: int, retry_after: float | None = None
) -> EndUserError:
    """Build the error for an answer that grants nothing; never raises.

    ``answer`` is the decoded JSON body, or whatever else came; ``retry_after`` is the
    header of that name in seconds.
    """
    told = _read(answer)
    kind = _kind(told, attempt.action, status)
    row = told.row if told.row and told.row.kind is kind else None
    message = _message(kind, told, row, attempt, status)
    remedy = " ".join(_remedy(kind, told, row, attempt))
    if issubclass(kind, ConsentRequired):
        return kind(
            message,
            remedy=remedy,
            particulars=told.particulars,
            consent_url=_consent_url(attempt),
        )
    if kind is TransportError:
        return TransportError(
            message, remedy=remedy, particulars=told.particulars, retry_after=retry_after
        )
    return kind(message, remedy=remedy, particulars=told.particulars)


# Reading -----------------------------------------------------------------------------

_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_STAMP = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.]{5,16}Z?"
_WORD = r"[A-Za-z0-9_.-]{1,64}"
_NUMBER = re.compile(r"\s*AADSTS([1-9][0-9]{3,8})\b[:\s]*")
_TRAILER = re.compile(r"\s(?:Trace ID|Correlation ID|Timestamp):")
# A full stop after two letters or a closing quote; an initial or "e.g." ends no sentence.
_SENTENCE_END = re.compile(r"(?<=\w[\w'\")\]}][.!?])\s")
# Nothing that a person can read is one word of this length, but every token is.
_OPAQUE = re.compile(r"[A-Za-z0-9_.~+/=-]{64,}")
_LONGEST_DESCRIPTION = 4000
_LONGEST_SENTENCE = 300


@dataclass(frozen=True)
class _ErrorBody:
    number: int | None
    sentence: str
    particulars: ErrorDetails

    @property
    def row(self) -> AadstsEntry | None:
        return None if self.number is None else REMEDIES.get(self.number)


def _read(answer: object) -> _ErrorBody:
    body = answer if isinstance(answer, dict) else {}
    text = body.get("error_description")
    description = text[:_LONGEST_DESCRIPTION] if isinstance(text, str) else ""
    number = _number(body.get("error_codes"), description)
    particulars = ErrorDetails(
        code=None if number is None else f"AADSTS{number}",
        correlation_id=_form(_GUID, body.get("correlation_id"))
        or _labelled("Correlation ID", _GUID, description),
        timestamp=_form(_STAMP, body.get("timestamp"))
        or _labelled("Timestamp", _STAMP, description),
        error=_form(_WORD, body.get("error")),
        suberror=_form(_WORD, body.get("suberror")),
    )
    return _ErrorBody(number, _sentence(description), particulars)


def _number(codes: object, description: str) -> int | None:
    """Give the first AADSTS number, of the list or else the one the sentence starts with."""
    for code in codes if isinstance(codes, list) else []:
        if isinstance(code, int) and 1000 <= code < 10**9:
            return code
    found = _NUMBER.match(description)
    return int(found[1]) if found else None


def _form(pattern: str, value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else None


def _labelled(label: str, pattern: str, description: str) -> str | None:
    found = re.search(rf"{label}:\s*({pattern})", description)
    return found[1] if found else None


def _sentence(description: str) -> str:
    """Give the description's first sentence, printable, bounded, with its full stop."""
    number = _NUMBER.match(description)
    text = _TRAILER.split(description[number.end() if number else 0 :], maxsplit=1)[0]
    return readable(_SENTENCE_END.split(_line(text), maxsplit=1)[0])


def readable(untrusted: str) -> str:
    """Give a text that others wrote as one line: printable, bounded, with its full stop.

    Whatever could be a token is left out of it.
    """
    line = _OPAQUE.sub("[...]", _line(untrusted[:_LONGEST_DESCRIPTION]))
    if len(line) > _LONGEST_SENTENCE:
        return line[: _LONGEST_SENTENCE - 3] + "..."
    return line if line.endswith((".", "!", "?")) or not line else f"{line}."


def _line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())


# Classes -----------------------------------------------------------------------------

# These end the matter whatever the number. A pending or slow_down that strays in here is
# no refusal: the same request may succeed later.
_FINAL: dict[str, type[EndUserError]] = {
    "authorization_declined": SignInDeclined,
    "expired_token": SignInTimedOut,
    "code_expired": SignInTimedOut,
    "authorization_pending": TransportError,
    "slow_down": TransportError,
    "temporarily_unavailable": TransportError,
    "server_error": TransportError,
}

# MSAL .NET's OAuth2SubError and MSAL Python's application.py. basic_action "can be
# resolved by user interaction"; additional_action by more than that, which the page
# explains; message_only "cannot be resolved at this time". The last three are said of a
# refresh token that must not be used again.
_BY_SUBERROR: dict[str, type[EndUserError]] = {
    "basic_action": MfaRequired,
    "additional_action": MfaRequired,
    "message_only": BlockedByPolicy,
    "protection_policy_required": BlockedByPolicy,
    "device_authentication_failed": BlockedByPolicy,
    "consent_required": ConsentRequired,
    "user_password_expired": InvalidCredentials,
    "bad_token": SignInExpired,
    "token_expired": SignInExpired,
    "client_mismatch": SignInExpired,
}

_BY_ERROR: dict[str, type[EndUserError]] = {
    "interaction_required": MfaRequired,
    "login_required": SignInExpired,
    "consent_required": ConsentRequired,
    "access_denied": BlockedByPolicy,
    "bad_verification_code": SignInError,
    "invalid_client": ConfigurationError,
    "unauthorized_client": ConfigurationError,
    "invalid_request": ConfigurationError,
    "invalid_resource": ConfigurationError,
    "invalid_scope": ConfigurationError,
    "unsupported_grant_type": ConfigurationError,
    # Of the discovery documents: an unknown tenant, an unknown authority.
    "invalid_tenant": ConfigurationError,
    "invalid_instance": ConfigurationError,
}

_BY_ERROR_AND_ACTION: dict[tuple[str | None, GrantKind], type[EndUserError]] = {
    ("invalid_grant", "password"): InvalidCredentials,
    ("invalid_grant", "device_code"): SignInError,
    ("invalid_grant", "browser"): SignInError,
    ("invalid_grant", "refresh"): SignInExpired,
    # RFC 8628 section 3.5 says access_denied where Entra ID says authorization_declined.
    ("access_denied", "device_code"): SignInDeclined,
    # RFC 6749 section 4.1.2.1; Entra ID says so when the person declines to consent.
    ("access_denied", "browser"): SignInDeclined,
    # "Requires End-User authentication" (OpenID Connect Core section 3.1.2.6), which a
    # password sent by a program is not.
    ("login_required", "password"): MfaRequired,
    ("login_required", "device_code"): SignInError,
    ("login_required", "browser"): SignInError,
}


def _kind(told: _ErrorBody, action: GrantKind, status: int) -> type[EndUserError]:
    """Choose the class by the OAuth fields, refined by a number that is known.

    Microsoft, on the numbers: "should never be used by the client itself"; on ``error``:
    "should be used to react to errors". So an unknown number changes nothing here.
    """
    error = told.particulars.error or ""
    if error in _FINAL or told.number == AUTHORIZATION_PENDING:
        return _FINAL.get(error, TransportError)
    if told.row is not None:
        return told.row.kind
    if status >= 500 or status in (408, 429):
        return TransportError
    return _kind_by_fields(told, action)


def _kind_by_fields(told: _ErrorBody, action: GrantKind) -> type[EndUserError]:
    error, suberror = told.particulars.error or "", told.particulars.suberror or ""
    kind = (
        _BY_SUBERROR.get(suberror)
        or _BY_ERROR_AND_ACTION.get((error, action))
        or _BY_ERROR.get(error)
    )
    if kind is not None:
        return kind
    return SignInError if error or told.number is not None else ProtocolError


# Words -------------------------------------------------------------------------------

_REFUSED: dict[GrantKind, str] = {
    "password": "refused the password sign-in",
    "device_code": "refused the device-code sign-in",
    "browser": "refused the browser sign-in",
    "refresh": "refused to renew the sign-in",
    "credential": "refused the credential a token",
}

_UNABLE: dict[GrantKind, str] = {
    "password": "could not complete the password sign-in",
    "device_code": "could not complete the device-code sign-in",
    "browser": "could not complete the browser sign-in",
    "refresh": "could not renew the sign-in",
    "credential": "could not give the credential a token",
}


def _message(
    kind: type[EndUserError],
    told: _ErrorBody,
    row: AadstsEntry | None,
    attempt: RequestContext,
    status: int,
) -> str:
    who = "AD FS" if attempt.is_adfs else "Entra ID"
    if kind is ProtocolError:
        return f"{who} {_UNABLE[attempt.action]}: its answer (HTTP {status}) could not be read."
    happened = f"{who} {(_UNABLE if kind is TransportError else _REFUSED)[attempt.action]}"
    reason = told.sentence or (row.meaning if row else "")
    if reason and kind is not TransportError:
        return f"{happened}: {reason}"
    error = f", {told.particulars.error}" if told.particulars.error else ""
    return f"{happened} (HTTP {status}{error}){f': {reason}' if reason else '.'}"


def _remedy(
    kind: type[EndUserError], told: _ErrorBody, row: AadstsEntry | None, attempt: RequestContext
) -> list[str]:
    sentences = [row.advice if row else DEFAULT_REMEDIES[kind]]
    if kind not in _NO_REFUSALS:
        sentences.append(_next_call(kind, sentences[0], attempt))
    if issubclass(kind, ConsentRequired):
        sentences += _consent(attempt)
    if told.number is not None and told.row is None:
        sentences.append(f"About the number: {_origin(attempt)}/error?code={told.number}")
    return sentences


# The service could not answer: there is nothing to be changed about the call.
_NO_REFUSALS = (TransportError, ProtocolError)

# Nobody has to do anything before the same call is made again.
_AT_ONCE = (
    SignInError,
    SignInDeclined,
    ConsentDeclined,
    SignInExpired,
    SignInTimedOut,
    MfaRequired,
)

# How an advice names other ways in, the best first, and options that are to be changed.
_MODE = re.compile(r'mode=("\w+")')
_OPTION = re.compile(r"\b(tenant|client_id|cloud)=")


def _next_call(kind: type[EndUserError], advice: str, attempt: RequestContext) -> str:
    """Name the call that has a chance: in a mode that the advice names, or the same again."""
    named = _MODE.findall(advice)
    mode = attempt.mode if attempt.mode in named or not named else named[0]
    changed = dict.fromkeys(_OPTION.findall(advice), "...")
    at_once = mode != attempt.mode or changed or kind in _AT_ONCE
    call = format_call(factory_for(attempt.resource), mode, {**attempt.options, **changed})
    return f"The next call{'' if at_once else ', after that'}: {call}."


# Consent -----------------------------------------------------------------------------


def _consent(attempt: RequestContext) -> list[str]:
    needed = (
        "The application's registration needs the API permission"
        f' "{_permission(attempt.resource)}: user_impersonation".'
    )
    url = _consent_url(attempt)
    return [needed] if url is None else [needed, f"An administrator can allow it at {url}"]


def _permission(resource: str) -> str:
    """Return the name under which an application's "API permissions" list a service."""
    service = service_of(resource)
    return service.permission if service else resource


def _consent_url(attempt: RequestContext) -> str | None:
    """Give the page on which an administrator can allow the application for everybody.

    None where nobody knows which application it is. The address without ``v2.0`` asks for
    the permissions of the registration and needs no redirect URI. It takes a tenant or
    "organizations", "do not use 'common'".
    Source: Microsoft, "Grant tenant-wide admin consent to an application" (construct
    the URL) and "Admin consent on the Microsoft identity platform".
    """
    tenant = attempt.tenant
    if attempt.client_id is None:
        return None
    if tenant is None or tenant.lower() in ("", "common", "consumers"):
        tenant = "organizations"
    query = urlencode({"client_id": attempt.client_id})
    return f"{_origin(attempt)}/{quote(tenant, safe='')}/adminconsent?{query}"


def _origin(attempt: RequestContext) -> str:
    parts = urlsplit(attempt.authority)
    return f"{parts.scheme}://{parts.netloc}"
