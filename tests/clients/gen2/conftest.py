"""Azurite and the sandbox, each behind an account of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adls_enduser.sandbox import Sandbox

from ...sandbox.chromium import missing
from ..conftest import AZURITE as AZURITE_MODULES
from .azurite import Azurite
from .lake import AZURITE, Lake

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Run Azurite, once for all tests of this process: each has a container of its own."""
    if shutil.which("node") is None or not Path(AZURITE_MODULES, "azurite").exists():
        missing("Azurite, or node, is not installed")
    running = Azurite(Path(AZURITE_MODULES), tmp_path_factory.mktemp("azurite"), [AZURITE])
    yield running
    running.stop()


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox in real time, which is what the programs have."""
    with Sandbox(environ=None) as sandbox:
        yield sandbox


@pytest.fixture
def gen2(azure: Sandbox) -> Lake:
    """Return an account of the sandbox."""
    return Lake(azure, azure.storage)


@pytest.fixture(params=["azurite", "gen2"])
def lake(request: pytest.FixtureRequest, azure: Sandbox) -> Lake:
    """Return an account, once with Azurite behind it and once with the sandbox."""
    if request.param == "azurite":
        return Lake(azure, request.getfixturevalue("azurite"), account=AZURITE)
    gen2: Lake = request.getfixturevalue("gen2")
    return gen2
