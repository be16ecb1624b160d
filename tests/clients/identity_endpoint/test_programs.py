"""Each program reads and writes across three expiries, with the variables and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adls_enduser import storage_credential
from adls_enduser.interop import identity_endpoint
from adls_enduser.sandbox import CONTOSO, Sandbox
from adls_enduser.strategies.jwt import decode_unverified

from ...conftest import PASSWORD
from ...sandbox.chromium import missing
from .conftest import TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adls_enduser import Credentials
    from adls_enduser.sandbox.http import Request, Response, Service

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[3]
BLOB = "https://mylake.blob.core.windows.net"
LIFETIME = 10.0
FILES = 60


class Slow:
    """A service that takes its time, so that a few files outlive a token."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def serves(self, host: str) -> bool:
        """Tell whether the service serves a host."""
        return self._service.serves(host)

    def respond(self, request: Request) -> Response:
        """Respond as the service does, later."""
        time.sleep(0.6)
        return self._service.respond(request)


class Endpoint:
    """A person's sign-in, served to programs that read and write in the sandbox."""

    def __init__(self, azure: Sandbox, credential: Credentials, folder: Path) -> None:
        self.azure = azure
        self.credential = credential
        self.folder = folder

    def run(self, *command: str | Path, **environ: str) -> str:
        """Run a program to its end, and return what it printed."""
        with identity_endpoint(self.credential) as environment:
            return self.run_alone(*command, **environment, **environ)

    def run_alone(self, *command: str | Path, given: str = "", **environ: str) -> str:
        """Run a program without the variables."""
        plain = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        done = subprocess.run(
            [str(word) for word in command],
            env=plain | self.azure.environment | environ,
            cwd=self.folder,
            input=given,
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def check(self, least: int = 4) -> None:
        """See that the lake got so many different tokens of the person, and refused none."""
        sent: dict[str, set[int]] = {}
        for entry in self.azure.log:
            if entry.host.startswith("mylake.") and entry.request is not None:
                header = entry.request.headers.get("Authorization", "")
                sent.setdefault(header, set()).add(entry.status)
        sent.pop("", None)  # AzCopy looks whether a container is public
        assert len(sent) >= least
        names = {decode_unverified(header.split()[1]).account.username for header in sent}
        assert names == {f"ada@{CONTOSO}"}
        assert not {401, 403} & set().union(*sent.values())


@pytest.fixture
def endpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoint]:
    """Sign in at a sandbox in real time, whose tokens live for a few seconds."""
    lifetime = getattr(request, "param", LIFETIME)
    with Sandbox() as azure:
        azure.storage.create("mylake", "box")
        ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        azure.entra.token_lifetime = lifetime
        credential = storage_credential(
            "password", tenant=CONTOSO, username=ada.username, password=PASSWORD
        )
        yield Endpoint(azure, credential, tmp_path)


PACKAGES = ["azure_identity", "obstore", "polars", "pyarrow", "adlfs", "deltalake"]


@pytest.mark.parametrize("name", PACKAGES)
def test_python(endpoint: Endpoint, name: str) -> None:
    """Packages that take no credential object, or need none."""
    python = Path(TOOLS, "tools", "bin", "python")
    endpoint.run(python, PROGRAMS / f"with_{name}.py", str(3 * LIFETIME + 2))
    endpoint.check()


@pytest.mark.parametrize("endpoint", [45.0], indirect=True)
def test_opendal(endpoint: Endpoint) -> None:
    """It takes no token that ends within 20 seconds."""
    python = Path(TOOLS, "tools", "bin", "python")
    endpoint.run(python, PROGRAMS / "with_opendal.py", str(3 * 45.0 + 2))
    endpoint.check()


def test_delta_options(endpoint: Endpoint) -> None:
    """The process of the sign-in itself; nothing goes to the proxy, which NO_PROXY would allow."""
    pytest.importorskip("deltalake")
    endpoint.azure.log.clear()
    words = (PROGRAMS / "own_deltalake.py", str(3 * LIFETIME + 2), f"ada@{CONTOSO}")
    environ = {"PYTHONPATH": str(ROOT), "NO_PROXY": "x.example", "no_proxy": "x.example"}
    endpoint.run_alone(sys.executable, *words, given=PASSWORD, **environ)
    endpoint.check()
    assert not [entry for entry in endpoint.azure.log if entry.host.startswith("127.")]


@pytest.mark.parametrize("provider", ["managed_identity", "credential_chain"])
def test_duckdb(endpoint: Endpoint, provider: str) -> None:
    """Its chain sends the absolute form to the endpoint."""
    python = Path(TOOLS, "duckdb", "bin", "python")
    endpoint.run(python, PROGRAMS / "with_duckdb.py", str(3 * LIFETIME + 2), provider)
    endpoint.check()


def test_rclone(endpoint: Endpoint) -> None:
    """It sends each file once, so that one refused token would lose one."""
    source = _files(endpoint.folder / "source", 6, 2_000_000)
    rclone = Path(TOOLS, "tools", "bin", "rclone")
    lake = ":azureblob,account=mylake,use_msi=true:box/rclone"
    once = ("--retries", "1", "--low-level-retries", "1")
    endpoint.run(rclone, "copy", source, lake, "--bwlimit", "300k", "--transfers", "2", *once)
    endpoint.run(rclone, "check", source, lake, "--download", *once)
    endpoint.check()


def _node(program: str) -> Path:
    path = Path(TOOLS, "node", "node_modules", program)
    if not path.exists():
        missing(f"{program} is not installed")
    return path


def test_azcopy(endpoint: Endpoint) -> None:
    """One refused token would end the whole job."""
    binary = _node("@azure-tools/azcopy-linux") / "dist" / "bin" / "azcopy_linux_amd64"
    azcopy = shutil.copy(binary, endpoint.folder)  # npm unpacks it without the right to run
    os.chmod(azcopy, 0o755)
    source = _files(endpoint.folder / "source", FILES, 1000)
    endpoint.azure.add_service(Slow(endpoint.azure.storage))
    environ = {
        "AZCOPY_LOG_LOCATION": str(endpoint.folder),
        "AZCOPY_JOB_PLAN_LOCATION": str(endpoint.folder),
        "AZCOPY_DISABLE_SYSLOG": "true",
        "AZCOPY_CONCURRENCY_VALUE": "2",
    }
    options = ("--recursive", "--skip-version-check")
    endpoint.run(azcopy, "copy", source, f"{BLOB}/box/azcopy", *options, **environ)
    back = endpoint.folder / "back"
    endpoint.run(azcopy, "copy", f"{BLOB}/box/azcopy/source", back, *options, **environ)
    for path in source.iterdir():
        assert (back / "source" / path.name).read_bytes() == path.read_bytes()
    endpoint.check()


def test_node(endpoint: Endpoint) -> None:
    """DefaultAzureCredential and ManagedIdentityCredential of @azure/identity."""
    modules = _node("@azure/identity").parents[1]
    seconds = str(3 * LIFETIME + 2)
    environ = {"NODE_PATH": str(modules)}
    tokens = endpoint.run("node", PROGRAMS / "identity.cjs", seconds, **environ).split()
    assert len(tokens) >= 4
    assert {decode_unverified(one).account.username for one in tokens} == {f"ada@{CONTOSO}"}


def _files(folder: Path, number: int, size: int) -> Path:
    folder.mkdir()
    for index in range(number):
        (folder / f"file{index}").write_bytes(os.urandom(size))
    return folder
