"""azure-mgmt-storage: accounts are created, listed, changed and deleted."""

from __future__ import annotations

from typing import Any

from azure.mgmt.storage import StorageManagementClient

from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

from .refusals import refusal

GROUP = "analytics"
NEW: dict[str, Any] = {
    "location": "eastus2",
    "sku": {"name": "Standard_LRS"},
    "kind": "StorageV2",
    "properties": {"isHnsEnabled": True},
}
TYPE = "Microsoft.Storage/storageAccounts"


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Make an account beside the one that is there."""
    name = box.replace("-", "") + "lake"
    with StorageManagementClient(credential, SUBSCRIPTION_ID) as client:
        accounts = client.storage_accounts
        free = accounts.check_name_availability({"name": name, "type": TYPE})
        taken = accounts.check_name_availability({"name": account, "type": TYPE})
        made = accounts.begin_create(GROUP, name, NEW).result()
        changed = accounts.update(GROUP, name, {"tags": {"team": "lake"}})
        seen = {
            "names": (free.name_available, taken.name_available, taken.reason == "AlreadyExists"),
            "made": (made.is_hns_enabled, made.primary_endpoints.dfs.replace(name, "NAME")),
            "listed": len(list(accounts.list())),
            "in the group": len(list(accounts.list_by_resource_group(GROUP))),
            "changed": changed.tags,
            "got": accounts.get_properties(GROUP, name).sku.name == "Standard_LRS",
            "keys": refusal(accounts.list_keys, GROUP, name)[0],
        }
        accounts.delete(GROUP, name)
        return seen | {"gone": refusal(accounts.get_properties, GROUP, name)[0]}
