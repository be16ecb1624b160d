"""The bytes of a file: read, append and flush."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...http import Response, empty_response
from ...store.acl import READ, WRITE
from .. import conditions, leases
from ..call import ENCRYPTED, changed
from ..details import check_md5, content_headers
from ..entries import Directory
from ..errors import StorageError, bad_header, bad_parameter, missing_parameter
from ..ranges import content_response, readable
from .properties import path_headers

if TYPE_CHECKING:
    from ...store.files import Content
    from ..call import Call
    from ..entries import BlobFile


def read(call: Call) -> Response:
    """Handle Path - Read: the bytes of a file, or of a range of it."""
    with call.filesystem.tree.lock:
        file = readable(call)
        return content_response(call, path_headers(call, file), file)


def append(call: Call) -> Response:
    """Handle ``append``: keep the body until a flush; with ``flush=true`` write it at once."""
    check_md5(call, "Content-MD5", call.body_md5)
    check_md5(call, "x-ms-content-md5", call.body_md5)
    position = _position(call)
    tree = call.filesystem.tree
    content = tree.content(call.request.body)
    try:
        with tree.lock:
            file = _writable(call, "InvalidAppendOperation")
            if position < file.length:
                raise bad_parameter("position", str(position))
            _change_lease(call, file)
            if replaced := file.appended.pop(position, None):
                replaced.delete()
            file.appended[position] = content
    except Exception:
        content.delete()
        raise
    headers = {**ENCRYPTED}
    if call.header("Content-MD5") or call.header("x-ms-content-md5"):
        headers["Content-MD5"] = call.body_md5
    if call.flag("flush"):
        _write(call, file, position + content.length)
        return changed(file, 202, headers)
    return empty_response(202, headers)


def flush(call: Call) -> Response:
    """Handle ``flush``: write what has been appended, up to a position."""
    position = _position(call)
    with call.filesystem.tree.lock:
        file = _writable(call, "InvalidFlushOperation")
        conditions.check_write(call, file)
        _change_lease(call, file)
    _write(call, file, position)
    return changed(file, 200, ENCRYPTED)


def _write(call: Call, file: BlobFile, position: int) -> None:
    """Move the appended pieces to the end of the file; the others are forgotten."""
    tree = call.filesystem.tree
    with file.lock:
        with tree.lock:
            pieces = _contiguous(file, position)
            retain = call.flag("retainUncommittedData")
            left = {} if retain else file.appended
            file.appended = file.appended if retain else {}
        for piece in pieces:
            file.content.move_from(piece)
        for piece in left.values():
            piece.delete()
        with tree.lock:
            file.length = file.content.length
            file.details.headers.pop("Content-MD5", None)
            file.details.headers.update(content_headers(call, "x-ms-"))
            tree.touch(file)


def _contiguous(file: BlobFile, position: int) -> list[Content]:
    """Take the pieces from the end of the file to a position; raise StorageError for a gap."""
    end = file.length
    starts = []
    while end < position and end in file.appended:
        starts.append(end)
        end += file.appended[end].length or position  # an empty piece leads nowhere
    if end != position:
        raise StorageError("InvalidFlushPosition")
    return [file.appended.pop(start) for start in starts]


def _position(call: Call) -> int:
    position = call.number("position")
    if position is None:
        raise missing_parameter("position")
    return position


def _writable(call: Call, by_blob_code: str) -> BlobFile:
    """Find the file; raise StorageError if permission, lease, type or origin forbid to write.

    Microsoft's table "Common scenarios related to ACL permissions": to append needs RW.
    """
    file = call.filesystem.tree.entry(call.path, call.caller)
    if isinstance(file, Directory):
        raise StorageError("ResourceTypeMismatch")
    file.require(call.caller, READ | WRITE)
    action = (call.header("x-ms-lease-action") or "").lower()
    if not action.startswith("acquire"):
        call.check_lease(file)
    if file.by_blob:
        raise StorageError(by_blob_code)
    return file


def _change_lease(call: Call, file: BlobFile) -> None:
    """Do what ``x-ms-lease-action`` says (versions 2020-08-04 and later)."""
    action = (call.header("x-ms-lease-action") or "").lower()
    lease = file.details.lease
    if action in ("acquire", "acquire-release"):
        duration = leases.parse_duration(call.header("x-ms-lease-duration"))
        proposed = leases.parse_id(call.header("x-ms-proposed-lease-id"), "x-ms-proposed-lease-id")
        lease.acquire(call.now, duration, proposed)
    elif action == "auto-renew":
        lease.renew(call.now, call.lease_id)
    elif action and action != "release":
        raise bad_header("x-ms-lease-action", action)
    if action in ("release", "acquire-release"):
        lease.release(lease.lease_id)
