"""A revoked token under Azure Storage's own clients, unmodified, on the sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from adls_enduser import DeviceCode, storage_credential
from adls_enduser.sandbox import CONTOSO, Sandbox

from ..constants import TOKEN_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from adls_enduser.sandbox import Person
    from adls_enduser.sandbox.http import Request, Response

blob_sdk = pytest.importorskip("azure.storage.blob")
lake_sdk = pytest.importorskip("azure.storage.filedatalake")
pytest.importorskip("aiohttp")

DATA = bytes(range(256)) * 1000
BLOBS, LAKE = "https://mylake.blob.core.windows.net", "https://mylake.dfs.core.windows.net"
PIECES = 4
SMALL = {"max_single_put_size": 65536, "max_block_size": 65536}
SMALL_READS = {"max_single_get_size": 65536, "max_chunk_get_size": 65536}


class Blob:
    """azure-storage-blob."""

    def __init__(self, credential: Any, ca_bundle: str) -> None:
        options = SMALL | SMALL_READS
        self.service = blob_sdk.BlobServiceClient(BLOBS, credential, retry_total=0, **options)
        self._client = self.service.get_blob_client("box", "file")

    def write(self, data: bytes) -> None:
        self._client.upload_blob(data, overwrite=True, max_concurrency=PIECES)

    def read(self) -> bytes:
        return bytes(self._client.download_blob(max_concurrency=PIECES).readall())


class Lake:
    """azure-storage-file-datalake."""

    def __init__(self, credential: Any, ca_bundle: str) -> None:
        options = {"retry_total": 0, **SMALL_READS}
        self.service = lake_sdk.DataLakeServiceClient(LAKE, credential, **options)
        self._client = self.service.get_file_client("box", "file")

    def write(self, data: bytes) -> None:
        options = {"max_concurrency": PIECES, "chunk_size": 65536}
        self._client.upload_data(data, overwrite=True, **options)

    def read(self) -> bytes:
        return bytes(self._client.download_file(max_concurrency=PIECES).readall())


class Waiting:
    """A client of the aio packages, which is waited for. It closes its session each time."""

    service = contextlib.nullcontext()

    def __init__(self, credential: Any, ca_bundle: str) -> None:
        self._credential = credential.aio()
        # aiohttp reads SSL_CERT_FILE once, when it is imported.
        self._options = {"retry_total": 0, "connection_verify": ca_bundle, **SMALL_READS}

    def write(self, data: bytes) -> None:
        asyncio.run(self._write(data))

    def read(self) -> bytes:
        return asyncio.run(self._read())

    _write: Callable[[bytes], Coroutine[Any, Any, None]]
    _read: Callable[[], Coroutine[Any, Any, bytes]]


class WaitingBlob(Waiting):
    """azure-storage-blob's aio client."""

    def _service(self) -> Any:
        from azure.storage.blob.aio import BlobServiceClient

        return BlobServiceClient(BLOBS, self._credential, **self._options, **SMALL)

    async def _write(self, data: bytes) -> None:
        async with self._service() as service:
            client = service.get_blob_client("box", "file")
            await client.upload_blob(data, overwrite=True, max_concurrency=PIECES)

    async def _read(self) -> bytes:
        async with self._service() as service:
            client = service.get_blob_client("box", "file")
            stream = await client.download_blob(max_concurrency=PIECES)
            return bytes(await stream.readall())


class WaitingLake(Waiting):
    """azure-storage-file-datalake's aio client."""

    def _service(self) -> Any:
        from azure.storage.filedatalake.aio import DataLakeServiceClient

        return DataLakeServiceClient(LAKE, self._credential, **self._options)

    async def _write(self, data: bytes) -> None:
        async with self._service() as service:
            client = service.get_file_client("box", "file")
            options = {"max_concurrency": PIECES, "chunk_size": 65536}
            await client.upload_data(data, overwrite=True, **options)

    async def _read(self) -> bytes:
        async with self._service() as service:
            client = service.get_file_client("box", "file")
            stream = await client.download_file(max_concurrency=PIECES)
            return bytes(await stream.readall())


