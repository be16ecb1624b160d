"""Stand-ins for Azure's three SDKs, for an environment in which those are missing.

A module of tests imports them at its top, though some of its tests need none. Those tests run
there: the import brings a stand-in, which fails as soon as a test uses it. Only modules of the
tests get one. To the library, and to the programs that tests start, the SDKs are missing.
"""

from __future__ import annotations

import sys
from importlib import metadata
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

SDKS = ("azure-datalake-store", "azure-mgmt-datalake-store", "azure-mgmt-resource")
_PACKAGES = ("azure.datalake", "azure.mgmt")
_TESTS = __package__.partition(".")[0]


def are_missing() -> bool:
    """Tell whether none of the SDKs is installed."""
    return not any(any(metadata.distributions(name=one)) for one in SDKS)


def stand_in_if_missing() -> None:
    """From now on, give the tests stand-ins, if the SDKs are missing."""
    if are_missing():
        sys.meta_path.append(_Finder())


class _StandIn:
    """Something of a missing SDK."""

    def __init__(self, name: str) -> None:
        self.__module__ = name

    def __getattr__(self, name: str) -> _StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn(f"{self.__module__}.{name}")

    def __call__(self, *arguments: object, **options: object) -> NoReturn:
        raise _missing(self.__module__)


class _Module(ModuleType):
    """A module of a missing SDK."""

    def __getattr__(self, name: str) -> _StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        if not _is_asked_by_tests():
            raise _missing(self.__name__)
        return _StandIn(f"{self.__name__}.{name}")


class _Finder(MetaPathFinder, Loader):
    """Finds the modules of the missing SDKs."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.startswith(_PACKAGES) and _is_asked_by_tests():
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def _missing(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}: the SDKs are missing here", name=name)


def _is_asked_by_tests() -> bool:
    """Tell whether it is a module of the tests that imports."""
    frame = sys._getframe(1)
    while frame.f_globals["__name__"] in (__name__, "importlib._bootstrap") and frame.f_back:
        frame = frame.f_back
    return str(frame.f_globals["__name__"]).partition(".")[0] == _TESTS
