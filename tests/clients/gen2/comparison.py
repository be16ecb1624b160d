"""What differs between two records of the same program: statuses, error codes, headers.

A header counts if a client reads it. Values that are new each time (dates, entity tags, ids) are
compared by their form.
"""

from __future__ import annotations

import importlib.util
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .lake import Exchange, Lake

# Read by object_store, which is not Python (its client/header.rs and azure/client.rs), and by
# azure-storage-blob's own code (_shared/response_handlers.py).
_ALWAYS = {
    "content-length", "content-range", "content-type", "etag", "last-modified", "x-ms-error-code",
}  # fmt: skip
_FORMS = (
    (re.compile(r'"?0x[0-9A-Fa-f]+"?'), "an entity tag"),
    (re.compile(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT"), "a date"),
    (re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z"), "a date"),
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "a version"),
    (re.compile(r"[A-Za-z0-9+/]{22}=="), "a hash"),
    (re.compile(r"multipart/mixed; boundary=.+"), "parts"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE), "an id"),
)
_IDS = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
# Query parameters whose values differ from run to run.
_CHOSEN = {"blockid", "marker"}


@dataclass(frozen=True)
class Difference:
    """One field of the responses to one request; a value is None if the field is missing."""

    request: str
    field: str
    azurite: Any
    sandbox: Any

    def __str__(self) -> str:
        return f"{self.request}: {self.field} is {self.azurite!r} / {self.sandbox!r}"


@cache
def headers_that_clients_read() -> frozenset[str]:
    """Return the names that azure-storage-blob's generated code and object_store look up."""
    spec = importlib.util.find_spec("azure.storage.blob")
    assert spec is not None
    assert spec.origin is not None
    operations = Path(spec.origin).parent / "_generated" / "operations"
    code = "".join(path.read_text() for path in operations.glob("*.py"))
    found = re.findall(r'response\.headers(?:\.get)?[\[(]"([^"]+)"', code)
    return frozenset(name.lower() for name in found) | _ALWAYS


def differences(azurite: Lake, sandbox: Lake) -> list[Difference]:
    """Return what differs, request by request; the order of requests does not count."""
    one, other = _by_request(azurite), _by_request(sandbox)
    found = []
    for request in sorted({*one, *other}):
        left, right = one.get(request, []), other.get(request, [])
        if len(left) != len(right):
            found.append(Difference(request, "requests", len(left), len(right)))
            continue
        for first in left:
            # Requests that run side by side come in any order.
            pairs = [_differing_fields(request, first, second) for second in right]
            nearest = min(range(len(pairs)), key=lambda number: _distance(pairs[number]))
            del right[nearest]
            found += pairs[nearest]
    return list(dict.fromkeys(found))


def _differing_fields(
    request: str, azurite: dict[str, Any], sandbox: dict[str, Any]
) -> list[Difference]:
    # Of responses with different statuses the headers differ too.
    same = azurite["status"] == sandbox["status"]
    return [
        Difference(request, name, azurite.get(name), sandbox.get(name))
        for name in (sorted({*azurite, *sandbox}) if same else ["status"])
        if azurite.get(name) != sandbox.get(name)
    ]


def _distance(found: list[Difference]) -> int:
    return sum(100 if one.field == "status" else 1 for one in found)


def differing_sights(expected: dict[str, Any], seen: dict[str, Any]) -> list[Difference]:
    """Return what a program saw on one service and not on the other."""
    one, other = dict(_flat(expected)), dict(_flat(seen))
    return [
        Difference("seen", name, one.get(name), other.get(name))
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]


def _flat(seen: dict[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in seen.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}: ")
        else:
            yield f"{above}{name}", value


def _by_request(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for exchange in lake.recorder.exchanges:
        grouped[_request(exchange, lake.box)].append(dict(_fields(exchange)))
    return grouped


def _request(exchange: Exchange, box: str) -> str:
    """Return the method, the path and the query, without names that are new each time."""
    request = exchange.request
    query = sorted((n, "" if n in _CHOSEN else v) for n, v in request.args.items())
    text = f"{request.method} {request.path}?" + "&".join(f"{n}={v}" for n, v in query)
    conditions = sorted(n for n, _ in request.headers if n.lower().startswith("if-"))
    return _IDS.sub("ID", text.replace(box, "box")) + "".join(f" {one}" for one in conditions)


def _fields(exchange: Exchange) -> Iterable[tuple[str, Any]]:
    response = exchange.response
    folder = ", a folder" if "x-ms-meta-hdi_isfolder" in response.headers else ""
    yield "status", f"{response.status_code}{folder}"
    kind = response.headers.get("Content-Type", "")
    is_xml = "xml" in kind
    if is_xml and response.status_code < 300:
        for path in _elements(ElementTree.fromstring(response.get_data())):
            yield f"element {path}", "there"
    for name, value in response.headers.items():
        if (is_xml or "multipart" in kind) and name.lower() == "content-length":
            continue  # of texts for people, and of times
        if name.lower() in headers_that_clients_read() or name.lower().startswith("x-ms-meta-"):
            yield name.lower(), _form(value)


def _elements(element: ElementTree.Element, above: str = "") -> set[str]:
    """Return the paths of all elements in a body."""
    path = f"{above}/{element.tag}"
    return {path}.union(*(_elements(child, path) for child in element))


def _form(value: str) -> str:
    for pattern, name in _FORMS:
        if pattern.fullmatch(value):
            return name
    return value
