"""The results of a query, as an Avro object container file.

Sources: Apache Avro 1.8 specification, "Object Container Files" and "Binary Encoding"; the
schema is that of Microsoft's "Query Blob Contents".
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPACE = "com.microsoft.azure.storage.queryBlobContents."


def _record(record: str, /, **fields: str) -> dict[str, Any]:
    described = [{"name": field, "type": kind} for field, kind in fields.items()]
    return {"type": "record", "name": f"{_SPACE}{record}", "fields": described}


_SCHEMA = [
    _record("resultData", data="bytes"),
    _record("error", fatal="boolean", name="string", description="string", position="long"),
    _record("progress", bytesScanned="long", totalBytes="long"),
    _record("end", totalBytes="long"),
]
# The places of the records in the schema.
_DATA, _PROGRESS, _END = 0, 2, 3


def results(chunks: Iterable[bytes], total: int) -> bytes:
    """Return a file with the chunks of the result, the progress, and the end."""
    sync = os.urandom(16)
    header = {"avro.codec": b"null", "avro.schema": json.dumps(_SCHEMA).encode()}
    parts = [b"Obj\x01", _long(len(header))]
    for name, value in header.items():
        parts += [_bytes(name.encode()), _bytes(value)]
    parts += [_long(0), sync]
    records = [_long(_DATA) + _bytes(chunk) for chunk in chunks]
    records += [_long(_PROGRESS) + _long(total) + _long(total), _long(_END) + _long(total)]
    for record in records:
        parts += [_long(1), _bytes(record), sync]
    return b"".join(parts)


def _bytes(value: bytes) -> bytes:
    return _long(len(value)) + value


def _long(value: int) -> bytes:
    """Return a number of zero or more: zigzag, then seven bits in a byte, the lowest first."""
    rest, found = value << 1, bytearray()
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*found, rest])
