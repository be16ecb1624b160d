"""Operations on one blob: read, properties, metadata, lease, expiry, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...http import Response, empty_response
from ...store.acl import WRITE
from .. import conditions
from ..call import ENCRYPTED, changed, described, version_headers
from ..details import content_headers, http_date, metadata_of
from ..dfs.access import access_headers
from ..entries import TIERS, Directory
from ..errors import StorageError, bad_header
from ..expiry import expiry
from ..leasing import change_lease
from ..ranges import content_response, file_headers, readable

if TYPE_CHECKING:
    from ..call import Call
    from ..entries import Entry

_CONTENT = "x-ms-blob-"
_FOLDER = {"x-ms-meta-hdi_isfolder": "true"}


def read(call: Call) -> Response:
    """Handle Get Blob: the bytes, or a range of them."""
    with call.filesystem.tree.lock:
        file = readable(call)
        return content_response(call, blob_headers(call, file), file)


def get_properties(call: Call) -> Response:
    """Handle Get Blob Properties; a directory is a blob with the metadata ``hdi_isfolder``."""
    with call.filesystem.tree.lock:
        entry = _readable(call)
        headers = {**blob_headers(call, entry), **access_headers(call, entry)}
        headers |= _tier_headers(entry)
        length = 0 if isinstance(entry, Directory) else entry.length
    headers |= {"Content-Length": str(length), "Accept-Ranges": "bytes"}
    return described(headers)


def get_metadata(call: Call) -> Response:
    """Handle Get Blob Metadata."""
    with call.filesystem.tree.lock:
        entry = _readable(call)
        return empty_response(200, {**version_headers(entry), **_metadata(entry)})


def blob_headers(call: Call, entry: Entry) -> dict[str, str]:
    """Return the response headers of a file or directory on the blob endpoint."""
    is_directory = isinstance(entry, Directory)
    return {
        **file_headers(entry),
        **_metadata(entry),
        **({} if isinstance(entry, Directory) else entry.copy_headers),
        **entry.details.lease.headers(call.now),
        "x-ms-blob-type": "BlockBlob" if isinstance(entry, Directory) else entry.blob_type,
        "x-ms-creation-time": http_date(entry.details.created),
        "x-ms-resource-type": "directory" if is_directory else "file",
        "x-ms-server-encrypted": "true",
        **_type_headers(entry),
    }


def _type_headers(entry: Entry) -> dict[str, str]:
    if isinstance(entry, Directory):
        return {}
    headers = {}
    if entry.blob_type == "AppendBlob":
        headers["x-ms-blob-committed-block-count"] = str(len(entry.committed))
    if entry.expires:
        headers["x-ms-expiry-time"] = http_date(entry.expires)
    return headers


def _tier_headers(entry: Entry) -> dict[str, str]:
    """Return the access tier; a blob that nobody gave one has that of the account."""
    if isinstance(entry, Directory) or entry.blob_type != "BlockBlob":
        return {}
    if entry.tier:
        return {"x-ms-access-tier": entry.tier}
    return {"x-ms-access-tier": "Hot", "x-ms-access-tier-inferred": "true"}


def _metadata(entry: Entry) -> dict[str, str]:
    folder = _FOLDER if isinstance(entry, Directory) else {}
    return {**folder, **entry.details.metadata_headers()}


def _readable(call: Call) -> Entry:
    entry = call.filesystem.tree.entry(call.path, call.caller)
    call.check_lease(entry, "reads")
    conditions.check_read(call, entry)
    return entry


def _writable(call: Call) -> Entry:
    """Find the item to be changed; raise StorageError if something forbids it."""
    entry = call.filesystem.tree.entry(call.path, call.caller)
    entry.require(call.caller, WRITE)
    call.check_lease(entry)
    conditions.check_write(call, entry)
    return entry


def set_metadata(call: Call) -> Response:
    """Handle Set Blob Metadata: the given names replace all."""
    tree = call.filesystem.tree
    with tree.lock:
        entry = _writable(call)
        entry.details.metadata = metadata_of(call)
        tree.touch(entry)
        return changed(entry, 200, ENCRYPTED)


def set_properties(call: Call) -> Response:
    """Handle Set Blob Properties: the given content headers replace all."""
    tree = call.filesystem.tree
    with tree.lock:
        entry = _writable(call)
        entry.details.headers = content_headers(call, _CONTENT)
        tree.touch(entry)
        return changed(entry, 200)


def set_tier(call: Call) -> Response:
    """Handle Set Blob Tier; in the sandbox a file of any tier can be read at once."""
    tier = call.required_header("x-ms-access-tier")
    if tier not in TIERS:
        raise bad_header("x-ms-access-tier", tier)
    with call.filesystem.tree.lock:
        entry = _writable(call)
        if isinstance(entry, Directory):
            raise StorageError("ResourceTypeMismatch")
        entry.tier = tier
    return empty_response(200)


def set_expiry(call: Call) -> Response:
    """Handle Set Blob Expiry, which only a hierarchical namespace has."""
    call.required_header("x-ms-expiry-option")
    tree = call.filesystem.tree
    with tree.lock:
        entry = _writable(call)
        if isinstance(entry, Directory):
            raise StorageError("ResourceTypeMismatch")
        entry.expires = expiry(call, entry)
        tree.touch(entry)
        return changed(entry, 200)


def lease(call: Call) -> Response:
    """Handle Lease Blob."""
    with call.filesystem.tree.lock:
        entry = call.filesystem.tree.entry(call.path, call.caller)
        entry.require(call.caller, WRITE)
        conditions.check_write(call, entry)
        return change_lease(call, entry)


def delete(call: Call) -> Response:
    """Handle Delete Blob; a directory must be empty."""
    tree = call.filesystem.tree
    with tree.lock:
        entry = tree.entry(call.path, call.caller)
        call.check_lease(entry)
        conditions.check_write(call, entry)
        if isinstance(entry, Directory) and entry.children:
            raise StorageError("DirectoryIsNotEmpty")
        tree.remove_entry(call.path, call.caller)
    return empty_response(202, {"x-ms-delete-type-permanent": "true"})
