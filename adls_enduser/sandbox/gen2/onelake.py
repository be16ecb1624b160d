"""OneLake: workspaces as filesystems, with items that only Fabric creates.

Source: Microsoft, "OneLake and Azure Data Lake Storage (ADLS) Gen2 API parity".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..store.acl import Caller
from .errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .accounts import Account
    from .call import Call

# A workspace, an item, and the first level of folders in the item are Fabric's.
_MANAGED = 2
# The folders that Fabric makes in an item, by the item's type.
_FOLDERS = {"lakehouse": ("Files", "Tables")}
_FABRIC = Caller("", superuser=True)


def create_workspace(account: Account, name: str, items: Sequence[str]) -> None:
    """Create a workspace and items in it, as Fabric does; an existing one gets the items."""
    workspace = account.filesystem(name) if account.has(name) else account.add_filesystem(name)
    tree = workspace.tree
    with tree.lock:
        for item in items:
            kind = item.rpartition(".")[2].lower()
            for folder in _FOLDERS.get(kind, ("Files",)):
                tree.directories((item, folder), _FABRIC)


def check(call: Call) -> None:
    """Raise StorageError for what OneLake leaves to Fabric."""
    if call.request.method in ("GET", "HEAD"):
        return
    if call.text("action").startswith("setAccessControl"):
        raise StorageError("UnsupportedQueryParameter", QueryParameterName="action")
    if call.request.method == "POST":
        return
    changes_item = call.request.method == "DELETE" or call.text("resource") == "directory"
    if len(call.path) == 0 or (len(call.path) <= _MANAGED and changes_item):
        raise StorageError("AuthorizationPermissionMismatch")
