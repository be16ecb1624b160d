"""Path - Get Properties, and setting properties with Path - Update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...store.acl import WRITE
from .. import conditions
from ..call import changed, described
from ..details import content_headers, http_date, properties_of
from ..entries import Directory
from ..ranges import file_headers
from .access import access_headers

if TYPE_CHECKING:
    from ...http import Response
    from ..call import Call
    from ..entries import Entry

_CONTENT = "x-ms-"


def get_properties(call: Call) -> Response:
    """Handle Path - Get Properties: what the system and clients have set."""
    with call.filesystem.tree.lock:
        entry = _readable(call)
        return described({**path_headers(call, entry), **access_headers(call, entry)})


def get_status(call: Call) -> Response:
    """Handle ``getStatus``: what the system has set."""
    with call.filesystem.tree.lock:
        headers = path_headers(call, _readable(call))
    headers.pop("x-ms-properties", None)
    return described(headers)


def set_properties(call: Call) -> Response:
    """Handle ``setProperties``: the given metadata replaces all of it."""
    tree = call.filesystem.tree
    with tree.lock:
        entry = tree.entry(call.path, call.caller)
        entry.require(call.caller, WRITE)
        call.check_lease(entry)
        conditions.check_write(call, entry)
        entry.details.headers.update(content_headers(call, _CONTENT))
        metadata = properties_of(call)
        if metadata is not None:
            entry.details.metadata = metadata
        tree.touch(entry)
        return changed(entry, 200)


def path_headers(call: Call, entry: Entry) -> dict[str, str]:
    """Return the response headers of a file or directory on the dfs endpoint."""
    is_directory = isinstance(entry, Directory)
    headers = {
        **file_headers(entry),
        **entry.details.lease.headers(call.now),
        "x-ms-resource-type": "directory" if is_directory else "file",
        "x-ms-creation-time": http_date(entry.details.created),
        "x-ms-server-encrypted": "true",
    }
    if entry.details.metadata:
        headers["x-ms-properties"] = entry.details.properties()
    elif is_directory:
        # A directory shows what marks it on the blob endpoint.
        headers["x-ms-properties"] = "hdi_isfolder=dHJ1ZQ=="
    if not isinstance(entry, Directory):
        headers |= {"Accept-Ranges": "bytes", "Content-Length": str(entry.length)}
        if entry.expires:
            headers["x-ms-expiry-time"] = http_date(entry.expires)
    return headers


def _readable(call: Call) -> Entry:
    entry = call.filesystem.tree.entry(call.path, call.caller)
    call.check_lease(entry, "reads")
    conditions.check_read(call, entry)
    return entry
