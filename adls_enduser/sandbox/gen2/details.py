"""What storage keeps about a file, a directory or a filesystem beside owner and permissions."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING

from .errors import StorageError, bad_header
from .leases import Lease

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..clock import SandboxClock
    from .call import Call

_METADATA = "x-ms-meta-"
# The .NET ticks (100 ns since the year 1) of 1970: the number in an ETag is the time in ticks.
_EPOCH_TICKS = 621_355_968_000_000_000
_TICKS = 10_000_000

# The response headers that a client may set, by the last part of the names of their request
# headers: x-ms-blob-content-type on blob, x-ms-content-type on dfs.
CONTENT_HEADERS = {
    "cache-control": "Cache-Control",
    "content-disposition": "Content-Disposition",
    "content-encoding": "Content-Encoding",
    "content-language": "Content-Language",
    "content-md5": "Content-MD5",
    "content-type": "Content-Type",
}
DEFAULT_TYPE = "application/octet-stream"


class EntityTags:
    """Issues entity tags, each of them once, in the form of the service."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0

    def issue(self) -> str:
        """Return a new tag, which is the time or, if that had a tag already, a little later."""
        with self._lock:
            ticks = int(self._clock.service_time() * _TICKS) + _EPOCH_TICKS
            self._last = max(self._last + 1, ticks)
            return f'"0x{self._last:X}"'


@dataclass
class Details:
    """Entity tag, metadata, content headers and lease; ``created`` in milliseconds since 1970."""

    etag: str
    created: int
    metadata: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    lease: Lease = field(default_factory=Lease)

    def metadata_headers(self) -> dict[str, str]:
        """Return the metadata as response headers of the blob endpoint."""
        return {f"{_METADATA}{name}": value for name, value in self.metadata.items()}

    def properties(self) -> str:
        """Return the metadata as the dfs endpoint writes it: ``name=base64,...``."""
        return ",".join(
            f"{name}={base64.b64encode(value.encode('latin-1', 'replace')).decode()}"
            for name, value in self.metadata.items()
        )


def http_date(milliseconds: int) -> str:
    """Return a time as HTTP writes it."""
    return formatdate(milliseconds // 1000, usegmt=True)


def metadata_of(call: Call) -> dict[str, str]:
    """Return the metadata in the request headers of the blob endpoint."""
    found = {}
    for name, value in call.request.headers:
        if name.lower().startswith(_METADATA):
            found[_checked(name[len(_METADATA) :])] = value
    return found


def properties_of(call: Call) -> dict[str, str] | None:
    """Return the metadata in ``x-ms-properties`` (dfs), or None; raise StorageError."""
    text = call.header("x-ms-properties")
    if text is None:
        return None
    pairs = [entry.partition("=") for entry in text.split(",") if entry.strip()]
    try:
        return {
            _checked(name.strip()): base64.b64decode(value, validate=True).decode("latin-1")
            for name, _, value in pairs
        }
    except ValueError:
        raise bad_header("x-ms-properties", text) from None


def _checked(name: str) -> str:
    """Return a name of metadata; raise StorageError unless it is an identifier of C#."""
    if not name.isidentifier():
        raise StorageError("InvalidMetadata")
    return name


def content_headers(call: Call, prefix: str) -> dict[str, str]:
    """Return the content headers that a request sets, under the names of the response headers."""
    values = {header: call.header(prefix + name) for name, header in CONTENT_HEADERS.items()}
    return {header: value for header, value in values.items() if value}


def check_md5(call: Call, name: str, digest: str) -> None:
    """Raise StorageError if a request has another MD5 than its body."""
    declared = call.header(name)
    if declared and declared != digest:
        raise StorageError("Md5Mismatch", UserSpecifiedMd5=declared, ServerCalculatedMd5=digest)


def with_content_type(headers: Mapping[str, str]) -> dict[str, str]:
    """Add the type that content has if none was set; directories have it too.

    object_store, for one, reads no list without it (azure/client.rs, ``BlobProperties``).
    """
    return {"Content-Type": DEFAULT_TYPE, **headers}
