"""Which handler answers a path: fixed parts in any case, names as they were spelled.

Source: Azure Resource Provider Contract, "Common API details": URIs are compared
without regard to case, and what a client wrote is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..http import Request, Response
from .errors import ArmError, bad_content, unknown_namespace, unknown_type
from .ids import API_VERSION, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .authentication import Caller

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-\w+)?")
_STORE_VERSIONS = ("2015-10-01-preview", API_VERSION)
_STORE_TYPES = ("accounts", "locations", "operations")
_PROVIDERS = {NAMESPACE.lower(): NAMESPACE, "microsoft.resources": "Microsoft.Resources"}


@dataclass(frozen=True)
class Call:
    """One request, by whom, and the names in its path."""

    request: Request
    caller: Caller
    names: Mapping[str, str]
    route: Route

    @property
    def scope(self) -> str:
        """Give the resource id that the call is about; of a list or an action, its parent."""
        path = "/" + "/".join(segments(self.request.path))
        return path if self.route.template.endswith("}") else path.rpartition("/")[0] or "/"

    @property
    def version(self) -> str:
        """Give the API version that the caller speaks."""
        return self.request.args.get("api-version", "")

    def body(self) -> dict[str, object]:
        """Give the JSON object that was sent; ArmError if it is none."""
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

    ``action`` is what a role must allow, None where every token of a tenant will do.
    """

    method: str
    template: str
    action: str | None
    handler: Handler

    @cached_property
    def parts(self) -> list[str]:
        """Give the template's segments."""
        return segments(self.template)

    def match(self, path: list[str]) -> dict[str, str] | None:
        """Give the names in a path that this is the route of, or None."""
        if len(path) != len(self.parts):
            return None
        names = {}
        for part, segment in zip(self.parts, path, strict=True):
            if part.startswith("{"):
                names[part[1:-1]] = segment
            elif part.lower() != segment.lower():
                return None
        return names


class Router:
    """All routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = list(routes)

    def find(self, request: Request) -> tuple[Route, dict[str, str]]:
        """Find the route of a request; ArmError if there is none."""
        path = segments(request.path)
        version = _checked_version(request, path)
        fitting = [(one, names) for one in self._routes if (names := one.match(path)) is not None]
        for route, names in fitting:
            if route.method == request.method:
                return route, names
        if fitting:
            message = f"The requested resource does not support http method '{request.method}'."
            raise ArmError(405, "MethodNotAllowed", message)
        raise _unknown(path, version)


def segments(path: str) -> list[str]:
    """Split a path; a doubled slash, which the SDKs' generic calls make, counts as one."""
    return [part for part in path.split("/") if part]


def _checked_version(request: Request, path: list[str]) -> str:
    version = request.args.get("api-version", "")
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise ArmError(400, "MissingApiVersionParameter", message)
    if not _VERSION.fullmatch(version):
        message = f"The api-version '{version}' is invalid."
        raise ArmError(400, "InvalidApiVersionParameter", message)
    namespace, kind = _provider(path)
    mine = namespace.lower() == NAMESPACE.lower() and kind in _STORE_TYPES
    if mine and version.lower() not in _STORE_VERSIONS:
        raise unknown_type(NAMESPACE, kind, version, _STORE_VERSIONS)
    return version


def _provider(path: list[str]) -> tuple[str, str]:
    lowered = [part.lower() for part in path]
    if "providers" not in lowered:
        return "", ""
    _, namespace, kind, *_ = [*path[lowered.index("providers") :], "", ""]
    return namespace, kind.lower()


def _unknown(path: list[str], version: str) -> ArmError:
    namespace, kind = _provider(path)
    if not namespace:
        return ArmError(404, "NotFound", f"There is nothing at '/{'/'.join(path)}'.")
    if namespace.lower() not in _PROVIDERS:
        return unknown_namespace(namespace)
    return unknown_type(_PROVIDERS[namespace.lower()], kind, version, _STORE_VERSIONS)
