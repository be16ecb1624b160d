"""Version 2.0 of the endpoints: scopes, numbers as JSON numbers, and OpenID Connect's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .error_responses import EntraError
from .grants import ASSERTIONS, PASSWORD
from .metadata import issuer
from .token_request import DEFAULT, IMPERSONATION, by_scope, same_access
from .tokens import client_info
from .version_1 import device_code_message

if TYPE_CHECKING:
    from ..access_tokens import AccessTokenIssuer
    from .device_codes import DeviceCode
    from .token_request import Form, RequestedAccess
    from .tokens import GrantedAccess, Tokens


class Version2:
    """The parameters and the responses of version 2.0.

    Sources: Microsoft, "OAuth 2.0 authorization code flow", "... device authorization
    grant flow" and "... Resource Owner Password Credentials", and what msal.oauth2cli and
    msal.token_cache read.
    """

    # RFC 8628 section 3.5 "expired_token".
    expired_device_code_error = 70020

    def __init__(self, tokens: Tokens, token_issuer: AccessTokenIssuer) -> None:
        self._tokens = tokens
        self._token_issuer = token_issuer

    def check_tenant(self, grant_type: str, tenant_name: str) -> None:
        """Raise EntraError (9001023) for a password or a SAML assertion at ``/common``.

        Source: Microsoft, "Resource Owner Password Credentials", on ``tenant``.
        """
        if tenant_name == "common" and grant_type in {PASSWORD, *ASSERTIONS}:
            raise EntraError(9001023)

    def requested_access(self, form: Form, cloud: str) -> RequestedAccess:
        """Read the access that a request asks for."""
        return by_scope(form, cloud)

    def access_for_grant(
        self, form: Form, cloud: str, original: RequestedAccess
    ) -> RequestedAccess:
        """Read the access that a grant is redeemed for: the original one if none is named."""
        return by_scope(form, cloud) if form.get("scope") else same_access(original, form)

    def token_response(self, form: Form, granted: GrantedAccess) -> dict[str, Any]:
        """Return the fields of a token response."""
        lifetime, scopes = int(self._tokens.lifetime), granted.access.openid_scopes
        fields: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": _granted_scopes(granted.access),
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._tokens.access_token(granted),
        }
        if "offline_access" in scopes:
            fields["refresh_token"] = self._tokens.refresh_token(granted)
            if granted.application.first_party:
                fields["foci"] = "1"
        if "openid" in scopes:
            fields["id_token"] = self._token_issuer.sign(self._id_claims(granted))
        if form.get("client_info") == "1":
            fields["client_info"] = client_info(granted.person)
        return fields

    def device_code_response(self, code: DeviceCode, url: str, lifetime: float) -> dict[str, Any]:
        """Return the fields of ``/oauth2/v2.0/devicecode``."""
        return {
            "user_code": code.user_code,
            "device_code": code.device_code,
            "verification_uri": url,
            "expires_in": int(lifetime),
            "interval": int(code.interval),
            "message": device_code_message(code, url),
        }

    def _id_claims(self, granted: GrantedAccess) -> dict[str, Any]:
        """Return the claims of an id token.

        Source: Microsoft, "ID token claims reference", also on which of them come with the
        scopes ``profile`` and ``email`` only.
        """
        person, now = granted.person, self._tokens.now()
        tenant_id, scopes = granted.tenant.tenant_id, granted.access.openid_scopes
        claims = {
            "aud": granted.application.client_id,
            "iss": issuer(tenant_id, granted.cloud),
            "iat": now,
            "nbf": now,
            "exp": now + int(self._tokens.lifetime),
            "sub": person.object_id,
            "tid": tenant_id,
            "ver": "2.0",
        }
        if "profile" in scopes:
            claims["name"] = person.display_name
            claims["oid"] = person.object_id
            claims["preferred_username"] = person.username
        if "email" in scopes:
            claims["email"] = person.username
        if granted.access.nonce:
            claims["nonce"] = granted.access.nonce
        return claims


def _granted_scopes(access: RequestedAccess) -> str:
    """Return the scopes that were granted.

    Those of OpenID Connect are listed with Microsoft Graph's only
    (AzureAD/microsoft-authentication-library-for-python #125), and ``.default`` is listed
    together with the scope that it stands for.
    """
    permissions = [name for name in access.permissions if name != DEFAULT]
    if DEFAULT in access.permissions:
        permissions = [IMPERSONATION, DEFAULT]
    if not permissions:
        return " ".join(sorted(access.openid_scopes - {"offline_access"}))
    return " ".join(f"{access.resource}/{name}" for name in permissions)
