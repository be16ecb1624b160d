"""filesystem_token in the real azure-datalake-store of both generations."""

from __future__ import annotations

import hashlib
import os
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from azure.datalake.store import core, lib, multithread, retry

from adls_enduser import Password, SignInExpired, filesystem_token, management_credentials
from adls_enduser.credentials.retry_detector import RetryDetector
from adls_enduser.sandbox import CONTOSO
from adls_enduser.testing import CredentialContract

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, TOKEN_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

OLD = hasattr(lib, "DataLakeCredential")


@pytest.fixture
def by_password(azure: Sandbox, ada: Person, clock: SandboxClock, library: str) -> Any:
    """The article's ``lib.auth(tenant_id, username, password, client_id)``."""
    options: Any = {"tenant": CONTOSO, "username": ada.username, "clock": clock}
    options["library"] = library
    return filesystem_token("password", password=PASSWORD, **options)


@pytest.fixture
def by_device_code(azure: Sandbox, grace: Person, clock: SandboxClock, library: Any) -> Any:
    """The article's ``lib.auth(tenant_id=...)``."""

    def approve(prompt: Any) -> None:
        azure.entra.approve(prompt.code, by=grace)

    options: Any = {"tenant": CONTOSO, "clock": clock, "library": library}
    return filesystem_token("device_code", prompt=approve, **options)


@pytest.fixture(params=["by_password", "by_device_code"])
def credential(request: pytest.FixtureRequest, library: str) -> Any:
    """Either of them, with either library."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def store(credential: Any) -> Any:
    """The article's file system, with the token where every generation takes it."""
    return core.AzureDLFileSystem(credential, store_name="mystore")


class TestContract(CredentialContract):
    """Both are credentials."""

    resource = DATA_LAKE


@pytest.mark.skipif(not OLD, reason="azure-datalake-store 1.x has no such class")
def test_isinstance_holds_for_the_documented_class(credential: Any) -> None:
    """``lib.DataLakeCredential`` is what ``lib.auth`` gave."""
    assert isinstance(credential, lib.DataLakeCredential)


def test_the_token_has_the_keys_of_its_documented_form(credential: Any) -> None:
    """Those of 0.0.52 and of 0.0.53, and no refresh token."""
    token = credential.token
    assert token["access"] == token["access_token"]
    assert token["expiresIn"] == token["expires_in"] == 3600
    assert token["tokenType"] == "Bearer"
    assert token["resource"] == DATA_LAKE
    assert token["refresh"] is False


def test_files_come_and_go(store: Any) -> None:
    """mkdir, write, list, read, rename and delete."""
    store.mkdir("/data")
    with store.open("/data/a.txt", "wb") as file:
        file.write(b"hello, lake")
    assert store.ls("/data") == ["data/a.txt"]
    assert store.cat("/data/a.txt") == b"hello, lake"
    store.mv("/data/a.txt", "/data/b.txt")
    store.rm("/data", recursive=True)
    assert not store.exists("/data")


def test_transfers_are_byte_identical(store: Any, tmp_path: Path) -> None:
    """ADLUploader and ADLDownloader with several threads.

    Each file is one piece: azure-datalake-store hangs for ever, now and then, when the last
    two pieces of a download end at once (its ADLTransferClient._update).
    """
    source, target = tmp_path / "up", tmp_path / "down"
    source.mkdir()
    for number in range(6):
        (source / str(number)).write_bytes(os.urandom(2**20 + number))
    options: Any = {"nthreads": 4, "overwrite": True, "buffersize": 2**18, "blocksize": 2**18}
    multithread.ADLUploader(store, lpath=str(source), rpath="/up", **options)
    multithread.ADLDownloader(store, lpath=str(target), rpath="/up", **options)
    sent, got = (
        {path.name: hashlib.sha256(path.read_bytes()).digest() for path in folder.iterdir()}
        for folder in (source, target)
    )
    assert (got, len(got)) == (sent, 6)


@pytest.mark.skipif(not OLD, reason="1.x caches the token by its own clock")
def test_an_open_file_system_outlives_many_tokens(
    store: Any, azure: Sandbox, clock: SandboxClock
) -> None:
    """0.0.52 dies at the second expiry and 0.0.53 at the first; this goes on."""
    azure.log.clear()
    for _ in range(4):
        clock.advance(3600)
        store.touch("/x")
    assert len(azure.log.to(TOKEN_PATH)) == 4


@pytest.mark.skipif(OLD, reason="0.0.x asks before each request")
def test_a_new_generation_gets_a_fresh_token_when_it_asks(
    store: Any, credential: Any, azure: Sandbox, clock: SandboxClock
) -> None:
    """1.x asks get_token again near the end of what it was told; it gets a new one."""
    store.touch("/x")
    before = store.azure.AccessToken
    clock.advance(3500)
    assert credential.get_token("https://datalake.azure.net//.default").token != before.token


def test_renewal_goes_to_the_authority_that_signed_in(credential: Any, azure: Sandbox) -> None:
    """``refresh_token`` takes 0.0.x's argument and does not obey it."""
    before = credential.token["access"]
    azure.log.clear()
    credential.refresh_token(authority="https://login.chinacloudapi.cn/")
    assert credential.token["access"] != before
    assert {one.host for one in azure.log} == {"login.microsoftonline.com"}


