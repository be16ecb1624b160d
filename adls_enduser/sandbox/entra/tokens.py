"""The tokens of an answer, whichever version of the endpoint it comes from."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..directory import Person, Tenant
    from ..state import World
    from .applications import Application
    from .refresh_tokens import RefreshTokens
    from .token_request import Asked


@dataclasses.dataclass(frozen=True)
class Entitlement:
    """Who gets a token, as whom, for what, and how they proved who they are."""

    person: Person
    tenant: Tenant
    application: Application
    asked: Asked
    cloud: str
    amr: tuple[str, ...]


class Tokens:
    """Makes tokens. ``lifetime`` is the access tokens' (seconds)."""

    def __init__(self, world: World, refresh_tokens: RefreshTokens) -> None:
        self._world = world
        self._refresh_tokens = refresh_tokens
        self.lifetime = 3600.0

    def now(self) -> int:
        """Give the service's time in epoch seconds."""
        return int(self._world.clock.service_time())

    def access_token(self, entitled: Entitlement) -> str:
        """Make an access token: of version 1.0 always, as these resources want it."""
        # A guest's token is of the tenant that is visited.
        person = dataclasses.replace(entitled.person, tenant_id=entitled.tenant.tenant_id)
        return self._world.identity.access_token(
            person,
            entitled.asked.resource,
            client_id=entitled.application.client_id,
            lifetime=self.lifetime,
            amr=entitled.amr,
            more=entitled.asked.claims.for_token(entitled.amr),
        )

    def refresh_token(self, entitled: Entitlement) -> str:
        """Make a refresh token, good at the endpoints of either version."""
        return self._refresh_tokens.issue(
            entitled.person,
            entitled.application,
            cloud=entitled.cloud,
            asked=entitled.asked,
            amr=entitled.amr,
        )


def client_info(person: Person) -> str:
    """Tell who a person is, and where at home: msal's ``home_account_id``."""
    known = {"uid": person.object_id, "utid": person.tenant_id}
    return base64.urlsafe_b64encode(json.dumps(known).encode()).decode().rstrip("=")
