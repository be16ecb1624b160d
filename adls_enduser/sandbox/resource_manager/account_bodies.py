"""The JSON bodies of accounts.

Source: recorded sessions of azure-mgmt-datalake-store and ``az dls account``
(api-version 2016-11-01), 2018 and 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ids import STORE_SUFFIX

if TYPE_CHECKING:
    from .inventory import Account

Body = dict[str, object]

NETWORK_RULES = "virtualNetworkRules"
COLLECTIONS = ("firewallRules", NETWORK_RULES, "trustedIdProviders")
_NOBODY = "00000000-0000-0000-0000-000000000000"


def shown(account: Account, tenant_id: str) -> Body:
    """Return all properties of an account, as GET does, with the state of each network rule.

    Recorded: azure-mgmt-datalake-store's ``test_vnet_operations``.
    """
    body = full(account, tenant_id)
    properties = body["properties"]
    rules = properties.get(NETWORK_RULES, []) if isinstance(properties, dict) else []
    for rule in rules:
        rule["properties"] = rule["properties"] | {"state": "Active"}
    return body


def full(account: Account, tenant_id: str) -> Body:
    """Return all properties of an account, as PUT and PATCH do."""
    if account.provisioning == "Creating":
        properties = account.settings | {
            "provisioningState": "Creating",
            "state": None,
            "endpoint": None,
            "accountId": account.unique_id,
        }
    else:
        properties = _features(account) | _state(account)
    body: Body = {"properties": properties, "location": account.location}
    if account.tags is not None:
        body["tags"] = account.tags
    if account.identity is not None:
        body["identity"] = _identity(account, tenant_id)
    return body | _names(account)


def basic(account: Account) -> Body:
    """Return the short form, as lists do."""
    body: Body = {"properties": _state(account), "location": account.location}
    if account.tags is not None:
        body["tags"] = account.tags
    return body | _names(account)


def resource(account: Account) -> Body:
    """Return the form of Resource Manager's own list of resources."""
    body: Body = _names(account) | {"location": account.location}
    if "sku" in account.settings:
        body |= {"kind": account.settings["kind"], "sku": {"name": account.settings["sku"]}}
    return body if account.tags is None else body | {"tags": account.tags}


def _names(account: Account) -> Body:
    return {"id": account.id, "name": account.name, "type": account.kind}


def _features(account: Account) -> Body:
    given = account.settings
    allow = given.get("firewallAllowAzureIps", "Disabled")
    features: Body = {
        "firewallState": given.get("firewallState", "Disabled"),
        "firewallAllowAzureIps": allow,
        "firewallAllowDataLakeAnalytics": allow,
    }
    features |= {name: _embedded(account, name) for name in COLLECTIONS}
    features["trustedIdProviderState"] = given.get("trustedIdProviderState", "Disabled")
    features |= _encryption(account)
    if given.get("defaultGroup"):
        features["defaultGroup"] = given["defaultGroup"]
    return features | {
        "currentTier": "Consumption",  # a new tier begins with the next month
        "newTier": given.get("newTier", "Consumption"),
        "dataLakePerformanceTierState": "Disabled",
    }


def _encryption(account: Account) -> Body:
    given = account.settings
    if given.get("encryptionState") == "Disabled":
        return {"encryptionState": "Disabled", "encryptionConfig": {}}
    names = ("encryptionProvisioningState", "encryptionConfig")
    config = {"encryptionConfig": {"type": "ServiceManaged"}}
    return {"encryptionState": "Enabled"} | config | {n: given[n] for n in names if n in given}


def _embedded(account: Account, collection: str) -> list[Body]:
    children = account.children.get(collection, {}).values()
    return [{"properties": child.properties, "name": child.name} for child in children]


def _state(account: Account) -> Body:
    creating = account.provisioning == "Creating"
    return {
        "provisioningState": account.provisioning,
        "state": None if creating else "Active",
        "endpoint": None if creating else f"{account.name}.{STORE_SUFFIX}",
        "accountId": account.unique_id,
        "creationTime": account.created,
        "lastModifiedTime": account.modified,
    }


def _identity(account: Account, tenant_id: str) -> Body:
    creating = account.provisioning == "Creating"
    return {
        "type": "SystemAssigned",
        "principalId": _NOBODY if creating else (account.identity or {}).get("principalId"),
        "tenantId": _NOBODY if creating else tenant_id,
    }
