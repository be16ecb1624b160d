"""The cost of an import beyond a bare interpreter.

Runs whole processes, all modules in turn, several times, and takes the best time of each.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time

_NOTHING = "pass"
# Without this variable the first round compiles the modules once, as on a user's machine.
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
_MODULES = (
    "adls_enduser",
    "adls_enduser.factories",  # what importing a factory from it loads
    "adal",
    "msal",
    "azure.identity",
    "msrestazure.azure_active_directory",
)
_STORE = "azure.datalake.store"


def main() -> None:
    """Print milliseconds beyond bare Python, for each module, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    version = importlib.metadata.version("azure-datalake-store")
    best = _best([*_MODULES, _STORE], options.rounds)
    bare = best.pop(_NOTHING)
    store = f"{_STORE} {version}"
    over = {store if name == _STORE else name: (took - bare) * 1e3 for name, took in best.items()}
    print(json.dumps({"bare": bare * 1e3, "over": over}))


def _best(modules: list[str], rounds: int) -> dict[str, float]:
    statements = {_NOTHING: _NOTHING} | {name: f"import {name}" for name in modules}
    best = dict.fromkeys(statements, float("inf"))
    with tempfile.TemporaryDirectory() as home:
        for _ in range(rounds):
            for name, statement in statements.items():
                best[name] = min(best[name], _seconds(statement, home))
    return best


def _seconds(statement: str, home: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != _NO_BYTECODE}
    # azure.datalake.store makes a folder in the home folder when it is imported.
    environment["HOME"] = home
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], env=environment, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
