"""Operations that only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http import Response, empty_response, json_response
from . import acl, errors
from .acl import EXECUTE, READ
from .nodes import File, Folder

if TYPE_CHECKING:
    from .call import Call
    from .nodes import Node

# The maximum of one LISTSTATUS; azure.datalake.store.core requests as many.
_PAGE = 4000
# From this version on a listing has a continuation token (recorded: test_ls_batched,
# test_set_acl).
_TOKENS_SINCE = "2018-09-01"
# From this version on the status of a file has its id: the version that
# azure-data-lake-store-java sends (``HttpTransport.API_VERSION``), whose ``Core`` reads the field
# and whose live test ``conditionalDelete`` relies on it.
_CONTEXT_IDS_SINCE = "2018-12-01"


def get_file_status(call: Call) -> Response:
    """Handle GETFILESTATUS: the status of a file or folder.

    ``getconsistentlength`` asks for the updated length (azure-data-lake-store-net, ``Core``).
    """
    with call.tree.lock:
        node = call.tree.find(call.path, call.caller)
        status = _status(call, node)
        if isinstance(node, File) and call.parameters.flag("getconsistentlength"):
            status["length"] = node.content.length
    return json_response({"FileStatus": status})


def list_status(call: Call) -> Response:
    """Handle LISTSTATUS: one page of a folder, or the status of a single file.

    A page that is full has a continuation token, also if nothing follows (recorded:
    test_ls_batched, 10 of 10 entries).
    """
    with call.tree.lock:
        node = call.tree.find(call.path, call.caller)
        found = [("", node)] if isinstance(node, File) else _children(call, node)
        size = min(call.parameters.number("listSize") or _PAGE, _PAGE)
        page = [_status(call, item, name) for name, item in found[:size]]
    token = found[size - 1][0] if 0 < size <= len(found) else ""
    listing: dict[str, object] = {"FileStatus": page}
    if call.parameters.text("api-version") >= _TOKENS_SINCE:
        listing = {"continuationToken": token, **listing}
    return json_response({"FileStatuses": listing})


def _status(call: Call, node: Node, name: str = "") -> dict[str, object]:
    status = node.status(name)
    if isinstance(node, File) and call.parameters.text("api-version") >= _CONTEXT_IDS_SINCE:
        status["fileContextID"] = node.context_id
    return status


def _children(call: Call, folder: Folder) -> list[tuple[str, Node]]:
    folder.require(call.caller, READ | EXECUTE)
    after, before = call.parameters.text("listAfter"), call.parameters.text("listBefore")
    return [
        (name, node)
        for name, node in call.tree.children(folder)
        if name > after and (not before or name < before)
    ]


def get_content_summary(call: Call) -> Response:
    """Handle GETCONTENTSUMMARY: the number of files, folders and bytes."""
    with call.tree.lock:
        counts = call.tree.summary(call.tree.find(call.path, call.caller), call.caller)
    quotas = {"quota": -1, "spaceConsumed": counts["length"], "spaceQuota": -1}
    return json_response({"ContentSummary": {**counts, **quotas}})


def open_file(call: Call) -> Response:
    """Handle OPEN: ``length`` bytes from ``offset``, or as many as there are.

    An offset at the end or beyond it is 403 IOException, except in an empty file (Hadoop,
    ``NamenodeWebHdfsMethods.chooseDatanode``: "out of the range"). A response with bytes is
    chunked; one without has neither chunks nor a type (recorded: 909 and 2 of
    azure-datalake-store's, the two of empty files).
    """
    with call.tree.lock:
        file = call.tree.find_file(call.path, call.caller)
        file.require(call.caller, READ)
    if file.concurrent:  # azure-data-lake-store-java, TestCore: "read, to force metadata sync"
        with file.lock:
            file.length = file.content.length
    offset = call.parameters.number("offset") or 0
    rest = file.content.length - offset
    if rest <= 0 < file.content.length:
        raise errors.failed(f"Offset={offset} out of the range [0, {offset + rest})")
    requested = call.parameters.number("length")
    length = max(rest, 0) if requested is None else min(requested, max(rest, 0))
    if not length:
        return empty_response()
    blocks = file.content.read(offset, length)
    return Response(blocks, 200, mimetype="application/octet-stream")


def check_access(call: Call) -> Response:
    """Handle CHECKACCESS: 200 if the caller has all permissions in ``fsaction``, else 403."""
    action = call.parameters.required("fsaction")
    try:
        permissions = acl.parse_bits(action)
    except ValueError:
        raise errors.bad_parameter("fsaction", f"{action!r} is not like 'rwx'") from None
    with call.tree.lock:
        call.tree.find(call.path, call.caller).require(call.caller, permissions)
    return empty_response()


def ms_get_acl_status(call: Call) -> Response:
    """Handle MSGETACLSTATUS: all entries (recorded: test_acl_management)."""
    return _acl_status(call, hidden=())


def get_acl_status(call: Call) -> Response:
    """Handle GETACLSTATUS: the entries that ``permission`` does not say already.

    Recorded in azure-sdk-for-net (SetDeleteAclEntry, GetAndSetAcl). Microsoft's clients for Java
    and .NET call this operation, and never MSGETACLSTATUS.
    """
    return _acl_status(call, hidden=("user::", "mask::", "other::"))


def _acl_status(call: Call, hidden: tuple[str, ...]) -> Response:
    with call.tree.lock:
        node = call.tree.find(call.path, call.caller)
        entries = [line for line in node.acl.to_lines() if not line.startswith(hidden)]
        if isinstance(node, Folder) and node.default is not None:
            entries += node.default.to_lines("default:")
        status = {
            "entries": entries,
            "owner": node.owner,
            "group": node.group,
            "permission": node.permission,
            "stickyBit": node.sticky,
        }
    return json_response({"AclStatus": status})
