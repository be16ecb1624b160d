"""Owners, permissions and access control lists: of one path, or of all below a directory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...http import Response, empty_response, json_response
from ...store import acl
from ...store.acl import EXECUTE, STICKY, Acl, AclSpec
from ...store.errors import StoreError
from .. import conditions, paging
from ..call import changed, version_headers
from ..entries import Directory
from ..errors import StorageError, bad_header, bad_parameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...store.paths import StorePath
    from ..call import Call
    from ..entries import Entry

# Microsoft, "Path - Update", maxRecords.
_MAX_RECORDS = 2000


def permissions(entry: Entry) -> str:
    """Return the nine letters; a ``+`` follows if there is more than they can say."""
    mode = entry.acl.mode
    text = "".join(acl.format_bits(mode >> shift & acl.ALL) for shift in (6, 3, 0))
    if entry.sticky:
        text = text[:-1] + ("t" if mode & EXECUTE else "T")
    return text + ("+" if entry.acl.extended else "")


def access_headers(call: Call, entry: Entry) -> dict[str, str]:
    """Return the owner, the group, the permissions and the access control list as headers."""
    lines = [*entry.acl.to_lines(), *_default_lines(entry)]
    owner, group = entry.owner, entry.group
    if call.flag("upn") or (call.header("x-ms-upn") or "").lower() == "true":
        owner, lines = call.username(owner), [_with_username(call, line) for line in lines]
    return {
        "x-ms-owner": owner,
        "x-ms-group": group,
        "x-ms-permissions": permissions(entry),
        "x-ms-acl": ",".join(lines),
    }


def _default_lines(entry: Entry) -> list[str]:
    if not isinstance(entry, Directory) or entry.default is None:
        return []
    return entry.default.to_lines("default:")


def _with_username(call: Call, line: str) -> str:
    parts = line.split(":")
    if parts[-3] == "user" and parts[-2]:
        parts[-2] = call.username(parts[-2])
    return ":".join(parts)


def get_access_control(call: Call) -> Response:
    """Handle ``getAccessControl``."""
    with call.filesystem.tree.lock:
        entry = call.filesystem.tree.entry(call.path, call.caller)
        call.check_lease(entry, "reads")
        conditions.check_read(call, entry)
        headers = {**version_headers(entry), **access_headers(call, entry)}
    return empty_response(200, headers)


def check_access(call: Call) -> Response:
    """Handle ``checkAccess``: 200 if the caller has the permissions in ``fsAction``."""
    action = call.required("fsAction")
    try:
        wanted = acl.parse_bits(action)
    except ValueError:
        raise bad_parameter("fsAction", action) from None
    with call.filesystem.tree.lock:
        entry = call.filesystem.tree.entry(call.path, call.caller)
        entry.require(call.caller, wanted)
    return empty_response(200, version_headers(entry))


def set_access_control(call: Call) -> Response:
    """Handle ``setAccessControl``: the owner and super-users set permissions or the list.

    Only super-users give an item another owner; an owner may set a group that they are in.
    """
    tree = call.filesystem.tree
    with tree.lock:
        entry = tree.entry(call.path, call.caller)
        call.check_lease(entry)
        conditions.check_write(call, entry)
        entry.require_ownership(call.caller)
        _set_permissions(call, entry)
        _set_owner(call, entry)
        tree.touch(entry)
        return changed(entry, 200)


def _set_permissions(call: Call, entry: Entry) -> None:
    mode, spec = mode_header(call), call.header("x-ms-acl")
    if mode is not None and spec:
        raise StorageError("InvalidInput")
    if mode is not None:
        entry.change_mode(mode)
    if spec:
        access, default = replacement(call, spec, entry)
        _assign(entry, access, default)


def _set_owner(call: Call, entry: Entry) -> None:
    owner, group = identity_header(call, "x-ms-owner"), identity_header(call, "x-ms-group")
    if not call.caller.superuser and (
        (owner and owner != entry.owner) or (group and group not in call.caller.groups)
    ):
        raise StorageError("AuthorizationPermissionMismatch")
    entry.owner = owner or entry.owner
    entry.group = group or entry.group


def identity_header(call: Call, name: str) -> str:
    """Return the object id in a header that names a person or group, or an empty string."""
    text = call.header(name) or ""
    return (call.object_id(text) or text).lower()


def mode_header(call: Call, name: str = "x-ms-permissions") -> int | None:
    """Return a mode in octal digits or letters, or None; raise StorageError for other text.

    The first of four octal digits is the sticky bit: 1777, like ``rwxrwxrwt``.
    """
    text = call.header(name)
    if not text:
        return None
    if text.isdigit():
        try:
            return acl.parse_mode(text)
        except StoreError:
            raise bad_header(name, text) from None
    return _symbolic(text.removesuffix("+"), name)


def _symbolic(text: str, name: str) -> int:
    sticky = STICKY if text[-1:] in ("t", "T") else 0
    plain = text[:-1] + {"t": "x", "T": "-"}.get(text[-1:], text[-1:])
    try:
        bits = [acl.parse_bits(plain[start : start + 3]) for start in (0, 3, 6)]
    except ValueError:
        raise bad_header(name, text) from None
    if len(plain) != len("rwxrwxrwx"):
        raise bad_header(name, text)
    return sticky | bits[0] << 6 | bits[1] << 3 | bits[2]


def replacement(call: Call, text: str, entry: Entry) -> tuple[Acl, Acl | None]:
    """Return the lists that a whole ``x-ms-acl`` stands for: it replaces all entries."""
    spec = acl.parse(text, call.object_id)
    return _replaced(spec, entry.acl)


def _replaced(spec: AclSpec, current: Acl) -> tuple[Acl, Acl | None]:
    access = acl.replaced(current, spec.access)
    entries = acl.completed(spec.default, access) if spec.default else {}
    return access, acl.replaced(access, entries) if entries else None


def _assign(entry: Entry, access: Acl, default: Acl | None) -> None:
    acl.within_limit(access)
    if default is not None and not isinstance(entry, Directory):
        raise StorageError("InvalidInput")
    if isinstance(entry, Directory):
        entry.default = acl.within_limit(default) if default is not None else None
    entry.acl = access


@dataclass
class _Batch:
    """A recursive change: what to do, and what it has done."""

    change: Callable[[Entry, AclSpec], tuple[Acl, Acl | None]]
    spec: AclSpec
    directories: int = 0
    files: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)

    def apply(self, call: Call, path: StorePath, entry: Entry) -> None:
        """Change one item, and count it."""
        is_directory = isinstance(entry, Directory)
        try:
            entry.require_ownership(call.caller)
            _assign(entry, *self.change(entry, _for_item(self.spec, entry)))
        except (StoreError, StorageError):
            message = "This request is not authorized to perform this operation."
            kind = "DIRECTORY" if is_directory else "FILE"
            self.failed.append({"name": "/".join(path), "type": kind, "errorMessage": message})
            return
        call.filesystem.tree.touch(entry)
        if is_directory:
            self.directories += 1
        else:
            self.files += 1

    def body(self) -> dict[str, object]:
        """Return the body of the response (azure-storage-file-datalake's model of that name)."""
        return {
            "directoriesSuccessful": self.directories,
            "filesSuccessful": self.files,
            "failureCount": len(self.failed),
            "failedEntries": self.failed,
        }


def set_access_control_recursive(call: Call) -> Response:
    """Handle ``setAccessControlRecursive``: one batch of the items at and below the path.

    An item that cannot be changed ends the batch, unless ``forceFlag`` is true.
    """
    change = _CHANGES.get(call.required("mode").lower())
    if change is None:
        raise bad_parameter("mode", call.text("mode"))
    batch = _Batch(change, acl.parse(call.required_header("x-ms-acl"), call.object_id))
    size = min(call.page_size("maxRecords"), _MAX_RECORDS)
    with call.filesystem.tree.lock:
        found = _subtree(call)
        for path, entry in found[:size]:
            batch.apply(call, path, entry)
            if batch.failed and not call.flag("forceFlag"):
                return json_response(batch.body())
    headers = {}
    if len(found) > size:
        headers["x-ms-continuation"] = paging.path_token(found[size - 1][0])
    return json_response(batch.body(), 200, headers)


def _subtree(call: Call) -> list[tuple[StorePath, Entry]]:
    """Return the item of the path and all below it, from where the last batch ended."""
    tree, after = call.filesystem.tree, paging.after_path(call)
    entry = tree.entry(call.path, call.caller)
    found = [(call.path, entry)]
    if isinstance(entry, Directory):
        found += tree.below(entry, call.path)
    return [one for one in found if after is None or one[0] > after]


def _for_item(spec: AclSpec, entry: Entry) -> AclSpec:
    """Return the entries that an item can have: a file has no default ones."""
    return spec if isinstance(entry, Directory) else AclSpec(spec.access, {})


def _set(entry: Entry, spec: AclSpec) -> tuple[Acl, Acl | None]:
    return _replaced(spec, entry.acl)


def _modify(entry: Entry, spec: AclSpec) -> tuple[Acl, Acl | None]:
    access = entry.acl.modified(spec.access) if spec.access else entry.acl
    default = entry.default if isinstance(entry, Directory) else None
    if spec.default:
        default = (default or Acl(acl.completed({}, access))).modified(spec.default)
    return access, default


def _remove(entry: Entry, spec: AclSpec) -> tuple[Acl, Acl | None]:
    access = entry.acl.without(set(spec.access)) if spec.access else entry.acl
    default = entry.default if isinstance(entry, Directory) else None
    if spec.default and default is not None:
        default = default.without(set(spec.default))
    return access, default


_CHANGES = {"set": _set, "modify": _modify, "remove": _remove}
