"""Programs that carry the library with them: every mode, with either library, on the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser.sandbox import CONTOSO, Sandbox

from ..conftest import PASSWORD
from ..strategies.test_azure_cli import FakeAz
from .conftest import FROZEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adls_enduser.sandbox import Person

SECONDS = 60.0
ADA = {"username": f"ada@{CONTOSO}", "password": PASSWORD}
GRACE = {"username": f"grace@{CONTOSO}"}


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox in real time, which is what the programs have."""
    with Sandbox(environ=None) as azure:
        azure.entra.device_code_interval = 1.0
        yield azure


@pytest.fixture(autouse=True)
def ada(azure: Sandbox) -> Person:
    """Ada needs a password only; Grace a second factor, and approves every device code."""
    azure.entra.person(GRACE["username"], password=PASSWORD, mfa=True, approves_device_codes=True)
    return azure.entra.person(ADA["username"], password=PASSWORD)


@pytest.fixture(params=["pyinstaller", "cxfreeze"])
def program(request: pytest.FixtureRequest) -> Path:
    """Return the program tests/programs/every_mode.py, frozen."""
    return Path(FROZEN) / str(request.param) / "every_mode" / "every_mode"


def _start(
    program: Path, azure: Sandbox, folder: Path, options: dict[str, Any]
) -> subprocess.Popen[str]:
    environment = {
        "HOME": str(folder),
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "FAKE_AZ": str(folder / "fake-az.json"),
    }
    return subprocess.Popen(
        [str(program), json.dumps(options)],
        env=environment | azure.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _signs_in(running: subprocess.Popen[str], username: str) -> None:
    said, error = running.communicate(timeout=SECONDS)
    assert running.returncode == 0, error
    assert said.split() == [username]


@pytest.mark.parametrize("library", ["adal", "msal"])
@pytest.mark.parametrize(
    ("options", "username"),
    [
        ({"mode": "password", **ADA}, ADA["username"]),
        ({"mode": "device_code"}, GRACE["username"]),
        ({"mode": "mfa", "cache": "kept"}, GRACE["username"]),
        ({"mode": "auto", "tenant": CONTOSO}, GRACE["username"]),
        ({"mode": "password", "fallback": "device_code", **GRACE}, GRACE["username"]),
    ],
    ids=["password", "device_code", "cache", "auto", "fallback"],
)
def test_a_mode_works(
    program: Path,
    azure: Sandbox,
    tmp_path: Path,
    library: str,
    options: dict[str, Any],
    username: str,
) -> None:
    """Both planes, and again with the credential and with its token."""
    if "fallback" in options:
        options = {**options, "password": PASSWORD}
    if "cache" in options:
        options = {**options, "cache": str(tmp_path / "kept")}
    with _start(program, azure, tmp_path, {**options, "library": library}) as running:
        _signs_in(running, username)


@pytest.mark.parametrize("library", ["adal", "msal"])
def test_the_browser_works(program: Path, azure: Sandbox, tmp_path: Path, library: str) -> None:
    """Its page leads back to the frozen program, once for each plane."""
    options = {"mode": "browser", "library": library}
    with _start(program, azure, tmp_path, options) as running:
        assert running.stdout is not None
        for _ in range(2):
            url = running.stdout.readline().strip()
            assert url, running.communicate()[1]
            azure.entra.browse(url, by=GRACE["username"])
        _signs_in(running, GRACE["username"])


def test_the_azure_cli_works(program: Path, azure: Sandbox, tmp_path: Path, ada: Person) -> None:
    """A program of the machine runs from the frozen one: a fake of ``az``."""
    FakeAz(tmp_path).login(ada)
    with _start(program, azure, tmp_path, {"mode": "azure_cli"}) as running:
        _signs_in(running, ADA["username"])
