"""A folder with a stand-in for the Azure CLI, to be put first on a program's PATH."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from . import az_stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def az_first(endpoint: Mapping[str, str], tenants: list[str], path: str) -> Iterator[str]:
    """Return a PATH on which ``az`` gets tokens from an identity endpoint.

    ``endpoint`` are the endpoint's variables. Its secret is in a file that only the owner can
    read, because a program may clear the environment before it calls az; it is on no command line.
    """
    # Its mode is 0700 (Python, tempfile.mkdtemp).
    with tempfile.TemporaryDirectory(prefix="adls-enduser-az-") as name:
        folder = Path(name)
        settings = folder / "endpoint.json"
        where = {"url": endpoint["IDENTITY_ENDPOINT"], "secret": endpoint["IDENTITY_HEADER"]}
        _write(settings, json.dumps({**where, "tenants": tenants}), 0o600)
        # -I: no variable and no module of the program's own changes what runs.
        command = [sys.executable, "-I", os.path.abspath(az_stand_in.__file__), str(settings)]
        if os.name == "nt":
            line = " ".join(f'"{word}"' for word in command)
            _write(folder / "az.cmd", f"@{line} %*\r\n", 0o700)
        else:
            _write(folder / "az", f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', 0o700)
        yield f"{name}{os.pathsep}{path}"


def _write(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
