"""One store's tree of files and folders, and who may do what in it.

Everything here happens in memory, under ``lock``, which is never held while bytes move.
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


class _Heritage(TypedDict):
    owner: str
    group: str
    acl: Acl
    created: int
    modified: int
    sticky: bool


class Tree:
    """The root and all below it. Hold ``lock`` around every call."""

    def __init__(self, folder: Path, clock: SandboxClock, owner: str = NOBODY) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._disk = folder
        self._clock = clock
        self.lock = threading.RLock()
        # Owner and group as Microsoft documents them for the root of a new account.
        self.root = Folder(owner, NOBODY, Acl.of_mode(NEW_ITEM), self.now, self.now)

    @property
    def now(self) -> int:
        """Milliseconds since 1970 on the service's clock."""
        return int(self._clock.service_time() * 1000)

    def content(self, data: bytes = b"") -> Content:
        """Put bytes on disk that belong to no file yet."""
        return Content(self._disk, data)

    def find(self, path: StorePath, caller: Caller) -> Node:
        """Find what is at a path; StoreError if nothing is or a folder may not be entered."""
        node: Node | None = self.root
        for name in path:
            node = self._enter(node, name, caller)
            if node is None:
                raise errors.not_found(show(path))
        return node or self.root

    def find_file(self, path: StorePath, caller: Caller) -> File:
        """Find a file; StoreError if it is none."""
        node = self.find(path, caller)
        if isinstance(node, Folder):
            raise errors.not_a_file(show(path))
        return node

    def seek(self, path: StorePath, caller: Caller) -> Node | None:
        """Find what is at a path, or None if nothing is."""
        try:
            return self.find(path, caller)
        except errors.StoreError as error:
            if error.status == 404:
                return None
            raise

    def find_folder(self, path: StorePath, caller: Caller) -> Folder:
        """Find the folder that is to hold something; StoreError if it is none."""
        node = self.find(path, caller)
        if isinstance(node, File):
            raise errors.already_exists(show(path))
        return node

    def make_folders(self, path: StorePath, caller: Caller, mode: int | None = None) -> Folder:
        """Find a folder, made together with its parents if need be."""
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
        """Put a new file into a folder."""
        file = File(**self._heritage(folder, caller, mode), content=content, length=content.length)
        self.attach(folder, name, file, caller)
        return file

    def attach(self, folder: Folder, name: str, node: Node, caller: Caller) -> None:
        """Put something into a folder."""
        folder.demand(caller, WRITE | EXECUTE)
        folder.children[name] = node
        folder.modified = self.now

    def demand_detaching(self, path: StorePath, caller: Caller) -> Node:
        """Check that something may be taken out of its folder, and find it.

        With the sticky bit only super-users and the item's owner may (Microsoft, "Access
        control in Azure Data Lake Storage Gen1").
        """
        node = self.find(path, caller)
        folder = self.find_folder(path[:-1], caller)
        folder.demand(caller, WRITE | EXECUTE)
        if folder.sticky:
            node.demand_ownership(caller)
        return node

    def demand_removal(self, path: StorePath, caller: Caller) -> Node:
        """Check that something and all below it may be deleted, and find it.

        Every folder that goes must be readable, writable and enterable (the same page,
        "Which permissions are required to recursively delete a folder").
        """
        node = self.demand_detaching(path, caller)
        for item in self.below(node):
            if isinstance(item, Folder):
                item.demand(caller, ALL)
        return node

    def detach(self, path: StorePath, caller: Caller) -> Node:
        """Take something out of its folder."""
        node = self.demand_detaching(path, caller)
        folder = self.find_folder(path[:-1], caller)
        del folder.children[path[-1]]
        folder.modified = self.now
        return node

    def remove(self, path: StorePath, caller: Caller) -> list[Content]:
        """Take something out with all below it, and give the bytes to be deleted."""
        node = self.demand_removal(path, caller)
        self.detach(path, caller)
        return [item.content for item in self.below(node) if isinstance(item, File)]

    def children(self, folder: Folder) -> list[tuple[str, Node]]:
        """Give what is in a folder now, by name."""
        alive = [(name, self._child(folder, name)) for name in sorted(folder.children)]
        return [(name, node) for name, node in alive if node is not None]

    def below(self, node: Node) -> Iterator[Node]:
        """Give an item and everything below it (by a stack: folders may be nested deeply)."""
        waiting = [node]
        while waiting:
            item = waiting.pop()
            yield item
            if isinstance(item, Folder):
                waiting += [child for _, child in self.children(item)]

    def summary(self, node: Node, caller: Caller) -> dict[str, int]:
        """Count (HDFS: ``GETCONTENTSUMMARY`` needs every folder readable and enterable)."""
        files = folders = length = 0
        for item in self.below(node):
            if isinstance(item, Folder):
                item.demand(caller, READ | EXECUTE)
                folders += 1
            else:
                files += 1
                length += item.length
        return {"directoryCount": folders, "fileCount": files, "length": length}

    def _enter(self, node: Item | None, name: str, caller: Caller) -> Node | None:
        if not isinstance(node, Folder):
            return None
        node.demand(caller, EXECUTE)
        return self._child(node, name)

    def _child(self, folder: Folder, name: str) -> Node | None:
        node = folder.children.get(name)
        if isinstance(node, File) and 0 < node.expires <= self.now:
            del folder.children[name]
            node.content.delete()
            return None
        return node

    def _make_folder(self, parent: Folder, name: str, caller: Caller, mode: int | None) -> Folder:
        folder = Folder(**self._heritage(parent, caller, mode), default=parent.default)
        self.attach(parent, name, folder, caller)
        return folder

    def _heritage(self, parent: Folder, caller: Caller, mode: int | None) -> _Heritage:
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
