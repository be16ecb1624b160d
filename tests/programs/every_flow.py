"""Sign in in every way: ``python -m tests.programs.every_flow LIBRARY USERNAME``.

The password is in the environment variable PLANTED. Prints, as JSON, the access tokens and
the arguments of this process and of all that it started.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

import keyring
from azure.datalake.store import core
from keyring.backend import KeyringBackend

from adls_enduser import (
    DeviceCode,
    EndUserError,
    Password,
    SignInCache,
    filesystem_token,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO


class Memory(KeyringBackend):
    """A keyring of this process."""

    priority = 1  # type: ignore[assignment]
    held: dict[tuple[str, str], str] = {}  # noqa: RUF012

    def get_password(self, service: str, username: str) -> str | None:
        """Return what is held."""
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Hold it."""
        self.held[service, username] = password


def arguments() -> list[str]:
    """Return the command lines of this process and its children (Linux)."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [Path(f"/proc/{pid}/cmdline").read_text() for pid in (os.getpid(), *children)]


def refused(library: Any, username: str) -> None:
    """Fail with a wrong password."""
    wrong = Password(username=username, password="wrong", tenant=CONTOSO, library=library)
    try:
        management_credentials(mode=wrong)
    except EndUserError:
        return
    raise AssertionError("it is refused")


def main(library: Any, username: str) -> dict[str, Any]:
    """Sign in by password and by device code, keep it, transfer a file, and start a process."""
    keyring.set_keyring(Memory())
    options: Any = {"tenant": CONTOSO, "library": library, "cache": SignInCache("kept/")}
    password = Password(username=username, password=os.environ.pop("PLANTED"), **options)
    grace = f"grace@{CONTOSO}"
    device_code = DeviceCode(username=grace, prompt=lambda prompt: None, **options)
    credentials: list[Any] = [management_credentials(password), filesystem_token(device_code)]
    refused(library, username)
    store = core.AzureDLFileSystem(credentials[1], store_name="mystore")
    with store.open("/a", "wb") as file:
        file.write(b"hello")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(store.cat, ["/a"]) == b"hello"
        called = arguments()
    access = [one._source.token().secret for one in credentials]
    return {"access": access, "arguments": called}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - what the test reads
