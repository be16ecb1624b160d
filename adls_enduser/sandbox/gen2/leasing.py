"""Lease operations on a file, directory or filesystem; the same on both endpoints.

Source: Microsoft, "Lease Blob", "Lease Container" and "Path - Lease".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import leases
from .call import changed
from .errors import bad_header, missing_header

if TYPE_CHECKING:
    from ..http import Response
    from .accounts import Filesystem
    from .call import Call
    from .entries import Entry


_ACTIONS = ("acquire", "renew", "change", "release", "break")


def change_lease(call: Call, resource: Entry | Filesystem) -> Response:
    """Do what ``x-ms-lease-action`` says. A lease changes no entity tag and no time."""
    lease, now = resource.details.lease, call.now
    action = call.required_header("x-ms-lease-action").lower()
    if action not in _ACTIONS:
        raise bad_header("x-ms-lease-action", action)
    if action == "acquire":
        duration = leases.parse_duration(call.header("x-ms-lease-duration"))
        lease.acquire(now, duration, _proposed(call))
        return changed(resource, 201, {"x-ms-lease-id": lease.lease_id})
    if action == "break":
        period = leases.parse_period(call.header("x-ms-lease-break-period"))
        return changed(resource, 202, {"x-ms-lease-time": str(lease.break_(now, period))})
    if not call.lease_id:
        raise missing_header("x-ms-lease-id")
    if action == "renew":
        lease.renew(now, call.lease_id)
        return changed(resource, 200, {"x-ms-lease-id": lease.lease_id})
    if action == "release":
        lease.release(call.lease_id)
        return changed(resource, 200)
    return _change(call, resource)


def _change(call: Call, resource: Entry | Filesystem) -> Response:
    if not _proposed(call):
        raise missing_header("x-ms-proposed-lease-id")
    lease = resource.details.lease
    lease.change(call.now, call.lease_id, _proposed(call))
    return changed(resource, 200, {"x-ms-lease-id": lease.lease_id})


def _proposed(call: Call) -> str:
    return leases.parse_id(call.header("x-ms-proposed-lease-id"), "x-ms-proposed-lease-id")
