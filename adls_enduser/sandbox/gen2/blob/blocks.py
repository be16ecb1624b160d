"""Writing blobs: whole, in blocks that are committed, or by appending."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from ...http import Response, empty_response
from ...store.acl import READ, WRITE
from .. import conditions
from ..blocks import Block
from ..call import ENCRYPTED, changed, version_headers
from ..details import check_md5, content_headers, metadata_of
from ..entries import TIERS, BlobFile, Creation, Directory
from ..errors import StorageError, bad_header, bad_parameter
from . import copying, xml

if TYPE_CHECKING:
    from ...store.files import Content
    from ..call import Call

_CONTENT = "x-ms-blob-"
# Microsoft, "Put Block": at most 50,000 committed blocks, and twice as many uncommitted ones.
_MOST_BLOCKS = 50_000
_ID_BYTES = 64


def put_blob(call: Call) -> Response:
    """Handle Put Blob and, with ``x-ms-copy-source``, Copy Blob and Put Blob From URL."""
    if call.header("x-ms-copy-source"):
        return copying.copy(call)
    kind = call.required_header("x-ms-blob-type")
    if kind == "PageBlob":
        raise StorageError("FeatureNotYetSupportedForHierarchicalNamespaceAccounts")
    if kind not in ("BlockBlob", "AppendBlob") or (kind == "AppendBlob" and call.request.body):
        raise bad_header("x-ms-blob-type", kind)
    check_md5(call, "Content-MD5", call.body_md5)
    check_md5(call, "x-ms-blob-content-md5", call.body_md5)
    content = call.filesystem.tree.content(call.request.body)
    headers = content_headers(call, _CONTENT)
    if not headers.get("Content-Type") and call.header("Content-Type"):
        headers["Content-Type"] = call.header("Content-Type") or ""
    headers["Content-MD5"] = call.body_md5
    file = put_file(call, Upload(content, headers, metadata_of(call), kind))
    return changed(file, 201, {"Content-MD5": call.body_md5, **ENCRYPTED})


@dataclass
class Upload:
    """What a blob is to be: its bytes, content headers and metadata, and its blocks."""

    content: Content
    headers: dict[str, str]
    metadata: dict[str, str]
    kind: str = "BlockBlob"
    blocks: list[Block] = field(default_factory=list)


def put_file(call: Call, upload: Upload) -> BlobFile:
    """Put a file in the place of what is there; delete the content if that is not allowed."""
    tree = call.filesystem.tree
    try:
        with tree.lock:
            file = _file(call, upload.content)
            file.blob_type, file.by_blob, file.committed = upload.kind, True, upload.blocks
            file.details.headers, file.details.metadata = upload.headers, upload.metadata
            file.copy_headers, file.tier = {}, _tier(call)
            tree.touch(file)
            tree.drop_blocks(call.path)
    except Exception:
        upload.content.delete()
        raise
    return file


def _file(call: Call, content: Content) -> BlobFile:
    """Return the file of the path with new content, and create it if there is none."""
    tree = call.filesystem.tree
    check_target(call)
    existing = tree.entry_or_none(call.path, call.caller)
    if isinstance(existing, BlobFile):
        _replace_content(existing, content)
        return existing
    folder = tree.directories(call.path[:-1], call.caller)
    return tree.new_file(folder, call.path[-1], call.caller, content, Creation())


def _tier(call: Call) -> str:
    tier = call.header("x-ms-access-tier") or ""
    if tier and tier not in TIERS:
        raise bad_header("x-ms-access-tier", tier)
    return tier


def _replace_content(file: BlobFile, content: Content) -> None:
    file.content.delete()
    for piece in file.appended.values():
        piece.delete()
    file.appended, file.expires = {}, 0
    file.content, file.length = content, content.length


def check_target(call: Call) -> None:
    """Raise StorageError if the path cannot be written; hold the tree's lock."""
    if not call.path:
        raise StorageError("InvalidUri")
    existing = call.filesystem.tree.entry_or_none(call.path, call.caller)
    if existing is not None:
        call.check_lease(existing)
    conditions.check_creation(call, existing)
    if isinstance(existing, Directory):
        raise StorageError("PathConflict")
    if existing is not None:
        existing.require(call.caller, WRITE)


def put_block(call: Call) -> Response:
    """Handle Put Block and Put Block From URL: keep bytes under an id, until they are committed."""
    block_id = _block_id(call.required("blockid"))
    if call.header("x-ms-copy-source"):
        content = copying.block_content(call)
        digest = {}
    else:
        digest = _digest(call)
        content = call.filesystem.tree.content(call.request.body)
    try:
        _stage(call, Block(block_id, content, 0, content.length))
    except Exception:
        content.delete()
        raise
    return empty_response(201, {**digest, **ENCRYPTED})


def _stage(call: Call, block: Block) -> None:
    tree = call.filesystem.tree
    with tree.lock:
        existing = tree.entry_or_none(call.path, call.caller)
        if isinstance(existing, Directory):
            raise StorageError("PathConflict")
        if existing is None:
            tree.check_creatable(call.path, call.caller)
        else:
            existing.require(call.caller, WRITE)
            call.check_lease(existing)
        staged = tree.staged.setdefault(call.path, {})
        # All ids of one blob have the same length (Microsoft, "Put Block").
        if any(len(other) != len(block.block_id) for other in staged):
            raise StorageError("InvalidBlobOrBlock")
        if len(staged) >= 2 * _MOST_BLOCKS:
            raise StorageError("BlockCountExceedsLimit")
        if replaced := staged.get(block.block_id):
            replaced.content.delete()
        staged[block.block_id] = block


