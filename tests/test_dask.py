"""A person's sign-in in a real Dask cluster: the client signs in, the workers get a token."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import cloudpickle
import dask
import pytest
from azure.datalake.store import core
from distributed import Client, LocalCluster
from distributed.protocol import serialize

from adls_enduser import Password, SignInRequired, filesystem_token
from adls_enduser.sandbox import CONTOSO, Sandbox

from .conftest import PASSWORD
from .contracts import TOKEN_PATH
from .programs import work

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def azure() -> Iterator[Sandbox]:
    """One sandbox in real time: the workers have no other clock."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def client(azure: Sandbox) -> Iterator[Client]:
    """Two worker processes with two threads each; no port but loopback's."""
    settings = {"distributed.scheduler.allowed-failures": 0}
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def token(azure: Sandbox) -> Any:
    """The client process's sign-in."""
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    azure.entra.token_lifetime = 3600
    return filesystem_token(mode=Password(username=ada.username, password=PASSWORD))


def _sent(thing: object) -> bytes:
    """Give the bytes that Dask sends for a thing."""
    _, frames = serialize(thing)
    return cloudpickle.dumps(thing) + b"".join(bytes(frame) for frame in frames)


def _grants(azure: Sandbox) -> list[str]:
    return [one.request.form["grant_type"] for one in azure.log.to(TOKEN_PATH) if one.request]


def _check_nothing_lasting(azure: Sandbox, raw: bytes, access: str) -> None:
    assert access.encode() in raw, "a control"
    refresh_tokens = azure.entra.refresh_tokens._grants
    assert refresh_tokens
    assert not any(secret.encode() in raw for secret in (PASSWORD, *refresh_tokens))


def test_workers_read_and_write(azure: Sandbox, client: Client, token: Any) -> None:
    """A credential and a file system in the graph work, and the workers sign in to nothing."""
    azure.log.clear()
    store = core.AzureDLFileSystem(token, store_name="mystore")
    contents = {f"/dask/{number}": bytes([number]) * 5000 for number in range(8)}
    written = [client.submit(work.write, token, *item) for item in contents.items()]
    assert client.gather(written) == list(contents.values())
    read = client.map(work.read, [store] * 8, list(contents))
    pids, back = zip(*client.gather(read), strict=True)
    assert list(back) == list(contents.values())
    assert set(pids) <= set(client.run(os.getpid).values())
    assert _grants(azure) == []
    for thing in (token, store):
        _check_nothing_lasting(azure, _sent(thing), token.token["access"])


def test_across_an_expiry(azure: Sandbox, client: Client) -> None:
    """Workers say that a person is required; the client, which is signed in, sends a new token."""
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    azure.entra.token_lifetime = 3
    token: Any = filesystem_token(mode=Password(username=ada.username, password=PASSWORD))
    first = token.token["access"]
    _check_nothing_lasting(azure, _sent(token), first)
    azure.log.clear()
    running = [client.submit(work.write_until_refused, token, f"/long/{one}") for one in range(4)]
    for future in running:
        error = future.exception(timeout=20)
        assert isinstance(error, SignInRequired), error
        assert "pickle the credential again" in error.remedy
    assert _grants(azure) == [], "the workers did not try"
    azure.entra.token_lifetime = 3600
    store = core.AzureDLFileSystem(token, store_name="mystore")
    assert all(store.ls(f"/long/{one}") for one in range(4)), "they had worked until then"
    assert token.token["access"] != first
    again = [client.submit(work.write, token, f"/long/{one}/end", b"z") for one in range(4)]
    assert client.gather(again) == [b"z"] * 4
    assert _grants(azure) == ["refresh_token"]
    _check_nothing_lasting(azure, _sent(token), token.token["access"])


def test_a_credential_that_nobody_used_is_renewed_when_it_is_sent(
    azure: Sandbox, client: Client
) -> None:
    """The client need not touch it first: what is put into the graph is good on arrival."""
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    azure.entra.token_lifetime = 1
    token: Any = filesystem_token(mode=Password(username=ada.username, password=PASSWORD))
    threading.Event().wait(1.1)
    azure.entra.token_lifetime = 3600
    azure.log.clear()
    assert client.submit(work.write, token, "/late", b"late").result(timeout=20) == b"late"
    assert _grants(azure) == ["refresh_token"]
