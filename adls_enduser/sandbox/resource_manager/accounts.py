"""Data Lake Store accounts: list, get, create, update, delete.

Sources: ``azure.mgmt.datalake.store.operations`` of 0.5.0 and 1.1.0b1 for paths and
statuses; recorded sessions of both for headers and bodies.
"""

from __future__ import annotations

import re
import uuid
from functools import partial
from typing import TYPE_CHECKING

from ..directory import CONTOSO_ID
from ..http import Response, empty_response, json_response
from . import account_bodies
from .child_resources import embed
from .errors import (
    ArmError,
    group_being_deleted,
    location_not_available,
    not_registered,
    other_location,
)
from .ids import ACCOUNT_TYPE, API_VERSION, BASE, NAMESPACE, subscription_id
from .inventory import STORE_REGIONS, Account, Group, region_name, timestamp
from .paging import page
from .request import Route
from .tags import check_tags

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..state import State
    from ..store import Stores
    from .inventory import Inventory
    from .operations import Operation, Operations
    from .request import Call

_NAME = re.compile(r"[a-z0-9]{3,24}")
_ALL = f"/subscriptions/{{subscription}}/providers/{ACCOUNT_TYPE}"
_GROUP = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{ACCOUNT_TYPE}"
_ONE = _GROUP + "/{account}"
_LOCATION = f"/subscriptions/{{subscription}}/providers/{NAMESPACE}/locations/{{location}}"
# The properties that a caller may set; the service sets the others.
_SETTINGS = (
    "defaultGroup",
    "encryptionConfig",
    "encryptionState",
    "firewallState",
    "firewallAllowAzureIps",
    "trustedIdProviderState",
    "newTier",
)


class Accounts:
    """The handlers for accounts."""

    def __init__(
        self, state: State, stores: Stores, inventory: Inventory, operations: Operations
    ) -> None:
        self._state = state
        self._stores = stores
        self._inventory = inventory
        self._operations = operations

    def routes(self) -> list[Route]:
        """Return the routes of accounts."""
        read, write = f"{ACCOUNT_TYPE}/read", f"{ACCOUNT_TYPE}/write"
        check = f"{NAMESPACE}/locations/checkNameAvailability/action"
        result = f"{ACCOUNT_TYPE}/operationResults/read"
        vault = f"{ACCOUNT_TYPE}/enableKeyVault/action"
        return [
            Route("GET", _ALL, read, self._list),
            Route("GET", _GROUP, read, self._list),
            Route("GET", _ONE, read, self._get),
            Route("HEAD", _ONE, read, self._exists),
            Route("PUT", _ONE, write, self._put),
            Route("PATCH", _ONE, write, self._patch),
            Route("DELETE", _ONE, f"{ACCOUNT_TYPE}/delete", self._delete),
            Route("POST", _ONE + "/enableKeyVault", vault, self._enable_key_vault),
            Route("POST", _LOCATION + "/checkNameAvailability", check, self._check_name),
            Route("GET", _ONE + "/operationresults/{operation}", result, self._result),
            Route("GET", _LOCATION + "/operationResults/{operation}", result, self._status),
        ]

    def new(self, name: str, group: Group, location: str) -> Account:
        """Return a new account that is still being created."""
        now = timestamp(self._state.clock.service_time())
        account = Account(name, group, location, str(uuid.uuid4()), created=now, modified=now)
        account.provisioning = "Creating"
        return account

    def add(self, account: Account) -> None:
        """Add an account, so that its name is taken."""
        self._inventory.accounts[account.name] = account

    def finish_creation(self, account: Account) -> None:
        """Finish the creation of an account, and create its store, unless its group was deleted."""
        if self._inventory.accounts.get(account.name) is account:
            owner = {"owner": account.owner} if account.owner else {}
            self._stores.create(account.name, **owner)
            account.provisioning, account.operation = "Succeeded", None

    def remove(self, account: Account) -> None:
        """Remove an account and its store, unless its group's deletion has removed them."""
        if self._inventory.accounts.get(account.name) is account:
            del self._inventory.accounts[account.name]
            self._stores.delete(account.name)

    def _list(self, call: Call) -> Response:
        found = self._inventory.list_accounts(call.names.get("group"), ACCOUNT_TYPE)
        bodies = [account_bodies.basic(account) for account in found]
        return page(call.request, bodies, self._inventory.page_size)

    def _get(self, call: Call) -> Response:
        return json_response(account_bodies.shown(self._account(call), CONTOSO_ID))

    def _exists(self, call: Call) -> Response:
        found = self._inventory.find(call.names["group"], call.names["account"])
        return empty_response(204 if found else 404)

    def _put(self, call: Call) -> Response:
        if NAMESPACE not in self._inventory.registered:
            raise not_registered(NAMESPACE)
        body = call.body()
        check_tags(body.get("tags"))
        location = _region(body.get("location"))
        group = self._inventory.group(call.names["group"])
        existing = self._inventory.accounts.get(call.names["account"].lower())
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
        headers = self._begin(account, partial(self.finish_creation, account))
        return json_response(account_bodies.full(account, CONTOSO_ID), 201, headers)

    def _patch(self, call: Call) -> Response:
        account, body = self._account(call), call.body()
        check_tags(body.get("tags"))
        return self._change(account, body)

    def _change(self, account: Account, body: dict[str, object]) -> Response:
        # Recorded: 200 and the finished account at once, without any polling.
        _apply(account.ready(), body)
        account.modified = timestamp(self._state.clock.service_time())
        return self._account_response(account)

    def _delete(self, call: Call) -> Response:
        account = self._inventory.find(call.names["group"], call.names["account"])
        if account is None:
            return empty_response(204)
        account.ready().provisioning = "Deleting"
        return empty_response(202, self._begin(account, partial(self.remove, account)))

    def _begin(self, account: Account, finish: Callable[[], None]) -> dict[str, str]:
        """Begin an operation; return the headers with the two addresses to poll."""
        number = account.operation_count
        account.operation_count += 1
        region = f"{subscription_id()}/providers/{NAMESPACE}/locations/{account.location}"
        status = f"{region}/operationResults/{account.unique_id}_{number}"
        # The spelling of this address is as recorded: test_adls_accounts.
        address = account.id.replace("/resourceGroups/", "/resourcegroups/")
        result = f"{address}/operationresults/{number}"
        account.operation = self._operations.begin(finish, status, result)
        return {
            "Azure-AsyncOperation": f"{BASE}{status}?api-version={API_VERSION}",
            "Location": f"{BASE}{result}?api-version={API_VERSION}",
        } | self._operations.headers()

    def _status(self, call: Call) -> Response:
        done = self._operation(call).poll()
        status = {"status": "Succeeded" if done else "InProgress"}
        return json_response(status, headers={} if done else self._operations.headers())

    def _result(self, call: Call) -> Response:
        if not self._operation(call).poll():
            return self._operations.in_progress(call.request)
        account = self._inventory.accounts.get(call.names["account"].lower())
        return self._account_response(account) if account else empty_response(200)

    def _operation(self, call: Call) -> Operation:
        return self._operations.by_address(call.request.path)

    def _enable_key_vault(self, call: Call) -> Response:
        settings = self._account(call).ready().settings
        if settings.get("encryptionProvisioningState") != "Creating":
            message = (
                "Operation EnableKeyVault is invalid under current encryption state or config "
                "of account."
            )
            raise ArmError(400, "InvalidOperation", message)
        settings["encryptionProvisioningState"] = "Succeeded"
        return empty_response(200)

    def _check_name(self, call: Call) -> Response:
        _region(call.names["location"])
        name = str(call.body().get("name") or "")
        if not _NAME.fullmatch(name):
            return _name_unavailable("Invalid", _name_rule(name))
        if name in self._inventory.accounts:
            return _name_unavailable("AlreadyExists", f"An account named '{name}' already exists.")
        return json_response({"nameAvailable": True})

    def _account(self, call: Call) -> Account:
        return self._inventory.account(call.names["group"], call.names["account"])

    def _account_response(self, account: Account) -> Response:
        return json_response(account_bodies.full(account, CONTOSO_ID))


