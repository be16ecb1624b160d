"""What a fresh process pays until it has its token: CPU time, peak memory, and requests.

Every program of ``cold_programs`` runs in turn, several times, and the medians count: a slow
minute of the machine affects all of them. CPU time and memory are beyond the bare interpreter.
The first run of each signs in, is not counted, and compiles the modules.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from . import cold_programs
from .azure import Azure
from .environments import NEWEST, ROOT

# Without this variable the first round compiles the modules once, as on a user's machine.
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
NOTHING = "nothing"
PROGRAMS = (
    NOTHING,
    "ours_silent",
    "ours_silent_msal",
    "ours_storage",
    "msal_file",
    "identity_cache",
    "adal_file",
    "ours_password_msal",
    "msal_password",
    "ours_password_adal",
    "adal_password",
    "management_sdk",
    "ours_management",
    "filesystem_sdk",
    "ours_filesystem",
)
OUR_COMMAND, AZURE_CLI = "adls-enduser token", "az account get-access-token"


# Where `make clients` installs it.
_AZ_OF_CLIENTS = ROOT / ".nox" / "clients" / "azure-cli" / "bin"


@dataclass
class Run:
    """What one process has cost: seconds of CPU time and in all, peak memory in kB, requests."""

    cpu: float
    elapsed: float
    peak: float
    requests: int


def main() -> None:
    """Print the medians of every program, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--programs", nargs="+", default=PROGRAMS, choices=PROGRAMS)
    options = parser.parse_args()
    if importlib.metadata.version("azure-datalake-store") != NEWEST:
        print(json.dumps({"programs": {}, "skipped": []}))  # the others differ in nothing else
        return
    with Azure() as azure:
        others, skipped = _commands(azure)  # which sets a variable that the bench's programs get
        bench = Bench(azure)
        names = [NOTHING, *(one for one in options.programs if one != NOTHING)]
        commands = {name: _python(name, azure.folder) for name in names}
        medians = bench.medians(commands | others, options.rounds)
    print(json.dumps({"programs": medians, "skipped": skipped}))


class Bench:
    """Runs programs at the sandbox, one after the other."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        environment = {name: value for name, value in os.environ.items() if name != _NO_BYTECODE}
        self._spawner = subprocess.Popen(
            [sys.executable, "-S", "-m", "benchmarks.spawner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def medians(
        self, commands: dict[str, tuple[str, ...]], rounds: int
    ) -> dict[str, dict[str, float]]:
        """Return the medians of each program, beyond the bare interpreter but for ``elapsed``."""
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                run = self._run(command)
                if turn:
                    runs[name].append(run)
        found = {name: _median(of_one) for name, of_one in runs.items()}
        bare = found[NOTHING]
        return {
            name: {**one, "cpu": one["cpu"] - bare["cpu"], "peak": one["peak"] - bare["peak"]}
            for name, one in found.items()
        }

    def _run(self, command: tuple[str, ...]) -> Run:
        self._azure.counts()
        if not (self._spawner.stdin and self._spawner.stdout):
            raise RuntimeError("The spawner has no pipes.")
        self._spawner.stdin.write("\t".join(command) + "\n")
        self._spawner.stdin.flush()
        cpu, elapsed, peak, status = map(float, self._spawner.stdout.readline().split())
        if status:
            raise RuntimeError(f"{' '.join(command)} ended with status {status:g}.")
        return Run(cpu, elapsed, peak, self._azure.counts()["requests"])


def _python(name: str, folder: str) -> tuple[str, ...]:
    program = f"from benchmarks.cold_programs import {name}; {name}({folder!r})"
    return sys.executable, "-c", program


def _median(runs: list[Run]) -> dict[str, float]:
    rows = [asdict(run) for run in runs]
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def _commands(azure: Azure) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return the command lines that are installed, and why others are not measured."""
    os.environ["AZURE_CONFIG_DIR"] = str(Path(azure.folder, "az"))
    beside = Path(sys.executable).with_name("adls-enduser")
    ours = str(beside) if beside.exists() else None
    az = shutil.which("az") or shutil.which("az", path=str(_AZ_OF_CLIENTS))
    options = ("--tenant", cold_programs.TENANT, "--for", "storage", "--no-keyring")
    login = ("login", "device_code", *options)
    az_login = ("login", "--username", cold_programs.ADA, "--password", cold_programs.PASSWORD)
    ask = ("account", "get-access-token", "--scope", cold_programs.SCOPE)
    found: dict[str, tuple[str, ...]] = {}
    skipped = []
    for name, program, sign_in, command in (
        (OUR_COMMAND, ours, login, ("token", *options)),
        (AZURE_CLI, az, az_login, ask),
    ):
        if program is None:
            skipped.append(f"`{name}`: it is not installed here.")
        elif subprocess.run([program, *sign_in], capture_output=True).returncode:
            skipped.append(f"`{name}`: its sign-in failed.")
        else:
            found[name] = (program, *command)
    return found, skipped


if __name__ == "__main__":
    main()
