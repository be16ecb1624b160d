"""The protocol of App Service's managed identity, replied to with the tokens of a sign-in.

Sources: Microsoft, "How to use managed identities for App Service and Azure Functions", REST
endpoint reference (api-version 2019-08-01); Microsoft, "How to use managed identities for Azure
resources on an Azure VM to acquire an access token" (2018-02-01, which OpenDAL asks for).

Only a request that has the secret header and names the exact host and path gets a token. The header
keeps out web pages and other users of the machine; the path, which is random too, keeps apart the
programs that were given different endpoints.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

from ..errors import ConfigurationError, EndUserError, SignInError, TransportError
from ..interaction.loopback_server import LoopbackHandler, LoopbackServer, cannot_listen
from ..log import logger, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..tokens import Token

ADDRESS = "127.0.0.1"

_APP_SERVICE, _VIRTUAL_MACHINE = "2019-08-01", "2018-02-01"
_MOST_PARAMETERS = 20

# By one of these a program asks for another managed identity than the machine's own. msal,
# azidentity, object_store and reqsign have different names for them.
_OTHER_IDENTITY = {
    "client_id",
    "clientid",
    "mi_res_id",
    "msi_res_id",
    "object_id",
    "principal_id",
}

_SIGNS_TO_THE_END, _TIME_ON_THE_WAY = "azsdk-go-azidentity/", 10.0

_HEADERS = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}


class Tokens(Protocol):
    """The tokens that an endpoint serves."""

    def allowed(self, resource: str) -> str | None:
        """Return the audience that ``resource`` names; None if no program may have its tokens."""
        ...

    def token(self, audience: str) -> Token:
        """Return a token that a program can keep for a while. Raises EndUserError or Refusal."""
        ...

    def time(self) -> float:
        """Return the time in UTC epoch seconds, by the clock that the tokens go by."""
        ...


class IdentityEndpoint:
    """The server for one sign-in, from its creation to ``close``.

    ``secret`` returns the value of the header that a request must have.
    """

    def __init__(self, tokens: Tokens, secret: Callable[[], str]) -> None:
        try:
            self._server = _Server()
        except OSError as error:
            remedy = "Close programs that hold many connections, and call again."
            raise cannot_listen(ADDRESS, 0, error, remedy) from None
        host = f"{ADDRESS}:{self._server.port}"
        path = f"/{secrets.token_urlsafe(16)}/msi/token"
        self.url = f"http://{host}{path}"
        self._server.serve(_TokenService(tokens, host, path, secret))

    def close(self) -> None:
        """Reply to no request any more, and end open connections."""
        self._server.close()


@dataclass(eq=False)
class Refusal(Exception):
    """Why a request gets no token: the HTTP status, a word, and a sentence for the person."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, object]:
        """Return the fields of App Service's error, and of the virtual machine's."""
        return {
            "statusCode": self.status,
            "message": self.message,
            "error": self.code,
            "error_description": self.message,
        }


