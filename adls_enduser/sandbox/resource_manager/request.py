"""What a handler works with: the caller, the route, and the call that puts them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..http import Request, Response
from .errors import bad_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..directory import Role


@dataclass(frozen=True)
class Caller:
    """The person whose token a request carries."""

    username: str
    object_id: str
    tenant_id: str
    role: Role | None

    def may(self, action: str) -> bool:
        """Tell whether the role allows an action such as ``Microsoft.Storage/.../read``."""
        return self.role == "Owner" or (self.role == "Reader" and action.endswith("/read"))


@dataclass(frozen=True)
class Call:
    """One request, its caller, its route, and the names in its path."""

    request: Request
    caller: Caller
    names: Mapping[str, str]
    route: Route

    @property
    def scope(self) -> str:
        """Return the resource id that the call is about; of a list or an action, its parent."""
        path = "/" + "/".join(segments(self.request.path))
        return path if self.route.template.endswith("}") else path.rpartition("/")[0] or "/"

    @property
    def version(self) -> str:
        """Return the API version of the request."""
        return self.request.args.get("api-version", "")

    def body(self) -> dict[str, object]:
        """Return the JSON object in the body; raise ArmError if it is none."""
        try:
            body: object = self.request.json
        except ValueError as error:
            raise bad_content(str(error)) from None
        if not isinstance(body, dict):
            raise bad_content("a JSON object is expected")
        return body


Handler = Callable[[Call], Response]


@dataclass(frozen=True)
class Route:
    """A method and a path such as ``/subscriptions/{subscription}``.

    ``action`` is the action that a role must allow, None where every token of the tenant
    is accepted.
    """

    method: str
    template: str
    action: str | None
    handler: Handler

    @cached_property
    def parts(self) -> list[str]:
        """Return the template's segments."""
        return segments(self.template)

    def match(self, path: list[str]) -> dict[str, str] | None:
        """Return the names in a path, or None if the path is not of this route."""
        if len(path) != len(self.parts):
            return None
        names = {}
        for part, segment in zip(self.parts, path, strict=True):
            if part.startswith("{"):
                names[part[1:-1]] = segment
            elif part.lower() != segment.lower():
                return None
        return names


def segments(path: str) -> list[str]:
    """Split a path; a doubled slash, which the SDKs' generic calls make, counts as one."""
    return [part for part in path.split("/") if part]
