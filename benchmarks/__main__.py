"""``make bench``: run every benchmark in every environment, and write the docs.

``--fast`` does less of everything; ``--only STEP ...`` repeats some steps and keeps the
last results of the others; ``--report`` only writes the docs again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import NamedTuple

from .environments import GEN2, NEWEST, ROOT, STORE_VERSIONS, environments_of, interpreter, prepare
from .results import save


class Step(NamedTuple):
    """One module, run once in each environment; its arguments in a fast and in a full run."""

    module: str
    fast: tuple[str, ...] = ()
    full: tuple[str, ...] = ()


STEPS = {
    "reading": Step("reading", ("--rounds", "1", "--processes", "1")),
    "imports": Step("imports", ("--rounds", "5"), ("--rounds", "10")),
    "expiry": Step("expiry"),
    "prompts": Step("prompts"),
    "memory": Step("memory"),
    "cold": Step("cold", ("--rounds", "5"), ("--rounds", "15")),
    "awaiting": Step("awaiting"),
    "transfers": Step("transfers", ("--size", "32", "--rounds", "2"), ("--rounds", "12")),
    # The shortest lifetime last: a transfer that fails may continue in the background.
    "own": Step(
        "transfers",
        ("--own", "--size", "32", "--rounds", "1", "--threads", "8", "--lifetimes", "3600", "5"),
        ("--own", "--rounds", "1", "--threads", "8", "--lifetimes", "3600", "301", "101", "5"),
    ),
    # Long enough for a token of five seconds to expire during a transfer, more than once.
    "long": Step(
        "transfers",
        ("--size", "64", "--rounds", "1", "--threads", "8", "--lifetimes", "5"),
        ("--size", "1024", "--rounds", "2", "--threads", "8", "--lifetimes", "5"),
    ),
    GEN2: Step("gen2_transfers", ("--size", "32", "--times", "1", "--rounds", "2")),
}


def main() -> None:
    """Run the steps that the command line names, then write the docs."""
    options = _options()
    if not options.report:
        steps = options.only or list(STEPS)
        for version in (*STORE_VERSIONS, GEN2):
            # The newest one draws the picture.
            if version == NEWEST or any(version in environments_of(name) for name in steps):
                prepare(version)
        for name in steps:
            for version in environments_of(name):
                _run(name, version, fast=options.fast)
    # matplotlib is in that environment.
    subprocess.run([str(interpreter(NEWEST)), "-m", "benchmarks.report"], cwd=ROOT, check=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="less of everything, and more noise")
    parser.add_argument("--only", nargs="+", choices=STEPS, help="repeat only these steps")
    parser.add_argument("--report", action="store_true", help="run nothing, write the docs")
    return parser.parse_args()


def _run(name: str, version: str, *, fast: bool) -> None:
    start = time.monotonic()
    what = version if version == GEN2 else f"azure-datalake-store {version}"
    print(f"{name}, with {what} ...", file=sys.stderr, flush=True)
    step = STEPS[name]
    arguments = step.fast if fast else step.full
    command = [str(interpreter(version)), "-m", f"benchmarks.{step.module}", *arguments]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    save(name, version, json.loads(output), fast=fast)
    print(f"  {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
