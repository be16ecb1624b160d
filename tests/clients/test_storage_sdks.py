"""azure-storage-blob and azure-storage-file-datalake, unmodified, on the sandbox's accounts."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from adls_enduser.sandbox import CONTOSO_ID, Person, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

blob_sdk = pytest.importorskip("azure.storage.blob")
lake_sdk = pytest.importorskip("azure.storage.filedatalake")

DATA = bytes(range(256)) * 1000
SMALL = {"max_single_put_size": 65536, "max_block_size": 65536, "max_single_get_size": 65536}


class Token:
    """A credential that asks the sandbox for a token of a person, each time."""

    def __init__(self, azure: Sandbox, person: Person, audience: str) -> None:
        self._azure, self._person, self._audience = azure, person, audience

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        token = self._azure.world.identity.access_token(
            self._person, self._audience, client_id="test", lifetime=3600
        )
        return AccessToken(token, int(self._azure.clock.time()) + 3600)


class AsyncToken:
    """The same for aio clients."""

    def __init__(self, token: Token) -> None:
        self._token = token

    async def get_token(self, *scopes: str, **options: object) -> AccessToken:
        return self._token.get_token()

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> AsyncToken:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox with an account in real time, which is what the SDKs have."""
    with Sandbox() as sandbox:
        sandbox.storage.create("mylake", "box")
        yield sandbox


def credential(azure: Sandbox, role: str | None = "Owner", audience: str = "storage") -> Token:
    """Return the credential of a person with a role, or without one."""
    name = f"{role}@contoso.com".lower()
    person = azure.world.directory.add(Person(name, CONTOSO_ID, "-", role=role))
    return Token(azure, person, f"https://{audience}.azure.com/")


@pytest.fixture
def lake(azure: Sandbox):
    """Return a client of the dfs endpoint."""
    url = "https://mylake.dfs.core.windows.net"
    with lake_sdk.DataLakeServiceClient(url, credential(azure), retry_total=0) as service:
        yield service


@pytest.fixture
def blobs(azure: Sandbox):
    """Return a client of the blob endpoint, which sends small pieces."""
    url = "https://mylake.blob.core.windows.net"
    service = blob_sdk.BlobServiceClient(url, credential(azure), retry_total=0, **SMALL)
    with service:
        yield service


def test_files_and_directories(lake):
    """Create, upload, append, read, rename, list, delete."""
    box = lake.get_file_system_client("box")
    folder = box.create_directory("d", metadata={"a": "b"})
    assert folder.get_directory_properties().metadata == {"a": "b", "hdi_isfolder": "true"}
    file = folder.create_file("f")
    file.append_data(DATA, 0, validate_content=True)
    file.flush_data(len(DATA))
    assert file.download_file().readall() == DATA
    assert file.download_file(offset=5, length=7).readall() == DATA[5:12]
    file.upload_data(b"new", overwrite=True, metadata={"k": "v"}, umask="0000")
    found = file.get_file_properties()
    assert (found.size, found.metadata, found.permissions) == (3, {"k": "v"}, "rw-rw-rw-")
    with pytest.raises(HttpResponseError):
        file.upload_data(b"again")
    moved = file.rename_file("box/d/ä +%20")
    assert moved.download_file().readall() == b"new"
    assert not file.exists()
    names = [(one.name, one.is_directory) for one in box.get_paths()]
    assert names == [("d", True), ("d/ä +%20", False)]
    assert [one.name for one in box.get_paths(path="d", upn=True)] == ["d/ä +%20"]
    assert list(box.list_deleted_paths()) == []
    moved.set_file_expiry("RelativeToNow", 60_000)
    assert moved.get_file_properties()["expiry_time"] is not None
    folder.rename_directory("box/e").delete_directory()
    assert list(box.get_paths()) == []


def test_errors_of_the_lake(azure, lake):
    """Each refusal is the SDK's own error."""
    box = lake.get_file_system_client("box")
    with pytest.raises(ResourceNotFoundError):
        box.get_file_client("none").download_file()
    with pytest.raises(ResourceNotFoundError):
        list(lake.get_file_system_client("nobox").get_paths())
    with pytest.raises(ResourceExistsError):
        lake.create_file_system("box")
    box.create_file("f")
    with pytest.raises(ResourceExistsError):
        box.create_file("f", match_condition=_missing())
    url = "https://mylake.dfs.core.windows.net"
    for person, expected in (
        (credential(azure, None), HttpResponseError),
        (credential(azure, audience="management"), ClientAuthenticationError),
    ):
        other = lake_sdk.DataLakeServiceClient(url, person, retry_total=0)
        with other, pytest.raises(expected) as raised:
            other.get_file_system_client("box").create_file("g")
        assert raised.value.status_code in (401, 403)


def _missing():
    from azure.core import MatchConditions

    return MatchConditions.IfMissing