class Before:
    """A service that hands requests on to the account, and first calls a function, once."""

    def __init__(self, azure: Sandbox) -> None:
        self._service = azure.storage
        self._method, self._number = "", 0
        azure.add_service(self)

    def at(self, method: str, number: int, call: Callable[[], object]) -> None:
        """Call a function before the request of a method that is the numberth from now."""
        self._method, self._number, self._call = method, number, call

    def serves(self, host: str) -> bool:
        return self._service.serves(host)

    def respond(self, request: Request) -> Response:
        if request.method == self._method:
            self._number -= 1
            if self._number == 0:
                self._call()
        return self._service.respond(request)


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox with an account in real time, which is what the SDKs have."""
    with Sandbox() as sandbox:
        sandbox.entra.device_code_interval = 1.0
        sandbox.storage.create("mylake", "box")
        yield sandbox


@pytest.fixture
def asked() -> list[Any]:
    """Return the list of the prompts that Grace got."""
    return []


@pytest.fixture
def credential(azure: Sandbox, grace: Person, asked: list[Any], library: Any) -> Any:
    """Sign Grace in."""

    def approve(prompt: Any) -> None:
        asked.append(prompt)
        azure.entra.approve(prompt.code, by=grace)

    return storage_credential(DeviceCode(tenant=CONTOSO, prompt=approve, library=library))


@pytest.fixture(params=[Blob, Lake, WaitingBlob, WaitingLake])
def client(request: pytest.FixtureRequest, azure: Sandbox, credential: Any) -> Any:
    """Return each client, sync and aio."""
    made = request.param(credential, str(azure.ca_bundle))
    with made.service:
        yield made


def _refused(azure: Sandbox) -> int:
    return sum(one.status == 401 for one in azure.log.to("", host="mylake."))


def test_the_call_succeeds(client: Any, azure: Sandbox, grace: Person, asked: list[Any]) -> None:
    """With a new token, by one silent request, and without the person."""
    client.write(DATA)
    azure.world.identity.revoke_issued_tokens(grace)
    azure.log.clear()
    assert client.read() == DATA
    client.write(DATA[:-1])
    assert client.read() == DATA[:-1]
    assert _refused(azure) == 1
    assert len(azure.log.to(TOKEN_PATH)) == len(asked) == 1


def test_another_client_of_the_same_sign_in(
    azure: Sandbox, credential: Any, grace: Person, asked: list[Any]
) -> None:
    """It still has the revoked token, and gets the new one without a further request."""
    one, other = Blob(credential, ""), Lake(credential, "")
    with one.service, other.service:
        one.write(DATA)
        assert other.read() == DATA
        azure.world.identity.revoke_issued_tokens(grace)
        azure.log.clear()
        assert one.read() == other.read() == DATA
    assert _refused(azure) == 2
    assert len(azure.log.to(TOKEN_PATH)) == len(asked) == 1


@pytest.mark.parametrize(("method", "number"), [("PUT", 2), ("PATCH", 2), ("GET", 2), ("GET", 3)])
def test_in_the_middle(
    client: Any, azure: Sandbox, grace: Person, asked: list[Any], method: str, number: int
) -> None:
    """Of an upload or a download in pieces, some of which are refused at once."""
    client.write(b"other")  # the clients have a token now
    if method == "GET":
        client.write(DATA)
    azure.log.clear()

    def revoke() -> None:
        azure.world.identity.revoke_issued_tokens(grace)

    Before(azure).at(method, number, revoke)
    if method != "GET":
        client.write(DATA)
    assert client.read() == DATA
    if len(azure.log.to("", method=method, host="mylake.")) >= number:
        assert 1 <= _refused(azure) <= PIECES
        assert len(azure.log.to(TOKEN_PATH)) == 1
    assert len(asked) == 1


def test_the_new_token_is_refused_too(
    client: Any, azure: Sandbox, grace: Person, asked: list[Any]
) -> None:
    """The service's 401 is shown, and no loop of renewals arises."""
    client.write(DATA)
    azure.world.identity.revoke(grace)
    azure.log.clear()
    began = time.monotonic()
    for _ in range(5):
        with pytest.raises(ClientAuthenticationError) as caught:
            client.read()
        assert caught.value.status_code == 401
        assert caught.value.error_code == "InvalidAuthenticationInfo"
    assert _refused(azure) == 10
    assert 1 <= len(azure.log.to(TOKEN_PATH)) <= 1 + (time.monotonic() - began) // 60
    assert len(asked) == 1
    azure.world.identity.accept_again(grace)
    assert client.read() == DATA


def test_the_sign_in_has_ended_too(
    client: Any, azure: Sandbox, grace: Person, asked: list[Any]
) -> None:
    """The service's 401 is shown; nobody is prompted by a thread of a client."""
    client.write(DATA)
    azure.world.identity.revoke(grace)
    azure.entra.revoke_refresh_tokens(grace)
    with pytest.raises(ClientAuthenticationError) as caught:
        client.read()
    assert caught.value.status_code == 401
    assert len(asked) == 1
