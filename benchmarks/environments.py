"""The virtual environments: one for each azure-datalake-store, since they exclude each other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEWEST = "1.0.1"
STORES = ("0.0.52", "0.0.53", NEWEST)

_PACKAGES = {
    "0.0.52": ("azure-datalake-store==0.0.52", "azure-mgmt-datalake-store==0.5.0"),
    "0.0.53": ("azure-datalake-store==0.0.53", "azure-mgmt-datalake-store==0.5.0"),
    NEWEST: (f"azure-datalake-store=={NEWEST}", "azure-mgmt-datalake-store==1.1.0b1"),
}


def python(store: str) -> Path:
    """Give the interpreter of the environment with that azure-datalake-store."""
    folder = "Scripts" if os.name == "nt" else "bin"
    return ROOT / ".nox" / f"bench-{store}" / folder / "python"


def prepare(store: str) -> None:
    """Make an environment, unless it is there and complete."""
    home = python(store).parent.parent
    ready = home / "ready"
    wanted = "\n".join(("bench, cache, compat", *_PACKAGES[store]))
    if ready.exists() and ready.read_text() == wanted:
        return
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(home))
    # "compat" adds a folder to the path; the other kind of editable loads an import hook,
    # and with it half of what our own import needs, at the start of every interpreter.
    _uv(
        *("pip", "install", "--quiet", "--python", str(python(store)), "--group", "bench"),
        *("--config-settings", "editable_mode=compat"),
        *("--editable", ".[sandbox,cache]", *_PACKAGES[store]),
    )
    ready.write_text(wanted)


def _uv(*arguments: str) -> None:
    never = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    subprocess.run([sys.executable, "-m", "uv", *arguments], cwd=ROOT, env=never, check=True)
