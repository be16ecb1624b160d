"""The tokens of a response, the same in both versions of the endpoint."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..directory import Person, Tenant
    from ..state import State
    from .applications import Application
    from .refresh_tokens import RefreshTokens
    from .token_request import RequestedAccess


@dataclasses.dataclass(frozen=True)
class GrantedAccess:
    """The access that was granted: the person, their tenant, and how they authenticated."""

    person: Person
    tenant: Tenant
    application: Application
    access: RequestedAccess
    cloud: str
    amr: tuple[str, ...]


class Tokens:
    """Issues tokens. ``lifetime`` (seconds) is that of access tokens."""

    def __init__(self, state: State, refresh_tokens: RefreshTokens) -> None:
        self._state = state
        self._refresh_tokens = refresh_tokens
        self.lifetime = 3600.0

    def now(self) -> int:
        """Return the service's time in epoch seconds."""
        return int(self._state.clock.service_time())

    def access_token(self, granted: GrantedAccess) -> str:
        """Issue an access token: always of version 1.0, as these resources require it."""
        # A guest's token is issued by the tenant that they visit.
        person = dataclasses.replace(granted.person, tenant_id=granted.tenant.tenant_id)
        return self._state.identity.access_token(
            person,
            granted.access.resource,
            client_id=granted.application.client_id,
            lifetime=self.lifetime,
            amr=granted.amr,
            extra_claims=granted.access.claims.token_claims(granted.amr),
        )

    def refresh_token(self, granted: GrantedAccess) -> str:
        """Issue a refresh token, valid at the endpoints of either version."""
        return self._refresh_tokens.issue(
            granted.person,
            granted.application,
            cloud=granted.cloud,
            access=granted.access,
            amr=granted.amr,
        )


def client_info(person: Person) -> str:
    """Return a person's object id and home tenant, from which msal makes ``home_account_id``."""
    info = {"uid": person.object_id, "utid": person.tenant_id}
    return base64.urlsafe_b64encode(json.dumps(info).encode()).decode().rstrip("=")