def test_an_error_keeps_its_shape_through_the_client(
    by_password: Any, azure: Sandbox, ada: Person, clock: SandboxClock
) -> None:
    """A dead sign-in is one SignInExpired, at once: no retries, no 85 seconds."""
    azure.entra.revoke_refresh_tokens(ada)
    clock.advance(3601)
    azure.log.clear()
    with pytest.raises(SignInExpired) as caught:
        core.AzureDLFileSystem(by_password, store_name="mystore").ls("/")
    assert caught.value.code == "AADSTS50173"
    assert len(azure.log.to(TOKEN_PATH)) == 1


def test_an_error_amid_a_files_data_is_within_the_clients_own(
    by_password: Any, azure: Sandbox, ada: Person, clock: SandboxClock
) -> None:
    """azure-datalake-store raises a RuntimeError there, whatever happened (docs/errors.md)."""
    store = core.AzureDLFileSystem(by_password, store_name="mystore")
    with store.open("/a", "wb") as file:
        file.write(b"content")
    with store.open("/a", "rb") as file:
        azure.entra.revoke_refresh_tokens(ada)
        clock.advance(3601)
        with pytest.raises(RuntimeError) as caught:
            file.read()
    assert type(caught.value.__context__) is SignInExpired


def test_one_sign_in_serves_both_planes(azure: Sandbox, ada: Person, clock: SandboxClock) -> None:
    """The same strategy object: one password, one refresh, two planes."""
    strategy = Password(username=ada.username, password=PASSWORD, tenant=CONTOSO, clock=clock)
    credentials = management_credentials(mode=strategy)
    token = filesystem_token(mode=strategy)
    assert core.AzureDLFileSystem(token, store_name="mystore").ls("/") == []
    assert credentials.whoami() == token.whoami()
    sent = [one.request.form["grant_type"] for one in azure.log.to(TOKEN_PATH)]
    assert sent == ["password", "refresh_token"]


def test_a_revoked_token_is_renewed_at_the_second_retry(
    azure: Sandbox, ada: Person, clock: SandboxClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client sleeps 1 and 4 seconds, by the sandbox's clock, and then sends a new token."""

    def sleep(seconds: float) -> None:
        clock.advance(seconds + 0.01)  # a sleep takes a little longer than its argument

    for module in (retry, lib):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=sleep, time=clock.time))
    options: Any = {"tenant": CONTOSO, "username": ada.username, "password": PASSWORD}
    options["clock"] = clock
    store = core.AzureDLFileSystem(filesystem_token("password", **options), store_name="mystore")
    store.touch("/x")
    azure.world.identity.revoke_issued_tokens(ada)
    azure.log.clear()
    began = clock.time()
    store.touch("/y")
    assert clock.time() - began == pytest.approx(5.02, abs=0.001)
    assert [one.status for one in azure.log.to("/webhdfs/")].count(401) == 2
    assert len(azure.log.to(TOKEN_PATH)) == 1


class TestRhythm:
    """What tells a refused client from a busy one."""

    @staticmethod
    def _heard(clock: SandboxClock, *gaps: float) -> list[bool]:
        rhythm = RetryDetector(clock)
        heard = []
        for gap in gaps:
            clock.advance(gap)
            heard.append(rhythm.retried_after_401())
        return heard

    @pytest.mark.parametrize(
        "gaps", [(0, 1.05, 4.1), (3, 0.01, 1.0, 0.01, 4.39, 0.01), (0, 7, 1.2, 4.2)]
    )
    def test_one_second_then_four_is_a_refusal(
        self, clock: SandboxClock, gaps: tuple[float, ...]
    ) -> None:
        """Also when the client asks twice for each attempt, and whatever was before."""
        assert any(self._heard(clock, *gaps))

    @pytest.mark.parametrize(
        "gaps",
        [(0, 1, 1, 1, 1), (0, 4, 4, 4), (0, 4, 1), (0, 0.2, 0.3), (0, 1.5, 4.5), (0, 1, 2, 4)],
    )
    def test_other_rhythms_are_not(self, clock: SandboxClock, gaps: tuple[float, ...]) -> None:
        """A program that looks every second, or every four, is left alone."""
        assert not any(self._heard(clock, *gaps))

    def test_it_is_heard_once_a_minute(self, clock: SandboxClock) -> None:
        """A wrong guess cannot become a habit."""
        assert self._heard(clock, 0, 1, 4, 1, 4, 1, 4).count(True) == 1
        assert self._heard(clock, 0, 1, 4, 60, 1, 4).count(True) == 2

    def test_threads_do_not_disturb_each_other(self, clock: SandboxClock) -> None:
        """Two busy threads are not taken for one that waits."""
        rhythm = RetryDetector(clock)
        heard = []
        rhythm.retried_after_401()
        for gap in (1, 4):
            clock.advance(gap)
            thread = threading.Thread(target=lambda: heard.append(rhythm.retried_after_401()))
            thread.start()
            thread.join()
        assert heard == [False, False]


@pytest.mark.skipif(OLD, reason="0.0.x asks for a session before each request")
def test_the_new_generation_is_told_to_ask_again(credential: Any, clock: SandboxClock) -> None:
    """Its own spelling of the scope, and no other, hears of an early end."""
    store = credential.get_token("https://datalake.azure.net//.default")
    other = credential.get_token("https://datalake.azure.net/.default")
    assert store.token == other.token
    assert store.expires_on <= clock.time() + 300
    assert other.expires_on > clock.time() + 3500
    assert store.token not in repr(store)
