"""Resource groups, and Resource Manager's own list of what is in them.

Sources: ``azure.mgmt.resource.resources`` of 10.3.0 and 26.0.0 for paths and statuses;
Microsoft, "Resource Groups" and "Resources" REST reference for bodies.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from ..http import Response, json_response
from . import account_bodies
from .errors import ArmError, location_required
from .ids import BASE, group_id, subscription_id
from .inventory import REGIONS, Group
from .operations import empty
from .paging import page
from .routing import Route

if TYPE_CHECKING:
    from .accounts import Accounts
    from .inventory import Estate
    from .operations import Operations
    from .routing import Call

_NAME = re.compile(r"[-\w._()]{0,89}[-\w_()]")
_SUBSCRIPTION = "/subscriptions/{subscription}"
_ALL = _SUBSCRIPTION + "/resourcegroups"
_ONE = _ALL + "/{group}"
_KIND = "Microsoft.Resources/subscriptions"


class Groups:
    """The groups' handlers."""

    def __init__(self, estate: Estate, operations: Operations, accounts: Accounts) -> None:
        self._estate = estate
        self._operations = operations
        self._accounts = accounts

    def routes(self) -> list[Route]:
        """Give what is answered here."""
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
        """Make a group."""
        group = Group(name, location)
        self._estate.groups[name.lower()] = group
        return group

    def _list(self, call: Call) -> Response:
        self._estate.settle()
        found = sorted(self._estate.groups.values(), key=lambda one: one.name.lower())
        return page(call.request, [_body(one) for one in found], self._accounts.page_size)

    def _get(self, call: Call) -> Response:
        return json_response(_body(self._named(call)))

    def _exists(self, call: Call) -> Response:
        self._estate.settle()
        return empty(204 if call.names["group"].lower() in self._estate.groups else 404)

    def _put(self, call: Call) -> Response:
        name, body = call.names["group"], call.body()
        location = _location(body.get("location"))
        self._estate.settle()
        group = self._estate.groups.get(name.lower())
        status = 200 if group else 201
        if group is None:
            _check_name(name)
            group = self.new(name, location)
        _check_same(group, location)
        group.tags = _tags(body)
        return json_response(_body(group), status)

    def _patch(self, call: Call) -> Response:
        group, body = self._named(call), call.body()
        if "tags" in body:
            group.tags = _tags(body)
        return json_response(_body(group))

    def _delete(self, call: Call) -> Response:
        group = self._named(call)
        job = _job_id(group)
        address = f"{subscription_id()}/operationresults/{job}"
        if group.operation is None:
            group.operation = self._operations.begin(lambda: self._remove(group), address)
        location = f"{BASE}{address}?api-version={call.version}"
        return empty(202, {"Location": location} | self._operations.headers())

    def _remove(self, group: Group) -> None:
        for account in list(self._estate.accounts.values()):
            if account.group is group:
                self._accounts.remove(account)
        del self._estate.groups[group.name.lower()]

    def _job(self, call: Call) -> Response:
        if self._operations.at(call.request.path).look():
            return empty(200)
        here = {"Location": f"{BASE}{call.request.target}"}
        return empty(202, here | self._operations.headers())

    def _resources(self, call: Call) -> Response:
        found = self._estate.listing(call.names.get("group"))
        bodies = [account_bodies.resource(one) for one in found]
        return page(call.request, bodies, self._accounts.page_size)

    def _named(self, call: Call) -> Group:
        return self._estate.group(call.names["group"])


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
    """Give an opaque id, made as Resource Manager makes it."""
    job = f"RESOURCEGROUPDELETIONJOB-{group.name.upper()}-{group.location.upper()}"
    plain = json.dumps({"jobId": job, "jobLocation": group.location}, separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _location(location: object) -> str:
    if not isinstance(location, str) or not location:
        raise location_required()
    region = location.replace(" ", "").lower()
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
        message = (
            f"The resource group '{group.name}' is in deprovisioning state and cannot perform "
            "this operation."
        )
        raise ArmError(409, "ResourceGroupBeingDeleted", message)
    if group.location != location:
        message = (
            f"Invalid resource group location '{location}'. The Resource group already exists in "
            f"location '{group.location}'."
        )
        raise ArmError(409, "InvalidResourceGroupLocation", message)


def _tags(body: dict[str, object]) -> dict[str, object] | None:
    tags = body.get("tags")
    return tags if isinstance(tags, dict) else None
