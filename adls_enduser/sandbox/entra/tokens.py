"""What a successful token request is answered with, in version 1.0."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    from ..people import Person, Tenant
    from ..world import World
    from .applications import Application
    from .refresh import RefreshTokens


@dataclasses.dataclass(frozen=True)
class Entitlement:
    """Who gets a token, as whom, for which resource, and how they proved who they are."""

    person: Person
    tenant: Tenant
    application: Application
    resource: str
    cloud: str
    amr: tuple[str, ...]


class TokenAnswers:
    """Writes token answers. ``lifetime`` is the access tokens' (seconds)."""

    def __init__(self, world: World, refresh_tokens: RefreshTokens) -> None:
        self._world = world
        self._refresh_tokens = refresh_tokens
        self.lifetime = 3600.0

    def answer(self, entitled: Entitlement, *, id_token: bool = True) -> dict[str, str]:
        """Give the fields of an answer.

        Every value is a string in version 1.0, numbers too; ``resource`` comes back in the
        spelling it was asked for in. Source: Microsoft, "Authorize access to Microsoft
        Entra web applications using the OAuth 2.0 code grant flow" (v1.0), and what
        adal.oauth2_client reads.
        """
        now, lifetime = int(self._world.clock.service_time()), int(self.lifetime)
        fields = {
            "token_type": "Bearer",
            "scope": "user_impersonation",
            "expires_in": str(lifetime),
            "ext_expires_in": str(lifetime),
            "expires_on": str(now + lifetime),
            "not_before": str(now),
            "resource": entitled.resource,
            "access_token": self._access_token(entitled),
            "refresh_token": self._refresh_token(entitled),
        }
        if entitled.application.first_party:
            fields["foci"] = "1"
        if id_token:
            fields["id_token"] = self._id_token(entitled, now)
        return fields

    def _access_token(self, entitled: Entitlement) -> str:
        # A guest's token is of the tenant that is visited.
        person = dataclasses.replace(entitled.person, tenant_id=entitled.tenant.tenant_id)
        return self._world.identity.access_token(
            person,
            entitled.resource,
            client_id=entitled.application.client_id,
            lifetime=self.lifetime,
            amr=entitled.amr,
        )

    def _refresh_token(self, entitled: Entitlement) -> str:
        return self._refresh_tokens.issue(
            entitled.person,
            entitled.application,
            cloud=entitled.cloud,
            resource=entitled.resource,
            amr=entitled.amr,
        )

    def _id_token(self, entitled: Entitlement, now: int) -> str:
        """Make an id token: not signed, as the v1.0 token endpoint sends it to public clients."""
        person, tenant_id = entitled.person, entitled.tenant.tenant_id
        given_name, _, family_name = person.display_name.partition(" ")
        claims = {
            "aud": entitled.application.client_id,
            "iss": f"https://sts.windows.net/{tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + int(self.lifetime),
            "amr": list(entitled.amr),
            "family_name": family_name,
            "given_name": given_name,
            "ipaddr": "127.0.0.1",
            "name": person.display_name,
            "oid": person.object_id,
            "sub": person.object_id,
            "tid": tenant_id,
            "unique_name": person.username,
            "upn": person.username,
            "ver": "1.0",
        }
        return jwt.encode(claims, "", algorithm="none")
