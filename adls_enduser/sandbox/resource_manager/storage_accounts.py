"""Azure Storage accounts (Gen2): list, get, create, update, delete; their keys are refused.

Sources: ``azure.mgmt.storage.operations`` of 25.3.0 for paths and statuses; recorded sessions of
azure-mgmt-storage for headers and bodies; Microsoft, "Azure Storage Resource Provider" REST
reference and its page of error codes.
"""

from __future__ import annotations

import re
import uuid
from functools import partial
from typing import TYPE_CHECKING

from ..http import Response, empty_response, json_response
from . import storage_bodies
from .errors import (
    ArmError,
    bad_content,
    group_being_deleted,
    location_not_available,
    not_registered,
    other_location,
)
from .ids import BASE, STORAGE, STORAGE_TYPE, subscription_id
from .inventory import REGIONS, Account, Group, region_name, timestamp
from .paging import page
from .request import Route
from .tags import LONGEST_NAME_OF_STORAGE, check_tags

if TYPE_CHECKING:
    from ..gen2 import Storage
    from ..state import State
    from .inventory import Inventory
    from .operations import Operations
    from .request import Call

_NAME = re.compile(r"[a-z0-9]{3,24}")
_KINDS = ("Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage")
_REDUNDANCIES = ("LRS", "GRS", "RAGRS", "ZRS", "GZRS", "RAGZRS")
_SKUS = {"Premium_LRS", "Premium_ZRS", *(f"Standard_{one}" for one in _REDUNDANCIES)}
_ALL = f"/subscriptions/{{subscription}}/providers/{STORAGE_TYPE}"
_GROUP = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{STORAGE_TYPE}"
_ONE = _GROUP + "/{account}"
_PROVIDER = f"/subscriptions/{{subscription}}/providers/{STORAGE}"
# Chosen when the account is created. (isHnsEnabled can be set later by a migration only.)
_READ_ONLY = ("isHnsEnabled", "dnsEndpointType", "isNfsV3Enabled")
_SETTINGS = (
    *_READ_ONLY,
    "accessTier",
    "allowBlobPublicAccess",
    "allowCrossTenantReplication",
    "defaultToOAuthAuthentication",
    "isLocalUserEnabled",
    "isSftpEnabled",
    "largeFileSharesState",
    "minimumTlsVersion",
    "networkAcls",
    "publicNetworkAccess",
    "supportsHttpsTrafficOnly",
)


