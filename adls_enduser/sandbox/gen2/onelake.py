"""OneLake: workspaces as filesystems, with items that only Fabric creates.

Source: Microsoft, "OneLake and Azure Data Lake Storage (ADLS) Gen2 API parity". It names no
error codes; those here are the sandbox's choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from ..store import paths
from ..store.acl import Caller
from .errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..http import Response
    from .accounts import Account
    from .call import Call

# Headers about what is Fabric's: access control, encryption, tiers. They are ignored, and
# named in a response header.
IGNORED_HEADERS = (
    "x-ms-owner",
    "x-ms-group",
    "x-ms-permissions",
    "x-ms-acl",
    "x-ms-encryption-key",
    "x-ms-encryption-algorithm",
    "x-ms-access-tier",
)
# Permissions are Fabric's too: these are always the same.
_ACCESS = {
    "x-ms-owner": "$superuser",
    "x-ms-group": "$superuser",
    "x-ms-permissions": "---------",
}
# A workspace, an item in it, and the first level of folders in the item are Fabric's.
_MANAGED = 2
_ITEM_FOLDERS = {"lakehouse": ("Files", "Tables")}
_FABRIC = Caller("", superuser=True)


def create_workspace(account: Account, name: str, items: Sequence[str]) -> None:
    """Create a workspace and items in it, as Fabric does; an existing one gets the items."""
    workspace = account.filesystem(name) if account.has(name) else account.add_filesystem(name)
    tree = workspace.tree
    with tree.lock:
        for item in items:
            kind = item.rpartition(".")[2].lower()
            for folder in _ITEM_FOLDERS.get(kind, ("Files",)):
                tree.directories((item, folder), _FABRIC)


def check(call: Call) -> None:
    """Raise StorageError for what OneLake leaves to Fabric."""
    if call.text("action").lower().startswith("setaccesscontrol"):
        raise StorageError("UnsupportedQueryParameter", QueryParameterName="action")
    if call.request.method in ("PUT", "PATCH", "DELETE"):
        _check_writable(call, call.name, call.path)
    if call.header("x-ms-rename-source"):
        source = unquote(call.required_header("x-ms-rename-source").partition("?")[0])
        name, _, path = source.lstrip("/").partition("/")
        _check_writable(call, name, paths.parse(path))
    if not call.name and call.request.method == "GET":
        raise StorageError("UnsupportedHttpVerb")


def _check_writable(call: Call, workspace: str, path: paths.StorePath) -> None:
    """Raise StorageError for a managed folder, and for a path that is in none."""
    if len(path) <= _MANAGED:
        raise StorageError("AuthorizationPermissionMismatch")
    if call.account.has(workspace):
        tree = call.account.filesystem(workspace).tree
        with tree.lock:
            tree.find(path[:_MANAGED], call.caller)


def finish(call: Call, response: Response) -> Response:
    """Name the headers that were ignored, and hide owners and permissions."""
    ignored = [name for name in IGNORED_HEADERS if name in call.request.headers]
    if ignored:
        response.headers["x-ms-rejected-headers"] = ",".join(ignored)
    for name, value in _ACCESS.items():
        if name in response.headers:
            response.headers[name] = value
    return response
