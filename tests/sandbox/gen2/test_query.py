"""Query Blob Contents: a part of the language, results in Avro."""

from __future__ import annotations

import io
import json

import pytest

from .conftest import BLOCK, code

CSV = b'name,age,city\r\nada,36,"London, UK"\r\ngrace,85,Arlington\r\nlinus,9,\r\n'
DELIMITED = (
    "<Format><Type>delimited</Type><DelimitedTextConfiguration><ColumnSeparator>{}"
    "</ColumnSeparator><FieldQuote>&quot;</FieldQuote><RecordSeparator>{}</RecordSeparator>"
    "<HasHeaders>{}</HasHeaders></DelimitedTextConfiguration></Format>"
)
JSON = (
    "<Format><Type>json</Type><JsonTextConfiguration><RecordSeparator>\n</RecordSeparator>"
    "</JsonTextConfiguration></Format>"
)
WITH_HEADERS = DELIMITED.format(",", "&#13;&#10;", "true")


def query(endpoint, expression, source="", target="", path="/box/file"):
    """Send a query."""
    body = (
        f"<QueryRequest><QueryType>SQL</QueryType><Expression>{expression}</Expression>"
        f"<InputSerialization>{source}</InputSerialization>"
        f"<OutputSerialization>{target}</OutputSerialization></QueryRequest>"
    )
    return endpoint("POST", f"{path}?comp=query", body.encode())


def long(stream):
    """Read a number (Avro specification, "Binary Encoding")."""
    value, shift = 0, 0
    while True:
        byte = stream.read(1)[0]
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value >> 1


def records(content):
    """Read an Avro file: the place of each record in the schema, and what it is made of."""
    stream = io.BytesIO(content)
    assert stream.read(4) == b"Obj\x01"
    header = {}
    for _ in range(long(stream)):
        name = stream.read(long(stream)).decode()
        header[name] = stream.read(long(stream))
    assert long(stream) == 0
    assert [one["type"] for one in json.loads(header["avro.schema"])] == ["record"] * 4
    sync, found = stream.read(16), []
    while stream.tell() < len(content):
        assert long(stream) == 1
        block = io.BytesIO(stream.read(long(stream)))
        assert stream.read(16) == sync
        found.append((long(block), block.read()))
    return found


def result(response):
    """Return the data of a result, without its length."""
    assert response.status_code == 200
    found = records(response.content)
    assert [kind for kind, _ in found][-2:] == [2, 3]  # progress, end
    data = b""
    for kind, value in found[:-2]:
        assert kind == 0
        stream = io.BytesIO(value)
        assert long(stream) == len(value) - stream.tell()
        data += stream.read()
    return data


@pytest.fixture
def table(blob):
    """Upload a table."""
    blob("PUT", "/box/file", CSV, **BLOCK)
    return blob


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SELECT * FROM BlobStorage", CSV.partition(b"\r\n")[2]),
        ("SELECT _2, _1 FROM BlobStorage", b"36,ada\r\n85,grace\r\n9,linus\r\n"),
        ("select name from BlobStorage where age &gt; 9.5", b"ada\r\ngrace\r\n"),
        ("SELECT s.age FROM BlobStorage s WHERE name = 'ada'", b"36\r\n"),
        ("SELECT name FROM BlobStorage WHERE age &lt; 80 AND city &lt;&gt; ''", b"ada\r\n"),
        ("SELECT name FROM BlobStorage LIMIT 1", b"ada\r\n"),
        ("SELECT name FROM BlobStorage WHERE name = 'nobody'", b""),
    ],
)
def test_a_part_of_the_language(table, expression, expected):
    """Columns by number or name, comparisons with numbers and texts, a limit."""
    assert result(query(table, expression, WITH_HEADERS)) == expected


def test_formats(table):
    """Delimited text becomes JSON, lines of JSON become delimited text."""
    named = "SELECT name, age FROM BlobStorage LIMIT 1"
    assert result(query(table, named, WITH_HEADERS, JSON)) == b'{"name": "ada", "age": "36"}\n'
    table("PUT", "/box/lines", b'{"a": 1, "b": "x y"}\n{"a": 2, "b": "z"}\n', **BLOCK)
    target = DELIMITED.format(";", "&#10;", "false")
    expression = "SELECT b, a FROM BlobStorage[*] WHERE a &lt;= 1"
    assert result(query(table, expression, JSON, target, "/box/lines")) == b"x y;1\n"


def test_what_cannot_be_queried(table, lake, people):
    """Another language, another format, no permission, nothing."""
    for expression in (
        "DELETE FROM BlobStorage",
        "SELECT * FROM x",
        "SELECT * FROM BlobStorage WHERE x",
    ):
        assert code(query(table, expression)) == (400, "InvalidInput")
    parquet = "<Format><Type>parquet</Type></Format>"
    assert code(query(table, "SELECT * FROM BlobStorage", parquet)) == (400, "InvalidInput")
    bad = query(table, "SELECT * FROM BlobStorage", JSON)
    assert code(bad) == (400, "InvalidInput")
    missing = query(table, "SELECT * FROM BlobStorage", path="/box/none")
    assert code(missing) == (404, "BlobNotFound")
    carl = lake.endpoint("blob", people["carl"])
    refused = query(carl, "SELECT * FROM BlobStorage")
    assert code(refused) == (403, "AuthorizationPermissionMismatch")
