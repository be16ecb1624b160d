"""Resource groups, and Resource Manager's own list of the resources in them.

Sources: ``azure.mgmt.resource.resources`` of 10.3.0 and 26.0.0 for paths and statuses;
Microsoft, "Resource Groups" and "Resources" REST reference for bodies.
"""

from __future__ import annotations

import base64
import json
import re
from functools import partial
from typing import TYPE_CHECKING

from ..http import Response, empty_response, json_response
from . import account_bodies
from .errors import ArmError, group_being_deleted
from .ids import BASE, group_id, subscription_id
from .inventory import REGIONS, Group, region_name
from .paging import page
from .request import Route
from .tags import check_tags

if TYPE_CHECKING:
    from collections.abc import Callable

    from .inventory import Account, Inventory
    from .operations import Operations
    from .request import Call

_NAME = re.compile(r"[-\w._()]{0,89}[-\w_()]")
_SUBSCRIPTION = "/subscriptions/{subscription}"
_ALL = _SUBSCRIPTION + "/resourcegroups"
_ONE = _ALL + "/{group}"
_KIND = "Microsoft.Resources/subscriptions"


class Groups:
    """The handlers for resource groups."""

    def __init__(
        self,
        inventory: Inventory,
        operations: Operations,
        remove_account: Callable[[Account], None],
    ) -> None:
        self._inventory = inventory
        self._operations = operations
        self._remove_account = remove_account

    def routes(self) -> list[Route]:
        """Return the routes of resource groups."""
        group, resources = f"{_KIND}/resourceGroups", f"{_KIND}/resources/read"
        return [
            Route("GET", _ALL, f"{group}/read", self._list),
            Route("GET", _ONE, f"{group}/read", self._get),
            Route("HEAD", _ONE, f"{group}/read", self._exists),
            Route("PUT", _ONE, f"{group}/write", self._put),
            Route("PATCH", _ONE, f"{group}/write", self._patch),
            Route("DELETE", _ONE, f"{group}/delete", self._delete),
            Route("GET", _ONE + "/resources", resources, self._resources),
            Route("GET", _SUBSCRIPTION + "/resources", resources, self._resources),
            Route("GET", _SUBSCRIPTION + "/operationresults/{job}", f"{_KIND}/read", self._job),
        ]

    def new(self, name: str, location: str) -> Group:
        """Create a group."""
        group = Group(name, location)
        self._inventory.groups[name.lower()] = group
        return group

    def _list(self, call: Call) -> Response:
        self._inventory.advance_operations()
        found = sorted(self._inventory.groups.values(), key=lambda group: group.name.lower())
        return page(call.request, [_body(group) for group in found], self._inventory.page_size)

    def _get(self, call: Call) -> Response:
        return json_response(_body(self._group(call)))

    def _exists(self, call: Call) -> Response:
        self._inventory.advance_operations()
        return empty_response(204 if call.names["group"].lower() in self._inventory.groups else 404)

    def _put(self, call: Call) -> Response:
        name, body = call.names["group"], call.body()
        check_tags(body.get("tags"))
        location = _location(body.get("location"))
        self._inventory.advance_operations()
        group = self._inventory.groups.get(name.lower())
        status = 200 if group else 201
        if group is None:
            _check_name(name)
            group = self.new(name, location)
        _check_same(group, location)
        group.tags = _tags(body)
        return json_response(_body(group), status)

    def _patch(self, call: Call) -> Response:
        group, body = self._group(call), call.body()
        check_tags(body.get("tags"))
        if "tags" in body:
            group.tags = _tags(body)
        return json_response(_body(group))

    def _delete(self, call: Call) -> Response:
        group = self._group(call)
        job = _job_id(group)
        address = f"{subscription_id()}/operationresults/{job}"
        if group.operation is None:
            group.operation = self._operations.begin(partial(self._remove, group), address)
        location = f"{BASE}{address}?api-version={call.version}"
        return empty_response(202, {"Location": location} | self._operations.headers())

    def _remove(self, group: Group) -> None:
        for account in self._inventory.all_accounts():
            if account.group is group:
                self._remove_account(account)
        del self._inventory.groups[group.name.lower()]

    def _job(self, call: Call) -> Response:
        if self._operations.by_address(call.request.path).poll():
            return empty_response(200)
        return self._operations.in_progress(call.request)

    def _resources(self, call: Call) -> Response:
        found = self._inventory.list_accounts(call.names.get("group"))
        bodies = [account_bodies.resource(account) for account in found]
        return page(call.request, bodies, self._inventory.page_size)

    def _group(self, call: Call) -> Group:
        return self._inventory.group(call.names["group"])


def _body(group: Group) -> dict[str, object]:
    body: dict[str, object] = {
        "id": group_id(group.name),
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
    }
    if group.tags is not None:
        body["tags"] = group.tags
    body["properties"] = {"provisioningState": "Deleting" if group.operation else "Succeeded"}
    return body


def _job_id(group: Group) -> str:
    """Return an opaque id, made as Resource Manager makes it."""
    job = f"RESOURCEGROUPDELETIONJOB-{group.name.upper()}-{group.location.upper()}"
    plain = json.dumps({"jobId": job, "jobLocation": group.location}, separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _location(location: object) -> str:
    region = region_name(location)
    if region not in REGIONS:
        message = (
            f"The provided location '{location}' is not available for resource group. "
            f"List of available regions is '{','.join(REGIONS)}'."
        )
        raise ArmError(400, "LocationNotAvailableForResourceGroup", message)
    return region


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        message = (
            f"The provided resource group name '{name}' is invalid. The name can only be a "
            "letter, digit, '-', '.', '(', ')' or '_', must not end with '.', and has at most 90 "
            "characters."
        )
        raise ArmError(400, "InvalidResourceGroup", message)


def _check_same(group: Group, location: str) -> None:
    if group.operation:
        raise group_being_deleted(group.name)
    if group.location != location:
        message = (
            f"Invalid resource group location '{location}'. The Resource group already exists in "
            f"location '{group.location}'."
        )
        raise ArmError(409, "InvalidResourceGroupLocation", message)


def _tags(body: dict[str, object]) -> dict[str, object] | None:
    tags = body.get("tags")
    return tags if isinstance(tags, dict) else None
