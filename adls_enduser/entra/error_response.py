"""Turn an error response of Entra ID into one of this package's errors.

The body is untrusted. Only two things of it are kept: its first sentence, bounded and
printable, and the five values of ``ErrorDetails``, each only in the form that it should have.

Sources: RFC 6749 section 5.2 and RFC 8628 section 3.5 (``error``); Microsoft,
"Microsoft Entra authentication and authorization error codes" (the body's fields) and
"Microsoft identity platform and the OAuth 2.0 device authorization grant flow"; MSAL's
``OAuth2SubError`` and ``UiRequiredExceptionClassification`` (``suberror``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
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
    WrongAccount,
)
from ..options import format_call, is_personal, is_tenant_of_its_own
from ..values import dataclass, field
from .aadsts import AUTHORIZATION_PENDING, DEFAULT_REMEDIES, ENTRY_BY_NUMBER, AadstsEntry
from .backend import ERROR_CLASSES
from .token_claims import is_guest_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..options import Settings
    from .backend import GrantKind


@dataclass(frozen=True)
class RequestContext:
    """The request that an error response is about.

    ``authority`` is ``https://host/tenant``. ``tenant`` is the caller's, or None.
    ``client_id`` is None where the application is not known, because a credential of
    another package made the request. ``username`` is the caller's, or None. ``resource`` is an
    audience in its canonical spelling.
    ``mode`` is the way of signing in, and ``options`` are the options of the factory, both
    as source text (options.py).
    """

    grant_kind: GrantKind
    authority: str
    tenant: str | None
    client_id: str | None
    resource: str
    mode: str = "..."
    options: Mapping[str, str] = field(default_factory=dict)
    username: str | None = None

    @classmethod
    def from_settings(
        cls, settings: Settings, grant_kind: GrantKind, resource: str
    ) -> RequestContext:
        """Describe a request that was made with these settings."""
        return cls(
            grant_kind,
            settings.authority,
            settings.tenant,
            settings.client_id,
            resource,
            f'"{settings.mode}"',
            settings.as_source(),
            settings.username,
        )

    @property
    def is_adfs(self) -> bool:
        """Whether the request went to an AD FS."""
        return self.authority.lower().endswith("/adfs")


def error_from_response(
    body: object, context: RequestContext, *, status: int | None, retry_after: float | None = None
) -> EndUserError:
    """Return the error for a response that grants nothing; never raises.

    ``body`` is the decoded JSON, or whatever else the response held; ``status`` is None if
    only another program saw it; ``retry_after`` is the header of that name in seconds.
    """
    parsed = _parse_body(body)
    error_class = _error_class(parsed, context.grant_kind, status)
    # The OAuth fields may have chosen another class than the number's, whose texts do not fit.
    entry = parsed.entry if parsed.entry and parsed.entry.error_class is error_class else None
    message = _message(error_class, parsed, entry, context, status)
    remedy = " ".join(_remedy(error_class, parsed, entry, context))
    details = parsed.details
    if issubclass(error_class, ConsentRequired):
        url = _consent_url(context)
        return error_class(message, remedy=remedy, particulars=details, consent_url=url)
    if error_class is TransportError:
        return TransportError(message, remedy=remedy, particulars=details, retry_after=retry_after)
    return error_class(message, remedy=remedy, particulars=details)


# The body ----------------------------------------------------------------------------

_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_TIMESTAMP = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.]{5,16}Z?"
_IDENTIFIER = r"[A-Za-z0-9_.-]{1,64}"
_NUMBER = re.compile(r"\s*AADSTS([1-9][0-9]{3,8})\b[:\s]*")
_TRAILER = re.compile(r"\s(?:Trace ID|Correlation ID|Timestamp):")
# A full stop after two letters or a closing quote. An initial or "e.g." ends no sentence.
_SENTENCE_END = re.compile(r"(?<=\w[\w'\")\]}][.!?])\s")
# No word that a person can read is this long, but every token is.
_OPAQUE = re.compile(r"[A-Za-z0-9_.~+/=-]{64,}")
_MAX_DESCRIPTION = 4000
_MAX_SENTENCE = 300


@dataclass(frozen=True)
class _ErrorBody:
    number: int | None
    sentence: str
    details: ErrorDetails

    @property
    def entry(self) -> AadstsEntry | None:
        """The table's entry for the number, if it has one."""
        return None if self.number is None else ENTRY_BY_NUMBER.get(self.number)


def _parse_body(body: object) -> _ErrorBody:
    fields = body if isinstance(body, dict) else {}
    text = fields.get("error_description")
    description = text[:_MAX_DESCRIPTION] if isinstance(text, str) else ""
    number = _number(fields.get("error_codes"), description)
    details = ErrorDetails(
        code=None if number is None else f"AADSTS{number}",
        correlation_id=_matching(_GUID, fields.get("correlation_id"))
        or _labelled("Correlation ID", _GUID, description),
        timestamp=_matching(_TIMESTAMP, fields.get("timestamp"))
        or _labelled("Timestamp", _TIMESTAMP, description),
        error=_matching(_IDENTIFIER, fields.get("error")),
        suberror=_matching(_IDENTIFIER, fields.get("suberror")),
    )
    return _ErrorBody(number, _first_sentence(description), details)


