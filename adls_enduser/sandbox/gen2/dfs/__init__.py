"""The dfs endpoint: filesystems, directories and files.

Source: Microsoft, "Azure Data Lake Storage Gen2 REST API" (version 2019-10-31 and later), and
what azure-storage-file-datalake generates from its specification (``_generated.operations``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import StorageError, bad_parameter, missing_parameter
from . import access, data, filesystems, listing, paths, properties

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...http import Response
    from ..call import Call

    Operation = Callable[[Call], Response]

_FILESYSTEM: dict[str, Operation] = {
    "PUT": filesystems.create,
    "PATCH": filesystems.set_properties,
    "HEAD": filesystems.get_properties,
    "DELETE": filesystems.delete,
    "GET": listing.list_paths,
}
_PATH: dict[str, Operation] = {
    "PUT": paths.create,
    "GET": data.read,
    "DELETE": paths.delete,
    "POST": paths.lease,
}
_HEAD: dict[str, Operation] = {
    "": properties.get_properties,
    "getstatus": properties.get_status,
    "getaccesscontrol": access.get_access_control,
    "checkaccess": access.check_access,
}
_PATCH: dict[str, Operation] = {
    "append": data.append,
    "flush": data.flush,
    "setproperties": properties.set_properties,
    "setaccesscontrol": access.set_access_control,
    "setaccesscontrolrecursive": access.set_access_control_recursive,
}


def perform(call: Call) -> Response:
    """Perform the operation that the method and the query name."""
    return _operation(call)(call)


def _operation(call: Call) -> Operation:
    method, resource = call.request.method, call.text("resource").lower()
    if not call.name:
        if method == "GET" and resource == "account":
            return filesystems.list_filesystems
        raise StorageError("UnsupportedHttpVerb" if resource else "InvalidUri")
    if resource == "filesystem":
        return _by_method(_FILESYSTEM, method)
    if method == "HEAD":
        return _by_action(_HEAD, call.text("action"))
    if method == "PATCH":
        if not call.text("action"):
            raise missing_parameter("action")
        return _by_action(_PATCH, call.text("action"))
    return _by_method(_PATH, method)


def _by_method(operations: dict[str, Operation], method: str) -> Operation:
    if method not in operations:
        raise StorageError("UnsupportedHttpVerb")
    return operations[method]


def _by_action(operations: dict[str, Operation], action: str) -> Operation:
    if action.lower() not in operations:
        raise bad_parameter("action", action)
    return operations[action.lower()]