def test_access_control(lake):
    """Of one path, and recursively in batches with a continuation."""
    box = lake.get_file_system_client("box")
    folder = box.create_directory("d")
    for number in range(5):
        folder.create_file(f"f{number}")
    entry = "user:aaaaaaaa-0000-4000-8000-000000000001:r-x"
    batches = []
    done = folder.update_access_control_recursive(entry, batch_size=2, progress_hook=batches.append)
    assert (done.counters.directories_successful, done.counters.files_successful) == (1, 5)
    assert len(batches) == 3
    assert entry in folder.get_file_client("f3").get_access_control()["acl"]
    first = folder.remove_access_control_recursive(entry[:-4], batch_size=2, max_batches=1)
    assert first.continuation
    folder.remove_access_control_recursive(entry[:-4], continuation_token=first.continuation)
    assert entry not in folder.get_file_client("f4").get_access_control()["acl"]
    folder.set_access_control(permissions="0711")
    assert folder.get_access_control()["permissions"].startswith("rwx--x--x")
    folder.set_access_control_recursive("user::rwx,group::---,other::---")
    assert folder.get_access_control()["acl"] == "user::rwx,group::---,other::---"


def test_leases_and_conditions(lake):
    """A lease keeps others out; an etag that has changed is ResourceModifiedError."""
    from azure.core import MatchConditions

    file = lake.get_file_system_client("box").create_file("f")
    lease = file.acquire_lease(lease_duration=15)
    with pytest.raises(HttpResponseError) as raised:
        file.append_data(b"1", 0)
    assert raised.value.error_code == "LeaseIdMissing"
    file.append_data(b"1", 0, lease=lease)
    file.flush_data(1, lease=lease, lease_action="release")
    assert file.get_file_properties().lease.state == "available"
    changed = {"etag": '"0x1"', "match_condition": MatchConditions.IfNotModified}
    with pytest.raises(ResourceModifiedError):
        file.delete_file(**changed)
    assert file.exists()


def test_query_and_user_delegation_key(lake):
    """A query's result, and a key with the person's object id."""
    file = lake.get_file_system_client("box").create_file("f.csv")
    file.upload_data(b"a,1\nb,2\n", overwrite=True)
    reader = file.query_file("SELECT _1 from BlobStorage WHERE _2 > 1")
    assert reader.readall() == b"b\n"
    now = datetime.now(timezone.utc)
    key = lake.get_user_delegation_key(now, now + timedelta(hours=1))
    assert key.signed_oid
    assert key.value


def test_blobs(blobs):
    """Blocks, lists, copies, appends, batches."""
    box = blobs.get_container_client("box")
    blob = box.upload_blob("d/f", DATA, metadata={"Key": "v"}, max_concurrency=4)
    assert blob.download_blob(max_concurrency=4).readall() == DATA
    assert blob.get_blob_properties().metadata == {"Key": "v"}
    assert len(blob.get_block_list()[0]) == 4
    with pytest.raises(ResourceExistsError):
        box.upload_blob("d/f", DATA)
    copy = box.get_blob_client("d/copy")
    assert copy.start_copy_from_url(blob.url)["copy_status"] == "success"
    box.get_blob_client("empty").upload_blob(b"")
    assert box.get_blob_client("empty").download_blob().readall() == b""
    log = box.get_blob_client("log")
    log.upload_blob(b"1", blob_type="AppendBlob")
    log.append_block(b"2")
    assert log.download_blob().readall() == b"12"
    walked = [one.name for one in box.walk_blobs()]
    assert sorted(walked) == ["d/", "empty", "log"]
    names = list(box.list_blob_names(results_per_page=2))
    assert names == ["d", "d/copy", "d/f", "empty", "log"]
    statuses = [one.status_code for one in box.delete_blobs("d/f", "d/copy", "log")]
    assert statuses == [202, 202, 202]
    assert [one.name for one in blobs.list_containers()] == ["box"]


def test_aio_clients(azure):
    """The aio clients do the same, many at once."""
    aio = pytest.importorskip("azure.storage.filedatalake.aio")
    pytest.importorskip("aiohttp")

    async def work() -> list[bytes]:
        url = "https://mylake.dfs.core.windows.net"
        token = AsyncToken(credential(azure))
        # aiohttp reads SSL_CERT_FILE once, when it is imported.
        options = {"retry_total": 0, "connection_verify": str(azure.ca_bundle)}
        async with aio.DataLakeServiceClient(url, token, **options) as service:
            box = service.get_file_system_client("box")

            async def one(number: int) -> bytes:
                file = await box.create_file(f"f{number}")
                await file.upload_data(DATA[:number], overwrite=True)
                return await (await file.download_file()).readall()

            return await asyncio.gather(*(one(number) for number in range(1, 9)))

    assert asyncio.run(work()) == [DATA[:number] for number in range(1, 9)]


def test_a_revoked_token_is_replaced(azure, blobs):
    """The challenge makes the client ask for another token, and go on."""
    box = blobs.get_container_client("box")
    box.upload_blob("f", b"1")
    person = azure.world.directory.by_username("owner@contoso.com")
    azure.world.identity.revoke_issued_tokens(person)
    assert box.download_blob("f").readall() == b"1"
    assert [one.status for one in azure.log.to("/box/f", method="GET")] == [401, 206]