def _block_id(text: str) -> str:
    try:
        decoded = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise bad_parameter("blockid", text, "Not a valid base64 string.") from None
    if not 0 < len(decoded) <= _ID_BYTES:
        raise StorageError("OutOfRangeQueryParameterValue", QueryParameterName="blockid")
    return text


def put_block_list(call: Call) -> Response:
    """Handle Put Block List: the blob is the blocks of the list, in its order.

    The bytes are put together while the tree is not locked; blocks that nobody names are lost.
    """
    digest = _digest(call)
    tree = call.filesystem.tree
    with tree.lock:
        check_target(call)
        blocks = _resolve(call)
    content = tree.content()
    committed = []
    for block in blocks:
        committed.append(Block(block.block_id, content, content.length, block.length))
        content.copy_from(block.content, block.offset, block.length)
    headers = content_headers(call, _CONTENT)
    file = put_file(call, Upload(content, headers, metadata_of(call), blocks=committed))
    return changed(file, 201, {**digest, **ENCRYPTED})


def _resolve(call: Call) -> list[Block]:
    """Find each block of the list; raise StorageError for an id that no block has."""
    root = xml.parse(call.request.body)
    if root.tag != "BlockList":
        raise StorageError("InvalidXmlDocument")
    if len(root) > _MOST_BLOCKS:
        raise StorageError("BlockListTooLong")
    tree = call.filesystem.tree
    file = tree.entry_or_none(call.path, call.caller)
    staged = tree.staged.get(call.path, {})
    committed = {block.block_id: block for block in getattr(file, "committed", [])}
    sources = {
        "Committed": committed,
        "Uncommitted": staged,
        "Latest": {**committed, **staged},
    }
    try:
        return [sources[element.tag][(element.text or "").strip()] for element in root]
    except KeyError:
        raise StorageError("InvalidBlockList") from None


def get_block_list(call: Call) -> Response:
    """Handle Get Block List: committed blocks, uncommitted ones, or both."""
    kind = call.text("blocklisttype", "committed").lower()
    if kind not in ("committed", "uncommitted", "all"):
        raise bad_parameter("blocklisttype", kind)
    tree = call.filesystem.tree
    with tree.lock:
        entry = tree.entry_or_none(call.path, call.caller)
        staged = list(tree.staged.get(call.path, {}).values())
        if isinstance(entry, Directory) or (entry is None and not staged):
            raise StorageError("PathNotFound")
        root, headers = Element("BlockList"), {"x-ms-blob-content-length": "0"}
        committed: list[Block] = []
        if entry is not None:
            entry.require(call.caller, READ)
            call.check_lease(entry, "reads")
            headers = {**version_headers(entry), "x-ms-blob-content-length": str(entry.length)}
            committed = entry.committed
    if kind != "uncommitted":
        _add_blocks(root, "CommittedBlocks", committed)
    if kind != "committed":
        _add_blocks(root, "UncommittedBlocks", staged)
    return xml.response(root, headers)


def _add_blocks(root: Element, name: str, blocks: list[Block]) -> None:
    parent = SubElement(root, name)
    for block in blocks:
        size = {"Name": block.block_id, "Size": str(block.length)}
        xml.add(SubElement(parent, "Block"), size)


def append_block(call: Call) -> Response:
    """Handle Append Block, to an append blob: at its end."""
    digest = _digest(call)
    tree = call.filesystem.tree
    if call.header("x-ms-copy-source"):
        raise StorageError("FeatureNotYetSupportedForHierarchicalNamespaceAccounts")
    with tree.lock:
        file = _appendable(call)
    with file.lock:
        with tree.lock:
            conditions.check_write(call, file)
            offset = file.content.length
            _check_append(call, offset)
        file.content.append(call.request.body)
        with tree.lock:
            file.committed.append(Block("", file.content, offset, len(call.request.body)))
            file.length = file.content.length
            file.details.headers.pop("Content-MD5", None)
            tree.touch(file)
    headers = {
        **digest,
        "x-ms-blob-append-offset": str(offset),
        "x-ms-blob-committed-block-count": str(len(file.committed)),
    }
    return changed(file, 201, {**headers, **ENCRYPTED})


def _appendable(call: Call) -> BlobFile:
    file = call.filesystem.tree.entry(call.path, call.caller)
    file.require(call.caller, WRITE)
    call.check_lease(file)
    if isinstance(file, Directory) or file.blob_type != "AppendBlob":
        raise StorageError("InvalidBlobType")
    return file


def _digest(call: Call) -> dict[str, str]:
    """Return the MD5 of the body as a header if the request has one; raise StorageError.

    Put Blob alone returns it always (Microsoft, "Put Block", version 2019-02-02 and later).
    """
    check_md5(call, "Content-MD5", call.body_md5)
    return {"Content-MD5": call.body_md5} if call.header("Content-MD5") else {}


def _check_append(call: Call, offset: int) -> None:
    position = call.number_header("x-ms-blob-condition-appendpos")
    if position not in (None, offset):
        raise StorageError("AppendPositionConditionNotMet")
    most = call.number_header("x-ms-blob-condition-maxsize")
    if most is not None and offset + len(call.request.body) > most:
        raise StorageError("MaxBlobSizeConditionNotMet")
