"""Resource ids, and the addresses made from them."""

from __future__ import annotations

HOST = "management.azure.com"
BASE = f"https://{HOST}"

# Fixed, so that a program can be written before the sandbox starts.
SUBSCRIPTION_ID = "c0ffee00-7e57-4c0a-9d0a-00000000beef"

NAMESPACE = "Microsoft.DataLakeStore"
ACCOUNT_TYPE = f"{NAMESPACE}/accounts"
API_VERSION = "2016-11-01"
STORE_SUFFIX = "azuredatalakestore.net"

STORAGE = "Microsoft.Storage"
STORAGE_TYPE = f"{STORAGE}/storageAccounts"
STORAGE_SUFFIX = "core.windows.net"


def subscription_id() -> str:
    """Return the resource id of the subscription."""
    return f"/subscriptions/{SUBSCRIPTION_ID}"


def group_id(group: str) -> str:
    """Return the resource id of a resource group."""
    return f"{subscription_id()}/resourceGroups/{group}"


def account_id(group: str, kind: str, account: str) -> str:
    """Return the resource id of an account of a type such as ``ACCOUNT_TYPE``."""
    return f"{group_id(group)}/providers/{kind}/{account}"
