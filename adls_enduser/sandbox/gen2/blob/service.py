"""Operations on the account: its containers, its properties, a user delegation key."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from ...http import Response, empty_response
from ..errors import StorageError
from . import xml
from .containers import public_properties

if TYPE_CHECKING:
    from ..accounts import Filesystem
    from ..call import Call

# Microsoft, "Get User Delegation Key": at most seven days.
_KEY_LIFETIME = timedelta(days=7)


def list_containers(call: Call) -> Response:
    """Handle List Containers: one page; the next one begins at its ``NextMarker``."""
    call.require_superuser()
    marker, prefix = call.text("marker"), call.text("prefix")
    size = call.page_size("maxresults")
    found = [
        one
        for one in call.account.filesystems
        if one.name >= marker and one.name.startswith(prefix)
    ]
    root = Element("EnumerationResults", ServiceEndpoint=f"https://{call.request.hostname}/")
    asked = {name: call.text(name.lower()) or None for name in ("Prefix", "Marker", "MaxResults")}
    xml.add(root, asked)
    containers = SubElement(root, "Containers")
    for filesystem in found[:size]:
        _add_container(call, containers, filesystem)
    SubElement(root, "NextMarker").text = found[size].name if len(found) > size else None
    return xml.response(root)


def _add_container(call: Call, parent: Element, filesystem: Filesystem) -> None:
    element = xml.add(SubElement(parent, "Container"), {"Name": filesystem.name})
    xml.add(SubElement(element, "Properties"), public_properties(call, filesystem))
    if "metadata" in call.text("include").split(","):
        xml.add(SubElement(element, "Metadata"), filesystem.details.metadata)


def get_properties(call: Call) -> Response:
    """Handle Get Blob Service Properties: those of a new account."""
    call.require_superuser()
    root = Element("StorageServiceProperties")
    retention = {"Enabled": "false"}
    logging = SubElement(root, "Logging")
    xml.add(logging, {"Version": "1.0", "Read": "false", "Write": "false", "Delete": "false"})
    xml.add(SubElement(logging, "RetentionPolicy"), retention)
    for name in ("HourMetrics", "MinuteMetrics"):
        metrics = xml.add(SubElement(root, name), {"Version": "1.0", "Enabled": "false"})
        xml.add(SubElement(metrics, "RetentionPolicy"), retention)
    SubElement(root, "Cors")
    xml.add(SubElement(root, "DeleteRetentionPolicy"), retention)
    xml.add(SubElement(root, "StaticWebsite"), retention)
    return xml.response(root)


def set_properties(call: Call) -> Response:
    """Handle Set Blob Service Properties; nothing in the sandbox depends on them."""
    call.require_superuser()
    xml.parse(call.request.body)
    return empty_response(202)


def get_statistics(_: Call) -> Response:
    """Handle Get Blob Service Stats: only an account with a second region has them."""
    raise StorageError("InvalidQueryParameterValue", QueryParameterName="comp")


def get_account_information(_: Call) -> Response:
    """Handle Get Account Information."""
    headers = {
        "x-ms-sku-name": "Standard_LRS",
        "x-ms-account-kind": "StorageV2",
        "x-ms-is-hns-enabled": "true",
    }
    return empty_response(200, headers)


def get_user_delegation_key(call: Call) -> Response:
    """Handle Get User Delegation Key: a key that belongs to the caller, for at most a week."""
    call.require_superuser()
    body = xml.parse(call.request.body)
    expiry = _time(body.findtext("Expiry"))
    start = _time(body.findtext("Start") or _text(call.now))
    if not call.now < expiry.timestamp() or expiry <= start:
        raise StorageError("InvalidInput")
    if expiry.timestamp() - call.now > _KEY_LIFETIME.total_seconds():
        raise StorageError("OutOfRangeInput")
    times = {"SignedStart": _text(start.timestamp()), "SignedExpiry": _text(expiry.timestamp())}
    identity = {"SignedOid": call.caller.object_id, "SignedTid": call.account.tenant_id}
    signed = {**identity, **times, "SignedService": "b", "SignedVersion": call.version}
    secret = "\n".join([call.account.name, *signed.values()]).encode()
    value = base64.b64encode(hashlib.sha256(call.account.secret + secret).digest()).decode()
    return xml.response(xml.add(Element("UserDelegationKey"), {**signed, "Value": value}))


def _time(text: str | None) -> datetime:
    try:
        time = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        raise StorageError("InvalidXmlDocument") from None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