def _check_same(existing: Account, group: Group, location: str) -> None:
    if existing.group is not group:
        message = f"An account named '{existing.name}' already exists."
        raise ArmError(409, "NameNotAvailable", message)
    if existing.location != location:
        raise other_location(existing.name, group.name, existing.location, location)


def check_name(name: str) -> None:
    """Raise ArmError for an invalid account name."""
    if not _NAME.fullmatch(name):
        raise ArmError(400, "AccountNameInvalid", _name_rule(name))


def _name_rule(name: str) -> str:
    return (
        f"The account name '{name}' is invalid. It must be between 3 and 24 characters in length "
        "and use lower-case letters and numbers only."
    )


def _name_unavailable(reason: str, message: str) -> Response:
    return json_response({"nameAvailable": False, "reason": reason, "message": message})


def _region(location: object) -> str:
    """Return the canonical name of a region; raise ArmError if it has no Data Lake Store."""
    region = region_name(location)
    if region not in STORE_REGIONS:
        raise location_not_available(str(location), STORE_REGIONS)
    return region


def _apply(account: Account, body: dict[str, object]) -> None:
    """Set the properties that a PUT or PATCH body contains."""
    properties = body.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    embed(account, properties)
    account.settings |= {n: properties[n] for n in _SETTINGS if properties.get(n) is not None}
    if "tags" in body:
        account.tags = tags if isinstance(tags := body["tags"], dict) else None
    if body.get("identity") and account.identity is None:
        account.identity = {"principalId": str(uuid.uuid4())}
    _await_key_vault(account)


def _await_key_vault(account: Account) -> None:
    config = account.settings.get("encryptionConfig")
    if isinstance(config, dict) and config.get("type") == "UserManaged":
        account.settings.setdefault("encryptionProvisioningState", "Creating")
