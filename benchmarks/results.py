"""The results of each step, kept on disk for the report."""

from __future__ import annotations

import datetime
import json
import os
import platform
from typing import Any

from .environments import ROOT

_FOLDER = ROOT / ".nox" / "bench-results"


def save(step: str, version: str, results: object, *, fast: bool) -> None:
    """Save the results of a step with one version of azure-datalake-store."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    run = {
        "fast": fast,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "day": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "results": results,
    }
    (_FOLDER / f"{step}-{version}.json").write_text(json.dumps(run, indent=1))


def load(step: str, version: str) -> Any:
    """Return the results of a step, or None if it never ran."""
    run = load_run(step, version)
    return run and run["results"]


def load_run(step: str, version: str) -> Any:
    """Return the results of a step with its date and machine, or None if it never ran."""
    path = _FOLDER / f"{step}-{version}.json"
    return json.loads(path.read_text()) if path.exists() else None