class StorageAccounts:
    """The handlers for storage accounts."""

    def __init__(
        self, state: State, storage: Storage, inventory: Inventory, operations: Operations
    ) -> None:
        self._state = state
        self._storage = storage
        self._inventory = inventory
        self._operations = operations

    def routes(self) -> list[Route]:
        """Return the routes of storage accounts."""
        read, write = f"{STORAGE_TYPE}/read", f"{STORAGE_TYPE}/write"
        keys, new_key = f"{STORAGE_TYPE}/listKeys/action", f"{STORAGE_TYPE}/regenerateKey/action"
        check = f"{STORAGE}/checknameavailability/read"
        operation = f"{STORAGE}/locations/asyncoperations/read"
        address = _PROVIDER + "/locations/{location}/asyncoperations/{operation}"
        return [
            Route("GET", _ALL, read, self._list),
            Route("GET", _GROUP, read, self._list),
            Route("GET", _ONE, read, self._get),
            Route("PUT", _ONE, write, self._put),
            Route("PATCH", _ONE, write, self._patch),
            Route("DELETE", _ONE, f"{STORAGE_TYPE}/delete", self._delete),
            Route("POST", _ONE + "/listKeys", keys, self._refuse_keys),
            Route("POST", _ONE + "/regenerateKey", new_key, self._refuse_keys),
            Route("POST", _PROVIDER + "/checkNameAvailability", check, self._check_name),
            Route("GET", address, operation, self._result),
        ]

    def new(self, name: str, group: Group, location: str) -> Account:
        """Return a new account that is still being created."""
        now = timestamp(self._state.clock.service_time())
        account = Account(name, group, location, str(uuid.uuid4()), created=now, modified=now)
        account.kind, account.provisioning = STORAGE_TYPE, "ResolvingDNS"
        account.settings = {"kind": "StorageV2", "sku": "Standard_LRS"}
        return account

    def add(self, account: Account) -> None:
        """Add an account, so that its name is taken."""
        self._inventory.storage_accounts[account.name] = account

    def finish_creation(self, account: Account) -> None:
        """Finish the creation of an account, unless its group was deleted meanwhile.

        Its endpoints respond from now on. An account that a script has created without a
        request (``Storage.create``) becomes a managed one.
        """
        if self._inventory.storage_accounts.get(account.name) is account:
            self._storage.create(account.name)
            account.provisioning, account.operation = "Succeeded", None

    def remove(self, account: Account) -> None:
        """Remove an account and its files."""
        if self._inventory.storage_accounts.pop(account.name, None) is account:
            self._storage.delete(account.name)

    def _list(self, call: Call) -> Response:
        found = self._inventory.list_accounts(call.names.get("group"), STORAGE_TYPE)
        bodies = [storage_bodies.full(account) for account in found]
        return page(call.request, bodies, self._inventory.page_size)

    def _get(self, call: Call) -> Response:
        return json_response(storage_bodies.full(self._account(call)))

    def _put(self, call: Call) -> Response:
        if STORAGE not in self._inventory.registered:
            raise not_registered(STORAGE)
        body = _checked(call.body(), required=("sku", "kind"))
        location = region_name(body.get("location"))
        if location not in REGIONS:
            raise location_not_available(str(body["location"]), REGIONS, STORAGE_TYPE)
        group = self._inventory.group(call.names["group"])
        existing = self._inventory.storage_accounts.get(call.names["account"].lower())
        if existing is None:
            return self._create(call, group, location, body)
        _check_same(existing, group, location)
        return self._change(existing, {"tags": None} | body)

    def _create(self, call: Call, group: Group, location: str, body: dict[str, object]) -> Response:
        check_name(call.names["account"])
        if group.operation:
            raise group_being_deleted(group.name)
        account = self.new(call.names["account"], group, location)
        account.owner = call.caller.object_id
        _apply(account, body)
        self.add(account)
        return self._begin(call, account)

    def _begin(self, call: Call, account: Account) -> Response:
        """Return the recorded response to a new account: 202, no body, an address to poll."""
        region = f"{subscription_id()}/providers/{STORAGE}/locations/{account.location}"
        address = f"{region}/asyncoperations/{account.unique_id}"
        account.operation = self._operations.begin(partial(self.finish_creation, account), address)
        location = f"{BASE}{address}?monitor=true&api-version={call.version}"
        return empty_response(202, {"Location": location} | self._operations.headers())

    def _result(self, call: Call) -> Response:
        if not self._operations.by_address(call.request.path).poll():
            return self._operations.in_progress(call.request)
        done = call.names["operation"].lower()
        for account in self._inventory.storage_accounts.values():
            if account.unique_id == done:
                return json_response(storage_bodies.full(account))
        return empty_response(200)

    def _patch(self, call: Call) -> Response:
        return self._change(self._account(call), _checked(call.body()))

    def _change(self, account: Account, body: dict[str, object]) -> Response:
        _check_read_only(_ready(account), body)
        _apply(account, body)
        account.modified = timestamp(self._state.clock.service_time())
        return json_response(storage_bodies.full(account))

    def _delete(self, call: Call) -> Response:
        account = self._inventory.find(call.names["group"], call.names["account"], STORAGE_TYPE)
        if account is None:
            return empty_response(204)
        self.remove(_ready(account))
        return empty_response(200)

    def _refuse_keys(self, call: Call) -> Response:
        """Refuse the account's keys, as where an administrator has denied them to everybody.

        The recorded code and message of a deny assignment: microsoft/migAz issue 266.
        """
        account, caller = self._account(call), call.caller
        message = (
            f"The client '{caller.username}' with object id '{caller.object_id}' has permission to "
            f"perform action '{call.route.action}' on scope '{account.id}'; however, the access is "
            "denied because of the deny assignment with name 'No shared keys' and Id "
            f"'{account.group.name}' at scope '{subscription_id()}'."
        )
        raise ArmError(403, "DenyAssignmentAuthorizationFailed", message)

    def _check_name(self, call: Call) -> Response:
        body = call.body()
        for field in ("name", "type"):
            if not isinstance(body.get(field), str):
                raise bad_content(f"required property '{field}' not found in JSON")
        name = str(body["name"])
        if not _NAME.fullmatch(name):
            return _unavailable("AccountNameInvalid", _name_rule(name))
        if name in self._inventory.storage_accounts:
            return _unavailable("AlreadyExists", _taken(name))
        return json_response({"nameAvailable": True})

    def _account(self, call: Call) -> Account:
        return self._inventory.account(call.names["group"], call.names["account"], STORAGE_TYPE)


