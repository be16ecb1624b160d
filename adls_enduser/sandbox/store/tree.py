"""One store's tree of files and folders, and the permissions in it.

All functions work in memory, under ``lock``, which is not held while bytes are moved.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypedDict

from . import errors
from .acl import ALL, EXECUTE, NEW_ITEM, NOBODY, READ, STICKY, WRITE, Acl, Caller
from .files import Content
from .nodes import File, Folder, Item, Node
from .paths import StorePath, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..clock import SandboxClock


class _InheritedFields(TypedDict):
    owner: str
    group: str
    acl: Acl
    created: int
    modified: int
    sticky: bool


class Tree:
    """The root and everything below it. Hold ``lock`` around every call."""

    def __init__(self, folder: Path, clock: SandboxClock, owner: str = NOBODY) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._disk = folder
        self._clock = clock
        self.lock = threading.RLock()
        # Owner and group as Microsoft documents them for the root of a new account.
        self.root = Folder(owner, NOBODY, Acl.of_mode(NEW_ITEM), self.now, self.now)

    @property
    def now(self) -> int:
        """Return the milliseconds since 1970 on the service's clock."""
        return int(self._clock.service_time() * 1000)

    def content(self, data: bytes = b"") -> Content:
        """Write bytes to disk that belong to no file yet."""
        return Content(self._disk, data)

    def find(self, path: StorePath, caller: Caller) -> Node:
        """Find the item at a path; raise StoreError if there is none or a folder is closed."""
        node: Node | None = self.root
        for name in path:
            node = self._enter(node, name, caller)
            if node is None:
                raise errors.not_found(show(path))
        return node or self.root

    def find_file(self, path: StorePath, caller: Caller) -> File:
        """Find a file; raise StoreError if it is none."""
        node = self.find(path, caller)
        if isinstance(node, Folder):
            raise errors.not_a_file(show(path))
        return node

    def find_or_none(self, path: StorePath, caller: Caller) -> Node | None:
        """Find the item at a path, or None."""
        try:
            return self.find(path, caller)
        except errors.StoreError as error:
            if error.status == 404:
                return None
            raise

    def find_folder(self, path: StorePath, caller: Caller) -> Folder:
        """Find the folder that an item is to be put into; raise StoreError if it is none."""
        node = self.find(path, caller)
        if isinstance(node, File):
            raise errors.already_exists(show(path))
        return node

    def make_folders(self, path: StorePath, caller: Caller, mode: int | None = None) -> Folder:
        """Find a folder; create it and its parents if needed."""
        folder = self.root
        for depth in range(1, len(path) + 1):
            child = self._enter(folder, path[depth - 1], caller)
            if isinstance(child, File):
                raise errors.already_exists(show(path[:depth]))
            folder = child or self._make_folder(folder, path[depth - 1], caller, mode)
        return folder

    def add_file(
        self, folder: Folder, name: str, caller: Caller, content: Content, mode: int | None = None
    ) -> File:
        """Add a new file to a folder."""
        file = File(
            **self._inherited_fields(folder, caller, mode), content=content, length=content.length
        )
        self.attach(folder, name, file, caller)
        return file

    def attach(self, folder: Folder, name: str, node: Node, caller: Caller) -> None:
        """Put an item into a folder."""
        folder.require(caller, WRITE | EXECUTE)
        folder.children[name] = node
        folder.modified = self.now

    def check_detach(self, path: StorePath, caller: Caller) -> Node:
        """Find an item that the caller may take out of its folder; raise StoreError otherwise.

        With the sticky bit only super-users and the item's owner may (Microsoft, "Access
        control in Azure Data Lake Storage Gen1").
        """
        node = self.find(path, caller)
        folder = self.find_folder(path[:-1], caller)
        folder.require(caller, WRITE | EXECUTE)
        if folder.sticky:
            node.require_ownership(caller)
        return node

    def check_removal(self, path: StorePath, caller: Caller) -> Node:
        """Find an item that the caller may delete with all below it; raise StoreError otherwise.

        Every folder to be deleted must be readable, writable and enterable (the same page,
        "Which permissions are required to recursively delete a folder").
        """
        node = self.check_detach(path, caller)
        for item in self.walk(node):
            if isinstance(item, Folder):
                item.require(caller, ALL)
        return node

    def detach(self, path: StorePath, caller: Caller) -> Node:
        """Take an item out of its folder."""
        node = self.check_detach(path, caller)
        folder = self.find_folder(path[:-1], caller)
        del folder.children[path[-1]]
        folder.modified = self.now
        return node

    def remove(self, path: StorePath, caller: Caller) -> list[Content]:
        """Remove an item with all below it, and return the contents to be deleted."""
        node = self.check_removal(path, caller)
        self.detach(path, caller)
        return [item.content for item in self.walk(node) if isinstance(item, File)]

    def children(self, folder: Folder) -> list[tuple[str, Node]]:
        """Return the items in a folder, by name."""
        found = [(name, self._child(folder, name)) for name in sorted(folder.children)]
        return [(name, node) for name, node in found if node is not None]

    def walk(self, node: Node) -> Iterator[Node]:
        """Return an item and everything below it (with a stack: folders may be nested deeply)."""
        stack = [node]
        while stack:
            item = stack.pop()
            yield item
            if isinstance(item, Folder):
                stack += [child for _, child in self.children(item)]

    def summary(self, node: Node, caller: Caller) -> dict[str, int]:
        """Count the items; all folders must be readable and enterable (HDFS: GETCONTENTSUMMARY)."""
        files = folders = length = 0
        for item in self.walk(node):
            if isinstance(item, Folder):
                item.require(caller, READ | EXECUTE)
                folders += 1
            else:
                files += 1
                length += item.length
        return {"directoryCount": folders, "fileCount": files, "length": length}

    def _enter(self, node: Item | None, name: str, caller: Caller) -> Node | None:
        if not isinstance(node, Folder):
            return None
        node.require(caller, EXECUTE)
        return self._child(node, name)

    def _child(self, folder: Folder, name: str) -> Node | None:
        node = folder.children.get(name)
        if isinstance(node, File) and 0 < node.expires <= self.now:
            del folder.children[name]
            node.content.delete()
            return None
        return node

    def _make_folder(self, parent: Folder, name: str, caller: Caller, mode: int | None) -> Folder:
        folder = Folder(**self._inherited_fields(parent, caller, mode), default=parent.default)
        self.attach(parent, name, folder, caller)
        return folder

    def _inherited_fields(
        self, parent: Folder, caller: Caller, mode: int | None
    ) -> _InheritedFields:
        if parent.default is not None:
            acl = parent.default.for_child(mode)
        else:
            acl = Acl.of_mode(NEW_ITEM if mode is None else mode)
        return {
            "owner": caller.object_id,
            "group": parent.group,
            "acl": acl,
            "created": self.now,
            "modified": self.now,
            "sticky": bool((mode or 0) & STICKY),
        }
