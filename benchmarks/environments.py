"""The virtual environments: one for each version of azure-datalake-store, and one for Gen2.

Only one version can be installed in an environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEWEST = "1.0.1"
STORE_VERSIONS = ("0.0.52", "0.0.53", NEWEST)
GEN2 = "gen2"

_PACKAGES = {
    "0.0.52": ("azure-datalake-store==0.0.52", "azure-mgmt-datalake-store==0.5.0"),
    "0.0.53": ("azure-datalake-store==0.0.53", "azure-mgmt-datalake-store==0.5.0"),
    NEWEST: (f"azure-datalake-store=={NEWEST}", "azure-mgmt-datalake-store==1.1.0b1"),
    GEN2: (
        "azure-storage-file-datalake==12.26.1",
        "azure-storage-blob==12.31.1",
        "adlfs==2026.8.0",
    ),
}


def environments_of(step: str) -> tuple[str, ...]:
    """Return the environments in which a step runs."""
    return (GEN2,) if step == GEN2 else STORE_VERSIONS


def interpreter(version: str) -> Path:
    """Return the path of Python in the environment with this azure-datalake-store."""
    folder = "Scripts" if os.name == "nt" else "bin"
    return ROOT / ".nox" / f"bench-{version}" / folder / "python"


def prepare(version: str) -> None:
    """Create an environment, unless it exists and is complete."""
    folder = interpreter(version).parent.parent
    ready = folder / "ready"
    wanted = "\n".join(("bench, cache, compat", *_PACKAGES[version]))
    if ready.exists() and ready.read_text() == wanted:
        return
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    # "compat" adds a folder to the path. The other kind of editable install loads an import
    # hook at the start of every interpreter, and with it half of what our own import needs.
    _uv(
        *("pip", "install", "--quiet", "--python", str(interpreter(version)), "--group", "bench"),
        *("--config-settings", "editable_mode=compat"),
        *("--editable", ".[sandbox,cache]", *_PACKAGES[version]),
    )
    ready.write_text(wanted)


def _uv(*arguments: str) -> None:
    no_downloads = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    subprocess.run([sys.executable, "-m", "uv", *arguments], cwd=ROOT, env=no_downloads, check=True)
