"""Conditional requests.

Source: Microsoft, "Specifying conditional headers for Blob service operations"; RFC 9110
section 13, whose order of evaluation the service follows.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from .errors import StorageError, bad_header

if TYPE_CHECKING:
    from .accounts import Filesystem
    from .call import Call
    from .entries import Entry

    Resource = Entry | Filesystem

_SOURCE = "x-ms-source-"


def check_read(call: Call, resource: Resource) -> None:
    """Raise StorageError if a read's condition is not met: 304 or 412.

    A read that wants nothing to exist cannot succeed: the service calls it unsatisfiable.
    """
    if (call.header("If-None-Match") or "").strip() == "*":
        raise StorageError("UnsatisfiableCondition")
    _check(call, resource, "", unmodified=304)


def check_write(call: Call, resource: Resource) -> None:
    """Raise StorageError (412) if a write's condition is not met."""
    _check(call, resource, "", unmodified=412)


def check_creation(call: Call, resource: Resource | None) -> None:
    """Raise StorageError if the condition of a creation is not met; None: nothing exists yet.

    ``If-None-Match: *`` on something that exists is 409, because it exists.
    """
    if resource is None:
        if call.header("If-Match"):
            raise StorageError("ConditionNotMet")
        return
    if (call.header("If-None-Match") or "").strip() == "*":
        raise StorageError("PathAlreadyExists")
    _check(call, resource, "", unmodified=412)


def check_source(call: Call, resource: Resource, code: str = "SourceConditionNotMet") -> None:
    """Raise StorageError if a condition on the source of a copy or rename is not met."""
    try:
        _check(call, resource, _SOURCE, unmodified=412)
    except StorageError as error:
        raise (StorageError(code) if error.code == "ConditionNotMet" else error) from None


def _check(call: Call, resource: Resource, prefix: str, *, unmodified: int) -> None:
    etag, changed = resource.details.etag, resource.modified // 1000
    if_match = call.header(f"{prefix}If-Match")
    since = _time(call, f"{prefix}If-Unmodified-Since")
    if if_match and not _matches(if_match, etag):
        raise StorageError("ConditionNotMet")
    if since is not None and changed > since:
        raise StorageError("ConditionNotMet")
    if_none_match = call.header(f"{prefix}If-None-Match")
    since = _time(call, f"{prefix}If-Modified-Since")
    # RFC 9110 section 13.1.3: If-None-Match wins over If-Modified-Since.
    if if_none_match:
        if _matches(if_none_match, etag):
            raise StorageError("ConditionNotMet", status=unmodified)
    elif since is not None and changed <= since:
        raise StorageError("ConditionNotMet", status=unmodified)


def _matches(condition: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in condition.split(",")]
    return "*" in tags or etag.strip('"') in tags


def _time(call: Call, name: str) -> float | None:
    text = call.header(name)
    return None if text is None else parse_time(name, text)


def parse_time(name: str, text: str) -> float:
    """Return the seconds since 1970 of a time in a header; raise StorageError."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        raise bad_header(name, text) from None