def _number(codes: object, description: str) -> int | None:
    """Return the first AADSTS number of the list, or else the one that the sentence starts with."""
    for code in codes if isinstance(codes, list) else []:
        if isinstance(code, int) and 1000 <= code < 10**9:
            return code
    found = _NUMBER.match(description)
    return int(found[1]) if found else None


def _matching(pattern: str, value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else None


def _labelled(label: str, pattern: str, description: str) -> str | None:
    found = re.search(rf"{label}:\s*({pattern})", description)
    return found[1] if found else None


def _first_sentence(description: str) -> str:
    number = _NUMBER.match(description)
    text = _TRAILER.split(description[number.end() if number else 0 :], maxsplit=1)[0]
    return readable(_SENTENCE_END.split(_one_line(text), maxsplit=1)[0])


def readable(untrusted: str) -> str:
    """Return an untrusted text as one printable line: bounded, and with a full stop.

    Whatever could be a token is left out.
    """
    line = _OPAQUE.sub("[...]", _one_line(untrusted[:_MAX_DESCRIPTION]))
    if len(line) > _MAX_SENTENCE:
        return line[: _MAX_SENTENCE - 3] + "..."
    return line if line.endswith((".", "!", "?")) or not line else f"{line}."


def _one_line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())


# The class of the error --------------------------------------------------------------

# These choose the class whatever the number is. authorization_pending and slow_down belong to a
# poll. If one comes here all the same, it is not a refusal: the same request may succeed later.
_FINAL: dict[str, type[EndUserError]] = {
    "authorization_declined": SignInDeclined,
    "expired_token": SignInTimedOut,
    "code_expired": SignInTimedOut,
    "authorization_pending": TransportError,
    "slow_down": TransportError,
    "temporarily_unavailable": TransportError,
    "server_error": TransportError,
}

# Sources: MSAL .NET's OAuth2SubError and MSAL Python's application.py. basic_action "can be
# resolved by user interaction"; additional_action by further steps, which the page explains;
# message_only "cannot be resolved at this time". The last three are about a refresh token that
# must not be used again.
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
    # Errors of the discovery documents: an unknown tenant, an unknown authority.
    "invalid_tenant": ConfigurationError,
    "invalid_instance": ConfigurationError,
}


def _error_class(body: _ErrorBody, grant_kind: GrantKind, status: int | None) -> type[EndUserError]:
    """Choose the class by the OAuth fields, refined by a number that is in the table.

    Microsoft says of the numbers that they "should never be used by the client itself", and
    of ``error`` that it "should be used to react to errors". So a number that is not in the
    table changes nothing here.
    """
    error = body.details.error or ""
    if error in _FINAL or body.number == AUTHORIZATION_PENDING:
        return _FINAL.get(error, TransportError)
    if body.entry is not None:
        return body.entry.error_class
    if status is not None and (status >= 500 or status in (408, 429)):
        return TransportError
    return _class_by_fields(body, grant_kind)


def _class_by_fields(body: _ErrorBody, grant_kind: GrantKind) -> type[EndUserError]:
    error, suberror = body.details.error or "", body.details.suberror or ""
    error_class = (
        _BY_SUBERROR.get(suberror) or ERROR_CLASSES[grant_kind].get(error) or _BY_ERROR.get(error)
    )
    if error_class is not None:
        return error_class
    return SignInError if error or body.number is not None else ProtocolError


# The message -------------------------------------------------------------------------

# Refused, and not decided. Any other grant is a sign-in, named after its kind.
_OTHER_THAN_SIGN_IN: dict[GrantKind, tuple[str, str]] = {
    "refresh": ("refused to renew the sign-in", "could not renew the sign-in"),
    "credential": ("refused the credential a token", "could not give the credential a token"),
}


def _what_happened(grant_kind: GrantKind, *, refused: bool) -> str:
    if grant_kind in _OTHER_THAN_SIGN_IN:
        return _OTHER_THAN_SIGN_IN[grant_kind][0 if refused else 1]
    verb = "refused" if refused else "could not complete"
    return f"{verb} the {grant_kind.replace('_', '-')} sign-in"


def _message(
    error_class: type[EndUserError],
    body: _ErrorBody,
    entry: AadstsEntry | None,
    context: RequestContext,
    status: int | None,
) -> str:
    what = _what_happened(context.grant_kind, refused=error_class not in _NOT_REFUSED)
    happened = f"{'AD FS' if context.is_adfs else 'Entra ID'} {what}"
    if error_class is ProtocolError:
        return f"{happened}: its response{_in_brackets(status)} could not be read."
    reason = body.sentence or (entry.meaning if entry else "")
    if reason and error_class is not TransportError:
        return f"{happened}: {reason}"
    known = _in_brackets(status, body.details.error)
    return f"{happened}{known}{f': {reason}' if reason else '.'}"


