"""A request as the operations see it, and the answers they have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..http import Response, json_response
from . import acl

if TYPE_CHECKING:
    from ..directory import Directory
    from ..http import Request
    from .acl import Caller
    from .parameters import Parameters
    from .paths import StorePath
    from .tree import Tree


@dataclass(frozen=True)
class Call:
    """Who wants what done, where."""

    tree: Tree
    directory: Directory
    caller: Caller
    path: StorePath
    parameters: Parameters
    request: Request

    @property
    def mode(self) -> int | None:
        """The octal ``permission`` that was asked for, or None."""
        text = self.parameters.text("permission")
        return acl.octal(text) if text else None

    def object_id(self, who: str) -> str | None:
        """Find the object id of a user name, in any case."""
        person = self.directory.by_username(who)
        return person.object_id if person else None


def nothing(status: int = 200) -> Response:
    """Answer that it was done, with neither body nor type."""
    response = Response(b"", status)
    del response.headers["Content-Type"]
    return response


def boolean(value: bool) -> Response:  # noqa: FBT001 - the protocol's word is {"boolean": ...}
    """Answer whether it was done."""
    return json_response({"boolean": value})
