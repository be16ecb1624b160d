"""Blob Batch: several deletions, or changes of the tier, in one request.

Source: Microsoft, "Blob Batch": a multipart/mixed body (RFC 2046) whose parts are requests,
each with its own Authorization and response; at most 256.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from werkzeug.datastructures import Headers
from werkzeug.http import HTTP_STATUS_CODES, parse_options_header

from ...http import Request, Response
from ..errors import StorageError

if TYPE_CHECKING:
    from ..call import Call

_MOST = 256


def submit(call: Call) -> Response:
    """Handle Blob Batch: 202, with one response for each part."""
    kind, options = parse_options_header(call.header("Content-Type") or "")
    boundary = options.get("boundary", "")
    if kind != "multipart/mixed" or not boundary:
        raise StorageError("InvalidInput")
    parts = _parts(call.request.body, boundary)
    if not 0 < len(parts) <= _MOST:
        raise StorageError("InvalidInput")
    own = f"batchresponse_{uuid.uuid4()}"
    text = "".join(_part_response(call, part, own) for part in parts)
    body = f"{text}--{own}--"
    return Response(body, 202, content_type=f"multipart/mixed; boundary={own}")


def _parts(body: bytes, boundary: str) -> list[str]:
    """Return the parts between the delimiters, without preamble and epilogue."""
    text = body.decode("utf-8", "replace").replace("\r\n", "\n")
    pieces = f"\n{text}".split(f"\n--{boundary}")
    if len(pieces) < 2 or not pieces[-1].startswith("--"):
        raise StorageError("InvalidInput")
    return [piece.lstrip("\n") for piece in pieces[1:-1]]


def _part_response(call: Call, part: str, boundary: str) -> str:
    """Perform the request in a part, and return the part of the response."""
    outer, _, inner = part.partition("\n\n")
    request = _request(call, inner)
    response = call.service.respond(request)
    reason = HTTP_STATUS_CODES.get(response.status_code, "")
    head = [f"HTTP/1.1 {response.status_code} {reason}"]
    head += [f"{name}: {value}" for name, value in response.headers]
    content_id = _headers(outer.split("\n")).get("Content-ID")
    own = ["Content-Type: application/http"] + ([f"Content-ID: {content_id}"] if content_id else [])
    body = response.get_data(as_text=True)
    return "\r\n".join([f"--{boundary}", *own, "", *head, "", body, ""])


def _request(call: Call, text: str) -> Request:
    """Read the request of a part; raise StorageError if it is none that a batch may have."""
    head, _, _ = text.partition("\n\n")
    first, *lines = head.split("\n")
    words = first.split(" ")
    if len(words) != 3 or not words[1].startswith("/"):
        raise StorageError("InvalidInput")
    method, target = words[0], words[1]
    tier = method == "PUT" and "comp=tier" in target
    if not (tier or method == "DELETE"):
        raise StorageError("InvalidInput")
    headers = _headers(lines)
    headers.setdefault("x-ms-version", call.version)
    return Request(
        method=method,
        scheme="https",
        host=call.request.hostname,
        target=target,
        headers=headers,
        body=b"",
    )


def _headers(lines: list[str]) -> Headers:
    pairs = [line.partition(":") for line in lines if ":" in line]
    return Headers([(name.strip(), value.strip()) for name, _, value in pairs])
