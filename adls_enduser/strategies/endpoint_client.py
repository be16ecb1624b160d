"""Ask this process's identity endpoint for a token of one person.

The protocol is that of App Service's managed identities, with the variables IDENTITY_ENDPOINT
and IDENTITY_HEADER (Microsoft, "Use managed identities for App Service", section "REST endpoint
reference"). There the tokens are a machine's. So the endpoint must be on loopback, and a token
is taken only if it names the person.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import SplitResult, urlencode, urlsplit

from ..clocks import SYSTEM_CLOCK
from ..errors import SignInRequired
from ..log import printable
from ..tokens import Secret, Token
from ..values import dataclass, field
from .jwt import decode_unverified

if TYPE_CHECKING:
    from ..tokens import Account

_API_VERSION = "2019-08-01"
# The endpoint may renew the token first, which is one request of it (or two with retries).
_TIMEOUT = 60.0
_MAX_RESPONSE = 2**20
_NEXT = "Start this process inside of `with identity_endpoint(credential)` of that person."


class Endpoint(NamedTuple):
    """The address of an identity endpoint, and the value of the header that it requires."""

    address: SplitResult
    header: Secret


def endpoint_in_environment() -> Endpoint | None:
    """Return the identity endpoint of this process; None if it has none on loopback."""
    url, header = os.environ.get("IDENTITY_ENDPOINT", ""), os.environ.get("IDENTITY_HEADER", "")
    try:
        address = urlsplit(url)
        is_local = address.hostname in ("127.0.0.1", "localhost", "::1") and address.port
    except ValueError:
        return None
    if not (is_local and header and address.scheme == "http"):
        return None
    return Endpoint(address, Secret(header))


def token_from(endpoint: Endpoint, resource: str, account: Account) -> Token:
    """Return the account's token; SignInRequired if the endpoint has none."""
    response = _send(endpoint, resource)
    if response.error:
        raise _no_token(response.error)
    token = Token(response.secret, response.expires_on, SYSTEM_CLOCK.time(), resource, account)
    if not token.is_sound:
        raise _no_token("its response has no token.")
    if not _is_of(token, account):
        raise _no_token("its token does not name the person of this sign-in.")
    return token


@dataclass(frozen=True)
class _Response:
    """A token, or what went wrong."""

    secret: str = field(default="", repr=False)
    expires_on: float = 0.0
    error: str = ""


def _send(endpoint: Endpoint, resource: str) -> _Response:
    """Send the request. Errors are returned: their frames hold the header, or the token."""
    from http import client  # only workers ask an endpoint

    address = endpoint.address
    query = urlencode({"api-version": _API_VERSION, "resource": resource})
    connection = client.HTTPConnection(str(address.hostname), address.port, timeout=_TIMEOUT)
    try:
        connection.request(
            "GET",
            f"{address.path or '/'}?{query}",
            headers={"X-IDENTITY-HEADER": endpoint.header.reveal()},
        )
        response = connection.getresponse()
        return _parsed(response.status, response.read(_MAX_RESPONSE))
    except (OSError, client.HTTPException) as error:
        return _Response(error=f"it did not respond ({type(error).__name__}: {error}).")
    finally:
        connection.close()


def _parsed(status: int, content: bytes) -> _Response:
    try:
        body: dict[str, Any] = json.loads(content)
        if status == 200:
            return _Response(body["access_token"], float(body["expires_on"]))
        reason = body.get("error_description") or body.get("message") or body.get("error") or ""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _Response(error=f"its response cannot be read (HTTP status {status}).")
    return _Response(error=f"HTTP status {status}. {printable(reason, 1000)}".strip())


def _is_of(token: Token, account: Account) -> bool:
    named = decode_unverified(token.secret).account
    ids = (named.tenant, named.object_id)
    return None not in ids and ids == (account.tenant, account.object_id)


def _no_token(why: str) -> SignInRequired:
    return SignInRequired(why, remedy=_NEXT)
