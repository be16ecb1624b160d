"""A request to storage as the operations see it, and the responses that they have in common."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from ..http import Response, empty_response
from .details import http_date
from .errors import StorageError, bad_header, bad_parameter, missing_header, missing_parameter
from .leases import parse_id
from .onelake import IGNORED_HEADERS

if TYPE_CHECKING:
    from ..http import Request
    from ..store.acl import Caller
    from ..store.paths import StorePath
    from .accounts import Account, Filesystem
    from .entries import Entry
    from .hosts import StorageHost

_MAX_PAGE = 5000
# The sandbox knows no encryption keys of clients, and no bodies that hold checksums too.
_UNSUPPORTED = ("x-ms-encryption-key", "x-ms-source-encryption-key", "x-ms-structured-body")
# Microsoft, "Blob Storage feature support": index tags.
_NOT_WITH_DIRECTORIES = ("x-ms-tags", "x-ms-if-tags", "x-ms-source-if-tags")
_NO_FEATURE = "FeatureNotYetSupportedForHierarchicalNamespaceAccounts"


class Service(Protocol):
    """What an operation may ask of the whole service: other accounts, and nested requests."""

    def account(self, host: StorageHost) -> Account | None:
        """Return the account of a host, or None."""
        ...

    def caller(self, authorization: str | None, host: StorageHost) -> Caller | None:
        """Return the person that a token for a host is for, or None."""
        ...

    def respond(self, request: Request) -> Response:
        """Respond to a request that is inside another one."""
        ...


@dataclass(frozen=True)
class Call:
    """A caller, and what the address of the request names: account, filesystem and path.

    ``account`` is that of the host. ``name`` is the filesystem's, whether it exists or not, and
    empty for the account itself; ``path`` is inside the filesystem.
    """

    request: Request
    host: StorageHost
    account: Account
    caller: Caller
    name: str
    path: StorePath
    service: Service

    def check_supported(self) -> None:
        """Raise StorageError for a header that would change what is stored or read."""
        for name in _UNSUPPORTED:
            if self.header(name):
                raise StorageError("UnsupportedHeader", HeaderName=name)
        for name in _NOT_WITH_DIRECTORIES:
            if self.header(name):
                raise StorageError(_NO_FEATURE)
        if self.text("snapshot") or self.text("versionid"):
            raise StorageError("PathNotFound")

    @property
    def names_root(self) -> bool:
        """Tell whether the address names the root directory of a filesystem: ``/name//``.

        azure-storage-file-datalake writes it so (``get_root_directory_client``).
        """
        return not self.path and self.request.path.startswith(f"/{self.name}//")

    @property
    def now(self) -> float:
        """Return the seconds since 1970 on the service's clock."""
        return self.account.clock.service_time()

    @cached_property
    def filesystem(self) -> Filesystem:
        """Return the filesystem; raise StorageError if there is none of that name.

        A caller without a role does not learn whether there is one. Assumed: role assignments
        name a container and are checked first (Microsoft, "Access control model in Azure Data Lake
        Storage", "How permissions are evaluated").
        """
        if not (self.caller.superuser or self.host.is_onelake or self.account.has(self.name)):
            raise StorageError("AuthorizationPermissionMismatch")
        return self.account.filesystem(self.name)

    @property
    def version(self) -> str:
        """Return the requested version of the service, a date."""
        return self.header("x-ms-version") or ""

    def header(self, name: str) -> str | None:
        """Return a request header, or None; OneLake ignores some."""
        if self.host.is_onelake and name.lower() in IGNORED_HEADERS:
            return None
        return self.request.headers.get(name)

    def required_header(self, name: str) -> str:
        """Return a request header; raise StorageError if it is missing."""
        value = self.header(name)
        if not value:
            raise missing_header(name)
        return value

    def number_header(self, name: str) -> int | None:
        """Return a whole number of zero or more in a header, or None; raise StorageError."""
        text = self.header(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit()):
            raise bad_header(name, text)
        return int(text)

    def text(self, name: str, default: str = "") -> str:
        """Return a query parameter; its name is the same in any case."""
        return self._parameters.get(name.lower(), default)

    def required(self, name: str) -> str:
        """Return a query parameter; raise StorageError if it is missing."""
        value = self.text(name)
        if not value:
            raise missing_parameter(name)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a Boolean query parameter; raise StorageError for any other value."""
        value = self.text(name, str(default)).lower()
        if value not in ("true", "false"):
            raise bad_parameter(name, value)
        return value == "true"

    def number(self, name: str) -> int | None:
        """Return a whole number of zero or more in the query, or None; raise StorageError."""
        value = self.text(name)
        if not value:
            return None
        if not (value.isascii() and value.isdigit()):
            raise bad_parameter(name, value)
        return int(value)

    def page_size(self, name: str) -> int:
        """Return the number of results in a page: at least 1, at most 5000."""
        size = self.number(name)
        if size == 0:
            raise StorageError("OutOfRangeQueryParameterValue", QueryParameterName=name)
        return min(size or _MAX_PAGE, _MAX_PAGE)

    @cached_property
    def _parameters(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.request.args.items()}

    @cached_property
    def body_md5(self) -> str:
        """Return the MD5 of the body, in base 64 (RFC 1864)."""
        return md5(self.request.body)

    @property
    def lease_id(self) -> str:
        """Return the lease id of the request, or an empty string; raise StorageError."""
        return parse_id(self.header("x-ms-lease-id"), "x-ms-lease-id")

    def object_id(self, username: str) -> str | None:
        """Find the object id of a user name, in any case."""
        person = self.account.directory.by_username(username)
        return person.object_id if person else None

    def username(self, object_id: str) -> str:
        """Return the user name of an object id, or the id if nobody has it."""
        person = self.account.directory.by_object_id(object_id)
        return person.username if person else object_id

    def require_superuser(self) -> None:
        """Raise StorageError unless the caller may do everything in the account.

        Filesystems have no access control lists of their own: a role decides (Microsoft,
        "Access control model in Azure Data Lake Storage").
        """
        if not self.caller.superuser:
            raise StorageError("AuthorizationPermissionMismatch")

    def check_lease(self, entry: Entry, kind: Literal["writes", "reads"] = "writes") -> None:
        """Raise StorageError if the lease of an item excludes the request."""
        entry.details.lease.check(self.now, self.lease_id, "Blob", writes=kind == "writes")


def md5(data: bytes) -> str:
    """Return the MD5 of bytes, in base 64, as Content-MD5 has it (RFC 1864)."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def version_headers(entry: Entry | Filesystem) -> dict[str, str]:
    """Return the entity tag and the time of the last change."""
    return {"ETag": entry.details.etag, "Last-Modified": http_date(entry.modified)}


def changed(
    entry: Entry | Filesystem, status: int, headers: dict[str, str] | None = None
) -> Response:
    """Return the response to a change: its status, and the new entity tag and time."""
    return empty_response(status, {**version_headers(entry), **(headers or {})})


def described(headers: dict[str, str]) -> Response:
    """Return a response without a body whose headers describe one, as that to a HEAD does."""
    response = empty_response(200)
    response.headers.update(headers)
    return response


ENCRYPTED = {"x-ms-request-server-encrypted": "true"}
"""Storage encrypts everything that is written (Microsoft, "Azure Storage encryption")."""
