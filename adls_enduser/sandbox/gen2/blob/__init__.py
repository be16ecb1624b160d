"""The blob endpoint: containers and blobs, which are filesystems, directories and files.

Source: Microsoft, "Blob Storage REST API" (operations, headers, statuses), and what
azure-storage-blob generates from its specification (``_generated.operations``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import StorageError, bad_parameter
from . import batch, blobs, blocks, containers, copying, listing, service

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...http import Response
    from ..call import Call

    Operation = Callable[[Call], Response]

# The operation of each method, restype and comp; of a blob, of each method and comp.
_SERVICE: dict[tuple[str, str, str], Operation] = {
    ("GET", "", "list"): service.list_containers,
    ("GET", "service", "properties"): service.get_properties,
    ("PUT", "service", "properties"): service.set_properties,
    ("GET", "service", "stats"): service.get_statistics,
    ("GET", "account", "properties"): service.get_account_information,
    ("HEAD", "account", "properties"): service.get_account_information,
    ("POST", "service", "userdelegationkey"): service.get_user_delegation_key,
    ("POST", "", "batch"): batch.submit,
}
_CONTAINER: dict[tuple[str, str, str], Operation] = {
    ("PUT", "container", ""): containers.create,
    ("GET", "container", ""): containers.get_properties,
    ("HEAD", "container", ""): containers.get_properties,
    ("DELETE", "container", ""): containers.delete,
    ("PUT", "container", "metadata"): containers.set_metadata,
    ("GET", "container", "metadata"): containers.get_properties,
    ("PUT", "container", "lease"): containers.lease,
    ("GET", "container", "acl"): containers.get_access_policy,
    ("PUT", "container", "acl"): containers.set_access_policy,
    ("GET", "container", "list"): listing.list_blobs,
    ("POST", "container", "batch"): batch.submit,
    ("GET", "account", "properties"): service.get_account_information,
    ("HEAD", "account", "properties"): service.get_account_information,
}
_BLOB: dict[tuple[str, str], Operation] = {
    ("GET", ""): blobs.read,
    ("HEAD", ""): blobs.get_properties,
    ("PUT", ""): blocks.put_blob,
    ("DELETE", ""): blobs.delete,
    ("GET", "metadata"): blobs.get_metadata,
    ("HEAD", "metadata"): blobs.get_metadata,
    ("PUT", "metadata"): blobs.set_metadata,
    ("PUT", "properties"): blobs.set_properties,
    ("PUT", "lease"): blobs.lease,
    ("PUT", "expiry"): blobs.set_expiry,
    ("PUT", "tier"): blobs.set_tier,
    ("PUT", "block"): blocks.put_block,
    ("PUT", "blocklist"): blocks.put_block_list,
    ("GET", "blocklist"): blocks.get_block_list,
    ("PUT", "appendblock"): blocks.append_block,
    ("PUT", "copy"): copying.abort,
    ("GET", "properties"): service.get_account_information,
    ("HEAD", "properties"): service.get_account_information,
}
# What the service has for other accounts (Microsoft, "Blob Storage feature support").
_NOT_WITH_DIRECTORIES = {"tags", "page", "pagelist", "incrementalcopy", "blobs"}
# What the service has and the sandbox has not.
_NOT_HERE = {"query", "snapshot", "undelete", "immutabilitypolicies", "legalhold", "seal"}


def perform(call: Call) -> Response:
    """Perform the operation that the method and the query name."""
    return _operation(call)(call)


def _operation(call: Call) -> Operation:
    method = call.request.method
    restype, comp = call.text("restype").lower(), call.text("comp").lower()
    if comp in _NOT_WITH_DIRECTORIES | _NOT_HERE:
        raise StorageError("FeatureNotYetSupportedForHierarchicalNamespaceAccounts")
    if not call.name:
        found = _SERVICE.get((method, restype, comp))
    elif restype == "container" or (restype == "account" and not call.path):
        found = _CONTAINER.get((method, restype, comp))
    elif not call.path and not call.names_root:
        raise StorageError("ContainerNotFound")  # a blob in the container $root
    else:
        found = _BLOB.get((method, comp))
    if found is None:
        raise bad_parameter("comp", comp) if comp else StorageError("UnsupportedHttpVerb")
    return found
