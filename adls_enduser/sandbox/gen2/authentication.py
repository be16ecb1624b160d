"""Authentication: tokens are checked, and rejected as storage rejects them.

Sources: Microsoft, "Authorize with Microsoft Entra ID (REST)", "Bearer challenge" (the form
and the version that it begins with); the details of the errors from responses quoted in
public issues (for example Azure/azure-sdk-for-java 8667).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..access_tokens import InvalidAccessToken
from ..store.acl import Caller
from .errors import StorageError

if TYPE_CHECKING:
    from ..access_tokens import Reason
    from ..http import Request
    from ..state import State
    from .accounts import Account
    from .hosts import StorageHost

RESOURCE = "https://storage.azure.com"
# The first version that takes a bearer token, and the first one that sends a challenge.
_TOKENS_SINCE = "2017-11-09"
_CHALLENGE_SINCE = "2019-12-12"
_AUTHORITIES = {
    "public": "https://login.microsoftonline.com",
    "china": "https://login.chinacloudapi.cn",
    "usgovernment": "https://login.microsoftonline.us",
}
_DETAILS: dict[Reason, str] = {
    "missing": "",
    "malformed": "Invalid JWT token.",
    "signature": "Signature validation failed. Signature key not found.",
    "audience": "Audience validation failed. Audience did not match.",
    "expired": "Lifetime validation failed. The token is expired.",
    "revoked": "Token validation failed. The token has been revoked.",
}


class WrongTenant(Exception):
    """A token is from another tenant than the account's."""


class Authenticator:
    """Checks the token of every request."""

    def __init__(self, state: State) -> None:
        self._state = state

    def authenticate(self, request: Request, host: StorageHost, account: Account) -> Caller:
        """Return the caller of a request; raise StorageError for a missing or invalid token."""
        authorization = request.headers.get("Authorization")
        _check_scheme(authorization, request)
        try:
            return self.caller(authorization, host, account)
        except InvalidAccessToken as error:
            detail = _DETAILS[error.reason]
        except WrongTenant:
            detail = "Issuer validation failed. Issuer did not match."
        raise _refused(detail, request, account) from None

    def caller(self, authorization: str | None, host: StorageHost, account: Account) -> Caller:
        """Return the person that a token is for; raise InvalidAccessToken or WrongTenant."""
        claims = self._state.identity.check(authorization, host.audiences)
        if claims["tid"] != account.tenant_id:
            raise WrongTenant
        person = self._state.directory.by_object_id(claims["oid"])
        groups = frozenset(group.lower() for group in claims.get("groups", ()))
        # Owners have the role Storage Blob Data Owner: they are super-users.
        owner = person is not None and person.role == "Owner"
        return Caller(claims["oid"].lower(), groups, owner)


def _check_scheme(authorization: str | None, request: Request) -> None:
    """Raise StorageError for an account key, and for a version that knows no tokens."""
    if authorization is None:
        return
    if authorization.lower().startswith("sharedkey"):
        raise StorageError("KeyBasedAuthenticationNotPermitted")
    if request.headers.get("x-ms-version", "") < _TOKENS_SINCE:
        detail = "Authentication scheme Bearer is not supported in this version."
        raise StorageError("AuthenticationFailed", AuthenticationErrorDetail=detail)


def _refused(detail: str, request: Request, account: Account) -> StorageError:
    """Return the error for a token: 401 with a challenge, or what older versions sent.

    An anonymous request then looks for public data, of which there is none.
    """
    challenges = request.headers.get("x-ms-version", "") >= _CHALLENGE_SINCE
    headers = {"WWW-Authenticate": challenge(account)} if challenges else {}
    if not detail:  # the token is missing
        code = "NoAuthenticationInformation" if challenges else "ResourceNotFound"
        return StorageError(code, headers=headers)
    code = "InvalidAuthenticationInfo" if challenges else "AuthenticationFailed"
    return StorageError(code, headers=headers, AuthenticationErrorDetail=detail)


def challenge(account: Account) -> str:
    """Return the ``WWW-Authenticate`` of an account: where and for what to get a token."""
    authority = f"{_AUTHORITIES[account.cloud]}/{account.tenant_id}/oauth2/authorize"
    return f"Bearer authorization_uri={authority} resource_id={RESOURCE}"
