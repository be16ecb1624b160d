"""The marker ``sdk`` is on what uses an SDK, by whatever way, and on nothing else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from azure.datalake.store import core, lib

import adls_enduser
from adls_enduser import MissingDependency, filesystem_token, management_credentials

from .missing_sdks import SDKS, are_missing
from .sdk_marker import uses_sdk

if TYPE_CHECKING:
    from collections.abc import Callable


def _opens_a_store() -> Any:
    return core.AzureDLFileSystem(store_name="mystore")


class _Store:
    """Something that a test may have made."""

    def open(self) -> Any:
        return _opens_a_store()


FACTORIES = {"management": management_credentials, "filesystem": filesystem_token}
STORE = _Store()


def _imports_late() -> Any:
    from azure.mgmt.datalake.store import models

    return models


def _calls_our_factory() -> Any:
    return filesystem_token()


def _names_our_factory() -> Any:
    return adls_enduser.filesystem_token()


def _calls_a_helper() -> Any:
    return [_opens_a_store() for _ in range(2)]


def _has_a_constant() -> Any:
    return FACTORIES["filesystem"]()


def _uses_an_object() -> Any:
    return STORE.open()


def _makes_an_object() -> Any:
    return _Store().open()


def _has_a_closure(thing: object = lib) -> Callable[[], object]:
    return lambda: thing


def _starts_an_example() -> list[str]:
    return [sys.executable, "one_sign_in.py"]


def _starts_a_program() -> list[str]:
    return [sys.executable, "-m", "tests.programs.pool"]


def _starts_a_source() -> list[str]:
    return [
        sys.executable,
        "-c",
        "from adls_enduser import (\n    Password,\n    filesystem_token,\n)",
    ]


def _starts_the_demo() -> list[str]:
    return [sys.executable, "-m", "adls_enduser.sandbox.demo"]


def _signs_in() -> Any:
    """Say, as filesystem_token does, that this is no azure.datalake.store."""
    return management_credentials(password="not filesystem_token()")


def _starts_another_program() -> list[str]:
    return [sys.executable, "-m", "tests.programs.loaded"]


def _reads_a_text() -> str:
    return 'Call filesystem_token(mode="device_code").'


WITH = [
    _opens_a_store,
    _imports_late,
    _calls_our_factory,
    _names_our_factory,
    _calls_a_helper,
    _has_a_constant,
    _uses_an_object,
    _makes_an_object,
    _has_a_closure,
    _has_a_closure(),
    _starts_an_example,
    _starts_a_program,
    _starts_a_source,
    _starts_the_demo,
]
WITHOUT = [_signs_in, _starts_another_program, _reads_a_text]


@pytest.mark.parametrize("function", WITH, ids=lambda one: one.__name__)
def test_what_uses_an_sdk_is_marked(
    function: Callable[..., object], request: pytest.FixtureRequest
) -> None:
    """The function is a parameter of this test, which therefore is marked itself."""
    assert uses_sdk(function)
    assert request.node.get_closest_marker("sdk")


@pytest.mark.parametrize("function", WITHOUT, ids=lambda one: one.__name__)
def test_what_uses_none_is_not(
    function: Callable[..., object], request: pytest.FixtureRequest
) -> None:
    """Whatever else its module imports, and whatever its texts say."""
    assert not uses_sdk(function)
    assert not request.node.get_closest_marker("sdk")


@pytest.fixture
def store() -> Any:
    """Open a store."""
    return _opens_a_store


def test_a_fixture_counts(store: Any, request: pytest.FixtureRequest) -> None:
    """A test that takes what an SDK has made is marked."""
    assert request.node.get_closest_marker("sdk")


@pytest.mark.parametrize("name", ["store"])
def test_a_fixture_that_is_taken_by_name_counts(name: str, request: pytest.FixtureRequest) -> None:
    """As a parameter may be the name of a fixture."""
    assert request.getfixturevalue(name)
    assert request.node.get_closest_marker("sdk")


@pytest.mark.skipif(not are_missing(), reason=f"needs an environment without {', '.join(SDKS)}")
class TestMissing:
    """Where no SDK is installed, which is where each test without the marker runs."""

    def test_a_stand_in_fails_when_it_is_used(self) -> None:
        """A test that wrongly has no marker fails there."""
        thing: Any = vars(sys.modules[__name__])["co" + "re"]
        for use in (thing.AzureDLFileSystem, thing.AzureDLPath.parse):
            with pytest.raises(ModuleNotFoundError, match="the SDKs are missing here"):
                use()
        with pytest.raises(TypeError):
            isinstance(self, thing.AzureDLFileSystem)

    def test_the_library_gets_no_stand_in(self) -> None:
        """What the tests have imported is missing to it."""
        factory = getattr(adls_enduser, "_".join(("filesystem", "token")))
        with pytest.raises(MissingDependency, match=r"azure\.datalake"):
            factory(prompt=print)
