"""A person's sign-in in a real Dask cluster: the client signs in, the workers get a token."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import cloudpickle
import dask
import pytest
from azure.datalake.store import core
from dask.base import tokenize
from distributed import Client, LocalCluster
from distributed.protocol import serialize

from adls_enduser import (
    DeviceCode,
    Password,
    SignInCache,
    SignInRequired,
    filesystem_token,
    management_credentials,
    storage_credential,
)
from adls_enduser.interop import polars_provider
from adls_enduser.sandbox import CONTOSO, Sandbox

from ..conftest import PASSWORD
from ..constants import TOKEN_PATH
from ..endpoint import HEADER, Endpoint, serving
from ..programs import work
from ..waiting import LIFETIMES, with_patience

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def azure() -> Iterator[Sandbox]:
    """One sandbox in real time: the workers have no other clock."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def no_keyring() -> Iterator[None]:
    """A cluster of machines without one; the cipher has tests of its own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        yield


@pytest.fixture(scope="module")
def client(azure: Sandbox, no_keyring: None) -> Iterator[Client]:
    """Two worker processes with two threads each; no port but loopback's."""
    settings = {
        "distributed.scheduler.allowed-failures": 0,
        # Its sys._current_frames can stop a whole worker for ever (python/cpython#106883).
        "distributed.worker.profile.enabled": False,
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):
        client.run(work.is_new_generation)  # lest a token's life be spent on imports
        yield client


@pytest.fixture
def token(azure: Sandbox) -> Any:
    """The client process's sign-in."""
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    azure.entra.token_lifetime = 3600
    return filesystem_token(mode=Password(username=ada.username, password=PASSWORD))


def _sent(thing: object) -> bytes:
    """Return the bytes that Dask sends for a thing."""
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
    _sent(token)  # the first pickle obtains a token for storage
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

    def goes_on(lifetime: float) -> bool:
        azure.entra.token_lifetime = lifetime
        token: Any = filesystem_token(mode=Password(username=ada.username, password=PASSWORD))
        first = token.token["access"]
        _check_nothing_lasting(azure, _sent(token), first)
        azure.log.clear()
        folders = [f"/long-{lifetime}/{one}" for one in range(4)]
        running = [client.submit(work.write_until_refused, token, folder) for folder in folders]
        for future in running:
            error = future.exception(timeout=120)
            assert isinstance(error, SignInRequired), error
            assert "pickle the credential again" in error.remedy
        assert _grants(azure) == [], "the workers did not try"
        azure.entra.token_lifetime = 3600
        store = core.AzureDLFileSystem(token, store_name="mystore")
        for folder in folders:
            contents = (
                [store.cat(path) for path in store.ls(folder)] if store.exists(folder) else []
            )
            assert contents.count(work.CONTENT) >= len(contents) - 1, "the last may be half written"
            if len(contents) < 2:
                return False  # no worker had its turn before the token's end
        assert token.token["access"] != first
        again = [client.submit(work.write, token, f"{one}/end", b"z") for one in folders]
        assert client.gather(again) == [b"z"] * 4
        assert _grants(azure) == ["refresh_token"] * 2, "the lake's and storage's"
        _check_nothing_lasting(azure, _sent(token), token.token["access"])
        return True

    with_patience(goes_on, LIFETIMES)


@pytest.mark.filterwarnings("ignore:.*without encryption.*:UserWarning")
def test_across_an_expiry_with_a_cache(azure: Sandbox, client: Client, tmp_path: Path) -> None:
    """Workers go on by themselves: nobody is asked, and all share one renewal."""
    grace = azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, mfa=True)
    prompts: list[Any] = []

    def approve(prompt: Any) -> None:
        prompts.append(prompt)
        azure.entra.approve(prompt.code, by=grace)

    azure.entra.device_code_interval = 1

    def goes_on(lifetime: float) -> bool:
        prompts.clear()
        azure.entra.token_lifetime = lifetime
        cache = SignInCache(tmp_path / f"sign-ins-{lifetime}", allow_unencrypted=True)
        token: Any = filesystem_token(mode=DeviceCode(tenant=CONTOSO, cache=cache, prompt=approve))
        first = token.token["access"]
        _check_nothing_lasting(azure, _sent(token), first)
        azure.entra.token_lifetime = 3600
        azure.log.clear()
        folders = [f"/cached-{lifetime}/{one}" for one in range(4)]
        running = [client.submit(work.write_across, token, folder, first) for folder in folders]
        done = client.gather(running)
        assert all(after > 0 for _, _, _, after in done), done
        [second] = {one for _, one, _, _ in done}
        assert second != first
        assert _grants(azure) == ["refresh_token"]
        assert len(prompts) == 1
        assert azure.log.to("/devicecode") == []
        assert token.token["access"] == second, "nor does the client ask again"
        assert _grants(azure) == ["refresh_token"]
        store = core.AzureDLFileSystem(token, store_name="mystore")
        for folder, (_, _, before, after) in zip(folders, done, strict=True):
            contents = [store.cat(path) for path in store.ls(folder)]
            assert contents == [work.CONTENT] * (before + after)
        in_both = len({pid for pid, _, _, _ in done}) == 2
        return in_both and all(before > 0 for _, _, before, _ in done)

    with_patience(goes_on, LIFETIMES)


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
    assert client.submit(work.write, token, "/late", b"late").result(timeout=120) == b"late"
    assert _grants(azure) == ["refresh_token"] * 2, "the lake's and storage's"


