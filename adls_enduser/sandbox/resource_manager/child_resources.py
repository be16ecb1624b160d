"""An account's child resources: firewall rules, virtual network rules, identity providers.

All three work the same: a name and one or two required properties. Sources: the
``*_rules`` and ``trusted_id_providers`` operations of azure-mgmt-datalake-store; the
recorded sessions of ``az dls account firewall``, ``network-rule``, ``trusted-provider``.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..http import Response, empty_response, json_response
from .errors import ArmError, bad_content, nested_not_found
from .ids import ACCOUNT_TYPE
from .inventory import Account, Child, timestamp
from .paging import page
from .request import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..state import State
    from .inventory import Inventory
    from .request import Call

_ACCOUNT = (
    f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{ACCOUNT_TYPE}/{{account}}"
)


@dataclass(frozen=True)
class ChildType:
    """One of the three types, and the properties that its children must have."""

    name: str
    required: tuple[str, ...]
    state: str = ""

    def shown(self, child: Child) -> dict[str, object]:
        """Return the properties that a GET shows; a PUT does not show the state.

        Recorded: azure-mgmt-datalake-store's ``test_vnet_operations``.
        """
        return child.properties | ({"state": self.state} if self.state else {})

    def child(self, name: str, given: object, known: Mapping[str, object]) -> Child:
        """Return a child: a body's properties over the known ones; raise ArmError if invalid."""
        if not isinstance(given, dict):
            given = {}
        properties = {n: given.get(n) or known.get(n) for n in self.required}
        missing = [n for n, value in properties.items() if not isinstance(value, str)]
        if missing:
            raise bad_content(f"required property '{missing[0]}' not found in JSON")
        if "startIpAddress" in properties:
            _check_range(str(properties["startIpAddress"]), str(properties["endIpAddress"]))
        return Child(name, properties)


CHILD_TYPES = (
    ChildType("firewallRules", ("startIpAddress", "endIpAddress")),
    ChildType("virtualNetworkRules", ("subnetId",), "Active"),
    ChildType("trustedIdProviders", ("idProvider",)),
)


def embed(account: Account, properties: Mapping[str, object]) -> None:
    """Replace the children that an account's body contains."""
    for collection in CHILD_TYPES:
        given = properties.get(collection.name)
        if isinstance(given, list):
            children = [_embedded(collection, account, child) for child in given]
            account.children[collection.name] = {child.name.lower(): child for child in children}


def _embedded(collection: ChildType, account: Account, given: object) -> Child:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise bad_content(f"an element of '{collection.name}' has no name")
    known = account.children.get(collection.name, {}).get(given["name"].lower())
    properties = known.properties if known else {}
    return collection.child(given["name"], given.get("properties"), properties)


class ChildResources:
    """The handlers for one type of child."""

    def __init__(self, state: State, inventory: Inventory, collection: ChildType) -> None:
        self._state = state
        self._inventory = inventory
        self._collection = collection

    def routes(self) -> list[Route]:
        """Return the routes of this type of child."""
        kind = f"{ACCOUNT_TYPE}/{self._collection.name}"
        every = f"{_ACCOUNT}/{self._collection.name}"
        one = every + "/{child}"
        return [
            Route("GET", every, f"{kind}/read", self._list),
            Route("GET", one, f"{kind}/read", self._get),
            Route("PUT", one, f"{kind}/write", self._put),
            Route("PATCH", one, f"{kind}/write", self._patch),
            Route("DELETE", one, f"{kind}/delete", self._delete),
        ]

    def _list(self, call: Call) -> Response:
        account = self._account(call)
        return page(
            call.request,
            [self._shown(account, child) for child in self._children(account).values()],
            1000,
        )

    def _get(self, call: Call) -> Response:
        return json_response(self._shown(self._account(call), self._child(call)))

    def _put(self, call: Call) -> Response:
        return self._write(call, {})

    def _patch(self, call: Call) -> Response:
        return self._write(call, self._child(call).properties)

    def _write(self, call: Call, known: Mapping[str, object]) -> Response:
        account, name = self._account(call).ready(), call.names["child"]
        children = self._children(account)
        spelled = children[name.lower()].name if name.lower() in children else name
        child = self._collection.child(spelled, call.body().get("properties"), known)
        children[name.lower()] = child
        self._mark_modified(account)
        return json_response(self._body(account, child))

    def _delete(self, call: Call) -> Response:
        account = self._account(call).ready()
        if self._children(account).pop(call.names["child"].lower(), None) is None:
            return empty_response(204)
        self._mark_modified(account)
        return empty_response(200)

    def _mark_modified(self, account: Account) -> None:
        account.modified = timestamp(self._state.clock.service_time())

    def _account(self, call: Call) -> Account:
        return self._inventory.account(call.names["group"], call.names["account"])

    def _children(self, account: Account) -> dict[str, Child]:
        return account.children.setdefault(self._collection.name, {})

    def _child(self, call: Call) -> Child:
        found = self._children(self._account(call)).get(call.names["child"].lower())
        if found is None:
            raise nested_not_found()
        return found

    def _shown(self, account: Account, child: Child) -> dict[str, object]:
        return self._body(account, child) | {"properties": self._collection.shown(child)}

    def _body(self, account: Account, child: Child) -> dict[str, object]:
        return {
            "properties": child.properties,
            "id": f"{account.id}/{self._collection.name}/{child.name}",
            "name": child.name,
            "type": f"{ACCOUNT_TYPE}/{self._collection.name}",
        }


def _check_range(start: str, end: str) -> None:
    try:
        valid = ipaddress.IPv4Address(start) <= ipaddress.IPv4Address(end)
    except ValueError:
        valid = False
    if not valid:
        message = f"The IP address range '{start}' to '{end}' is invalid."
        raise ArmError(400, "InvalidIpAddressRange", message)
