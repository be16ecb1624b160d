"""Files and folders: their metadata."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import errors
from .acl import STICKY, Acl, Caller, allows

if TYPE_CHECKING:
    from .files import Content

# A writer that sends nothing for so long loses its lease. The service's own limit is not
# public; HDFS's hard limit is an hour, its soft limit a minute.
LEASE_SECONDS = 600


@dataclass
class Item:
    """The metadata that files and folders have in common. Times are milliseconds since 1970."""

    owner: str
    group: str
    acl: Acl
    created: int
    modified: int
    sticky: bool = False

    @property
    def permission(self) -> str:
        """Return the octal mode as the service shows it."""
        return f"{self.acl.mode | (STICKY if self.sticky else 0):o}"

    def change_mode(self, mode: int) -> None:
        """Set the nine bits and the sticky bit."""
        self.acl = self.acl.with_mode(mode)
        self.sticky = bool(mode & STICKY)

    def require(self, caller: Caller, permissions: int) -> None:
        """Raise StoreError if the caller lacks a permission."""
        if not allows(
            self.acl, caller, owner=self.owner, group=self.group, permissions=permissions
        ):
            raise errors.denied()

    def require_ownership(self, caller: Caller) -> None:
        """Raise StoreError if the caller may not change permissions."""
        if not (caller.superuser or caller.object_id == self.owner):
            raise errors.denied()

    def status(self, name: str = "") -> dict[str, object]:
        """Return a WebHDFS ``FileStatus`` (recorded: test_ls_batched, test_bad_open)."""
        return {
            "length": 0,
            "pathSuffix": name,
            "type": "DIRECTORY",
            "blockSize": 0,
            "accessTime": self.created,
            "modificationTime": self.modified,
            "replication": 0,
            "permission": self.permission,
            "owner": self.owner,
            "group": self.group,
            "aclBit": self.acl.extended,
        }


@dataclass
class Folder(Item):
    """A folder, its children, and the default ACL that they inherit."""

    default: Acl | None = None
    children: dict[str, Node] = field(default_factory=dict)

    def status(self, name: str = "") -> dict[str, object]:
        """Return the folder's ``FileStatus``."""
        return {**super().status(name), "aclBit": self.acl.extended or self.default is not None}


@dataclass(kw_only=True)
class File(Item):
    """A file.

    ``length`` is the length in listings: it follows the bytes when a writer says METADATA
    or CLOSE, not after each DATA (azure-data-lake-store-java, ``Core.append``). Hold
    ``lock`` to change the fields that follow it. ``context_id`` is of this file alone: of one
    that replaces it, it is another. A ``concurrent`` file has data from CONCURRENTAPPEND.
    """

    content: Content
    expires: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    length: int = 0
    lease: str = ""
    leased_until: float = 0.0
    context_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    concurrent: bool = False

    def status(self, name: str = "") -> dict[str, object]:
        """Return the file's ``FileStatus``."""
        own = {"length": self.length, "type": "FILE", "blockSize": 268435456, "replication": 1}
        return {**super().status(name), **own, "msExpirationTime": self.expires}

    def require_lease(self, lease: str, now: float) -> None:
        """Raise StoreError if another lease is active."""
        if self.lease and self.lease != lease and now < self.leased_until:
            raise errors.failed("The file is being written to under another lease.")

    def sync(self, flag: str, lease: str, now: float) -> None:
        """Take, keep or release the lease, and update the listed length, as ``syncFlag`` says."""
        closing = flag == "CLOSE"
        self.lease = "" if closing else lease
        self.leased_until = now + LEASE_SECONDS
        if flag != "DATA":
            self.length = self.content.length
            self.modified = int(now * 1000)


Node = File | Folder
