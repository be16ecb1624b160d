"""Query Blob Contents: rows and columns of a delimited text or of lines of JSON.

Source: Microsoft, "Query Blob Contents" and "Query acceleration: SQL language reference". The
sandbox knows a part of the language: columns, comparisons joined by AND, and LIMIT.
"""

from __future__ import annotations

import csv
import io
import json
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...http import Response
from ..errors import StorageError
from ..ranges import file_headers, readable
from . import avro, xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

    from ..call import Call

_SELECT = re.compile(
    r"\s*SELECT\s+(?P<columns>.+?)\s+FROM\s+BlobStorage(?:\[\*\])?(?:\s+(?:AS\s+)?(?!WHERE|LIMIT)\w+)?"
    r"(?:\s+WHERE\s+(?P<where>.+?))?(?:\s+LIMIT\s+(?P<limit>\d+))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(
    r"(?P<column>\S+?)\s*(?P<sign><>|!=|<=|>=|=|<|>)\s*(?P<value>'[^']*'|-?[\d.]+)"
)
_AND = re.compile(r"\s+AND\s+", re.IGNORECASE)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Row = dict[str, Any]
"""The values of a row; a column of a delimited text has its number (``_1``) as another name."""


@dataclass(frozen=True)
class Format:
    """How rows are written; ``is_json`` is one JSON object in each line."""

    is_json: bool = False
    column: str = ","
    quote: str = '"'
    record: str = "\n"
    escape: str | None = None
    headers: bool = False


def query(call: Call) -> Response:
    """Handle Query Blob Contents; the caller must be able to read the blob."""
    body = xml.parse(call.request.body)
    expression = _SELECT.fullmatch(body.findtext("Expression") or "")
    if expression is None or body.findtext("QueryType") != "SQL":
        raise StorageError("InvalidInput", Reason="The sandbox does not know this expression.")
    source = _format(body.find("InputSerialization/Format"), Format())
    target = _format(body.find("OutputSerialization/Format"), source)
    with call.filesystem.tree.lock:
        file = readable(call)
        blocks, length = file.content.read(0, file.length), file.length
        headers = file_headers(file)
    rows = _selected(_rows(b"".join(blocks).decode("utf-8-sig", "replace"), source), expression)
    text = "".join(_written(row, target) for row in rows)
    headers = {**headers, "Content-Type": "avro/binary"}
    headers.pop("Content-MD5", None)
    return Response(avro.results([text.encode()] if text else [], length), 200, headers)


def _format(element: Element | None, default: Format) -> Format:
    """Read a format; raise StorageError for Parquet and Arrow, which the sandbox cannot read."""
    kind = element.findtext("Type") if element is not None else None
    if element is None or kind is None:
        return default
    if kind == "json":
        record = element.findtext("JsonTextConfiguration/RecordSeparator") or "\n"
        return Format(is_json=True, record=record)
    if kind != "delimited":
        raise StorageError("InvalidInput", Reason=f"The sandbox does not read {kind}.")
    texts = {one.tag: one.text or "" for one in element.iterfind("DelimitedTextConfiguration/*")}
    column, quote = texts.get("ColumnSeparator") or ",", texts.get("FieldQuote") or '"'
    escape = texts.get("EscapeChar") or None
    if {len(column), len(quote), len(escape or "-")} != {1} or "\n" in (column, quote, escape):
        raise StorageError("InvalidInput", Reason="A separator is one character.")
    return Format(
        column=column,
        quote=quote,
        record=texts.get("RecordSeparator") or "\n",
        escape=escape,
        headers=(texts.get("HasHeaders") or texts.get("HeadersPresent")) == "true",
    )


def _rows(text: str, source: Format) -> Iterator[Row]:
    """Read the rows of a blob; raise StorageError if it is not written in that format."""
    try:
        yield from _lines_of_json(text, source) if source.is_json else _table(text, source)
    except (ValueError, csv.Error):
        raise StorageError("InvalidInput", Reason="The blob has another format.") from None


def _lines_of_json(text: str, source: Format) -> Iterator[Row]:
    for line in text.split(source.record):
        if line.strip():
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("a row is an object")
            yield row


def _table(text: str, source: Format) -> Iterator[Row]:
    lines = text.replace(source.record, "\n").splitlines(keepends=True)
    reader = csv.reader(
        lines, delimiter=source.column, quotechar=source.quote, escapechar=source.escape
    )
    names = next(reader, []) if source.headers else []
    for values in reader:
        numbered = {f"_{place}": value for place, value in enumerate(values, 1)}
        yield {**numbered, **dict(zip(names, values, strict=False))}


def _selected(rows: Iterator[Row], expression: re.Match[str]) -> Iterator[Row]:
    """Return the rows that the conditions let through, with the columns that are asked for."""
    conditions = [_condition(text) for text in _AND.split(expression["where"] or "") if text]
    limit = int(expression["limit"]) if expression["limit"] else None
    columns = [_column(name) for name in expression["columns"].split(",")]
    found = 0
    for row in rows:
        if found == limit:
            return
        if all(condition(row) for condition in conditions):
            found += 1
            yield row if columns == ["*"] else {name: row.get(name, "") for name in columns}


def _condition(text: str) -> Callable[[Row], bool]:
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise StorageError("InvalidInput", Reason=f"The sandbox does not know {text!r}.")
    name, compare, literal = _column(found["column"]), _SIGNS[found["sign"]], found["value"]

    def holds(row: Row) -> bool:
        value = row.get(name)
        try:
            if literal.startswith("'"):
                return compare(str(value), literal.strip("'"))
            return value is not None and compare(float(value), float(literal))
        except (TypeError, ValueError):
            return False

    return holds


def _column(text: str) -> str:
    """Return the name of a column: ``_1``, ``name``, ``"name"``, ``alias.name``."""
    return text.strip().rpartition(".")[2].strip('"')


def _written(row: Row, target: Format) -> str:
    if target.is_json:
        return json.dumps(row) + target.record
    names = [name for name in row if re.fullmatch(r"_\d+", name)] or list(row)
    line = io.StringIO()
    writer = csv.writer(
        line,
        delimiter=target.column,
        quotechar=target.quote,
        escapechar=target.escape,
        lineterminator=target.record,
    )
    writer.writerow([row[name] for name in names])
    return line.getvalue()
