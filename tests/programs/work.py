"""What a worker process does: it must be importable there."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from typing import Any

from azure.datalake.store import core
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import management_credentials
from adls_enduser.sandbox import CONTOSO
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

STORAGE = "https://storage.azure.com/.default"
KEY_VAULT = "https://vault.azure.net/.default"
LAKE = "https://datalake.azure.net/.default"
CONTENT = bytes(range(256)) * 20
# Between two files, so that a worker that goes on for seconds leaves the machine to others.
PAUSE = 0.1


def read(store: Any, path: str) -> tuple[int, bytes]:
    """Return the worker's process id, and the content of a file."""
    return os.getpid(), store.cat(path)


def write(token: Any, path: str, content: bytes) -> bytes:
    """Write a file through a file system of the worker's own, and read it back."""
    store = core.AzureDLFileSystem(token, store_name="mystore")
    with store.open(path, "wb") as file:
        file.write(content)
    return bytes(store.cat(path))


def write_until_refused(token: Any, folder: str) -> None:
    """Write and read files for as long as the token lives."""
    try:
        for number in range(10_000):
            _check(write(token, f"{folder}/{number}", CONTENT))
            time.sleep(PAUSE)
    except RuntimeError as error:  # the SDK's, around what befell a read or a write of data
        raise error.__context__ or error from None


def write_across(token: Any, folder: str, first: str) -> tuple[int, str, int, int]:
    """Write and read files until the token has changed, and then some more.

    Gives the process id, the token then, and how many were written before and after.
    """
    before = after = 0
    while after < 5:
        _check(write(token, f"{folder}/{before + after}", CONTENT))
        time.sleep(PAUSE)
        changed = token.get_token(LAKE).token != first
        before, after = before + (not changed), after + changed
    return os.getpid(), token.get_token(LAKE).token, before, after


def _check(read: bytes) -> None:
    if read != CONTENT:
        raise ValueError(f"{len(read)} bytes came back")


def account_names(credential: Any) -> list[str]:
    """Return the names of the Data Lake accounts."""
    client: Any = DataLakeStoreAccountManagementClient(credential, SUBSCRIPTION_ID)
    return [account.name for account in client.accounts.list()]


def token_for(credential: Any, scope: str) -> str:
    """Return a token."""
    return str(credential.get_token(scope).token)


def token_of_provider(provider: Any) -> str:
    """Return the token that polars would get."""
    return str(provider()[0]["bearer_token"])


def token_of_view(view: Any, scope: str) -> str:
    """Return the token that an async client would get."""
    return str(asyncio.run(view.get_token(scope)).token)


def tokens_in_turn(credential: Any, count: int) -> list[str]:
    """Use the credential until it has had so many tokens, none of which had ended."""
    seen: dict[str, None] = {}
    for _ in range(10_000):
        token = credential.get_token(STORAGE)
        if token.expires_on + 1 < time.time():
            raise ValueError("a token that has ended")
        seen[token.token] = None
        if len(seen) == count:
            break
        time.sleep(PAUSE)
    return list(seen)


def set_endpoint(url: str | None, header: str | None) -> None:
    """Lead this process to an identity endpoint, or to none."""
    for name, value in (("IDENTITY_ENDPOINT", url), ("IDENTITY_HEADER", header)):
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


_kept: list[Any] = []


def keep(credential: Any) -> str:
    """Keep a credential, as fsspec keeps a file system; return its token."""
    _kept[:] = [credential]
    return token_of_kept()


def token_of_kept() -> str:
    """Return the token of the one that was kept."""
    return token_for(_kept[0], STORAGE)


def sign_in_wrongly(username: str) -> None:
    """Sign in with a password that is wrong."""
    management_credentials("password", username=username, password="wrong", tenant=CONTOSO)


def is_new_generation() -> bool:
    """Return whether azure-datalake-store is 1.x."""
    return "token_credential" in inspect.signature(core.AzureDLFileSystem).parameters
