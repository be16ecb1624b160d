"""Memory after sign-in: of the process, and of one more signed-in account in it."""

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

_MORE = 5


def main() -> None:
    """Print, for each peer, as JSON, in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer")
    options = parser.parse_args()
    if options.peer:
        print(json.dumps(_measure(options.peer)))
        return
    found = {}
    with Azure():
        for name in peers():
            command = [sys.executable, "-m", "benchmarks.memory", "--peer", name]
            said = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            found[name] = json.loads(said)
    print(json.dumps(found))


def _measure(name: str) -> dict[str, float]:
    """Give megabytes of the process's growth, and kilobytes of each further sign-in."""
    warnings.simplefilter("ignore")
    process = psutil.Process()
    before = process.memory_info().rss
    alive = [peers()[name](0)]
    alive[0]()
    process_grew = process.memory_info().rss - before
    tracemalloc.start()
    gc.collect()
    start, _ = tracemalloc.get_traced_memory()
    for _ in range(_MORE):
        alive.append(peers()[name](0))
        alive[-1]()
    gc.collect()
    end, _ = tracemalloc.get_traced_memory()
    return {"process": process_grew / 2**20, "account": (end - start) / _MORE / 2**10}


if __name__ == "__main__":
    main()
