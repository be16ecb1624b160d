"""Operations on containers, which the dfs endpoint calls filesystems."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from ...http import Response, empty_response
from .. import conditions
from ..call import changed, version_headers
from ..details import http_date, metadata_of
from ..errors import StorageError
from ..leasing import change_lease
from . import xml

if TYPE_CHECKING:
    from ..accounts import Filesystem
    from ..call import Call

_POLICIES = {
    "x-ms-has-immutability-policy": "false",
    "x-ms-has-legal-hold": "false",
    "x-ms-immutable-storage-with-versioning-enabled": "false",
    "x-ms-default-encryption-scope": "$account-encryption-key",
    "x-ms-deny-encryption-scope-override": "false",
}


def create(call: Call) -> Response:
    """Handle Create Container; public access is not possible, as in new accounts."""
    call.require_superuser()
    if call.header("x-ms-blob-public-access"):
        raise StorageError("PublicAccessNotPermitted")
    return changed(call.account.create_filesystem(call.name, metadata_of(call)), 201)


def get_properties(call: Call) -> Response:
    """Handle Get Container Properties and Get Container Metadata."""
    call.require_superuser()
    filesystem = call.filesystem
    _check_lease(call, filesystem, writes=False)
    headers = {
        **version_headers(filesystem),
        **filesystem.details.metadata_headers(),
        **filesystem.details.lease.headers(call.now),
        **_POLICIES,
    }
    return empty_response(200, headers)


def public_properties(call: Call, filesystem: Filesystem) -> dict[str, str | None]:
    """Return the elements that describe a container in a list."""
    lease = filesystem.details.lease.headers(call.now)
    return {
        "Last-Modified": http_date(filesystem.modified),
        "Etag": filesystem.details.etag,
        "LeaseStatus": lease["x-ms-lease-status"],
        "LeaseState": lease["x-ms-lease-state"],
        "LeaseDuration": lease.get("x-ms-lease-duration"),
        "DefaultEncryptionScope": "$account-encryption-key",
        "DenyEncryptionScopeOverride": "false",
        "HasImmutabilityPolicy": "false",
        "HasLegalHold": "false",
        "ImmutableStorageWithVersioningEnabled": "false",
    }


def set_metadata(call: Call) -> Response:
    """Handle Set Container Metadata: the given names replace all."""
    call.require_superuser()
    filesystem = call.filesystem
    with filesystem.tree.lock:
        _check_lease(call, filesystem, writes=False)
        conditions.check_write(call, filesystem)
        filesystem.details.metadata = metadata_of(call)
        call.account.touch(filesystem)
    return changed(filesystem, 200)


def delete(call: Call) -> Response:
    """Handle Delete Container."""
    call.require_superuser()
    filesystem = call.filesystem
    _check_lease(call, filesystem, writes=True)
    conditions.check_write(call, filesystem)
    call.account.delete_filesystem(call.name)
    return empty_response(202)


def lease(call: Call) -> Response:
    """Handle Lease Container."""
    call.require_superuser()
    filesystem = call.filesystem
    with filesystem.tree.lock:
        conditions.check_write(call, filesystem)
        return change_lease(call, filesystem)


def get_access_policy(call: Call) -> Response:
    """Handle Get Container ACL: there are no stored access policies."""
    call.require_superuser()
    headers = version_headers(call.filesystem)
    return xml.response(Element("SignedIdentifiers"), headers)


def set_access_policy(call: Call) -> Response:
    """Handle Set Container ACL; stored policies are for keys, which do not exist here."""
    call.require_superuser()
    filesystem = call.filesystem
    if call.header("x-ms-blob-public-access"):
        raise StorageError("PublicAccessNotPermitted")
    with filesystem.tree.lock:
        conditions.check_write(call, filesystem)
        call.account.touch(filesystem)
    return changed(filesystem, 200)


def _check_lease(call: Call, filesystem: Filesystem, *, writes: bool) -> None:
    filesystem.details.lease.check(call.now, call.lease_id, "Container", writes=writes)