def check_name(name: str) -> None:
    """Raise ArmError for an invalid account name."""
    if not _NAME.fullmatch(name):
        raise ArmError(400, "AccountNameInvalid", _name_rule(name))


def _name_rule(name: str) -> str:
    return (
        f"{name} is not a valid storage account name. Storage account name must be between 3 and "
        "24 characters in length and use numbers and lower-case letters only."
    )


def _taken(name: str) -> str:
    return f"The storage account named {name} is already taken."


def _unavailable(reason: str, message: str) -> Response:
    return json_response({"nameAvailable": False, "reason": reason, "message": message})


def _ready(account: Account) -> Account:
    """Return the account itself; raise ArmError while it is being created."""
    if account.provisioning != "Succeeded":
        message = (
            f"An operation is currently performing on storage account {account.name} that requires "
            "exclusive access."
        )
        raise ArmError(409, "StorageAccountOperationInProgress", message)
    return account


def _check_same(existing: Account, group: Group, location: str) -> None:
    if existing.group is not group:
        raise ArmError(409, "StorageAccountAlreadyTaken", _taken(existing.name))
    if existing.location != location:
        raise other_location(existing.name, group.name, existing.location, location)


def _checked(body: dict[str, object], required: tuple[str, ...] = ()) -> dict[str, object]:
    """Return a body with ``sku`` as a name; raise ArmError for a wrong sku, kind or tag."""
    check_tags(body.get("tags"), LONGEST_NAME_OF_STORAGE)
    sku = body.get("sku")
    given = body | ({"sku": sku.get("name")} if isinstance(sku, dict) else {})
    for field, spelled, allowed in (("sku", "sku.name", _SKUS), ("kind", "kind", _KINDS)):
        value = given.get(field)
        if value is None:
            if field in required:
                raise bad_content(f"required property '{field}' not found in JSON")
        elif value not in allowed:
            message = f"Values for request parameters are invalid: {spelled}."
            raise ArmError(400, "InvalidValuesForRequestParameters", message)
    return given


def _properties(body: dict[str, object]) -> dict[str, object]:
    properties = body.get("properties")
    return properties if isinstance(properties, dict) else {}


def _check_read_only(account: Account, body: dict[str, object]) -> None:
    """Raise ArmError if a property would change that the service sets once.

    The recorded code and message: CompositionalIT/farmer issue 346.
    """
    for name in _READ_ONLY:
        given = _properties(body).get(name)
        if given is not None and given != account.settings.get(name, False):
            message = (
                f"The property '{name}' was specified in the input, but it cannot be updated as it "
                "is read-only. For more information, see - https://aka.ms/storageaccountupdate"
            )
            raise ArmError(409, "AccountPropertyCannotBeUpdated", message)


def _apply(account: Account, body: dict[str, object]) -> None:
    """Set the properties that a PUT or PATCH body contains."""
    properties = _properties(body)
    account.settings |= {n: properties[n] for n in _SETTINGS if properties.get(n) is not None}
    account.settings |= {n: body[n] for n in ("sku", "kind") if body.get(n) is not None}
    if "tags" in body:
        account.tags = tags if isinstance(tags := body["tags"], dict) else None
    if body.get("identity") and account.identity is None:
        account.identity = {"principalId": str(uuid.uuid4())}