def _in_brackets(status: int | None, error: str | None = None) -> str:
    known = ", ".join(filter(None, (f"HTTP {status}" if status else "", error)))
    return f" ({known})" if known else ""


# The remedy --------------------------------------------------------------------------

# Entra ID could not decide: a change of the call would not help.
_NOT_REFUSED = (TransportError, ProtocolError)

# Nothing has to be done before the same call is made again.
_RETRY_NOW = (
    SignInError,
    SignInDeclined,
    ConsentDeclined,
    SignInExpired,
    SignInTimedOut,
    MfaRequired,
)

# How an advice names other modes, the best one first, and options that must be changed.
_MODE = re.compile(r'mode=("\w+")')
_OPTION = re.compile(r"\b(tenant|username|client_id|cloud)=")


def _remedy(
    error_class: type[EndUserError],
    body: _ErrorBody,
    entry: AadstsEntry | None,
    context: RequestContext,
) -> list[str]:
    advice = entry.advice if entry else DEFAULT_REMEDIES[error_class]
    guest = _guest_advice(error_class, body, context)
    if guest and _is_guest(context.username or ""):
        advice, guest = guest, ""
    sentences = [advice]
    if issubclass(error_class, ConsentRequired):
        sentences += _how_to_consent(context)
    if error_class not in _NOT_REFUSED:
        sentences.append(_next_call(error_class, advice, context))
    if guest:
        sentences.append(f"If {context.username} is a guest in this tenant: {guest}")
    if body.number is not None and body.entry is None:
        sentences.append(f"About the number: {_origin(context)}/error?code={body.number}")
    return sentences


# With these Entra ID refuses a guest's password. Those numbers are also sent to members.
_SENT_TO_GUESTS = frozenset({50126, 50064, 50034, 50056, 50020, 16000, 50014, 51004, 90072})


# Only the home tenant has a guest's password (Microsoft, "Microsoft identity platform and OAuth
# 2.0 Resource Owner Password Credentials": an account that was invited cannot use it).
_GUEST_ADVICE = (
    "A guest cannot use a password here, because only the home tenant has it: sign in with"
    ' mode="device_code" or mode="browser".'
)


def _guest_advice(
    error_class: type[EndUserError], body: _ErrorBody, context: RequestContext
) -> str:
    """Return what to do if the person is a guest who used a password; "" if they cannot be."""
    if error_class not in (InvalidCredentials, WrongAccount) or not _may_be_guest(context):
        return ""
    return _GUEST_ADVICE if body.number is None or body.number in _SENT_TO_GUESTS else ""


def _may_be_guest(context: RequestContext) -> bool:
    username, tenant = context.username or "", context.tenant or ""
    if context.grant_kind != "password" or not username or not is_tenant_of_its_own(tenant):
        return False
    return _is_guest(username) or username.rpartition("@")[2].lower() != tenant.lower()


def _is_guest(username: str) -> bool:
    """Return whether this can only be a guest, in whatever tenant."""
    return is_guest_name(username) or is_personal(username)


def _next_call(error_class: type[EndUserError], advice: str, context: RequestContext) -> str:
    """Name the call that can succeed: in a mode that the advice names, or else the same again."""
    named = _MODE.findall(advice)
    mode = context.mode if context.mode in named or not named else named[0]
    changed = dict.fromkeys(_OPTION.findall(advice), "...")
    now = mode != context.mode or changed or error_class in _RETRY_NOW
    options = {**context.options, **changed}
    if mode != context.mode:
        options.pop("fallback", None)  # of the mode that cannot succeed
    call = format_call(factory_for(context.resource), mode, options)
    return f"The next call{'' if now else ', after that'}: {call}."


def _how_to_consent(context: RequestContext) -> list[str]:
    permission = (
        "The application's registration needs the API permission"
        f' "{_permission(context.resource)}: user_impersonation".'
    )
    url = _consent_url(context)
    # Without a full stop, which would be copied with the address.
    return [permission] if url is None else [permission, f"An administrator can allow it at {url}"]


def _permission(resource: str) -> str:
    """Return the name under which an application's "API permissions" list a service."""
    service = service_of(resource)
    return service.permission if service else resource


def _consent_url(context: RequestContext) -> str | None:
    """Return the page on which an administrator can allow the application for everybody.

    Return None where the application is not known. The address without ``v2.0`` asks for
    the permissions of the registration and needs no redirect URI. It takes a tenant or
    "organizations", "do not use 'common'".
    Source: Microsoft, "Grant tenant-wide admin consent to an application" (construct
    the URL) and "Admin consent on the Microsoft identity platform".
    """
    tenant = context.tenant
    if context.client_id is None:
        return None
    if tenant is None or tenant.lower() in ("", "common", "consumers"):
        tenant = "organizations"
    query = urlencode({"client_id": context.client_id})
    return f"{_origin(context)}/{quote(tenant, safe='')}/adminconsent?{query}"


def _origin(context: RequestContext) -> str:
    parts = urlsplit(context.authority)
    return f"{parts.scheme}://{parts.netloc}"
