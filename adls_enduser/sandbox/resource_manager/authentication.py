"""Authentication: tokens are checked, and rejected as Resource Manager rejects them.

Sources: the challenge's form from azure-core's ``BearerTokenCredentialPolicy`` and the
challenges quoted in its tests; the messages from responses quoted in public issues
(for example Azure/azure-sdk-for-net 49391 and MicrosoftDocs/power-automate-docs 121).
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..access_tokens import InvalidAccessToken
from ..directory import CONTOSO_ID
from .errors import ArmError
from .ids import SUBSCRIPTION_ID
from .request import Caller

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..http import Request
    from ..state import State
    from .request import Call

AUDIENCES = ("https://management.core.windows.net/", "https://management.azure.com/")
_AUTHORITY = "https://login.windows.net/"


class Authenticator:
    """Checks the token of every request, then the tenant and the role."""

    def __init__(self, state: State) -> None:
        self._state = state

    def authenticate(self, request: Request, audiences: Collection[str] = AUDIENCES) -> Caller:
        """Return the caller of a request; raise ArmError (401 with a challenge) for a bad token."""
        authorization = request.headers.get("Authorization")
        try:
            claims = self._state.identity.check(authorization, audiences)
        except InvalidAccessToken as error:
            raise self._challenge_error(error, request) from None
        context = self._state.identity.missing_context(claims, request.method)
        if context is not None:
            raise _needs_context(context, request)
        person = self._state.directory.by_object_id(claims["oid"])
        return Caller(
            username=claims.get("unique_name") or claims["oid"],
            object_id=claims["oid"],
            tenant_id=claims["tid"],
            role=person.role if person else None,
        )

    def authorize(self, call: Call) -> None:
        """Raise ArmError if the subscription, the token's tenant or the role is wrong."""
        subscription = call.names.get("subscription")
        if subscription is None:
            return
        if subscription.lower() != SUBSCRIPTION_ID:
            raise _no_subscription(subscription)
        if call.caller.tenant_id != CONTOSO_ID:
            raise _wrong_tenant(call.caller.tenant_id)
        if call.route.action and not call.caller.may(call.route.action):
            raise _forbidden(call)

    def _challenge_error(self, error: InvalidAccessToken, request: Request) -> ArmError:
        code, message, description = self._messages(error, request)
        header = _challenge(request, description)
        if error.reason == "revoked":
            header = self._revocation_challenge(error.claims, request)
        return ArmError(401, code, message, {"WWW-Authenticate": header})

    def _revocation_challenge(self, claims: dict[str, Any], request: Request) -> str:
        """Challenge for a token that was issued after the revocation.

        Clients that say ``cp1`` get the error on Microsoft's page about claims challenges. Others
        get the error recorded in the tests of azure-mgmt-core, which names the same claim but
        which azure-core does not follow.
        """
        now = str(int(self._state.clock.service_time()))
        required = {"nbf": {"essential": True, "value": now}}
        capable = "cp1" in [str(value).lower() for value in claims.get("xms_cc", ())]
        error = "insufficient_claims" if capable else "invalid_token"
        return _challenge(request, "User session has been revoked", error) + _claims(required)

    def _messages(self, error: InvalidAccessToken, request: Request) -> tuple[str, str, str]:
        if error.reason == "missing":
            return (
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
                "The authentication failed because of missing 'Authorization' header.",
            )
        code, message = self._code_and_message(error, request)
        return code, message, message

    def _code_and_message(self, error: InvalidAccessToken, request: Request) -> tuple[str, str]:
        if error.reason == "audience":
            return "InvalidAuthenticationTokenAudience", _wrong_audience(error.claims)
        if error.reason == "expired":
            return "ExpiredAuthenticationToken", self._expired(error.claims)
        if error.reason == "revoked":
            return "InvalidAuthenticationToken", "User session has been revoked"
        if not request.headers.get("Authorization", "").lower().startswith("bearer "):
            return (
                "AuthenticationFailedInvalidHeader",
                "Authentication failed. The 'Authorization' header is provided in an invalid "
                "format.",
            )
        return "InvalidAuthenticationToken", "The access token is invalid."

    def _expired(self, claims: dict[str, Any]) -> str:
        expiry, now = _timestamp(claims["exp"]), _timestamp(self._state.clock.service_time())
        return (
            f"The access token expiry UTC time '{expiry}' is earlier than current UTC time '{now}'."
        )


