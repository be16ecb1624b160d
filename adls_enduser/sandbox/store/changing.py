"""Operations on names, owners, modes and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import acl, errors
from .acl import WRITE
from .call import Call, boolean, nothing
from .nodes import File, Folder
from .paths import is_below, parse

if TYPE_CHECKING:
    from ..http import Response
    from .nodes import Node
    from .paths import StorePath


def make_directories(call: Call) -> Response:
    """Answer MKDIRS: a folder and its parents; true also if it was there."""
    with call.tree.lock:
        call.tree.make_folders(call.path, call.caller, call.mode)
    return boolean(True)


def delete(call: Call) -> Response:
    """Answer DELETE: false if there was nothing, or if it is the root, which cannot go."""
    with call.tree.lock:
        node = call.tree.seek(call.path, call.caller)
        if node is None or not call.path:
            return boolean(False)
        if isinstance(node, Folder) and node.children and not call.parameters.flag("recursive"):
            raise errors.failed("The folder is not empty.")
        contents = call.tree.remove(call.path, call.caller)
    for content in contents:
        content.delete()
    return boolean(True)


def rename(call: Call) -> Response:
    """Answer RENAME: false if it cannot be, as in HDFS and in Hadoop's contract for ADL.

    An existing folder as ``destination`` takes the item in; an existing file is replaced
    only with ``renameoptions=OVERWRITE``; a missing parent is not made.
    """
    with call.tree.lock:
        node = call.tree.seek(call.path, call.caller)
        target = _target(call)
        if node is None or target is None or is_below(target, call.path):
            return boolean(node is not None and isinstance(node, File) and target == call.path)
        return boolean(_move(call, node, target))


def _target(call: Call) -> StorePath | None:
    target = parse(call.parameters.required("destination"))
    overwrite = call.parameters.text("renameoptions").upper() == "OVERWRITE"
    if isinstance(call.tree.seek(target, call.caller), Folder) and not overwrite and call.path:
        target = (*target, call.path[-1])
    return target or None


def _move(call: Call, node: Node, target: StorePath) -> bool:
    folder = call.tree.seek(target[:-1], call.caller)
    existing = call.tree.seek(target, call.caller)
    if not isinstance(folder, Folder) or not _may_replace(call, existing):
        return False
    folder.demand(call.caller, acl.WRITE | acl.EXECUTE)
    call.tree.demand_detaching(call.path, call.caller)
    if existing is not None:
        for content in call.tree.remove(target, call.caller):
            content.delete()
    call.tree.detach(call.path, call.caller)
    call.tree.attach(folder, target[-1], node, call.caller)
    return True


def _may_replace(call: Call, existing: Node | None) -> bool:
    if existing is None:
        return True
    overwrite = call.parameters.text("renameoptions").upper() == "OVERWRITE"
    return overwrite and not (isinstance(existing, Folder) and existing.children)


def set_permission(call: Call) -> Response:
    """Answer SETPERMISSION; for the owner and super-users."""
    mode = acl.octal(call.parameters.required("permission"))
    with call.tree.lock:
        node = call.tree.find(call.path, call.caller)
        node.demand_ownership(call.caller)
        node.change_mode(mode)
    return nothing()


def set_owner(call: Call) -> Response:
    """Answer SETOWNER.

    The owner is for super-users to change; the group also for the owner, if a member of
    the new one (Microsoft, "Access control in Azure Data Lake Storage Gen1").
    """
    owner, group = call.parameters.text("owner"), call.parameters.text("group")
    if not (owner or group):
        raise errors.illegal("Both owner and group are empty.")
    with call.tree.lock:
        node = call.tree.find(call.path, call.caller)
        node.demand_ownership(call.caller)
        if not call.caller.superuser and (owner or group.lower() not in call.caller.groups):
            raise errors.denied()
        node.owner = (call.object_id(owner) or owner).lower() or node.owner
        node.group = group.lower() or node.group
    return nothing()


def set_expiry(call: Call) -> Response:
    """Answer SETEXPIRY: when a file is to vanish, in milliseconds (azure.datalake.store.enums)."""
    choices = ("NeverExpire", "RelativeToNow", "RelativeToCreationDate", "Absolute")
    option = call.parameters.one_of("expiryOption", *choices)
    time = 0 if option == "NeverExpire" else call.parameters.number("expireTime")
    if time is None:
        raise errors.bad_parameter("expireTime", "it is missing")
    with call.tree.lock:
        file = call.tree.find_file(call.path, call.caller)
        file.demand(call.caller, WRITE)
        starts = {"RelativeToNow": call.tree.now, "RelativeToCreationDate": file.created}
        file.expires = starts.get(option, 0) + time
    return nothing()


def set_acl(call: Call) -> Response:
    """Answer SETACL: replace the access ACL, the default ACL, or both, by what is given."""
    with call.tree.lock:
        node, given = _owned(call), _specification(call)
        access = acl.replaced(node.acl, given.access)
        entries = acl.completed(given.default, access) if given.default else {}
        default = acl.replaced(access, entries) if entries else _default(node)
        _assign(node, access, default)
    return nothing()


def modify_acl_entries(call: Call) -> Response:
    """Answer MODIFYACLENTRIES: add entries, or replace those with the same name."""
    with call.tree.lock:
        node, given = _owned(call), _specification(call)
        access = node.acl.modified(given.access) if given.access else node.acl
        default = _default(node)
        if given.default:
            start = default or acl.Acl(acl.completed({}, access))
            default = start.modified(given.default)
        _assign(node, access, default)
    return nothing()


def remove_acl_entries(call: Call) -> Response:
    """Answer REMOVEACLENTRIES: named entries go; those that are not there do not matter."""
    with call.tree.lock:
        node, given = _owned(call), _specification(call)
        access = node.acl.without(set(given.access)) if given.access else node.acl
        default = _default(node)
        if given.default and default is not None:
            default = default.without(set(given.default))
        _assign(node, access, default)
    return nothing()


def remove_acl(call: Call) -> Response:
    """Answer REMOVEACL: the named entries and the mask go, the default ACL stays.

    That it stays is what azure.datalake.store.core says of it; HDFS would remove it.
    """
    with call.tree.lock:
        node = _owned(call)
        node.acl = node.acl.stripped()
    return nothing()


def remove_default_acl(call: Call) -> Response:
    """Answer REMOVEDEFAULTACL; of a file it changes nothing."""
    with call.tree.lock:
        node = _owned(call)
        if isinstance(node, Folder):
            node.default = None
    return nothing()


def _owned(call: Call) -> Node:
    node = call.tree.find(call.path, call.caller)
    node.demand_ownership(call.caller)
    return node


def _specification(call: Call) -> acl.Specification:
    return acl.parse(call.parameters.required("aclSpec"), call.object_id)


def _default(node: Node) -> acl.Acl | None:
    return node.default if isinstance(node, Folder) else None


def _assign(node: Node, access: acl.Acl, default: acl.Acl | None) -> None:
    """Set both at once; StoreError if a file would get a default ACL, or there are too many."""
    acl.limited(access)
    if default is not None:
        if not isinstance(node, Folder):
            raise errors.bad_acl()
        node.default = acl.limited(default)
    node.acl = access
