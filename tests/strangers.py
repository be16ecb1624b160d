"""Credentials as a stranger would write them, against azure-core's protocols alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from .conftest import PASSWORD

if TYPE_CHECKING:
    from adls_enduser.sandbox import Person, SandboxClock

CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


class Strangers:
    """Signs in by password at Entra ID's v1.0 endpoint, then by the refresh token.

    ``asked`` are the scope and the options of each call.
    """

    def __init__(self, person: Person, clock: SandboxClock) -> None:
        self._person, self._clock = person, clock
        self._refresh_token = ""
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        (scope,) = scopes
        self.asked.append((scope, options))
        return self._obtain(scope.removesuffix("/.default"))

    def _obtain(self, resource: str) -> AccessToken:
        form = {"client_id": CLIENT_ID, "resource": resource, "grant_type": "refresh_token"}
        if self._refresh_token:
            form |= {"refresh_token": self._refresh_token}
        else:
            form |= {"grant_type": "password", "password": PASSWORD}
            form |= {"username": self._person.username, "scope": "openid"}
        url = f"https://login.microsoftonline.com/{self._person.tenant_id}/oauth2/token"
        try:
            answer = requests.post(url, data=form, timeout=10)
        except requests.ConnectionError as error:
            raise ServiceRequestError("no connection", error=error) from error
        body = answer.json()
        if not answer.ok:
            raise ClientAuthenticationError(f"Authentication failed: {body['error_description']}")
        self._refresh_token = body.get("refresh_token", self._refresh_token)
        expires_on = int(self._clock.time()) + int(body["expires_in"])
        return AccessToken(body["access_token"], expires_on)


class StrangersInfo(Strangers):
    """The same, with azure-core's newer verb only."""

    get_token = None  # type: ignore[assignment]

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        (scope,) = scopes
        self.asked.append((scope, dict(options or {})))
        token = self._obtain(scope.removesuffix("/.default"))
        return AccessTokenInfo(token.token, token.expires_on)


class Giving:
    """Gives what it was made with, or raises it."""

    def __init__(self, given: object) -> None:
        self.given = given
        self.calls = 0

    def get_token(self, *scopes: str, **options: Any) -> Any:
        self.calls += 1
        if isinstance(self.given, BaseException):
            raise self.given
        return self.given
