"""Run one program in a process of its own: ``python -m tests.clients.gen2.run PROGRAM ...``.

The arguments are the program, the account, the container, and who signs in; the password comes on
standard input. What the program saw is printed as a Python literal, or the error that ended it.

A process of its own is needed. aiohttp, by which adlfs and all aio clients send, reads
``SSL_CERT_FILE`` once, when it is imported; and deltalake 1.6 holds the interpreter's lock while
some of its methods wait for the network (``DeltaTable.history``), so that a service in the same
process could not respond.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Any

from adls_enduser import storage_credential
from adls_enduser.sandbox import CONTOSO


def main(program: str, account: str, box: str, username: str) -> dict[str, Any]:
    """Sign in and run the program."""
    credential = storage_credential(
        "password", tenant=CONTOSO, username=username, password=sys.stdin.read()
    )
    module, _, function = program.partition(":")
    work = getattr(importlib.import_module(f"{__package__}.programs.{module}"), function or "work")
    seen: dict[str, Any] = work(credential, account, box)
    return seen


if __name__ == "__main__":
    try:
        outcome = main(*sys.argv[1:])
    except Exception as error:  # whatever a tool makes of a refusal
        traceback.print_exc()
        outcome = {"error": type(error).__name__, "message": str(error)}
    print(repr(outcome))  # noqa: T201 - to the test
