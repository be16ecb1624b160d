"""Tenants, subscriptions and regions.

Source: Microsoft, "Subscriptions" and "Tenants" REST reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..directory import CONTOSO_ID
from ..http import Response, json_response
from .ids import SUBSCRIPTION_ID, subscription_id
from .inventory import REGIONS
from .request import Route

if TYPE_CHECKING:
    from ..directory import Directory
    from .request import Call

_ONE = "/subscriptions/{subscription}"
_READ = "Microsoft.Resources/subscriptions/read"


class Subscriptions:
    """The handlers for tenants, subscriptions and regions."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def routes(self) -> list[Route]:
        """Return the routes of tenants, subscriptions and regions."""
        kind = "Microsoft.Resources/subscriptions"
        return [
            Route("GET", "/tenants", None, self._tenants),
            Route("GET", "/subscriptions", None, self._list),
            Route("GET", _ONE, _READ, self._get),
            Route("GET", _ONE + "/locations", f"{kind}/locations/read", self._locations),
        ]

    def _tenants(self, call: Call) -> Response:
        tenant = self._directory.tenant(call.caller.tenant_id)
        domains = sorted(tenant.domains) if tenant else []
        body = {"id": f"/tenants/{call.caller.tenant_id}", "tenantId": call.caller.tenant_id}
        return json_response({"value": [body | {"domains": domains}]})

    def _list(self, call: Call) -> Response:
        # A role in the subscription applies in the subscription's tenant only.
        visible = call.caller.tenant_id == CONTOSO_ID and call.caller.may(_READ)
        value = [_body()] if visible else []
        return json_response({"value": value, "count": {"type": "Total", "value": len(value)}})

    def _get(self, call: Call) -> Response:
        return json_response(_body())

    def _locations(self, call: Call) -> Response:
        return json_response({"value": [_location(*region) for region in REGIONS.items()]})


def _body() -> dict[str, object]:
    return {
        "id": subscription_id(),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": SUBSCRIPTION_ID,
        "tenantId": CONTOSO_ID,
        "displayName": "Contoso Analytics",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def _location(name: str, display_name: str) -> dict[str, object]:
    location_id = f"{subscription_id()}/locations/{name}"
    return {"id": location_id, "name": name, "displayName": display_name}
