"""Lists: OData's query options, and pages joined by ``nextLink``.

Sources: OData 4.0 part 2, "URL Conventions", section 5.1; Azure Resource Provider
Contract, "Get resource collection"; the list operations of azure-mgmt-datalake-store.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ..http import json_response
from .errors import ArmError
from .ids import BASE

if TYPE_CHECKING:
    from ..http import Request, Response

Item = dict[str, object]

_TERM = re.compile(r"\s*([\w/]+)\s+(eq|ne)\s+'((?:[^']|'')*)'\s*", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)


def page(request: Request, items: list[Item], size: int) -> Response:
    """Return one page of the items that the query selects, with at most ``size`` items."""
    options = {name.lower(): value for name, value in request.args.items()}
    found = [item for item in items if _matches(item, options.get("$filter", ""))]
    total = len(found)
    found = _ordered(found, options.get("$orderby", ""))
    found = found[_number(options, "$skip", 0) :][: _number(options, "$top", total)]
    start = _number(options, "$skiptoken", 0)
    body: Item = {"value": [_selected(item, options) for item in found[start : start + size]]}
    if options.get("$count", "").lower() == "true":
        body["@odata.count"] = total
    if start + size < len(found):
        body["nextLink"] = _next(request, start + size)
    return json_response(body)


def _next(request: Request, start: int) -> str:
    query = {name: request.args[name] for name in request.args if name.lower() != "$skiptoken"}
    return f"{BASE}{request.target.partition('?')[0]}?{urlencode(query | {'$skiptoken': start})}"


def _number(options: dict[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not text.isdecimal():
        message = f"The value '{text}' of the query option '{name}' is invalid."
        raise ArmError(400, "InvalidQueryParameterValue", message)
    return int(text)


def _matches(item: Item, expression: str) -> bool:
    """Tell whether an item fulfils ``a eq 'x' and b ne 'y'``."""
    if not expression:
        return True
    terms = [_TERM.fullmatch(term) for term in _AND.split(expression)]
    return all(_term_matches(item, term, expression) for term in terms)


def _term_matches(item: Item, term: re.Match[str] | None, expression: str) -> bool:
    if term is None:
        message = f"Invalid $filter '{expression}' specified in the query string."
        raise ArmError(400, "InvalidFilterInQueryString", message)
    field, operator, value = term.groups()
    found = _values(item, field)
    same = value.replace("''", "'").lower() in [text.lower() for text in found]
    return same == (operator.lower() == "eq")


def _values(item: Item, field: str) -> list[str]:
    tags = item.get("tags")
    tags = tags if isinstance(tags, dict) else {}
    if field.lower() == "tagname":
        return [str(name) for name in tags]
    if field.lower() == "tagvalue":
        return [str(value) for value in tags.values()]
    if field.lower() == "resourcegroup":
        return [str(item.get("id", "")).split("/")[4]]
    return [str(_field(item, {"resourcetype": "type"}.get(field.lower(), field)))]


def _field(item: Item, path: str) -> object:
    """Return the value at a path such as ``name``, ``endpoint`` or ``properties/endpoint``."""
    properties = item.get("properties")
    flat = {**(properties if isinstance(properties, dict) else {}), **item}
    field = path.rpartition("/")[2].lower()
    return next((value for name, value in flat.items() if name.lower() == field), "")


def _ordered(items: list[Item], expression: str) -> list[Item]:
    for part in reversed([key.split() for key in expression.split(",") if key.strip()]):
        descending = len(part) > 1 and part[1].lower() == "desc"
        items = sorted(items, key=lambda item: str(_field(item, part[0])), reverse=descending)
    return items


def _selected(item: Item, options: dict[str, str]) -> Item:
    selected = {name.strip().lower() for name in options.get("$select", "").split(",") if name}
    if not selected:
        return item
    return {name: value for name, value in item.items() if name.lower() in selected}
