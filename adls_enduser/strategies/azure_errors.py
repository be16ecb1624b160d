"""Translate what an azure-core credential raises into one of this package's errors.

azure-identity wraps nearly every failure into ``ClientAuthenticationError`` (its
``wrap_exceptions``), also a dropped connection; the first cause is in the chain of causes.
Entra ID's own error is in the response's body, or only its sentence is in the message.
"""

from __future__ import annotations

import json
import re
import subprocess
import traceback
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

from ..entra.dates import retry_after
from ..entra.error_response import RequestContext, error_from_response, readable
from ..entra.exchange import Response
from ..errors import ProtocolError, SignInError, SignInTimedOut, TransportError
from .program_output import network_failure, output_in, response_in, response_not_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import EndUserError

# azure-identity raises it instead of prompting a person.
_PERSON_NEEDED = "AuthenticationRequiredError"

_NUMBER = re.compile(r"AADSTS[1-9][0-9]{3,8}\b")
# A connection that failed in another program: azure-cli prints the traceback, and
# azure-identity keeps its text. The words are those of urllib3's MaxRetryError.
_DROPPED = re.compile(r"HTTPS?ConnectionPool\(host='([A-Za-z0-9.-]+)'")
# The person did not come: the words of azure-identity's DeviceCodeCredential and browser.
_NOBODY_CAME = re.compile(r"Timed out (?:after )?waiting .*\buser to authenticate")
_TEMPORARY = frozenset({408, 429})
# msal's words for a response: throttled_http_client.py (``raise_for_status``), and authority.py
# (``tenant_discovery``).
_STATUS = re.compile(r"\bHTTP (?:Error|status): ([45][0-9]{2})\b")
# Errors of the operating system that a second try does not fix.
_LASTING = (PermissionError, FileNotFoundError, NotADirectoryError)


def translated(
    error: Exception, context: RequestContext, name: str, now: float
) -> EndUserError | None:
    """Return the EndUserError for what the credential ``name`` raised.

    None if the credential says that it must prompt a person first, unless Entra ID's reason
    is known.
    """
    text = _text(error)
    output = output_in(text, name, _causes(error))
    if output:
        said = readable(text.removesuffix(output))
        return _program_failed(output, context, name, said)
    refused = _error_response(error, context, now)
    if refused is not None:
        return refused
    if _PERSON_NEEDED in kinds(error):
        return None
    return _without_response(error, text, name)


def _without_response(error: Exception, text: str, name: str) -> EndUserError:
    """Return the error for an exception that holds no error response of Entra ID."""
    dropped = _DROPPED.search(text)
    if dropped:
        return TransportError(f"{name} could not reach {dropped[1]}.", remedy="Try again later.")
    causes = list(_causes(error))
    if any(map(_is_not_json, causes)):
        return response_not_json(name)
    message = readable(text)
    if _NOBODY_CAME.search(text):
        return SignInTimedOut(
            f"{name} returned no token: {message}", remedy="Sign in again within the time limit."
        )
    if any(map(_is_transport, causes)):
        return TransportError(f"{name} got no response: {message}", remedy="Try again later.")
    if isinstance(error, HttpResponseError | OSError):
        return SignInError(
            f"{name} returned no token: {message}",
            remedy="Fix what the message reports. The credential is not part of this package.",
        )
    return ProtocolError(
        f"{name} failed with {type(error).__name__}: {message}",
        remedy="Fix what the message reports. The credential is not part of this package.",
    )


def _program_failed(output: str, context: RequestContext, name: str, said: str) -> EndUserError:
    """Return the error for a program that returned no token; it repeats nothing of the output."""
    body = response_in(output)
    if body is not None:
        return error_from_response(body, context, status=None)
    host = urlsplit(context.authority).hostname or ""
    return network_failure(output, name, host) or SignInError(
        f"{name} returned no token{f': {said}' if said else '.'} What its program printed is not"
        " shown, because it may hold a token.",
        remedy="Run the program yourself: it says why.",
    )


def _error_response(error: Exception, context: RequestContext, now: float) -> EndUserError | None:
    """Return the error for Entra ID's error response, or for a sentence of it in a message."""
    for one in _causes(error):
        body, told = _body(one), _told_by_msal(one)
        status = told or _status(one)
        if body is not None or told or status >= 500 or status in _TEMPORARY:
            wait = retry_after(Response(status, "", _headers(one)), now)
            return error_from_response(body, context, status=status, retry_after=wait)
    return None


def _text(error: BaseException) -> str:
    return str(getattr(error, "message", None) or error)


def _body(error: BaseException) -> dict[str, object] | None:
    try:
        body = json.loads(error.response.text())  # type: ignore[attr-defined]
    except Exception:  # no response, a response that was not read, no JSON
        body = None
    if isinstance(body, dict) and isinstance(body.get("error"), str):
        return body
    found = _NUMBER.search(_text(error))
    return {"error_description": found.string[found.start() :]} if found else None


def _status(error: BaseException) -> int:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 400


def _told_by_msal(error: BaseException) -> int | None:
    """Return the status in the text of an error that holds no response, as msal's do."""
    found = None if hasattr(error, "status_code") else _STATUS.search(_text(error))
    return int(found[1]) if found else None


def _headers(error: BaseException) -> dict[str, str]:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = headers.get("Retry-After")
    return {"Retry-After": value} if isinstance(value, str) else {}


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _is_not_json(error: BaseException) -> bool:
    """Return whether msal could not decode a response. It also decodes its own token cache."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    modules = {str(frame.f_globals.get("__name__")) for frame in frames}
    return "msal.token_cache" not in modules and any(one.startswith("msal.") for one in modules)


def _is_transport(error: BaseException) -> bool:
    if isinstance(error, ServiceRequestError | ServiceResponseError | subprocess.TimeoutExpired):
        return True
    return isinstance(error, OSError) and not isinstance(error, _LASTING)


def kinds(thing: object) -> set[str]:
    """Return the names of an object's class and of all its base classes."""
    return {kind.__name__ for kind in type(thing).__mro__}
