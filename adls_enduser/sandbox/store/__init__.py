"""Data Lake Storage Gen1: the file systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http import Request, Response

if TYPE_CHECKING:
    from pathlib import Path

    from ..world import World


class Stores:
    """All stores; each is the host ``{name}.azuredatalakestore.net``."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder

    def create(self, name: str) -> None:
        """Make an empty store, as Resource Manager does when an account is created."""

    def delete(self, name: str) -> None:
        """Remove a store and its files."""

    def serves(self, host: str) -> bool:
        return host.endswith(".azuredatalakestore.net")

    def answer(self, request: Request) -> Response:
        return Response("not built yet", 404)
