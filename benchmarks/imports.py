"""What an import costs over a bare interpreter: whole processes, in turns, the best of several."""

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
# Modules are compiled once, by the first round, as on everybody's machine.
_NO_CACHE = "PYTHONDONTWRITEBYTECODE"
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
    """Print milliseconds over bare Python, for each module, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    version = importlib.metadata.version("azure-datalake-store")
    best = _best([*_MODULES, _STORE], options.rounds)
    bare = best.pop(_NOTHING)
    store = f"{_STORE} {version}"
    found = {store if name == _STORE else name: (took - bare) * 1e3 for name, took in best.items()}
    print(json.dumps({"bare": bare * 1e3, "over": found}))


def _best(modules: list[str], rounds: int) -> dict[str, float]:
    statements = {_NOTHING: _NOTHING} | {name: f"import {name}" for name in modules}
    best = dict.fromkeys(statements, float("inf"))
    with tempfile.TemporaryDirectory() as home:
        for _ in range(rounds):
            for name, statement in statements.items():
                best[name] = min(best[name], _seconds(statement, home))
    return best


def _seconds(statement: str, home: str) -> float:
    surroundings = {name: value for name, value in os.environ.items() if name != _NO_CACHE}
    # azure.datalake.store makes a folder in the home folder when it is imported.
    surroundings["HOME"] = home
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], env=surroundings, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
