"""Memory after a sign-in: of the whole process, and of each further account in it."""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tracemalloc
import warnings

import psutil

from .azure import Azure
from .peers import peers

# So many that what only the second one loads counts for little.
_MORE_ACCOUNTS = 20


def main() -> None:
    """Measure each peer in a separate process, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer")
    options = parser.parse_args()
    if options.peer:
        print(json.dumps(_measure(options.peer)))
        return
    results = {}
    with Azure():
        for name in peers():
            command = [sys.executable, "-m", "benchmarks.memory", "--peer", name]
            output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            results[name] = json.loads(output)
    print(json.dumps(results))


def _measure(name: str) -> dict[str, float]:
    """Return how much the process grew (MB), and the size of each further sign-in (kB)."""
    warnings.simplefilter("ignore")
    process = psutil.Process()
    before = process.memory_info().rss
    kept_alive = [peers()[name](0)]
    kept_alive[0]()
    process_grew = process.memory_info().rss - before
    tracemalloc.start()
    gc.collect()
    start, _ = tracemalloc.get_traced_memory()
    for _ in range(_MORE_ACCOUNTS):
        kept_alive.append(peers()[name](0))
        kept_alive[-1]()
    gc.collect()
    end, _ = tracemalloc.get_traced_memory()
    return {"process": process_grew / 2**20, "account": (end - start) / _MORE_ACCOUNTS / 2**10}


if __name__ == "__main__":
    main()
