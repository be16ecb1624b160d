"""The route of a request: fixed parts match in any case, names are kept as they are spelled.

Source: Azure Resource Provider Contract, "Common API details": URIs are compared
without regard to case, and what a client wrote is kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .errors import ArmError, missing_api_version, unknown_namespace, unknown_type
from .ids import API_VERSION, NAMESPACE, STORAGE
from .request import segments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..http import Request
    from .request import Route

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-\w+)?")
_STORE_VERSIONS = ("2015-10-01-preview", API_VERSION)
# Requests of any version are served: each client of the last ten years has another one.
STORAGE_VERSIONS = ("2026-09-01", "2023-05-01", "2019-06-01")
_STORE_TYPES = ("accounts", "locations", "operations")
_PROVIDERS = {name.lower(): name for name in (NAMESPACE, STORAGE, "Microsoft.Resources")}


class Router:
    """All routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = list(routes)

    def find(self, request: Request) -> tuple[Route, dict[str, str]]:
        """Find the route of a request, with the names in its path; raise ArmError if none."""
        path = segments(request.path)
        version = _checked_version(request, path)
        matches = [
            (route, names) for route in self._routes if (names := route.match(path)) is not None
        ]
        for route, names in matches:
            if route.method == request.method:
                return route, names
        if matches:
            message = f"The requested resource does not support http method '{request.method}'."
            raise ArmError(405, "MethodNotAllowed", message)
        raise _unknown(path, version)


def _checked_version(request: Request, path: list[str]) -> str:
    version = request.args.get("api-version", "")
    if not version:
        raise missing_api_version()
    if not _VERSION.fullmatch(version):
        message = f"The api-version '{version}' is invalid."
        raise ArmError(400, "InvalidApiVersionParameter", message)
    namespace, kind = _provider(path)
    own_provider = namespace.lower() == NAMESPACE.lower() and kind in _STORE_TYPES
    if own_provider and version.lower() not in _STORE_VERSIONS:
        raise unknown_type(NAMESPACE, kind, version, _STORE_VERSIONS)
    return version


def _provider(path: list[str]) -> tuple[str, str]:
    lowered = [part.lower() for part in path]
    if "providers" not in lowered:
        return "", ""
    # The last one: the tags of an account are of another provider than the account.
    last = len(lowered) - lowered[::-1].index("providers") - 1
    _, namespace, kind, *_ = [*path[last:], "", ""]
    return namespace, kind.lower()


def _unknown(path: list[str], version: str) -> ArmError:
    namespace, kind = _provider(path)
    if not namespace:
        return ArmError(404, "NotFound", f"There is nothing at '/{'/'.join(path)}'.")
    if namespace.lower() not in _PROVIDERS:
        return unknown_namespace(namespace)
    known = _PROVIDERS[namespace.lower()]
    versions = STORAGE_VERSIONS if known == STORAGE else _STORE_VERSIONS
    return unknown_type(known, kind, version, versions)
