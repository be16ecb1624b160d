"""Storage accounts and their filesystems, which the blob endpoint calls containers."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .details import Details, EntityTags
from .entries import FilesystemTree
from .errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from ..state import State

# 3 to 63 characters: letters, digits and single hyphens, none of them at an end (Microsoft,
# "Naming and referencing containers, blobs, and metadata").
_SHORTEST, _LONGEST = 3, 63
_FILESYSTEM_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")


@dataclass
class Filesystem:
    """A filesystem; ``modified`` is in milliseconds since 1970."""

    name: str
    tree: FilesystemTree
    details: Details
    modified: int


class Account:
    """A storage account with a hierarchical namespace, and its filesystems."""

    def __init__(self, name: str, cloud: str, state: State, folder: Path) -> None:
        self.name = name
        self.cloud = cloud
        self.clock = state.clock
        self.directory = state.directory
        self.secret = secrets.token_bytes(32)
        self._folder = folder
        self._tags = EntityTags(state.clock)
        self._lock = threading.Lock()
        self._filesystems: dict[str, Filesystem] = {}

    @property
    def tenant_id(self) -> str:
        """Return the tenant whose people the account knows: the first one of its cloud."""
        tenants = self.directory.tenants.values()
        return next((one.tenant_id for one in tenants if one.cloud == self.cloud), "")

    @property
    def filesystems(self) -> list[Filesystem]:
        """Return the filesystems, by name."""
        return [self._filesystems[name] for name in sorted(self._filesystems)]

    def has(self, name: str) -> bool:
        """Tell whether there is a filesystem of this name."""
        return name in self._filesystems

    def filesystem(self, name: str) -> Filesystem:
        """Return a filesystem; raise StorageError if there is none of that name."""
        found = self._filesystems.get(name)
        if found is None:
            raise StorageError("FilesystemNotFound")
        return found

    def create_filesystem(self, name: str, metadata: dict[str, str] | None = None) -> Filesystem:
        """Create an empty filesystem; raise StorageError for a bad name, or if there is one."""
        if not _SHORTEST <= len(name) <= _LONGEST:
            raise StorageError("OutOfRangeInput")
        if not _FILESYSTEM_NAME.fullmatch(name):
            raise StorageError("InvalidResourceName")
        return self.add_filesystem(name, metadata)

    def add_filesystem(self, name: str, metadata: dict[str, str] | None = None) -> Filesystem:
        """Create an empty filesystem under any name; raise StorageError if there is one."""
        with self._lock:
            if name in self._filesystems:
                raise StorageError("FilesystemAlreadyExists")
            # All have one folder on disk: a rename from one to another moves no bytes.
            tree = FilesystemTree(self._folder, self.clock, self._tags)
            details = Details(self._tags.issue(), tree.now, metadata or {})
            self._filesystems[name] = Filesystem(name, tree, details, tree.now)
            return self._filesystems[name]

    def delete_filesystem(self, name: str) -> None:
        """Remove a filesystem with its files; raise StorageError if there is none."""
        with self._lock:
            removed = self._filesystems.pop(name, None)
        if removed is None:
            raise StorageError("FilesystemNotFound")
        with removed.tree.lock:
            removed.tree.discard_all()

    def touch(self, filesystem: Filesystem) -> None:
        """Set a new entity tag and time, after a change."""
        filesystem.modified = filesystem.tree.now
        filesystem.details.etag = self._tags.issue()

    def remove_files(self) -> None:
        """Remove the files of all filesystems."""
        shutil.rmtree(self._folder, ignore_errors=True)
