"""Operations on filesystems: list, create, get and set properties, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...http import Response, empty_response, json_response
from .. import conditions, paging
from ..call import changed, version_headers
from ..details import http_date, properties_of

if TYPE_CHECKING:
    from ..accounts import Filesystem
    from ..call import Call

_NAMESPACE = {"x-ms-namespace-enabled": "true"}


def list_filesystems(call: Call) -> Response:
    """Handle Filesystem - List: one page of the account's filesystems."""
    call.require_superuser()
    after, prefix = paging.after(call, "continuation"), call.text("prefix")
    size = call.page_size("maxResults")
    found = [
        one for one in call.account.filesystems if one.name > after and one.name.startswith(prefix)
    ]
    headers = {"x-ms-continuation": paging.token(found[size - 1].name)} if len(found) > size else {}
    return json_response({"filesystems": [_item(one) for one in found[:size]]}, 200, headers)


def _item(filesystem: Filesystem) -> dict[str, str]:
    return {
        "name": filesystem.name,
        "lastModified": http_date(filesystem.modified),
        "eTag": filesystem.details.etag,
    }


def create(call: Call) -> Response:
    """Handle Filesystem - Create."""
    call.require_superuser()
    filesystem = call.account.create_filesystem(call.name, properties_of(call))
    return changed(filesystem, 201, _NAMESPACE)


def get_properties(call: Call) -> Response:
    """Handle Filesystem - Get Properties."""
    call.require_superuser()
    filesystem = call.filesystem
    headers = {"x-ms-properties": filesystem.details.properties(), **_NAMESPACE}
    return empty_response(200, {**version_headers(filesystem), **headers})


def set_properties(call: Call) -> Response:
    """Handle Filesystem - Set Properties: the given ones replace all."""
    call.require_superuser()
    filesystem = call.filesystem
    with filesystem.tree.lock:
        conditions.check_write(call, filesystem)
        filesystem.details.metadata = properties_of(call) or {}
        call.account.touch(filesystem)
    return changed(filesystem, 200)


def delete(call: Call) -> Response:
    """Handle Filesystem - Delete."""
    call.require_superuser()
    filesystem = call.filesystem
    conditions.check_write(call, filesystem)
    filesystem.details.lease.check(call.now, call.lease_id, "Container", writes=True)
    call.account.delete_filesystem(call.name)
    return empty_response(202)
