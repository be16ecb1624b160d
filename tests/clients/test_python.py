"""adal, msal and azure-identity, each in an environment with nothing else, on the sandbox."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adls_enduser import AZURE_CLI_CLIENT_ID
from adls_enduser.sandbox import CONTOSO, Sandbox

from ..conftest import PASSWORD
from ..constants import DATA_LAKE
from .conftest import ALONE

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(__file__).parent / "python"
ADA, GRACE = f"ada@{CONTOSO}", f"grace@{CONTOSO}"
AUTHORITY = f"https://login.microsoftonline.com/{CONTOSO}"
# A browser that a person sits in front of: it hands on the address, and the test signs in.
BROWSER = '#!/bin/sh\necho "$1" >&2\n'
SECONDS = 60.0


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox in real time, which is what the programs have."""
    with Sandbox(environ=None) as azure:
        azure.entra.device_code_interval = 1.0
        azure.entra.person(ADA, password=PASSWORD)
        azure.entra.person(GRACE, password=PASSWORD, mfa=True)
        yield azure


@pytest.fixture(params=["adal", "msal", "azure-identity"])
def program(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return the Python of a client's own environment, and the program that uses it."""
    script = f"with_{request.param.replace('-', '_')}.py"
    python = Path(ALONE) / str(request.param) / "bin" / "python"
    return str(python), str(PROGRAMS / script)


def _start(
    azure: Sandbox, program: tuple[str, str], how: str, *more: str, **environ: str
) -> subprocess.Popen[str]:
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    words = (how, AUTHORITY, DATA_LAKE, AZURE_CLI_CLIENT_ID, *more)
    return subprocess.Popen(
        [*program, *words],
        env=plain | azure.environment | environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _line(running: subprocess.Popen[str], begins: str = "") -> str:
    assert running.stderr is not None
    told = []
    for line in running.stderr:
        told.append(line)
        if line.startswith(begins):
            return line.strip()
    pytest.fail("".join(told))


def _is_signed_in(azure: Sandbox, running: subprocess.Popen[str], username: str) -> None:
    said, error = running.communicate(timeout=SECONDS)
    assert running.returncode == 0, error
    name, token = said.split()
    assert name == username
    assert azure.world.identity.check(f"Bearer {token}", [DATA_LAKE])["upn"] == username
    assert {one.host for one in azure.log} <= {"login.microsoftonline.com"}


def test_by_device_code(azure: Sandbox, program: tuple[str, str]) -> None:
    """With a second factor, on another device; and renewed from there."""
    with _start(azure, program, "device_code") as running:
        azure.entra.approve(_line(running), by=GRACE)
        _is_signed_in(azure, running, GRACE)


def test_by_password(azure: Sandbox, program: tuple[str, str]) -> None:
    """Who may sign in with a password alone."""
    with _start(azure, program, "password", ADA, PASSWORD) as running:
        _is_signed_in(azure, running, ADA)


def test_a_refusal_is_told(azure: Sandbox, program: tuple[str, str]) -> None:
    """A password that is not enough ends with Entra ID's number."""
    with _start(azure, program, "password", GRACE, PASSWORD) as running:
        _, error = running.communicate(timeout=SECONDS)
    assert running.returncode == 1
    assert "AADSTS50076" in error


@pytest.mark.parametrize("program", ["msal", "azure-identity"], indirect=True)
def test_by_browser(azure: Sandbox, program: tuple[str, str], tmp_path: Path) -> None:
    """What opens is a page of the sandbox, and where it leads the client listens; adal has none."""
    script = tmp_path / "firefox"
    script.write_text(BROWSER)
    script.chmod(0o755)
    with _start(azure, program, "browser", BROWSER=f"{script} %s") as running:
        azure.entra.browse(_line(running, "https://login.microsoftonline.com/"), by=GRACE)
        _is_signed_in(azure, running, GRACE)
