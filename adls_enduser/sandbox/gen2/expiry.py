"""When a file expires. Source: Microsoft, "Set Blob Expiry" and "Path - Create"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conditions import parse_time
from .errors import bad_header

if TYPE_CHECKING:
    from .call import Call
    from .entries import BlobFile

_OPTIONS = ("NeverExpire", "RelativeToCreation", "RelativeToNow", "Absolute")


def expiry(call: Call, file: BlobFile) -> int:
    """Return when the request lets a file expire, in milliseconds since 1970; 0 for never."""
    option = call.header("x-ms-expiry-option") or _OPTIONS[0]
    if option not in _OPTIONS:
        raise bad_header("x-ms-expiry-option", option)
    if option == "NeverExpire":
        return 0
    text = call.required_header("x-ms-expiry-time")
    if option == "Absolute":
        return int(parse_time("x-ms-expiry-time", text) * 1000)
    if not (text.isascii() and text.isdigit()):
        raise bad_header("x-ms-expiry-time", text)
    start = file.details.created if option == "RelativeToCreation" else int(call.now * 1000)
    return start + int(text)
