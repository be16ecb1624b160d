"""Version 1.0 of the endpoints: resources, and every value of an answer a string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from .grants import ASSERTIONS, PASSWORD
from .token_request import again, by_resource

if TYPE_CHECKING:
    from .device_codes import DeviceCode
    from .token_request import Asked, Form
    from .tokens import Entitlement, Tokens


class Version1:
    """How version 1.0 is spoken to, and how it answers.

    Source: Microsoft, "Authorize access to Microsoft Entra web applications using the
    OAuth 2.0 code grant flow" (v1.0), and what adal.oauth2_client reads and sends.
    """

    expired_code = 70019

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def check_tenant(self, grant_type: str, tenant_name: str) -> None:
        """Let every tenant name be used with every grant."""

    def asked(self, form: Form, cloud: str) -> Asked:
        """Read what a request asks for."""
        return by_resource(form)

    def asked_again(self, form: Form, cloud: str, before: Asked) -> Asked:
        """Read what the holder of a grant asks for: what it was given for, if nothing else."""
        return by_resource(form) if form.get("resource") else again(before, form)

    def answer(self, form: Form, entitled: Entitlement) -> dict[str, Any]:
        """Give the fields of a token answer; ``resource`` in the spelling it was asked for in."""
        now, lifetime = self._tokens.now(), int(self._tokens.lifetime)
        fields = {
            "token_type": "Bearer",
            "scope": "user_impersonation",
            "expires_in": str(lifetime),
            "ext_expires_in": str(lifetime),
            "expires_on": str(now + lifetime),
            "not_before": str(now),
            "resource": entitled.asked.resource,
            "access_token": self._tokens.access_token(entitled),
            "refresh_token": self._tokens.refresh_token(entitled),
        }
        if entitled.application.first_party:
            fields["foci"] = "1"
        if _wants_id_token(form):
            fields["id_token"] = self._id_token(entitled, now)
        return fields

    def describe(self, code: DeviceCode, url: str, lifetime: float) -> dict[str, Any]:
        """Give the fields of ``/oauth2/devicecode?api-version=1.0``."""
        return {
            "user_code": code.user_code,
            "device_code": code.device_code,
            "verification_url": url,
            "expires_in": f"{lifetime:g}",
            "interval": f"{code.interval:g}",
            "message": message(code, url),
        }

    def _id_token(self, entitled: Entitlement, now: int) -> str:
        """Make an id token: not signed, as the v1.0 token endpoint sends it to public clients."""
        person, tenant_id = entitled.person, entitled.tenant.tenant_id
        given_name, _, family_name = person.display_name.partition(" ")
        claims = {
            "aud": entitled.application.client_id,
            "iss": f"https://sts.windows.net/{tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + int(self._tokens.lifetime),
            "amr": list(entitled.amr),
            "family_name": family_name,
            "given_name": given_name,
            "ipaddr": "127.0.0.1",
            "name": person.display_name,
            "oid": person.object_id,
            "sub": person.object_id,
            "tid": tenant_id,
            "unique_name": person.username,
            "ver": "1.0",
        }
        if tenant_id == person.tenant_id:
            claims["upn"] = person.username
        else:
            # Guests have no "upn" here (Microsoft, "ID token claims reference", and "Configure
            # optional claims" on how to ask for one).
            claims["email"] = person.username
            claims["idp"] = f"https://sts.windows.net/{person.tenant_id}/"
        if entitled.asked.nonce:
            claims["nonce"] = entitled.asked.nonce
        return jwt.encode(claims, "", algorithm="none")


def message(code: DeviceCode, url: str) -> str:
    """Give the sentence that a program prints for the person."""
    return (
        f"To sign in, use a web browser to open the page {url}"
        f" and enter the code {code.user_code} to authenticate."
    )


def _wants_id_token(form: Form) -> bool:
    if form.get("grant_type") not in {PASSWORD, *ASSERTIONS}:
        return True
    return "openid" in form.get("scope", "").split()
