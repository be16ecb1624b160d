"""List Blobs: flat, or by a delimiter.

Source: Microsoft, "List Blobs": with a hierarchical namespace a list has directories too, and
names their type in ``ResourceType``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from ...store.acl import EXECUTE, READ
from .. import paging
from ..details import http_date, with_content_type
from ..dfs.access import access_headers
from ..entries import Directory
from . import xml

if TYPE_CHECKING:
    from ...http import Response
    from ..call import Call
    from ..entries import Entry

_NOT_IN_XML = re.compile("[\ufffe\uffff]")

Found = list[tuple[str, "Entry | None"]]
"""Names with their items; None for a prefix, which stands for all items that begin with it."""


def list_blobs(call: Call) -> Response:
    """Handle List Blobs: one page, in the order of the names."""
    size = call.page_size("maxresults")
    root = Element(
        "EnumerationResults",
        ServiceEndpoint=f"https://{call.request.hostname}/",
        ContainerName=call.name,
    )
    names = ("Prefix", "Marker", "MaxResults", "Delimiter")
    xml.add(root, {name: call.text(name.lower()) or None for name in names})
    blobs = SubElement(root, "Blobs")
    with call.filesystem.tree.lock:
        found = _after(call, _by_delimiter(call, _visible(call)))
        for name, entry in found[:size]:
            _add_item(call, blobs, name, entry)
    more = len(found) > size
    SubElement(root, "NextMarker").text = paging.token(found[size - 1][0]) if more else None
    return xml.response(root)


def _visible(call: Call) -> list[tuple[str, Entry]]:
    """Return what begins with the prefix; the directory that holds it must be readable."""
    tree, prefix = call.filesystem.tree, call.text("prefix")
    start = tuple(name for name in prefix.split("/")[:-1] if name)
    folder = tree.entry_or_none(start, call.caller)
    if not isinstance(folder, Directory):
        return []
    folder.require(call.caller, READ | EXECUTE)
    found = [("/".join(path), entry) for path, entry in tree.below(folder, start)]
    found = [item for item in found if item[0].startswith(prefix) and _is_shown(call, item[1])]
    return sorted(found, key=_name)


def _is_shown(call: Call, entry: Entry) -> bool:
    """Tell whether ``showonly`` wants an item; nothing that was deleted is kept."""
    wanted = call.text("showonly").lower()
    return not wanted or wanted == ("directories" if isinstance(entry, Directory) else "files")


def _by_delimiter(call: Call, found: list[tuple[str, Entry]]) -> Found:
    """Put a prefix in the place of all names that have the delimiter after the prefix."""
    delimiter, start = call.text("delimiter"), len(call.text("prefix"))
    if not delimiter:
        return list(found)
    names: dict[str, Entry | None] = {}
    for name, entry in found:
        shown = f"{name}/" if delimiter == "/" and isinstance(entry, Directory) else name
        end = shown.find(delimiter, start)
        if end < 0:
            names[name] = entry
        else:
            key = shown[: end + len(delimiter)]
            names[key] = entry if key == f"{name}/" else names.get(key)
    return sorted(names.items(), key=_name)


def _name(item: tuple[str, object]) -> str:
    return item[0]


def _after(call: Call, found: Found) -> Found:
    after, start = paging.after(call, "marker"), call.text("startfrom")
    return [item for item in found if item[0] > after and item[0] >= start]


def _add_item(call: Call, parent: Element, name: str, entry: Entry | None) -> None:
    is_prefix = bool(call.text("delimiter")) and name.endswith(call.text("delimiter"))
    element = SubElement(parent, "BlobPrefix" if is_prefix else "Blob")
    _add_name(element, name)
    if entry is None:
        return
    properties = SubElement(element, "Properties")
    xml.add(properties, _properties(call, entry))
    include = call.text("include").lower().split(",")
    if "permissions" in include:
        xml.add(properties, _permissions(call, entry))
    if "metadata" in include and not is_prefix:
        folder = {"hdi_isfolder": "true"} if isinstance(entry, Directory) else {}
        xml.add(SubElement(element, "Metadata"), {**folder, **entry.details.metadata})


def _add_name(parent: Element, name: str) -> None:
    """Add a name; percent-encoded if it has a character that XML cannot have."""
    if _NOT_IN_XML.search(name):
        SubElement(parent, "Name", Encoded="true").text = quote(name)
    else:
        SubElement(parent, "Name").text = name


def _properties(call: Call, entry: Entry) -> dict[str, str | None]:
    lease = entry.details.lease.headers(call.now)
    is_directory = isinstance(entry, Directory)
    content = with_content_type(entry.details.headers)
    names = ("Type", "Encoding", "Language", "MD5", "Disposition")
    return {
        "Creation-Time": http_date(entry.details.created),
        "Last-Modified": http_date(entry.modified),
        "Etag": entry.details.etag.strip('"'),
        "ResourceType": "directory" if is_directory else "file",
        "Content-Length": "0" if isinstance(entry, Directory) else str(entry.length),
        **{f"Content-{name}": content.get(f"Content-{name}") for name in names},
        "Cache-Control": content.get("Cache-Control"),
        "BlobType": "BlockBlob" if isinstance(entry, Directory) else entry.blob_type,
        **_tier(entry),
        "LeaseStatus": lease["x-ms-lease-status"],
        "LeaseState": lease["x-ms-lease-state"],
        "LeaseDuration": lease.get("x-ms-lease-duration"),
        "ServerEncrypted": "true",
    }


def _tier(entry: Entry) -> dict[str, str | None]:
    if isinstance(entry, Directory) or entry.blob_type != "BlockBlob":
        return {}
    return {
        "AccessTier": entry.tier or "Hot",
        "AccessTierInferred": None if entry.tier else "true",
    }


def _permissions(call: Call, entry: Entry) -> dict[str, str]:
    headers = access_headers(call, entry)
    names = ("Owner", "Group", "Permissions", "Acl")
    return {name: headers[f"x-ms-{name.lower()}"] for name in names}
