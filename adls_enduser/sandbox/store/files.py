"""The bytes of files, on disk."""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = 1024 * 1024


class Content:
    """One file's bytes, under a name that no client has a say in.

    So no path in a request can reach out of the folder, and renaming moves no bytes.
    Appending is for one thread at a time; reading goes on beside it.
    """

    def __init__(self, folder: Path, data: bytes = b"") -> None:
        self._path = folder / uuid.uuid4().hex
        self._path.write_bytes(data)
        self.length = len(data)

    def append(self, data: bytes) -> None:
        """Add bytes at the end; FileNotFoundError if the file was deleted meanwhile."""
        with self._path.open("r+b") as file:
            file.seek(self.length)
            file.write(data)
        self.length += len(data)

    def read(self, offset: int, length: int) -> Iterator[bytes]:
        """Open now, and give the bytes in blocks; FileNotFoundError as in ``append``."""
        blocks = self._blocks(offset, length)
        next(blocks)  # a generator that has begun closes its file also when it is dropped
        return blocks

    def absorb(self, other: Content) -> None:
        """Move another file's bytes to the end of this one."""
        if self.length == 0:
            other._path.replace(self._path)
        else:
            self._copy(other)
            other.delete()
        self.length += other.length

    def delete(self) -> None:
        """Remove the bytes; who reads them goes on."""
        self._path.unlink(missing_ok=True)

    def _blocks(self, offset: int, length: int) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(offset)
            yield b""
            while length > 0 and (block := file.read(min(_BLOCK, length))):
                length -= len(block)
                yield block

    def _copy(self, other: Content) -> None:
        with other._path.open("rb") as source, self._path.open("r+b") as target:
            target.seek(self.length)
            shutil.copyfileobj(source, target, _BLOCK)
