"""The bytes of files, on disk."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = 1024 * 1024


class Content:
    """One file's bytes, under a name that no client can influence.

    So no path in a request can point outside of the folder, and renaming moves no bytes. Only
    one thread at a time may append; others may read meanwhile.
    """

    def __init__(self, folder: Path, data: bytes = b"") -> None:
        self._path = folder / uuid.uuid4().hex
        self._path.write_bytes(data)
        self.length = len(data)

    def append(self, data: bytes) -> None:
        """Add bytes at the end; raise FileNotFoundError if the file was deleted meanwhile."""
        with self._path.open("r+b") as file:
            file.seek(self.length)
            file.write(data)
        self.length += len(data)

    def read(self, offset: int, length: int) -> Iterator[bytes]:
        """Open the file now, and return its bytes in blocks; FileNotFoundError as in ``append``."""
        blocks = self._blocks(offset, length)
        next(blocks)  # a started generator closes its file even if it is not read to the end
        return blocks

    def move_from(self, other: Content) -> None:
        """Move another file's bytes to the end of this one."""
        if self.length == 0:
            other._path.replace(self._path)
            self.length = other.length
        else:
            self.copy_from(other, 0, other.length)
            other.delete()

    def copy_from(self, other: Content, offset: int, length: int) -> None:
        """Copy a part of another file's bytes to the end of this one."""
        with self._path.open("r+b") as target:
            target.seek(self.length)
            for block in other.read(offset, length):
                target.write(block)
        self.length += length

    def delete(self) -> None:
        """Remove the bytes; a thread that is reading them can go on."""
        self._path.unlink(missing_ok=True)

    def _blocks(self, offset: int, length: int) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(offset)
            yield b""
            while length > 0 and (block := file.read(min(_BLOCK, length))):
                length -= len(block)
                yield block
