"""Entra ID."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http import Request, Response

if TYPE_CHECKING:
    from ..world import World


class _Page:
    def serves(self, host: str) -> bool:
        return False

    def answer(self, request: Request) -> Response:
        return Response("not built yet", 404)


class Entra:
    """The authority."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.page = _Page()
        self.public_url = ""

    def serves(self, host: str) -> bool:
        return host == "login.microsoftonline.com"

    def answer(self, request: Request) -> Response:
        return Response("not built yet", 404)
