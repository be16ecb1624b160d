"""Path - Create (which also renames), Path - Delete and Path - Lease."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from ...http import Response, empty_response
from ...store import acl, paths
from ...store.acl import WRITE
from .. import conditions, leases
from ..call import ENCRYPTED, changed
from ..details import content_headers, properties_of
from ..entries import ROOT_MODE, BlobFile, Creation, Directory
from ..errors import StorageError, bad_parameter, missing_parameter
from ..expiry import expiry
from ..leasing import change_lease
from .access import identity_header, mode_header

if TYPE_CHECKING:
    from ...store.files import Content
    from ...store.paths import StorePath
    from ..accounts import Filesystem
    from ..call import Call
    from ..entries import Entry


def create(call: Call) -> Response:
    """Handle Path - Create: a file, a directory, or with ``x-ms-rename-source`` a rename."""
    source = call.header("x-ms-rename-source")
    if source:
        return rename(call, source)
    kind = call.text("resource").lower()
    if kind == "file":
        return _create_file(call)
    if kind == "directory":
        return _create_directory(call)
    raise bad_parameter("resource", kind) if kind else missing_parameter("resource")


def _create_file(call: Call) -> Response:
    tree = call.filesystem.tree
    content = tree.content()
    try:
        with tree.lock:
            file = _new_file(call, content)
            _describe(call, file)
            file.expires = expiry(call, file)
            return changed(file, 201, ENCRYPTED)
    except Exception:
        content.delete()
        raise


def _new_file(call: Call, content: Content) -> BlobFile:
    """Add the file, in place of one that exists and may be written."""
    tree = call.filesystem.tree
    existing = _existing(call)
    if isinstance(existing, Directory) or not call.path:
        raise StorageError("PathConflict")
    if existing is not None:
        existing.require(call.caller, WRITE)
        call.check_lease(existing)
        del tree.directories(call.path[:-1], call.caller).children[call.path[-1]]
        tree.discard(existing)
    folder = tree.directories(call.path[:-1], call.caller)
    return tree.new_file(folder, call.path[-1], call.caller, content, _creation(call))


def _create_directory(call: Call) -> Response:
    tree = call.filesystem.tree
    with tree.lock:
        existing = _existing(call)
        if isinstance(existing, BlobFile):
            raise StorageError("PathConflict")
        if existing is not None:
            call.check_lease(existing)
        directory = tree.directories(call.path, call.caller, _creation(call))
        _describe(call, directory)
        return changed(directory, 201, ENCRYPTED)


def _existing(call: Call) -> Entry | None:
    existing = call.filesystem.tree.entry_or_none(call.path, call.caller)
    conditions.check_creation(call, existing)
    return existing


def _describe(call: Call, entry: Entry) -> None:
    """Set the metadata, the content headers and the lease that the request asks for."""
    entry.details.metadata = properties_of(call) or {}
    entry.details.headers = content_headers(call, "x-ms-")
    proposed = leases.parse_id(call.header("x-ms-proposed-lease-id"), "x-ms-proposed-lease-id")
    if proposed:
        duration = leases.parse_duration(call.header("x-ms-lease-duration"))
        entry.details.lease.acquire(call.now, duration, proposed)


def _creation(call: Call) -> Creation:
    """Return how the request wants the new item to be."""
    creation = Creation(mode=mode_header(call))
    umask = mode_header(call, "x-ms-umask")
    if umask is not None:
        creation.umask = umask
    creation.owner = identity_header(call, "x-ms-owner")
    creation.group = identity_header(call, "x-ms-group")
    if (creation.owner or creation.group) and not call.caller.superuser:
        raise StorageError("AuthorizationPermissionMismatch")
    spec = call.header("x-ms-acl")
    if spec:
        parsed = acl.parse(spec, call.object_id)
        start = acl.Acl.of_mode(ROOT_MODE)
        creation.acl = acl.replaced(start, parsed.access)
        if parsed.default:
            entries = acl.completed(parsed.default, creation.acl)
            creation.default = acl.replaced(creation.acl, entries)
    return creation


def rename(call: Call, source_text: str) -> Response:
    """Move a file or directory with all below it; also to another filesystem of the account."""
    source_filesystem, source = _source(call, source_text)
    # The locks are taken in the order of the names, so that two renames never wait for another.
    first, second = sorted((source_filesystem.name, call.name))
    with (
        call.account.filesystem(first).tree.lock,
        call.account.filesystem(second).tree.lock,
    ):
        entry = _rename_source(call, source_filesystem, source)
        if (source_filesystem.name, source) != (call.name, call.path):
            _check_target(call, entry, source_filesystem, source)
            source_filesystem.tree.detach(source, call.caller)
            folder = call.filesystem.tree.directories(call.path[:-1], call.caller)
            call.filesystem.tree.attach(folder, call.path[-1], entry, call.caller)
        metadata = properties_of(call)
        if metadata is not None:
            entry.details.metadata = metadata
        entry.details.headers.update(content_headers(call, "x-ms-"))
        call.filesystem.tree.touch(entry)
        return changed(entry, 201)


def _source(call: Call, text: str) -> tuple[Filesystem, StorePath]:
    """Read ``/filesystem/path``, percent-encoded, perhaps with a query."""
    name, _, path = unquote(text.partition("?")[0]).lstrip("/").partition("/")
    if not call.account.has(name):
        raise StorageError("SourcePathNotFound")
    source = paths.parse(path)
    if not source:
        raise StorageError("InvalidSourceUri")
    return call.account.filesystem(name), source


def _rename_source(call: Call, filesystem: Filesystem, source: StorePath) -> Entry:
    entry = filesystem.tree.entry_or_none(source, call.caller)
    if entry is None:
        raise StorageError("SourcePathNotFound")
    conditions.check_source(call, entry)
    lease_id = leases.parse_id(call.header("x-ms-source-lease-id"), "x-ms-source-lease-id")
    entry.details.lease.check(call.now, lease_id, "Blob", writes=True)
    filesystem.tree.check_detach(source, call.caller)
    return entry


def _check_target(
    call: Call, entry: Entry, source_filesystem: Filesystem, source: StorePath
) -> None:
    """Raise StorageError if the target cannot be replaced; remove what is replaced."""
    tree = call.filesystem.tree
    if not call.path:
        raise StorageError("InvalidDestinationPath")
    if source_filesystem.name == call.name and paths.is_below(call.path, source):
        raise StorageError("InvalidRenameSourcePath")
    parent = tree.entry_or_none(call.path[:-1], call.caller)
    if parent is None:
        raise StorageError("RenameDestinationParentPathNotFound")
    if not isinstance(parent, Directory):
        raise StorageError("InvalidDestinationPath")
    parent.require(call.caller, acl.WRITE | acl.EXECUTE)
    existing = tree.entry_or_none(call.path, call.caller)
    conditions.check_creation(call, existing)
    if existing is None:
        return
    call.check_lease(existing)
    if isinstance(existing, Directory) != isinstance(entry, Directory):
        raise StorageError("InvalidSourceOrDestinationResourceType")
    if isinstance(existing, Directory) and existing.children:
        raise StorageError("PathAlreadyExists")
    tree.remove_entry(call.path, call.caller)


def delete(call: Call) -> Response:
    """Handle Path - Delete; a directory that is not empty needs ``recursive=true``."""
    tree = call.filesystem.tree
    if not call.path:
        raise StorageError("InvalidUri")
    with tree.lock:
        entry = tree.entry(call.path, call.caller)
        call.check_lease(entry)
        conditions.check_write(call, entry)
        if isinstance(entry, Directory) and entry.children and not call.flag("recursive"):
            raise StorageError("DirectoryNotEmpty")
        tree.remove_entry(call.path, call.caller)
    return empty_response(200)


def lease(call: Call) -> Response:
    """Handle Path - Lease."""
    tree = call.filesystem.tree
    with tree.lock:
        entry = tree.entry(call.path, call.caller)
        entry.require(call.caller, WRITE)
        conditions.check_write(call, entry)
        return change_lease(call, entry)
