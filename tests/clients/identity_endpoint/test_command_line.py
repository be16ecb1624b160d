"""The same programs under ``adls-enduser run``, and those that know only the Azure CLI."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adls_enduser.sandbox import Sandbox
from adls_enduser.strategies.jwt import decode_unverified

from ...cli.conftest import ADA, Shell
from .conftest import TOOLS
from .test_programs import BLOB, LIFETIME, PROGRAMS, Endpoint, Slow, _files, _node

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = str(3 * LIFETIME + 2)
AZ = "--with-az"


class CommandLine(Endpoint):
    """A person who has signed in at a shell; the programs run under ``adls-enduser run``."""

    def __init__(self, azure: Sandbox, shell: Shell) -> None:
        self.azure, self.shell, self.folder = azure, shell, shell.home

    def run(self, *command: str | Path, **environ: str) -> str:
        """Run a program to its end, and return what it printed."""
        return self.script(shlex.join(["adls-enduser", "run", "--", *map(str, command)]), **environ)

    def run_with_az(self, *command: str | Path, **environ: str) -> str:
        """Run a program that gets its tokens from ``az``, and has no endpoint."""
        clear = ["env", "-u", "IDENTITY_ENDPOINT", "-u", "IDENTITY_HEADER", "-u", "PYTHONPATH"]
        words = ["adls-enduser", "run", AZ, "--", *clear, *map(str, command)]
        return self.script(shlex.join(words), **environ)

    def script(self, script: str, **environ: str) -> str:
        """Run a script to its end, and return what it printed."""
        done = self.shell.script(script, limit=280, **environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def line(tmp_path: Path) -> Iterator[CommandLine]:
    """Sign in at a sandbox in real time, whose tokens live for a few seconds."""
    with Sandbox(environ=None) as azure:
        azure.storage.create("mylake", "box")
        azure.entra.person(ADA, password="x", approves_device_codes=True)
        azure.entra.token_lifetime = LIFETIME
        shell = Shell(tmp_path, azure.environment)
        shell.sign_in()
        yield CommandLine(azure, shell)


def _azcopy(line: CommandLine) -> tuple[Path, dict[str, str]]:
    binary = _node("@azure-tools/azcopy-linux") / "dist" / "bin" / "azcopy_linux_amd64"
    azcopy = Path(shutil.copy(binary, line.folder))  # npm unpacks it without the right to run
    os.chmod(azcopy, 0o755)
    line.azure.add_service(Slow(line.azure.storage))
    return azcopy, {
        "AZCOPY_LOG_LOCATION": str(line.folder),
        "AZCOPY_JOB_PLAN_LOCATION": str(line.folder),
        "AZCOPY_DISABLE_SYSLOG": "true",
        "AZCOPY_CONCURRENCY_VALUE": "2",
    }


def test_azcopy(line: CommandLine) -> None:
    """With the variables that ``run`` sets, and nothing else."""
    azcopy, environ = _azcopy(line)
    source = _files(line.folder / "source", 60, 1000)
    options = ("--recursive", "--skip-version-check")
    line.run(azcopy, "copy", source, f"{BLOB}/box/azcopy", *options, **environ)
    line.check(least=3)


def test_azcopy_by_az(line: CommandLine) -> None:
    """AZCLI, which Go's azidentity calls ``az`` for."""
    azcopy, environ = _azcopy(line)
    source = _files(line.folder / "source", 60, 1000)
    by_az = ("env", "AZCOPY_AUTO_LOGIN_TYPE=AZCLI", azcopy)
    options = ("--recursive", "--skip-version-check")
    line.run_with_az(*by_az, "copy", source, f"{BLOB}/box/azcopy", *options, **environ)
    line.check(least=3)


@pytest.mark.parametrize("how", ["use_msi", "use_az"])
def test_rclone(line: CommandLine, how: str) -> None:
    """Each file once, so that one refused token would lose one."""
    source = _files(line.folder / "source", 6, 2_000_000)
    rclone = Path(TOOLS, "tools", "bin", "rclone")
    lake = f":azureblob,account=mylake,{how}=true:box/rclone"
    once = ("--retries", "1", "--low-level-retries", "1")
    run = line.run if how == "use_msi" else line.run_with_az
    run(rclone, "copy", source, lake, "--bwlimit", "300k", "--transfers", "2", *once)
    line.check()


@pytest.mark.parametrize("provider", ["managed_identity", "credential_chain, CHAIN 'cli'"])
def test_duckdb(line: CommandLine, provider: str) -> None:
    """azure-identity for C++ clears the environment before it calls ``az``."""
    python = Path(TOOLS, "duckdb", "bin", "python")
    run = line.run_with_az if "cli" in provider else line.run
    run(python, PROGRAMS / "with_duckdb.py", SECONDS, provider)
    line.check()


@pytest.mark.parametrize("program", ["identity.cjs", "azure_cli.cjs"])
def test_node(line: CommandLine, program: str) -> None:
    """@azure/identity: its managed identity, and its AzureCliCredential."""
    modules = _node("@azure/identity").parents[1]
    run = line.run_with_az if program == "azure_cli.cjs" else line.run
    tokens = run("node", PROGRAMS / program, SECONDS, NODE_PATH=str(modules)).split()
    assert len(tokens) >= 4
    assert {decode_unverified(one).account.username for one in tokens} == {ADA}


def test_python_by_az(line: CommandLine) -> None:
    """azure-identity for Python."""
    python = Path(TOOLS, "tools", "bin", "python")
    code = (
        "from azure.identity import AzureCliCredential\n"
        "print(AzureCliCredential().get_token('https://storage.azure.com/.default').token)"
    )
    token = line.run_with_az(python, "-c", code).strip()
    assert decode_unverified(token).account.username == ADA


def test_a_makefile(line: CommandLine) -> None:
    """A rule; make's own variables and its descriptors for parallel jobs reach the program."""
    rclone = Path(TOOLS, "tools", "bin", "rclone")
    (line.folder / "data.txt").write_text("some data")
    (line.folder / "Makefile").write_text(
        f"LAKE = :azureblob,account=mylake,use_msi=true:box/made\n\n"
        f"all: one two\n\none two:\n\t+adls-enduser run -- {rclone} copyto data.txt $(LAKE)/$@\n"
    )
    line.script("make --jobs 2")
    listed = line.run(rclone, "lsf", ":azureblob,account=mylake,use_msi=true:box/made")
    assert listed.split() == ["one", "two"]
