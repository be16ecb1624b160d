"""A request as the operations see it, and a response that they have in common."""

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
    """A caller, a path in a store, and the parameters of the operation."""

    tree: Tree
    directory: Directory
    caller: Caller
    path: StorePath
    parameters: Parameters
    request: Request

    @property
    def mode(self) -> int | None:
        """Return the requested octal ``permission``, or None."""
        text = self.parameters.text("permission")
        return acl.parse_mode(text) if text else None

    def object_id(self, username: str) -> str | None:
        """Find the object id of a user name, in any case."""
        person = self.directory.by_username(username)
        return person.object_id if person else None


def boolean_response(value: bool) -> Response:  # noqa: FBT001 - the protocol's word is {"boolean": ...}
    """Return the response that says whether the operation was done.

    With false the header ``Status`` has the number of "does not exist" (recorded in test_errors
    for a RENAME where the folders of source and target do not exist; else assumed).
    """
    return json_response({"boolean": value}, headers={} if value else {"Status": "0x8309000A"})
