"""What was found, kept between the steps and the report."""

from __future__ import annotations

import datetime
import json
import os
import platform
from typing import Any

from .environments import ROOT

_FOLDER = ROOT / ".nox" / "bench-results"


def save(step: str, store: str, found: object, *, fast: bool) -> None:
    """Keep what a step found beside one azure-datalake-store."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    kept = {
        "fast": fast,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "day": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "found": found,
    }
    (_FOLDER / f"{step}-{store}.json").write_text(json.dumps(kept, indent=1))


def load(step: str, store: str) -> Any:
    """Give what was found, or None if that was never run."""
    run = about(step, store)
    return run and run["found"]


def about(step: str, store: str) -> Any:
    """Give the whole record of a step, or None."""
    path = _FOLDER / f"{step}-{store}.json"
    return json.loads(path.read_text()) if path.exists() else None
