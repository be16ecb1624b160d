"""``make bench``: every benchmark in every environment, one table at the end, and the docs.

``--fast`` does less of everything; ``--only STEP ...`` repeats some steps and keeps what
the last run found of the others; ``--report`` only writes the docs again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import NamedTuple

from .environments import NEWEST, ROOT, STORES, prepare, python
from .results import save


class Step(NamedTuple):
    """One module, run once in each environment; the options of a fast run and a full one."""

    module: str
    fast: tuple[str, ...] = ()
    full: tuple[str, ...] = ()


STEPS = {
    "reading": Step("reading", ("--rounds", "1", "--processes", "1")),
    "imports": Step("imports", ("--rounds", "5"), ("--rounds", "10")),
    "expiry": Step("expiry"),
    "prompts": Step("prompts"),
    "memory": Step("memory"),
    "transfers": Step("transfers", ("--size", "32", "--rounds", "2"), ("--rounds", "12")),
    # The shortest last: what fails may go on in the background.
    "own": Step(
        "transfers",
        ("--own", "--size", "32", "--rounds", "1", "--threads", "8", "--lifetimes", "3600", "5"),
        ("--own", "--rounds", "1", "--threads", "8", "--lifetimes", "3600", "301", "101", "5"),
    ),
    # Long enough for tokens of five seconds to end under way, more than once.
    "long": Step(
        "transfers",
        ("--size", "64", "--rounds", "1", "--threads", "8", "--lifetimes", "5"),
        ("--size", "1024", "--rounds", "2", "--threads", "8", "--lifetimes", "5"),
    ),
}


def main() -> None:
    """Run what was asked for."""
    options = _options()
    if not options.report:
        for store in STORES:
            prepare(store)
        for name in options.only or STEPS:
            for store in STORES:
                _run(name, store, fast=options.fast)
    # matplotlib is in that environment.
    subprocess.run([str(python(NEWEST)), "-m", "benchmarks.report"], cwd=ROOT, check=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="less of everything, and more noise")
    parser.add_argument("--only", nargs="+", choices=STEPS, help="repeat these steps alone")
    parser.add_argument("--report", action="store_true", help="run nothing, write the docs")
    return parser.parse_args()


def _run(name: str, store: str, *, fast: bool) -> None:
    start = time.monotonic()
    print(f"{name}, beside azure-datalake-store {store} ...", file=sys.stderr, flush=True)
    step = STEPS[name]
    arguments = step.fast if fast else step.full
    command = [str(python(store)), "-m", f"benchmarks.{step.module}", *arguments]
    found = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    save(name, store, json.loads(found), fast=fast)
    print(f"  {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
