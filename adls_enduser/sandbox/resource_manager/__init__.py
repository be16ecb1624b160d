"""Azure Resource Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http import Request, Response

if TYPE_CHECKING:
    from ..store import Stores
    from ..world import World


class ResourceManager:
    """The control plane."""

    def __init__(self, world: World, stores: Stores) -> None:
        self.world = world
        self.stores = stores

    def serves(self, host: str) -> bool:
        return host == "management.azure.com"

    def answer(self, request: Request) -> Response:
        return Response("not built yet", 404)
