"""Version 2.0 of the endpoints: scopes, numbers as numbers, and what OpenID Connect adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .error_responses import Refused
from .grants import ASSERTIONS, PASSWORD
from .metadata import issuer
from .token_request import DEFAULT, IMPERSONATION, again, by_scope
from .tokens import client_info
from .version_1 import message

if TYPE_CHECKING:
    from ..access_tokens import Identity
    from .device_codes import DeviceCode
    from .token_request import Asked, Form
    from .tokens import Entitlement, Tokens


class Version2:
    """How version 2.0 is spoken to, and how it answers.

    Sources: Microsoft, "OAuth 2.0 authorization code flow", "... device authorization
    grant flow" and "... Resource Owner Password Credentials", and what msal.oauth2cli and
    msal.token_cache read.
    """

    # RFC 8628 section 3.5 "expired_token".
    expired_code = 70020

    def __init__(self, tokens: Tokens, identity: Identity) -> None:
        self._tokens = tokens
        self._identity = identity

    def check_tenant(self, grant_type: str, tenant_name: str) -> None:
        """Refuse (9001023) a password, or another server's word for it, at ``/common``.

        Source: Microsoft, "Resource Owner Password Credentials", on ``tenant``.
        """
        if tenant_name == "common" and grant_type in {PASSWORD, *ASSERTIONS}:
            raise Refused(9001023)

    def asked(self, form: Form, cloud: str) -> Asked:
        """Read what a request asks for."""
        return by_scope(form, cloud)

    def asked_again(self, form: Form, cloud: str, before: Asked) -> Asked:
        """Read what the holder of a grant asks for: what it was given for, if nothing else."""
        return by_scope(form, cloud) if form.get("scope") else again(before, form)

    def answer(self, form: Form, entitled: Entitlement) -> dict[str, Any]:
        """Give the fields of a token answer."""
        lifetime, wanted = int(self._tokens.lifetime), entitled.asked.openid_scopes
        fields: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": _granted(entitled.asked),
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._tokens.access_token(entitled),
        }
        if "offline_access" in wanted:
            fields["refresh_token"] = self._tokens.refresh_token(entitled)
            if entitled.application.first_party:
                fields["foci"] = "1"
        if "openid" in wanted:
            fields["id_token"] = self._identity.sign(self._id_claims(entitled))
        if form.get("client_info") == "1":
            fields["client_info"] = client_info(entitled.person)
        return fields

    def describe(self, code: DeviceCode, url: str, lifetime: float) -> dict[str, Any]:
        """Give the fields of ``/oauth2/v2.0/devicecode``."""
        return {
            "user_code": code.user_code,
            "device_code": code.device_code,
            "verification_uri": url,
            "expires_in": int(lifetime),
            "interval": int(code.interval),
            "message": message(code, url),
        }

    def _id_claims(self, entitled: Entitlement) -> dict[str, Any]:
        """Give the claims of an id token.

        Source: Microsoft, "ID token claims reference", also on which of them come with the
        scopes ``profile`` and ``email`` only.
        """
        person, now = entitled.person, self._tokens.now()
        tenant_id, wanted = entitled.tenant.tenant_id, entitled.asked.openid_scopes
        claims = {
            "aud": entitled.application.client_id,
            "iss": issuer(tenant_id, entitled.cloud),
            "iat": now,
            "nbf": now,
            "exp": now + int(self._tokens.lifetime),
            "sub": person.object_id,
            "tid": tenant_id,
            "ver": "2.0",
        }
        if "profile" in wanted:
            claims["name"] = person.display_name
            claims["oid"] = person.object_id
            claims["preferred_username"] = person.username
        if "email" in wanted:
            claims["email"] = person.username
        if entitled.asked.nonce:
            claims["nonce"] = entitled.asked.nonce
        return claims


def _granted(asked: Asked) -> str:
    """Give the scopes that were granted.

    Those of OpenID Connect are told with Microsoft Graph's only
    (AzureAD/microsoft-authentication-library-for-python #125), and ``.default`` is told
    beside what it stands for.
    """
    permissions = [one for one in asked.permissions if one != DEFAULT]
    if DEFAULT in asked.permissions:
        permissions = [IMPERSONATION, DEFAULT]
    if not permissions:
        return " ".join(sorted(asked.openid_scopes - {"offline_access"}))
    return " ".join(f"{asked.resource}/{one}" for one in permissions)
