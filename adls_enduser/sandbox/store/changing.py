"""Operations on names, owners, modes and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http import empty_response
from . import acl, errors
from .acl import WRITE
from .call import Call, boolean_response
from .nodes import File, Folder
from .paths import is_below, parse

if TYPE_CHECKING:
    from ..http import Response
    from .nodes import Node
    from .paths import StorePath


def make_directories(call: Call) -> Response:
    """Handle MKDIRS: create a folder and its parents; true also if it exists already."""
    with call.tree.lock:
        call.tree.make_folders(call.path, call.caller, call.mode)
    return boolean_response(True)


def delete(call: Call) -> Response:
    """Handle DELETE: false if nothing is there, or for the root, which cannot be deleted."""
    with call.tree.lock:
        node = call.tree.find_or_none(call.path, call.caller)
        if node is None or not call.path:
            return boolean_response(False)
        _check_context(call, node)
        if isinstance(node, Folder) and node.children and not call.parameters.flag("recursive"):
            raise errors.failed("The folder is not empty.")
        contents = call.tree.remove(call.path, call.caller)
    for content in contents:
        content.delete()
    return boolean_response(True)


def _check_context(call: Call, node: Node) -> None:
    """Raise StoreError if the caller means another file than the one that is there now."""
    meant = call.parameters.text("fileContextId")
    if meant and not (isinstance(node, File) and node.context_id == meant):
        raise errors.stream_id_mismatch()


def rename(call: Call) -> Response:
    """Handle RENAME: false if it is impossible, as in HDFS and in Hadoop's contract for ADL.

    If ``destination`` is an existing folder, the item is moved into it. An existing file is
    replaced only with ``renameoptions=OVERWRITE``. A missing parent is not created.
    """
    with call.tree.lock:
        node = call.tree.find_or_none(call.path, call.caller)
        target = _target(call)
        if node is None or target is None or is_below(target, call.path):
            return boolean_response(
                node is not None and isinstance(node, File) and target == call.path
            )
        return boolean_response(_move(call, node, target))


def _target(call: Call) -> StorePath | None:
    target = parse(call.parameters.required("destination"))
    existing = call.tree.find_or_none(target, call.caller)
    if isinstance(existing, Folder) and not _overwrites(call) and call.path:
        target = (*target, call.path[-1])
    return target or None


def _move(call: Call, node: Node, target: StorePath) -> bool:
    folder = call.tree.find_or_none(target[:-1], call.caller)
    existing = call.tree.find_or_none(target, call.caller)
    if not isinstance(folder, Folder) or not _may_replace(call, existing):
        return False
    folder.require(call.caller, acl.WRITE | acl.EXECUTE)
    call.tree.check_detach(call.path, call.caller)
    if existing is not None:
        for content in call.tree.remove(target, call.caller):
            content.delete()
    call.tree.detach(call.path, call.caller)
    call.tree.attach(folder, target[-1], node, call.caller)
    return True


def _may_replace(call: Call, existing: Node | None) -> bool:
    if existing is None:
        return True
    return _overwrites(call) and not (isinstance(existing, Folder) and existing.children)


def _overwrites(call: Call) -> bool:
    return call.parameters.text("renameoptions").upper() == "OVERWRITE"


def set_permission(call: Call) -> Response:
    """Handle SETPERMISSION; for the owner and super-users."""
    mode = acl.parse_mode(call.parameters.required("permission"))
    with call.tree.lock:
        node = call.tree.find(call.path, call.caller)
        node.require_ownership(call.caller)
        node.change_mode(mode)
    return empty_response()


def set_owner(call: Call) -> Response:
    """Handle SETOWNER.

    Only super-users change the owner. The owner may change the group too, to one that they
    are a member of (Microsoft, "Access control in Azure Data Lake Storage Gen1").
    """
    owner, group = call.parameters.text("owner"), call.parameters.text("group")
    if not (owner or group):
        raise errors.illegal("Both owner and group are empty.")
    with call.tree.lock:
        node = call.tree.find(call.path, call.caller)
        node.require_ownership(call.caller)
        if not call.caller.superuser and (owner or group.lower() not in call.caller.groups):
            raise errors.denied()
        node.owner = (call.object_id(owner) or owner).lower() or node.owner
        node.group = group.lower() or node.group
    return empty_response()


def set_expiry(call: Call) -> Response:
    """Handle SETEXPIRY: when a file expires, in milliseconds (azure.datalake.store.enums)."""
    choices = ("NeverExpire", "RelativeToNow", "RelativeToCreationDate", "Absolute")
    option = call.parameters.one_of("expiryOption", *choices)
    time = 0 if option == "NeverExpire" else call.parameters.number("expireTime")
    if time is None:
        raise errors.bad_parameter("expireTime", "it is missing")
    with call.tree.lock:
        file = call.tree.find_file(call.path, call.caller)
        file.require(call.caller, WRITE)
        starts = {"RelativeToNow": call.tree.now, "RelativeToCreationDate": file.created}
        file.expires = starts.get(option, 0) + time
    return empty_response()


def set_acl(call: Call) -> Response:
    """Handle SETACL: replace the access ACL, the default ACL, or both."""
    with call.tree.lock:
        node, changes = _owned_node(call), _acl_spec(call)
        access = acl.replaced(node.acl, changes.access)
        entries = acl.completed(changes.default, access) if changes.default else {}
        default = acl.replaced(access, entries) if entries else _default(node)
        _assign(node, access, default)
    return empty_response()


def modify_acl_entries(call: Call) -> Response:
    """Handle MODIFYACLENTRIES: add entries, or replace those with the same name."""
    with call.tree.lock:
        node, changes = _owned_node(call), _acl_spec(call)
        access = node.acl.modified(changes.access) if changes.access else node.acl
        default = _default(node)
        if changes.default:
            start = default or acl.Acl(acl.completed({}, access))
            default = start.modified(changes.default)
        _assign(node, access, default)
    return empty_response()


def remove_acl_entries(call: Call) -> Response:
    """Handle REMOVEACLENTRIES: remove named entries; entries that do not exist are ignored."""
    with call.tree.lock:
        node, changes = _owned_node(call), _acl_spec(call)
        access = node.acl.without(set(changes.access)) if changes.access else node.acl
        default = _default(node)
        if changes.default and default is not None:
            default = default.without(set(changes.default))
        _assign(node, access, default)
    return empty_response()


def remove_acl(call: Call) -> Response:
    """Handle REMOVEACL: remove the named entries and the mask; the default ACL stays.

    azure.datalake.store.core documents that it stays; HDFS would remove it.
    """
    with call.tree.lock:
        node = _owned_node(call)
        node.acl = node.acl.without_named()
    return empty_response()


def remove_default_acl(call: Call) -> Response:
    """Handle REMOVEDEFAULTACL; it does not change a file."""
    with call.tree.lock:
        node = _owned_node(call)
        if isinstance(node, Folder):
            node.default = None
    return empty_response()


def _owned_node(call: Call) -> Node:
    node = call.tree.find(call.path, call.caller)
    node.require_ownership(call.caller)
    return node


def _acl_spec(call: Call) -> acl.AclSpec:
    return acl.parse(call.parameters.required("aclSpec"), call.object_id)


def _default(node: Node) -> acl.Acl | None:
    return node.default if isinstance(node, Folder) else None


def _assign(node: Node, access: acl.Acl, default: acl.Acl | None) -> None:
    """Set both at once; raise StoreError for a file with a default ACL, or for too many entries."""
    acl.within_limit(access)
    if default is not None:
        if not isinstance(node, Folder):
            raise errors.bad_acl()
        node.default = acl.within_limit(default)
    node.acl = access
