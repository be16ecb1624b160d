"""Version 1.0 of the endpoints: resources, and responses in which every value is a string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from .grants import ASSERTIONS, PASSWORD
from .token_request import by_resource, same_access

if TYPE_CHECKING:
    from ..directory import Person
    from .device_codes import DeviceCode
    from .token_request import Form, RequestedAccess
    from .tokens import GrantedAccess, Tokens


class Version1:
    """The parameters and the responses of version 1.0.

    Source: Microsoft, "Authorize access to Microsoft Entra web applications using the
    OAuth 2.0 code grant flow" (v1.0), and what adal.oauth2_client reads and sends.
    """

    expired_device_code_error = 70019

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def check_tenant(self, grant_type: str, tenant_name: str) -> None:
        """Accept every grant for every tenant name."""

    def requested_access(self, form: Form, cloud: str) -> RequestedAccess:
        """Read the access that a request asks for."""
        return by_resource(form)

    def access_for_grant(
        self, form: Form, cloud: str, original: RequestedAccess
    ) -> RequestedAccess:
        """Read the access that a grant is redeemed for: the original one if none is named."""
        return by_resource(form) if form.get("resource") else same_access(original, form)

    def token_response(self, form: Form, granted: GrantedAccess) -> dict[str, Any]:
        """Return the fields of a token response; ``resource`` is spelled as in the request."""
        now, lifetime = self._tokens.now(), int(self._tokens.lifetime)
        fields = {
            "token_type": "Bearer",
            "scope": "user_impersonation",
            "expires_in": str(lifetime),
            "ext_expires_in": str(lifetime),
            "expires_on": str(now + lifetime),
            "not_before": str(now),
            "resource": granted.access.resource,
            "access_token": self._tokens.access_token(granted),
            "refresh_token": self._tokens.refresh_token(granted),
        }
        if granted.application.first_party:
            fields["foci"] = "1"
        if _wants_id_token(form):
            fields["id_token"] = self._id_token(granted, now)
        return fields

    def device_code_response(self, code: DeviceCode, url: str, lifetime: float) -> dict[str, Any]:
        """Return the fields of ``/oauth2/devicecode?api-version=1.0``."""
        return {
            "user_code": code.user_code,
            "device_code": code.device_code,
            "verification_url": url,
            "expires_in": f"{lifetime:g}",
            "interval": f"{code.interval:g}",
            "message": device_code_message(code, url),
        }

    def _id_token(self, granted: GrantedAccess, now: int) -> str:
        """Return an id token: unsigned, as the v1.0 token endpoint sends it to public clients."""
        person, tenant_id = granted.person, granted.tenant.tenant_id
        given_name, _, family_name = person.display_name.partition(" ")
        claims = {
            "aud": granted.application.client_id,
            "iss": f"https://sts.windows.net/{tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + int(self._tokens.lifetime),
            "amr": list(granted.amr),
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
        claims |= _username_claims(person, tenant_id)
        if granted.access.nonce:
            claims["nonce"] = granted.access.nonce
        return jwt.encode(claims, "", algorithm="none")


def _username_claims(person: Person, tenant_id: str) -> dict[str, str]:
    if tenant_id == person.tenant_id:
        return {"upn": person.username}
    # Guests have no "upn" here (Microsoft, "ID token claims reference", and "Configure
    # optional claims" on how to request one).
    return {"email": person.username, "idp": f"https://sts.windows.net/{person.tenant_id}/"}


def device_code_message(code: DeviceCode, url: str) -> str:
    """Return the sentence that a program prints for the person."""
    return (
        f"To sign in, use a web browser to open the page {url}"
        f" and enter the code {code.user_code} to authenticate."
    )


def _wants_id_token(form: Form) -> bool:
    if form.get("grant_type") not in {PASSWORD, *ASSERTIONS}:
        return True
    return "openid" in form.get("scope", "").split()
