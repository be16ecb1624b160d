"""Blocks of a block blob: staged, then committed in an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..store.files import Content


@dataclass(frozen=True)
class Block:
    """A block: its id (base 64, as the client wrote it), and where its bytes are."""

    block_id: str
    content: Content
    offset: int
    length: int
