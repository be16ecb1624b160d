"""Copy Blob, Copy Blob From URL, Put Blob From URL and Put Block From URL.

The source is in the sandbox too, since nothing else can be reached; every copy is complete
when the response is sent.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ...store import paths
from ...store.acl import READ
from .. import conditions
from ..call import ENCRYPTED, changed
from ..details import content_headers, http_date, metadata_of
from ..entries import Directory
from ..errors import StorageError, bad_header
from ..hosts import parse
from . import blocks

if TYPE_CHECKING:
    from ...http import Response
    from ...store.acl import Caller
    from ...store.files import Content
    from ..call import Call
    from ..entries import BlobFile
    from ..hosts import StorageHost

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


def copy(call: Call) -> Response:
    """Handle the copy of a whole blob, with metadata and content headers of its own if given."""
    source = _source(call)
    with call.filesystem.tree.lock:
        blocks.check_target(call)
    content = call.filesystem.tree.content()
    content.copy_from(source.content, 0, source.length)
    own = content_headers(call, "x-ms-blob-")
    metadata = metadata_of(call) or dict(source.details.metadata)
    headers = {**source.details.headers, **own}
    file = blocks.put_file(call, blocks.Upload(content, headers, metadata, source.blob_type))
    put_from_url = bool(call.header("x-ms-blob-type"))
    status = {"x-ms-copy-id": str(uuid.uuid4()), "x-ms-copy-status": "success"}
    if put_from_url:
        return changed(file, 201, ENCRYPTED)
    file.copy_headers = {
        **status,
        "x-ms-copy-source": call.required_header("x-ms-copy-source"),
        "x-ms-copy-progress": f"{file.length}/{file.length}",
        "x-ms-copy-completion-time": http_date(int(call.now * 1000)),
    }
    return changed(file, 202, status)


def block_content(call: Call) -> Content:
    """Return new content with the range of the source that a block is to have."""
    source = _source(call)
    first, last = 0, source.length - 1
    text = call.header("x-ms-source-range")
    if text:
        found = _RANGE.fullmatch(text.strip())
        if found is None:
            raise bad_header("x-ms-source-range", text)
        first, last = int(found[1]), min(int(found[2]), last)
    if first > last and source.length:
        raise StorageError("InvalidRange")
    content = call.filesystem.tree.content()
    content.copy_from(source.content, first, last - first + 1)
    return content


def _source(call: Call) -> BlobFile:
    """Find the source, which the caller must be able to read; raise StorageError otherwise."""
    url = urlsplit(call.required_header("x-ms-copy-source"))
    host = parse((url.hostname or "").lower())
    name, _, path = unquote(url.path).lstrip("/").partition("/")
    if host is None:
        raise bad_header("x-ms-copy-source", url.geturl())
    caller, account = _source_caller(call, host), call.service.account(host)
    if account is None or not account.has(name):
        raise StorageError("CannotVerifyCopySource")
    tree = account.filesystem(name).tree
    with tree.lock:
        entry = tree.entry_or_none(paths.parse(path), caller)
        if entry is None or isinstance(entry, Directory):
            raise StorageError("CannotVerifyCopySource")
        entry.require(caller, READ)
        conditions.check_source(call, entry)
    return entry


def _source_caller(call: Call, host: StorageHost) -> Caller:
    """Return the person who reads the source.

    The request's token is for its own account; that of another account is in a header of its
    own (Microsoft, "Copy Blob From URL", ``x-ms-copy-source-authorization``).
    """
    if (host.account, host.suffix) == (call.host.account, call.host.suffix):
        return call.caller
    caller = call.service.caller(call.header("x-ms-copy-source-authorization"), host)
    if caller is None:
        message = "Server failed to authenticate the request to the copy source."
        raise StorageError("CannotVerifyCopySource", status=401, message=message)
    return caller


def abort(_: Call) -> Response:
    """Handle Abort Copy Blob: every copy is complete already."""
    raise StorageError("NoPendingCopyOperation")
