"""A shell with ``adls-enduser`` on its PATH, a home folder and a keyring, on the sandbox."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest

from adls_enduser.sandbox import CONTOSO, Sandbox

from ..conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adls_enduser.sandbox import Person

ROOT = Path(__file__).parents[2]
ADA = f"ada@{CONTOSO}"
# A keyring in a file, which a program finds by PYTHON_KEYRING_BACKEND.
KEYRING = """
import json, os, pathlib
from keyring.backend import KeyringBackend

FILE = pathlib.Path(os.environ["HOME"], "keyring.json")

class Keyring(KeyringBackend):
    priority = 1

    def _all(self):
        return json.loads(FILE.read_text()) if FILE.exists() else {}

    def get_password(self, service, username):
        return self._all().get(f"{service} {username}")

    def set_password(self, service, username, password):
        FILE.write_text(json.dumps({**self._all(), f"{service} {username}": password}))

    def delete_password(self, service, username):
        FILE.write_text(json.dumps({k: v for k, v in self._all().items() if username not in k}))
"""


class Shell:
    """Runs commands, with or without a terminal, and collects what they write."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.home, self.bin, modules = folder / "home", folder / "bin", folder / "modules"
        for one in (self.home, self.bin, modules):
            one.mkdir()
        (modules / "file_keyring.py").write_text(KEYRING)
        self.add_program("adls-enduser", f'exec {shlex.quote(sys.executable)} -m adls_enduser "$@"')
        plain = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.environment = {
            **plain,
            **environment,
            "HOME": str(self.home),
            "PATH": f"{self.bin}{os.pathsep}{plain['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(modules)]),
            "PYTHON_KEYRING_BACKEND": "file_keyring.Keyring",
            "TERM": "xterm",
        }
        self.written: list[str] = []

    def add_program(self, name: str, script: str) -> Path:
        """Put a program of the shell's language on the PATH."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def run(
        self, *words: object, given: str | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``adls-enduser`` without a terminal."""
        return self._finish(
            [sys.executable, "-m", "adls_enduser", *map(str, words)], given, environ
        )

    def script(
        self, text: str, limit: float = 60, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script of bash without a terminal, for so many seconds at most."""
        return self._finish(["bash", "-c", text], None, environ, limit)

    def _finish(
        self, command: list[str], given: str | None, environ: dict[str, str], limit: float = 60
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            env=self.environment | environ,
            cwd=self.home,
            input=given if given is not None else "",
            capture_output=True,
            text=True,
            timeout=limit,
        )
        self.written += [done.stdout, done.stderr]
        return done

    def terminal(self, script: str, columns: int = 80, **environ: str) -> pexpect.spawn:
        """Run a script of bash at a terminal of its own."""
        return pexpect.spawn(
            "bash",
            ["-c", script],
            env=self.environment | environ,
            cwd=str(self.home),
            dimensions=(50, columns),
            encoding="utf-8",
            timeout=30,
        )

    def shown(self, script: str, columns: int = 80, **environ: str) -> tuple[int | None, str]:
        """Run a script at a terminal to its end; return its status and what the terminal shows."""
        child = self.terminal(script, columns, **environ)
        child.expect(pexpect.EOF)
        child.close()
        self.written.append(child.before)
        return child.exitstatus, child.before.replace("\r\n", "\n")

    def sign_in(self, *words: str) -> None:
        """Sign somebody in, who approves a device code at once."""
        done = self.run("login", "device_code", *words)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox in real time, which is what the commands have."""
    with Sandbox(environ=None) as sandbox:
        sandbox.entra.device_code_interval = 1.0
        sandbox.storage.create("mylake", "box")
        yield sandbox


@pytest.fixture
def ada(azure: Sandbox) -> Person:
    """Somebody who may sign in with a password alone, and approves device codes."""
    return azure.entra.person(ADA, password=PASSWORD, approves_device_codes=True)


@pytest.fixture
def shell(azure: Sandbox, ada: Person, tmp_path: Path) -> Shell:
    """A shell on the sandbox, where nobody has signed in."""
    return Shell(tmp_path, azure.environment)


@pytest.fixture
def signed_in(shell: Shell) -> Shell:
    """A shell where Ada has signed in."""
    shell.sign_in()
    return shell