@pytest.mark.parametrize("factory", [management_credentials, filesystem_token])
def test_storage_was_never_asked_for(azure: Sandbox, client: Client, factory: Any) -> None:
    """Sent before its first token for storage, a credential works on the workers."""
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    azure.entra.token_lifetime = 3600
    credential = factory(Password(username=ada.username, password=PASSWORD))
    provider, view = polars_provider(credential), credential.aio()
    azure.log.clear()
    by_credential = client.submit(work.token_for, credential, work.STORAGE)
    by_provider = client.submit(work.token_of_provider, provider)
    by_view = client.submit(work.token_of_view, view, work.STORAGE)
    tokens = set(client.gather([by_credential, by_provider, by_view]))
    assert tokens == {credential.get_token(work.STORAGE).token}
    assert _grants(azure) == ["refresh_token"]


@pytest.mark.filterwarnings("ignore:.*without encryption.*:UserWarning")
@pytest.mark.parametrize("way", ["cache", "endpoint"])
def test_tasks_longer_than_three_tokens(
    azure: Sandbox, client: Client, tmp_path: Path, way: str
) -> None:
    """By the cache, or by an identity endpoint on the machine, they go on and ask nobody."""
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)

    def goes_on(lifetime: float) -> bool:
        azure.entra.token_lifetime = lifetime
        cache = None
        if way == "cache":
            cache = SignInCache(tmp_path / f"sign-ins-{lifetime}", allow_unencrypted=True)
        strategy = Password(username=ada.username, password=PASSWORD, tenant=CONTOSO, cache=cache)
        credential = storage_credential(strategy)
        endpoint = Endpoint(serving(credential))
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        if way == "endpoint":
            client.run(work.set_endpoint, endpoint.url, HEADER)
        name = tokenize(credential)
        try:
            running = [
                client.submit(work.tokens_in_turn, credential, 4, pure=False) for _ in range(4)
            ]
            done = client.gather(running, errors="skip")
            assert tokenize(credential) == name
        finally:
            client.run(work.set_endpoint, None, None)
            endpoint.shutdown()
            endpoint.server_close()
        return len(done) == 4 and all(len(set(tokens)) >= 4 for tokens in done)

    with_patience(goes_on, LIFETIMES)


def test_what_would_have_helped(azure: Sandbox, client: Client) -> None:
    """Without both, the task's error says it."""
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    azure.entra.token_lifetime = 3
    credential = storage_credential(Password(username=ada.username, password=PASSWORD))
    running = client.submit(work.tokens_in_turn, credential, 4)
    error = running.exception(timeout=120)
    azure.entra.token_lifetime = 3600
    assert isinstance(error, SignInRequired), error
    for way in ("cache=SignInCache", "identity_endpoint(credential)", "pickle the credential"):
        assert way in error.remedy


def test_a_newer_graph_helps_the_old_file_system(azure: Sandbox, client: Client) -> None:
    """A worker keeps what it has unpickled; a later task brings it a newer token."""
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    azure.entra.token_lifetime = 3600
    credential = storage_credential(Password(username=ada.username, password=PASSWORD))
    workers = list(client.scheduler_info()["workers"])
    kept = [client.submit(work.keep, credential, workers=[one], pure=False) for one in workers]
    assert set(client.gather(kept)) == {credential.get_token(work.STORAGE).token}
    credential.refresh_session()
    sent = [
        client.submit(work.token_for, credential, work.STORAGE, workers=[one], pure=False)
        for one in workers
    ]
    newest = credential.get_token(work.STORAGE).token
    assert set(client.gather(sent)) == {newest}
    assert set(client.run(work.token_of_kept).values()) == {newest}
