"""Reading a valid token: ``get_token`` and ``signed_session`` with 1 and 10 000 accounts.

Prints the least seconds of each call, and of an attribute read plus a clock read, as JSON.
The least, because other work on the machine makes a call slower and never faster (timeit's
documentation, ``repeat``). pyperf measures all calls several times in turn, so that a slow
minute affects all of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pyperf

from .azure import Azure


def main() -> None:
    """Measure in several rounds, and print the best of each call."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    values: dict[str, list[float]] = {}
    with Azure() as azure:
        for turn in range(options.rounds):
            output = Path(azure.folder, f"{turn}.json")
            _measure_all(azure, output, options.processes)
            for benchmark in pyperf.BenchmarkSuite.load(str(output)).get_benchmarks():
                values.setdefault(benchmark.get_name(), []).extend(benchmark.get_values())
    print(json.dumps({name: min(measured) for name, measured in values.items()}))


def _measure_all(azure: Azure, output: Path, processes: int) -> None:
    command = [sys.executable, "-m", "benchmarks.reading_once", "--quiet"]
    command += ["--processes", str(processes), "--values", "3", "--warmups", "1"]
    command += ["--min-time", "0.02", "--output", str(output)]
    command += ["--inherit-environ", ",".join(azure.environment)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
