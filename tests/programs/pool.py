"""Work in a pool of processes: ``python -m tests.programs.pool METHOD USERNAME PASSWORD``.

Prints, as a dictionary, what came back.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from azure.datalake.store import core

from adls_enduser import EndUserError, Password, filesystem_token, management_credentials
from adls_enduser.sandbox import CONTOSO

from . import work


def main(method: str, username: str, password: str) -> dict[str, Any]:
    """Read, list accounts and fail, each in a worker."""
    strategy = Password(username=username, password=password, tenant=CONTOSO)
    credential: Any = management_credentials(mode=strategy)
    store = core.AzureDLFileSystem(filesystem_token(mode=strategy), store_name="mystore")
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        read = list(pool.map(work.read, [store] * 6, ["/data/a.txt"] * 6))
        accounts = pool.submit(work.account_names, credential)
        other = pool.submit(work.token_for, credential, work.KEY_VAULT)
        wrong = pool.submit(work.sign_in_wrongly, username)
        return {
            "elsewhere": os.getpid() not in {pid for pid, _ in read},
            "read": [content for _, content in read],
            "accounts": accounts.result(),
            "other": _error(other),
            "wrong": _error(wrong),
        }


def _error(future: Future[Any]) -> dict[str, Any]:
    error = future.exception()
    assert isinstance(error, EndUserError), error
    fields = ("message", "remedy", "code", "correlation_id", "timestamp", "error")
    return {name: getattr(error, name) for name in fields} | {"type": type(error).__name__}


if __name__ == "__main__":
    print(main(*sys.argv[1:]))  # noqa: T201 - what the test reads
