"""Reading the bytes of a file: all of them, or a range."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..http import Response
from ..store.acl import READ
from . import conditions
from .call import md5, version_headers
from .details import with_content_type
from .entries import BlobFile, Directory
from .errors import StorageError, bad_header

if TYPE_CHECKING:
    from ..store.files import Content
    from .call import Call
    from .entries import Entry

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
# The service computes the MD5 of a range of this size at most (Microsoft, "Get Blob").
_MD5_LIMIT = 4 * 1024 * 1024


def readable(call: Call) -> BlobFile:
    """Find the file to be read; raise StorageError if permission, lease or condition forbid it."""
    entry = call.filesystem.tree.entry(call.path, call.caller)
    if isinstance(entry, Directory):
        raise StorageError("ResourceTypeMismatch")
    entry.require(call.caller, READ)
    call.check_lease(entry, "reads")
    conditions.check_read(call, entry)
    return entry


def content_response(call: Call, headers: dict[str, str], entry: BlobFile) -> Response:
    """Return the bytes that ``x-ms-range`` or ``Range`` asks for: 200, or 206 for a part.

    A range that begins at or beyond the end is 416, also the first one of an empty file, which
    clients expect (azure-storage-blob, ``StorageStreamDownloader``). The last bytes
    (``bytes=-5``) cannot be asked for (Microsoft, "Specifying the range header").
    """
    first, last = _requested(call, entry.length)
    length = last - first + 1
    headers = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(length)}
    partial = _range_text(call) is not None and entry.length > 0
    if partial:
        headers["Content-Range"] = f"bytes {first}-{last}/{entry.length}"
        _add_md5(call, headers, entry.content, first, length)
    blocks = entry.content.read(first, length)
    return Response(blocks, 206 if partial else 200, headers)


def file_headers(entry: Entry) -> dict[str, str]:
    """Return the headers that both endpoints send with a file or directory."""
    return {**with_content_type(entry.details.headers), **version_headers(entry)}


def _range_text(call: Call) -> str | None:
    return call.header("x-ms-range") or call.header("Range")


def _requested(call: Call, size: int) -> tuple[int, int]:
    text = _range_text(call)
    if text is None:
        return 0, size - 1
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise bad_header("Range", text)
    first, last = int(found[1]), int(found[2] or size - 1)
    if first > last and found[2]:
        raise bad_header("Range", text)
    if first >= size:
        raise StorageError("InvalidRange", headers={"Content-Range": f"bytes */{size}"})
    return first, min(last, size - 1)


def _add_md5(
    call: Call, headers: dict[str, str], content: Content, first: int, length: int
) -> None:
    """Add the MD5 of the range if it is asked for; that of the whole file has another name."""
    whole = headers.pop("Content-MD5", None)
    if whole:
        headers[_WHOLE_MD5[call.host.endpoint]] = whole
    if (call.header("x-ms-range-get-content-md5") or "").lower() == "true":
        if length > _MD5_LIMIT:
            raise StorageError("OutOfRangeInput")
        headers["Content-MD5"] = md5(b"".join(content.read(first, length)))


_WHOLE_MD5 = {"blob": "x-ms-blob-content-md5", "dfs": "x-ms-content-md5"}