def _challenge(request: Request, description: str, error: str = "invalid_token") -> str:
    """Return a ``WWW-Authenticate`` with the subscription's tenant, if the path has a subscription.

    Terraform and others read the tenant of a subscription from it.
    """
    tenant = CONTOSO_ID if SUBSCRIPTION_ID in request.path.lower() else ""
    return _challenge_header(tenant, description, error)


def _challenge_header(tenant: str, description: str, error: str = "invalid_token") -> str:
    return (
        f'Bearer authorization_uri="{_AUTHORITY}{tenant}", '
        f'error="{error}", error_description="{description}"'
    )


def _claims(required: dict[str, Any]) -> str:
    """Return the claims that an access token must have, for the end of a challenge."""
    text = json.dumps({"access_token": required}, separators=(",", ":"))
    return f', claims="{base64.b64encode(text.encode()).decode()}"'


def _needs_context(context: str, request: Request) -> ArmError:
    """Challenge for an authentication context, as Azure does where it enforces MFA.

    Source: Microsoft, "Troubleshooting Azure CLI" (the code and the messages), and the
    ``--claims-challenge`` that azure-cli prints: ``acrs`` with ``values``.
    """
    required = {"acrs": {"essential": True, "values": [context]}}
    message = (
        "Resource was disallowed by policy. Users must use MFA for Create/Update operations. "
        "Users must authenticate with multi-factor authentication to create or update resources."
    )
    header = _challenge(request, "The token has insufficient claims", "insufficient_claims")
    headers = {"WWW-Authenticate": header + _claims(required)}
    return ArmError(401, "RequestDisallowedByPolicy", message, headers)


def _wrong_audience(claims: dict[str, Any]) -> str:
    allowed = ",".join(f"'{audience}','{audience.rstrip('/')}'" for audience in AUDIENCES)
    return (
        "The access token has been obtained for wrong audience or resource "
        f"'{claims['aud']}'. It should exactly match with one of the allowed audiences {allowed}."
    )


def _wrong_tenant(tenant: str) -> ArmError:
    message = (
        f"The access token is from the wrong issuer 'https://sts.windows.net/{tenant}/'. It must "
        f"match the tenant 'https://sts.windows.net/{CONTOSO_ID}/' associated with this "
        f"subscription. Please use the authority (URL) '{_AUTHORITY}{CONTOSO_ID}' to get the "
        "token. Note, if the subscription is transferred to another tenant there is no impact to "
        "the services, but information about new tenant could take time to propagate (up to an "
        "hour). If you just transferred your subscription and see this error message, please try "
        "back later."
    )
    description = (
        "The access token is from the wrong issuer. It must match the tenant associated with this "
        "subscription. Please use correct authority to get the token."
    )
    headers = {"WWW-Authenticate": _challenge_header(CONTOSO_ID, description)}
    return ArmError(401, "InvalidAuthenticationTokenTenant", message, headers)


def _no_subscription(subscription: str) -> ArmError:
    if not _is_guid(subscription):
        message = f"The provided subscription identifier '{subscription}' is malformed or invalid."
        return ArmError(400, "InvalidSubscriptionId", message)
    message = f"The subscription '{subscription}' could not be found."
    return ArmError(404, "SubscriptionNotFound", message)


def _forbidden(call: Call) -> ArmError:
    message = (
        f"The client '{call.caller.username}' with object id '{call.caller.object_id}' does not "
        f"have authorization to perform action '{call.route.action}' over scope '{call.scope}' or "
        "the scope is invalid. If access was recently granted, please refresh your credentials."
    )
    return ArmError(403, "AuthorizationFailed", message)


def _is_guid(text: str) -> bool:
    parts = text.split("-")
    hexadecimal = all(digit in "0123456789abcdefABCDEF" for part in parts for digit in part)
    return hexadecimal and [len(part) for part in parts] == [8, 4, 4, 4, 12]


def _timestamp(seconds: float) -> str:
    time = datetime.fromtimestamp(seconds, timezone.utc)
    half = "AM" if time.hour < 12 else "PM"
    return f"{time.month}/{time.day}/{time.year} {time.hour % 12 or 12}:{time:%M:%S} {half}"