@dataclass(frozen=True)
class _TokenService:
    """What the endpoint replies."""

    tokens: Tokens
    host: str
    path: str
    secret: Callable[[], str] = field(repr=False)

    def check_sender(self, request: _Handler) -> str:
        """Return the query of a request for this endpoint that has the secret."""
        # The exact host stops a web page whose name was made to point here (DNS rebinding).
        if request.headers.get_all("Host", []) != [self.host]:
            raise Refusal(400, "invalid_request", "The request was meant for another host.")
        # DuckDB sends the absolute form (RFC 9112 section 3.2.2).
        target = request.requestline.split()[1].removeprefix(f"http://{self.host}")
        path, _, query = target.partition("?")
        if not _are_equal(path, self.path):
            raise Refusal(404, "not_found", "There is nothing at this path.")
        given = request.headers.get_all("X-IDENTITY-HEADER", [])
        secret = self.secret()
        if len(given) != 1 or not secret or not _are_equal(given[0], secret):
            message = "The header X-IDENTITY-HEADER must have the value of IDENTITY_HEADER."
            raise Refusal(403, "forbidden", message)
        return query

    def reply(self, query: str, user_agent: str) -> dict[str, str]:
        """Return the fields of a response with a token."""
        parameters = _parameters(query)
        version, resource = parameters.get("api-version"), parameters.get("resource", "")
        if version not in (_APP_SERVICE, _VIRTUAL_MACHINE):
            raise _bad_request(f"api-version must be {_APP_SERVICE} or {_VIRTUAL_MACHINE}.")
        try:
            token = self.tokens.token(self._audience(resource))
        except EndUserError as error:
            raise refusal_for(error) from error
        expires_on = _expiry_for(token, user_agent)
        fields = {
            "access_token": token.secret,
            "expires_on": str(int(expires_on)),
            "resource": resource,
            "token_type": "Bearer",
        }
        if version == _VIRTUAL_MACHINE:
            fields["refresh_token"] = ""
            fields["expires_in"] = str(max(int(expires_on - self.tokens.time()), 0))
            fields["not_before"] = str(int(token.obtained_on))
        return fields

    def _audience(self, resource: str) -> str:
        if not resource:
            raise _bad_request("The query has no resource.")
        audience = self.tokens.allowed(resource)
        if audience is None:
            raise Refusal(
                400,
                "invalid_resource",
                f"No token for {printable(resource)}: it is not among the allowed resources. Name"
                " it in identity_endpoint(credential, resources=[...]), or in adls-enduser run"
                " --for.",
            )
        return audience


def _expiry_for(token: Token, user_agent: str) -> float:
    """Return when the program is to get another token.

    azidentity (Go) signs with a token until its last moment, so that it expires on the way. The
    403 loses rclone a file, and AzCopy ends the whole job.
    """
    if _SIGNS_TO_THE_END not in user_agent:
        return token.expires_on
    return token.expires_on - min(_TIME_ON_THE_WAY, token.lifetime / 10)


def _bad_request(message: str) -> Refusal:
    return Refusal(400, "invalid_request", message)


def refusal_for(error: EndUserError) -> Refusal:
    """Return the refusal for a sign-in that has no token. Clients send 5xx again, and no 400."""
    name = type(error).__name__
    message = f"{name}: {error}"
    if isinstance(error, SignInError | ConfigurationError):
        return Refusal(400, name, message)
    if not isinstance(error, TransportError):
        return Refusal(500, name, message)
    pause = error.retry_after
    return Refusal(503, name, message, {"Retry-After": str(int(pause + 1))} if pause else {})


def _parameters(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise _bad_request("The query has too many parameters.") from None
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        raise _bad_request("The query has a parameter twice.")
    for name in sorted(_OTHER_IDENTITY & parameters.keys()):
        if parameters[name]:
            raise _bad_request(
                f"This endpoint serves a person's sign-in, and no managed identity by {name}."
                " Leave it out; clients take it from an option or from AZURE_CLIENT_ID."
            )
    return parameters


def _are_equal(given: str, expected: str) -> bool:
    """Compare in a time that does not depend on how much of it is right."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode(errors="replace"))


class _Server(LoopbackServer):
    def __init__(self) -> None:
        super().__init__(ADDRESS, 0, _Handler)

    def serve(self, service: _TokenService) -> None:
        self.service = service
        self.start("adls_enduser-identity-endpoint")


class _Handler(LoopbackHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] - socketserver sets it
    protocol_version = "HTTP/1.1"

    def reply(self) -> None:
        """Send a token, or why there is none."""
        service = self.server.service
        try:
            query = service.check_sender(self)
            self.server.keep(self.connection, kept=True)  # it may wait for a person
            fields = service.reply(query, self.headers.get("User-Agent", ""))
        except Refusal as refusal:
            self._send_refusal(refusal)
        else:
            logger(__name__).debug("A program got a token for %s.", printable(fields["resource"]))
            self.send(200, _HEADERS, json.dumps(fields).encode())

    def refuse(self, status: int) -> None:
        """Send an error."""
        message = "Only GET is accepted." if status == 405 else "The request cannot be read."
        self._send_refusal(Refusal(status, "invalid_request", message))

    def _send_refusal(self, refusal: Refusal) -> None:
        logger(__name__).debug("A request was refused: %s %s", refusal.status, refusal.message)
        body = json.dumps(refusal.body()).encode()
        self.send(refusal.status, {**_HEADERS, **refusal.headers}, body)
