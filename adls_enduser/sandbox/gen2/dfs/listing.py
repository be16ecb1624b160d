"""Path - List: the files and directories in a directory, or below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...http import Response, json_response
from ...store import paths
from ...store.acl import EXECUTE, READ
from .. import paging
from ..call import version_headers
from ..details import http_date
from ..entries import Directory
from ..errors import StorageError
from .access import permissions

if TYPE_CHECKING:
    from ...store.paths import StorePath
    from ..call import Call
    from ..entries import Entry

# Windows file times are 100 ns since 1601 (azure-storage-file-datalake, _filetime_to_datetime).
_FILETIME_1970 = 116_444_736_000_000_000


def list_paths(call: Call) -> Response:
    """Handle Path - List: one page, in the order of the paths."""
    tree = call.filesystem.tree
    size, after = call.page_size("maxResults"), paging.after_path(call) or ()
    with tree.lock:
        start = paths.parse(call.text("directory"))
        folder = tree.entry(start, call.caller)
        if not isinstance(folder, Directory):
            raise StorageError("PathNotFound")
        found = [one for one in _found(call, folder, start) if one[0] > after]
        page = [_item(call, path, entry) for path, entry in found[:size]]
    headers = version_headers(call.filesystem)
    if len(found) > size:
        headers["x-ms-continuation"] = paging.path_token(found[size - 1][0])
    return json_response({"paths": page}, 200, headers)


def _found(call: Call, folder: Directory, start: StorePath) -> list[tuple[StorePath, Entry]]:
    tree = call.filesystem.tree
    folder.require(call.caller, READ | EXECUTE)
    if not call.flag("recursive"):
        return [((*start, name), entry) for name, entry in tree.entries(folder)]
    found = tree.below(folder, start)
    for _, entry in found:
        if isinstance(entry, Directory):
            entry.require(call.caller, READ | EXECUTE)
    return found


def _item(call: Call, path: StorePath, entry: Entry) -> dict[str, str]:
    upn = call.flag("upn")
    item = {
        "name": "/".join(path),
        "contentLength": "0" if isinstance(entry, Directory) else str(entry.length),
        "creationTime": _filetime(entry.created),
        "etag": entry.details.etag.strip('"'),
        "group": entry.group,
        "lastModified": http_date(entry.modified),
        "owner": call.username(entry.owner) if upn else entry.owner,
        "permissions": permissions(entry),
    }
    if isinstance(entry, Directory):
        item["isDirectory"] = "true"
    elif entry.expires:
        item["expiryTime"] = _filetime(entry.expires)
    return item


def _filetime(milliseconds: int) -> str:
    return str(milliseconds * 10_000 + _FILETIME_1970)
