"""What an account holds: firewall rules, virtual network rules, trusted identity providers.

All three are the same: a name and one to two required properties. Sources: the
``*_rules`` and ``trusted_id_providers`` operations of azure-mgmt-datalake-store; the
recorded sessions of ``az dls account firewall``, ``network-rule``, ``trusted-provider``.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..http import Response, json_response
from .errors import ArmError, bad_content, nested_not_found
from .ids import ACCOUNT_TYPE
from .inventory import Account, Child, written
from .operations import empty
from .paging import page
from .routing import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..state import World
    from .inventory import Estate
    from .routing import Call

_ACCOUNT = (
    f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{ACCOUNT_TYPE}/{{account}}"
)


@dataclass(frozen=True)
class Collection:
    """One of the three kinds, and the properties that each of it must have."""

    name: str
    required: tuple[str, ...]

    def child(self, name: str, given: object, known: Mapping[str, object]) -> Child:
        """Make a child from a body's properties over those known so far; ArmError if bad."""
        if not isinstance(given, dict):
            given = {}
        properties = {n: given.get(n) or known.get(n) for n in self.required}
        missing = [n for n, value in properties.items() if not isinstance(value, str)]
        if missing:
            raise bad_content(f"required property '{missing[0]}' not found in JSON")
        if "startIpAddress" in properties:
            _check_range(str(properties["startIpAddress"]), str(properties["endIpAddress"]))
        return Child(name, properties)


COLLECTIONS = (
    Collection("firewallRules", ("startIpAddress", "endIpAddress")),
    Collection("virtualNetworkRules", ("subnetId",)),
    Collection("trustedIdProviders", ("idProvider",)),
)


def embed(account: Account, properties: Mapping[str, object]) -> None:
    """Replace the collections that an account's body brings along."""
    for collection in COLLECTIONS:
        given = properties.get(collection.name)
        if isinstance(given, list):
            children = [_embedded(collection, account, one) for one in given]
            account.children[collection.name] = {one.name.lower(): one for one in children}


def _embedded(collection: Collection, account: Account, given: object) -> Child:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise bad_content(f"an element of '{collection.name}' has no name")
    known = account.children.get(collection.name, {}).get(given["name"].lower())
    properties = known.properties if known else {}
    return collection.child(given["name"], given.get("properties"), properties)


class Children:
    """The handlers of one collection."""

    def __init__(self, world: World, estate: Estate, collection: Collection) -> None:
        self._world = world
        self._estate = estate
        self._collection = collection

    def routes(self) -> list[Route]:
        """Give what is answered here."""
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
            call.request, [self._body(account, one) for one in self._held(account).values()], 1000
        )

    def _get(self, call: Call) -> Response:
        return json_response(self._body(self._account(call), self._child(call)))

    def _put(self, call: Call) -> Response:
        return self._write(call, {})

    def _patch(self, call: Call) -> Response:
        return self._write(call, self._child(call).properties)

    def _write(self, call: Call, known: Mapping[str, object]) -> Response:
        account, name = self._account(call).ready(), call.names["child"]
        held = self._held(account)
        spelled = held[name.lower()].name if name.lower() in held else name
        child = self._collection.child(spelled, call.body().get("properties"), known)
        held[name.lower()] = child
        self._touch(account)
        return json_response(self._body(account, child))

    def _delete(self, call: Call) -> Response:
        account = self._account(call).ready()
        if self._held(account).pop(call.names["child"].lower(), None) is None:
            return empty(204)
        self._touch(account)
        return empty(200)

    def _touch(self, account: Account) -> None:
        account.modified = written(self._world.clock.service_time())

    def _account(self, call: Call) -> Account:
        return self._estate.account(call.names["group"], call.names["account"])

    def _held(self, account: Account) -> dict[str, Child]:
        return account.children.setdefault(self._collection.name, {})

    def _child(self, call: Call) -> Child:
        found = self._held(self._account(call)).get(call.names["child"].lower())
        if found is None:
            raise nested_not_found()
        return found

    def _body(self, account: Account, child: Child) -> dict[str, object]:
        return {
            "properties": child.properties,
            "id": f"{account.id}/{self._collection.name}/{child.name}",
            "name": child.name,
            "type": f"{ACCOUNT_TYPE}/{self._collection.name}",
        }


def _check_range(start: str, end: str) -> None:
    try:
        fine = ipaddress.IPv4Address(start) <= ipaddress.IPv4Address(end)
    except ValueError:
        fine = False
    if not fine:
        message = f"The IP address range '{start}' to '{end}' is invalid."
        raise ArmError(400, "InvalidIpAddressRange", message)
