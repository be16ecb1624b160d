"""The JSON bodies of storage accounts.

Source: recorded sessions of azure-mgmt-storage and ``az storage account``, 2021 to 2024; the
examples in Microsoft's REST reference of Azure Storage's resource provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..directory import CONTOSO_ID
from .ids import STORAGE_SUFFIX

if TYPE_CHECKING:
    from .inventory import Account

Body = dict[str, object]

# The services of each kind of account that is not for general purposes.
_SERVICES = {
    "FileStorage": ("file",),
    "BlobStorage": ("dfs", "blob", "table"),
    "BlockBlobStorage": ("dfs", "web", "blob"),
}
_ALL_SERVICES = ("dfs", "web", "blob", "queue", "table", "file")


def full(account: Account) -> Body:
    """Return all properties of an account, as GET, PUT, PATCH and lists do."""
    sku = str(account.settings["sku"])
    body: Body = {
        "sku": {"name": sku, "tier": sku.partition("_")[0]},
        "kind": account.settings["kind"],
        "id": account.id,
        "name": account.name,
        "type": account.kind,
        "location": account.location,
        "tags": account.tags or {},
        "properties": _properties(account),
    }
    if account.identity is not None:
        body["identity"] = {"type": "SystemAssigned", "tenantId": CONTOSO_ID} | account.identity
    return body


def _properties(account: Account) -> Body:
    given = {n: value for n, value in account.settings.items() if n not in ("sku", "kind")}
    created: Body = {
        "provisioningState": account.provisioning,
        "creationTime": account.created,
        "keyCreationTime": {"key1": account.created, "key2": account.created},
    }
    endpoints: Body = {
        "primaryEndpoints": {name: _endpoint(account, name) for name in _services(account)},
        "primaryLocation": account.location,
        "statusOfPrimary": "available",
    }
    return _defaults(account) | given | _no_keys() | created | endpoints


def _defaults(account: Account) -> Body:
    rules: Body = {"virtualNetworkRules": [], "ipRules": []}
    key: Body = {"keyType": "Account", "enabled": True, "lastEnabledTime": account.created}
    return {
        "isHnsEnabled": False,
        "privateEndpointConnections": [],
        "minimumTlsVersion": "TLS1_2",
        "allowBlobPublicAccess": False,
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow"} | rules,
        "supportsHttpsTrafficOnly": True,
        "encryption": {"services": {"file": key, "blob": key}, "keySource": "Microsoft.Storage"},
        "accessTier": "Hot",
    }


def _no_keys() -> Body:
    """Return what Azure's policy "Configure storage accounts to disable shared key access" sets.

    The sandbox has signed-in persons only, so a caller's own choice does not count.
    """
    return {"allowSharedKeyAccess": False, "defaultToOAuthAuthentication": True}


def _services(account: Account) -> tuple[str, ...]:
    return _SERVICES.get(str(account.settings["kind"]), _ALL_SERVICES)


def _endpoint(account: Account, service: str) -> str:
    # The website's zone is chosen by the service.
    host = f"z13.{service}" if service == "web" else service
    return f"https://{account.name}.{host}.{STORAGE_SUFFIX}/"
