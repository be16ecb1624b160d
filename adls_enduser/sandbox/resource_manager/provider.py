"""The providers themselves: registration; of Data Lake Store also operations, regions, quotas.

Sources: recorded sessions of azure-mgmt-datalake-store for ``operations`` and
``capability``; Microsoft, "Providers" REST reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http import Response, json_response
from .errors import location_not_available, unknown_namespace
from .ids import (
    ACCOUNT_TYPE,
    API_VERSION,
    NAMESPACE,
    STORAGE,
    STORAGE_TYPE,
    SUBSCRIPTION_ID,
    subscription_id,
)
from .inventory import REGIONS, STORE_REGIONS
from .request import Route
from .routing import STORAGE_VERSIONS

if TYPE_CHECKING:
    from .inventory import Inventory
    from .request import Call

_QUOTA = 10
_SUBSCRIPTION = "/subscriptions/{subscription}"
_LOCATION = f"{_SUBSCRIPTION}/providers/{NAMESPACE}/locations/{{location}}"
_RESOURCES = "Microsoft.Resources"
_NAMESPACES = (NAMESPACE, STORAGE, _RESOURCES)
# The name after "Microsoft.DataLakeStore/", the resource, the operation, the description.
_OPERATIONS = (
    (
        "operations/read",
        "Available Operations",
        "Get Available Operations",
        "Get available operations of DataLakeStore.",
    ),
    (
        "register/action",
        "Registration",
        "Register to DataLakeStore",
        "Register subscription to DataLakeStore.",
    ),
    (
        "accounts/read",
        "Account",
        "Get DataLakeStore Account",
        "Get information about an existing DataLakeStore account.",
    ),
    (
        "accounts/write",
        "Account",
        "Create or Update DataLakeStore Account",
        "Create or update a DataLakeStore account.",
    ),
    (
        "accounts/delete",
        "Account",
        "Delete DataLakeStore Account",
        "Delete a DataLakeStore account.",
    ),
    (
        "accounts/firewallRules/read",
        "Firewall Rule",
        "Get Firewall Rule",
        "Get information about a firewall rule.",
    ),
    (
        "accounts/firewallRules/write",
        "Firewall Rule",
        "Create or Update Firewall Rule",
        "Create or update a firewall rule.",
    ),
    (
        "accounts/firewallRules/delete",
        "Firewall Rule",
        "Delete Firewall Rule",
        "Delete a firewall rule.",
    ),
)


class Provider:
    """The handlers for the providers themselves."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def routes(self) -> list[Route]:
        """Return the routes of the providers."""
        read = "Microsoft.Resources/subscriptions/providers/read"
        every = f"{_SUBSCRIPTION}/providers"
        one = every + "/{namespace}"
        capability = f"{NAMESPACE}/locations/capability/read"
        usages = f"{NAMESPACE}/locations/usages/read"
        return [
            Route("GET", "/providers", None, self._list),
            Route("GET", "/providers/{namespace}", None, self._get),
            Route("GET", f"/providers/{NAMESPACE}/operations", None, self._operations),
            Route("GET", every, read, self._list),
            Route("GET", one, read, self._get),
            Route("POST", one + "/register", f"{NAMESPACE}/register/action", self._register),
            Route("POST", one + "/unregister", f"{NAMESPACE}/unregister/action", self._unregister),
            Route("GET", _LOCATION + "/capability", capability, self._capability),
            Route("GET", _LOCATION + "/usages", usages, self._usages),
        ]

    def _list(self, call: Call) -> Response:
        bodies = [self._body(name, call) for name in _NAMESPACES]
        return json_response({"value": bodies})

    def _get(self, call: Call) -> Response:
        return json_response(self._body(_known_namespace(call.names["namespace"]), call))

    def _register(self, call: Call) -> Response:
        name = _known_namespace(call.names["namespace"])
        self._inventory.registered.add(name)
        return json_response(self._body(name, call))

    def _unregister(self, call: Call) -> Response:
        name = _known_namespace(call.names["namespace"])
        self._inventory.registered.discard(name)
        return json_response(self._body(name, call))

    def _body(self, name: str, call: Call) -> dict[str, object]:
        body: dict[str, object] = {"namespace": name, "resourceTypes": _types(name)}
        if "subscription" not in call.names:
            return body
        registered = name in {*self._inventory.registered, _RESOURCES}
        return (
            {"id": f"{subscription_id()}/providers/{name}"}
            | body
            | {
                "registrationState": "Registered" if registered else "NotRegistered",
                "registrationPolicy": "RegistrationRequired",
            }
        )

    def _operations(self, call: Call) -> Response:
        return json_response({"value": [_operation(*row) for row in _OPERATIONS]})

    def _capability(self, call: Call) -> Response:
        _check_region(call)
        registered = NAMESPACE in self._inventory.registered
        return json_response(
            {
                "subscriptionId": SUBSCRIPTION_ID,
                "state": "Registered" if registered else "Unregistered",
                "maxAccountCount": _QUOTA,
                "accountCount": len(self._inventory.accounts),
                "migrationState": False,
            }
        )

    def _usages(self, call: Call) -> Response:
        _check_region(call)
        name = {"value": "AccountCount", "localizedValue": "Account Count"}
        region = f"{subscription_id()}/providers/{NAMESPACE}/locations/{call.names['location']}"
        usage = {
            "unit": "Count",
            "id": f"{region}/usages/AccountCount",
            "currentValue": len(self._inventory.accounts),
            "limit": _QUOTA,
            "name": name,
        }
        return json_response({"value": [usage]})


def _known_namespace(namespace: str) -> str:
    for name in _NAMESPACES:
        if name.lower() == namespace.lower():
            return name
    raise unknown_namespace(namespace)


def _types(name: str) -> list[dict[str, object]]:
    if name == _RESOURCES:
        return [_type("resourceGroups", list(REGIONS.values()), ["2025-04-01", "2020-06-01"])]
    if name == STORAGE:
        kind = STORAGE_TYPE.partition("/")[2]
        return [_type(kind, list(REGIONS.values()), list(STORAGE_VERSIONS))]
    regions = [REGIONS[region] for region in STORE_REGIONS]
    versions = [API_VERSION, "2015-10-01-preview"]
    kinds = [ACCOUNT_TYPE.partition("/")[2], "accounts/firewallRules"]
    return [
        *(_type(kind, regions, versions) for kind in kinds),
        *(_type(kind, [], versions) for kind in ("locations", "operations")),
    ]


def _type(kind: str, locations: list[str], versions: list[str]) -> dict[str, object]:
    return {"resourceType": kind, "locations": locations, "apiVersions": versions}


def _operation(name: str, resource: str, operation: str, description: str) -> dict[str, object]:
    display = {
        "provider": "Microsoft DataLakeStore",
        "resource": resource,
        "operation": operation,
        "description": description,
    }
    return {"name": f"{NAMESPACE}/{name}", "display": display}


def _check_region(call: Call) -> None:
    if call.names["location"].lower() not in STORE_REGIONS:
        raise location_not_available(call.names["location"], STORE_REGIONS)
