"""The tree of one filesystem: the Gen1 store's, with what storage keeps about each item.

Source of the permissions of new items: Microsoft, "Path - Create" (``x-ms-permissions``,
``x-ms-umask``) and "Access control lists (ACLs) in Azure Data Lake Storage".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from ..store import errors
from ..store.acl import EXECUTE, STICKY, WRITE, Acl
from ..store.nodes import File, Folder
from ..store.paths import show
from ..store.tree import Tree
from .details import Details, EntityTags

if TYPE_CHECKING:
    from pathlib import Path

    from ..clock import SandboxClock
    from ..store.acl import Caller
    from ..store.files import Content
    from ..store.paths import StorePath
    from .blocks import Block

SUPERUSER = "$superuser"
"""The owner and group of the root of a filesystem."""

TIERS = ("Hot", "Cool", "Cold", "Archive")
ROOT_MODE = 0o750
_FILE, _DIRECTORY, _UMASK = 0o666, 0o777, 0o027


@dataclass
class Creation:
    """How a new item is to be made: the values of Path - Create's request headers."""

    mode: int | None = None
    umask: int = _UMASK
    owner: str = ""
    group: str = ""
    acl: Acl | None = None
    default: Acl | None = None


@dataclass(kw_only=True)
class BlobFile(File):
    """A file, which the blob endpoint calls a blob.

    ``committed`` are its blocks, and ``appended`` is what Append has uploaded and Flush has not
    written yet, by position. ``blob_type`` is what the blob endpoint calls it; ``by_blob`` tells
    that this endpoint has written it. ``tier`` is the access tier, if one was chosen.
    """

    details: Details
    blob_type: str = "BlockBlob"
    by_blob: bool = False
    tier: str = ""
    committed: list[Block] = field(default_factory=list)
    appended: dict[int, Content] = field(default_factory=dict)
    copy_headers: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Directory(Folder):
    """A directory, which the blob endpoint shows as a blob with ``hdi_isfolder``."""

    details: Details


Entry = BlobFile | Directory


class FilesystemTree(Tree):
    """The tree of a filesystem. Hold ``lock`` around every call, as with ``Tree``."""

    def __init__(self, folder: Path, clock: SandboxClock, tags: EntityTags) -> None:
        super().__init__(folder, clock)
        self._tags = tags
        root = Acl.of_mode(ROOT_MODE)
        self.root: Directory = Directory(
            SUPERUSER, SUPERUSER, root, self.now, self.now, details=self._details()
        )
        # Put Block stages blocks for blobs that need not exist yet.
        self.staged: dict[StorePath, dict[str, Block]] = {}

    def entry(self, path: StorePath, caller: Caller) -> Entry:
        """Find the item at a path; raise StoreError if there is none or a folder is closed."""
        return cast("Entry", self.find(path, caller))

    def entry_or_none(self, path: StorePath, caller: Caller) -> Entry | None:
        """Find the item at a path, or None."""
        return cast("Entry | None", self.find_or_none(path, caller))

    def entries(self, folder: Directory) -> list[tuple[str, Entry]]:
        """Return the items in a folder, by name."""
        return cast("list[tuple[str, Entry]]", self.children(folder))

    def below(self, folder: Directory, path: StorePath = ()) -> list[tuple[StorePath, Entry]]:
        """Return everything below a folder, with paths, in the order of the paths."""
        found: list[tuple[StorePath, Entry]] = []
        stack = [((*path, name), item) for name, item in reversed(self.entries(folder))]
        while stack:
            here, item = stack.pop()
            found.append((here, item))
            if isinstance(item, Directory):
                inner = reversed(self.entries(item))
                stack += [((*here, name), child) for name, child in inner]
        return found

    def new_file(
        self, folder: Folder, name: str, caller: Caller, content: Content, creation: Creation
    ) -> BlobFile:
        """Add a new file to a folder."""
        mode = _FILE if creation.mode is None else creation.mode
        acl = _initial_acl(folder, creation, mode, _FILE)
        file = BlobFile(
            owner=creation.owner or caller.object_id,
            group=creation.group or folder.group,
            acl=creation.acl or acl,
            created=self.now,
            modified=self.now,
            content=content,
            length=content.length,
            details=self._details(),
        )
        self.attach(folder, name, file, caller)
        return file

    def new_directory(
        self, folder: Folder, name: str, caller: Caller, creation: Creation
    ) -> Directory:
        """Add a new directory to a folder."""
        mode = _DIRECTORY if creation.mode is None else creation.mode
        acl = _initial_acl(folder, creation, mode, _DIRECTORY)
        directory = Directory(
            owner=creation.owner or caller.object_id,
            group=creation.group or folder.group,
            acl=creation.acl or acl,
            created=self.now,
            modified=self.now,
            sticky=bool(mode & STICKY),
            default=creation.default or folder.default,
            details=self._details(),
        )
        self.attach(folder, name, directory, caller)
        return directory

    def directories(
        self, path: StorePath, caller: Caller, creation: Creation | None = None
    ) -> Directory:
        """Find a directory; create it and its parents if needed, as Path - Create does.

        ``creation`` is for the last one; its parents get the permissions of any new directory.
        """
        folder: Directory = self.root
        for depth in range(1, len(path) + 1):
            found = self.entry_or_none(path[:depth], caller)
            if isinstance(found, BlobFile):
                raise errors.already_exists(show(path[:depth]))
            last = depth == len(path)
            how = creation if last and creation is not None else Creation()
            folder = found or self.new_directory(folder, path[depth - 1], caller, how)
        return folder

    def discard_all(self) -> None:
        """Delete the bytes of all files and blocks, when the filesystem itself was removed."""
        for path in list(self.staged):
            self.drop_blocks(path)
        self.discard(self.root)

    def remove_entry(self, path: StorePath, caller: Caller) -> None:
        """Remove an item with all below it, and their bytes."""
        entry = cast("Entry", self.check_removal(path, caller))
        self.detach(path, caller)
        self.discard(entry)

    def discard(self, entry: Entry) -> None:
        """Delete the bytes of an item that was taken out of the tree, and of all below it."""
        for item in self.walk(entry):
            if isinstance(item, BlobFile):
                item.content.delete()
                for piece in item.appended.values():
                    piece.delete()

    def check_creatable(self, path: StorePath, caller: Caller) -> None:
        """Raise StoreError if the caller may not add an item in the nearest folder that exists."""
        depth = len(path) - 1
        while depth and self.entry_or_none(path[:depth], caller) is None:
            depth -= 1
        folder = self.find_folder(path[:depth], caller)
        folder.require(caller, WRITE | EXECUTE)

    def drop_blocks(self, path: StorePath) -> None:
        """Delete the uncommitted blocks of a path."""
        for block in self.staged.pop(path, {}).values():
            block.content.delete()

    def touch(self, entry: Entry) -> None:
        """Set a new entity tag and time of an item, after a change."""
        entry.modified = self.now
        entry.details.etag = self._tags.issue()

    def _details(self) -> Details:
        return Details(self._tags.issue(), self.now)


def _initial_acl(folder: Folder, creation: Creation, mode: int, most: int) -> Acl:
    """Return the access ACL of a new item: inherited, or the mode less the umask."""
    if folder.default is None:
        return Acl.of_mode(mode & ~creation.umask)
    inherited = folder.default
    return inherited.with_mode(inherited.mode & (mode if creation.mode is not None else most))
