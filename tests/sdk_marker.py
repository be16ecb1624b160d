"""The marker ``sdk``: on each test that one of Azure's three SDKs takes part in.

``make test`` runs such a test on every combination of their versions. Every other test runs in
an environment in which the SDKs are missing (see ``missing_sdks``), and so proves that it
needs none.

The marker follows from what a test uses: the names in its code, in its fixtures and its
parameters, and in turn in the functions, classes, constants and programs that those name. A
name that is met by chance (an attribute that is called like a function of the module) can only
add the marker where it is not needed.
"""

from __future__ import annotations

import functools
import inspect
import re
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import adls_enduser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TESTS, _LIBRARY = Path(__file__).parent, Path(adls_enduser.__file__).parent
# The programs that tests start, by the names that they are started with.
_PROGRAMS = {f"tests.programs.{file.stem}": file for file in _TESTS.glob("programs/*.py")} | {
    file.name: file for file in _TESTS.parent.glob("examples/*.py")
}

# The factory that loads azure-datalake-store; the other one needs no SDK.
_FACTORY = "filesystem_token"
_IMPORT = r"\bazure\.(?:datalake|mgmt)\b"


def _modules_with_sdk() -> Iterator[str]:
    """Find the modules of the library that import an SDK, by their names as in an import."""
    for file in _LIBRARY.rglob("*.py"):
        if re.search(rf"^\s*from {_IMPORT}", file.read_text(encoding="utf-8"), re.MULTILINE):
            yield ".".join(file.relative_to(_LIBRARY.parent).with_suffix("").parts)


_MODULES = frozenset(_modules_with_sdk())
_NAMES = {_FACTORY, *_MODULES, *(one.removesuffix(".__main__") for one in _MODULES)}
_SDK = re.compile(
    rf"^(?:{'|'.join(map(re.escape, _NAMES))})$"
    rf"|{_IMPORT}|\bimport (?:\([^)]*|.*)\b{_FACTORY}\b"
    rf"|\b(?:{'|'.join(map(re.escape, _NAMES - {_FACTORY}))})\b"
)
# What a class says about itself.
_ABOUT = ("__doc__", "__module__", "__qualname__")


@pytest.hookimpl(tryfirst=True)  # before -m is obeyed
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that an SDK takes part in."""
    known: dict[int, bool] = {}  # by id, since a parameter need not be hashable
    for item in items:
        for thing in used_by(item):
            if id(thing) not in known:
                known[id(thing)] = uses_sdk(thing)
            if known[id(thing)]:
                item.add_marker("sdk")
                break


def used_by(item: Any) -> Iterator[object]:
    """Return what pytest calls for a test, and what it hands over; the test keeps it all."""
    yield item.function
    for fixtures in item._fixtureinfo.name2fixturedefs.values():
        yield from (fixture.func for fixture in fixtures)
    for parameter in item.callspec.params.values() if hasattr(item, "callspec") else ():
        yield parameter
        if isinstance(parameter, str):  # perhaps for request.getfixturevalue
            yield from (fixture.func for fixture in _fixtures(parameter, item))


def _fixtures(name: str, item: Any) -> Iterator[Any]:
    """Return the fixture of a name, and all that it takes."""
    for fixture in item.session._fixturemanager.getfixturedefs(name, item) or ():
        yield fixture
        for taken in fixture.argnames:
            if taken != name:
                yield from _fixtures(taken, item)


def uses_sdk(thing: object) -> bool:
    """Return whether a thing is of an SDK, or uses something that is."""
    seen: dict[int, object] = {}
    todo = [thing]
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing  # kept alive, so that no other thing gets its id
        if _is_sdk(thing):
            return True
        todo.extend(_named_by(thing))
    return False


def _is_sdk(thing: object) -> bool:
    """Return whether a thing is a part of an SDK, or a text that names one."""
    if isinstance(thing, str):
        return _SDK.search(thing) is not None
    if isinstance(thing, ModuleType):
        return _is_sdk(thing.__name__)
    name, module = getattr(thing, "__name__", None), getattr(thing, "__module__", None)
    return name == _FACTORY or (isinstance(module, str) and _is_sdk(module))


def _named_by(thing: object) -> Iterable[object]:
    """Return what a thing names, if it is of the tests or the examples."""
    if isinstance(thing, str):
        program = _PROGRAMS.get(thing)
        return [program.read_text(encoding="utf-8")] if program else ()
    if isinstance(thing, list | tuple | set | frozenset):
        return thing
    if isinstance(thing, dict):
        return [*thing, *thing.values()]
    if isinstance(thing, functools.partial):
        return [thing.func, thing.args, thing.keywords]
    if isinstance(thing, staticmethod | classmethod | MethodType):
        return [thing.__func__]
    if isinstance(thing, property):
        return [thing.fget]
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if _is_ours(thing):
        return _named_in_ours(thing)
    return ()


def _is_ours(thing: object) -> bool:
    module = getattr(thing, "__module__", None)
    if module == __name__:  # which speaks of SDKs and uses none
        return False
    return isinstance(module, str) and module.partition(".")[0] == _TESTS.name


def _named_in_ours(thing: Any) -> Iterable[object]:
    if isinstance(thing, FunctionType):
        return _named_by_function(thing)
    if isinstance(thing, type):
        named = (value for name, value in vars(thing).items() if name not in _ABOUT)
        return [*thing.__bases__, *named]
    return [type(thing)]


def _named_by_function(function: FunctionType) -> Iterator[object]:
    names = set()
    for code in _with_inner(function.__code__):
        names |= {*code.co_names}
        yield from code.co_names
        yield from (
            one for one in code.co_consts if isinstance(one, str) and one != function.__doc__
        )
    spaces = [function.__globals__, *_own_classes(function)]
    modules = [vars(one) for one in _found(names, spaces) if _is_module_of_ours(one)]
    yield from _found(names, [*spaces, *modules])
    yield from function.__defaults__ or ()
    for cell in function.__closure__ or ():
        yield cell.cell_contents


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _with_inner(one)


def _own_classes(function: FunctionType) -> Iterator[dict[str, Any]]:
    """Return the namespaces in which a method finds what it takes from ``self``."""
    found = function.__globals__.get(function.__qualname__.partition(".")[0])
    if isinstance(found, type):
        yield from (dict(vars(one)) for one in found.__mro__)


def _found(names: Iterable[str], spaces: Iterable[dict[str, Any]]) -> list[object]:
    return [space[name] for space in spaces for name in names if name in space]


def _is_module_of_ours(thing: object) -> bool:
    return isinstance(thing, ModuleType) and thing.__name__.partition(".")[0] == _TESTS.name
