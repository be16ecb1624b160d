"""The key that sealed each record: another keyring, a locked one, and one that does not respond."""

from __future__ import annotations

import base64
import json
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keyring
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adls_enduser import CacheError, DeviceCode, Password, SignInCancelled, SignInTimedOut
from adls_enduser.cache import SignInCache, time_limit
from adls_enduser.cache.files import CacheFile
from adls_enduser.sandbox import CONTOSO as DOMAIN

from ..constants import DATA_LAKE as LAKE
from ..constants import MANAGEMENT as ARM
from .helpers import (
    ADA,
    BOB,
    DATA_LAKE,
    KEY,
    MANAGEMENT,
    REFRESH_TOKEN,
    MemoryKeyring,
    load,
    make_session,
    make_token,
    path_of,
    quarantined,
    save,
    use_keyring,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adls_enduser.sandbox import Person, Sandbox

SAMPLES = Path(__file__).with_name("samples")
SAMPLE_KEY = "b2xkIGtleSBvZiBhIHRlc3QsIDI1NiBiaXRzIGxvbmc="
ADAS_KEY, BOBS_KEY = replace(KEY, username=ADA.username), replace(KEY, username=BOB.username)
SESSION = make_session(ADA, REFRESH_TOKEN, make_token(DATA_LAKE), make_token(MANAGEMENT))


class OneKey(MemoryKeyring):
    """A keyring that has the same key for every file, until it is told to have none."""

    def __init__(self, key: str | None) -> None:
        super().__init__()
        self.key = key

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username), self.key)


@pytest.fixture
def cache(memory_keyring: MemoryKeyring, tmp_path: Path) -> SignInCache:
    """A cache with Ada's sign-in, encrypted with the key in the keyring in memory."""
    cache = SignInCache(tmp_path / "folder" / "kept")
    save(cache, SESSION)
    return cache


class Unchanged:
    """Checks that a file and the folder around it are what they were."""

    def __init__(self, cache: SignInCache) -> None:
        self.cache, self.before = cache, path_of(cache).read_bytes()

    def check(self) -> None:
        """No byte was changed, and nothing was moved."""
        assert path_of(self.cache).read_bytes() == self.before
        assert quarantined(self.cache) == []


class TestAnotherKeyring:
    """The file is left alone, and no key is overwritten."""

    @pytest.mark.parametrize("call", ["load", "save", "check"])
    def test_a_keyring_without_the_key_gets_no_new_one(self, cache: SignInCache, call: str) -> None:
        """It may be locked: some keyrings then say that they have no key."""
        calls: dict[str, Callable[[], object]] = {
            "load": lambda: load(cache),
            "save": lambda: save(cache, make_session(BOB)),
            "check": cache.check,
        }
        other, file = MemoryKeyring(), Unchanged(cache)
        with use_keyring(other):
            with pytest.raises(CacheError, match="has no key for the sign-in cache") as raised:
                calls[call]()
            assert "Unlock the keyring" in raised.value.remedy
            assert "sign_out()" in raised.value.remedy
            assert other.passwords == {}
        file.check()
        assert load(cache) == SESSION

    def test_a_record_of_another_key_is_left_alone(self, cache: SignInCache) -> None:
        """The error names both keys by their ids, and nothing overwrites the record."""
        other, file = OneKey(SAMPLE_KEY), Unchanged(cache)
        sealed_by = json.loads(file.before)["records"][0]["key_id"]
        with use_keyring(other):
            for call in (lambda: load(cache), lambda: save(cache, make_session(ADA, "newer"))):
                with pytest.raises(CacheError, match="encrypted with another key") as raised:
                    call()
                assert sealed_by in str(raised.value)
            assert other.passwords == {}
        file.check()
        assert load(cache) == SESSION

    def test_it_is_not_overwritten_when_it_is_found_only_at_the_end(
        self, cache: SignInCache
    ) -> None:
        """Ada was asked for by another domain, so that her record was not found at first."""
        file = Unchanged(cache)
        with (
            use_keyring(OneKey(SAMPLE_KEY)),
            cache.open(replace(KEY, tenant="other.example")) as entry,
        ):
            assert entry.session is None
            with pytest.raises(CacheError, match="encrypted with another key"):
                entry.save(make_session(ADA, "newer"))
        file.check()

    def test_two_keyrings_can_share_a_file(self, cache: SignInCache) -> None:
        """Each reads its own person's sign-in, and damage in one costs nobody else anything."""
        other = OneKey(SAMPLE_KEY)
        with use_keyring(other):
            save(cache, make_session(BOB))
            assert load(cache, BOBS_KEY) == make_session(BOB)
        assert load(cache, ADAS_KEY) == SESSION
        document = json.loads(path_of(cache).read_text())
        document["records"][1]["body"] = base64.b64encode(bytes(100)).decode()
        path_of(cache).write_text(json.dumps(document))
        with use_keyring(other), pytest.warns(UserWarning, match="was renamed"):
            assert load(cache, BOBS_KEY) is None
        assert load(cache) == SESSION

    def test_sign_out_is_the_way_out(self, cache: SignInCache) -> None:
        """If the keyring was reset, the person signs out and in again."""
        with use_keyring(MemoryKeyring()):
            (removed,) = cache.sign_out()
            assert removed.username == ADA.username
            cache.check()
            save(cache, make_session(ADA, "newer"))
            assert load(cache) == make_session(ADA, "newer")

    def test_with_allow_unencrypted_it_stays_as_well(self, cache: SignInCache) -> None:
        """Another person's sign-in is kept in plain text, and Ada's stays encrypted."""
        same = SignInCache(cache.path, allow_unencrypted=True)
        locked = MemoryKeyring()
        with use_keyring(locked):
            assert load(same) is None
            with pytest.warns(UserWarning, match="without encryption"):
                same.check()
            save(same, make_session(BOB))
        assert locked.passwords == {}
        assert load(cache, ADAS_KEY) == SESSION
        assert load(same, BOBS_KEY) == make_session(BOB)

    def test_a_changed_key_id_costs_nothing(self, cache: SignInCache) -> None:
        """It is a hint, which nothing authenticates: the key itself decides."""
        document = json.loads(path_of(cache).read_text())
        for value in ("0" * 16, None, 7, "no id", "A" * 16):
            document["records"][0]["key_id"] = value
            path_of(cache).write_text(json.dumps(document))
            assert load(cache) == SESSION


class TestOlderVersions:
    """Files of the version before the key id, and what that version reads."""

    @pytest.fixture
    def old(self, tmp_path: Path) -> SignInCache:
        """A file that the older version wrote."""
        (tmp_path / "old").write_bytes((SAMPLES / "format_1_encrypted.json").read_bytes())
        return SignInCache(tmp_path / "old")

    def test_its_files_are_read(self, old: SignInCache) -> None:
        """And a record gets a key id when it is next written."""
        with use_keyring(OneKey(SAMPLE_KEY)):
            old.check()
            assert load(old, ADAS_KEY) == SESSION
            assert load(old, replace(KEY, tenant="contoso.com")) == SESSION
            save(old, make_session(BOB, "newer"))
            assert load(old, BOBS_KEY) == make_session(BOB, "newer")
        ada, bob = json.loads(path_of(old).read_text())["records"]
        assert "key_id" not in ada
        assert len(bob["key_id"]) == 16

    @pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption:UserWarning")
    def test_its_plain_text_is_read(self, no_keyring: None, tmp_path: Path) -> None:
        """And what is written now in plain text has no new field."""
        (tmp_path / "old").write_bytes((SAMPLES / "format_1_plain.json").read_bytes())
        plain = SignInCache(tmp_path / "old", allow_unencrypted=True)
        assert load(plain) == SESSION
        save(plain, SESSION)
        assert path_of(plain).read_bytes() == (SAMPLES / "format_1_plain.json").read_bytes()

    @pytest.mark.parametrize("key", [None, "A" * 43 + "="])
    def test_its_files_are_left_alone_too(self, old: SignInCache, key: str | None) -> None:
        """Nobody knows which key sealed them, so none is taken for damaged."""
        file = Unchanged(old)
        with use_keyring(OneKey(key)), pytest.raises(CacheError, match="key"):
            load(old, ADAS_KEY)
        file.check()

    def test_it_reads_what_is_written_now(self, cache: SignInCache) -> None:
        """The version, the fields, and what the cipher authenticates are the same."""
        old = json.loads((SAMPLES / "format_1_encrypted.json").read_text())
        new = json.loads(path_of(cache).read_text())
        assert (new["format"], new["version"]) == (old["format"], old["version"])
        (row,) = new["records"]
        assert row.keys() - old["records"][0].keys() == {"key_id"}
        header = {name: row[name] for name in row.keys() - {"nonce", "body", "key_id"}}
        sealed_with = json.dumps([old["format"], 1, header], sort_keys=True).encode()
        (password,) = keyring.get_keyring().passwords.values()  # type: ignore[attr-defined]
        cipher = AESGCM(base64.b64decode(password))
        nonce, body = base64.b64decode(row["nonce"]), base64.b64decode(row["body"])
        assert json.loads(cipher.decrypt(nonce, body, sealed_with))["tokens"]


class AskingKeyring(MemoryKeyring):
    """A keyring that asks the person, and waits for ever: from the ``first`` call on."""

    def __init__(self, first: int = 0) -> None:
        super().__init__()
        self.calls, self.first = 0, first
        self.asked, self.answered = threading.Event(), threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.ask()
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.ask()
        super().set_password(service, username, password)

    def ask(self) -> None:
        """Wait for the person."""
        self.calls += 1
        if self.calls > self.first:
            self.asked.set()
            self.answered.wait()


@pytest.fixture
def asking() -> Iterator[AskingKeyring]:
    """A keyring whose question nobody answers before the end of the test."""
    backend = AskingKeyring()
    with use_keyring(backend):
        yield backend
        backend.answered.set()


class TestAKeyringThatAsks:
    """Every wait for it ends."""

    def test_the_wait_ends_in_an_error(self, asking: AskingKeyring, tmp_path: Path) -> None:
        """It says that the keyring has not responded, and how to unlock it."""
        cache = SignInCache(tmp_path / "kept")
        with pytest.raises(CacheError, match=r"has not responded for 0\.3 seconds") as raised:
            cache.check(time_limit(0.3))
        assert "Unlock the keyring" in raised.value.remedy

    def test_other_processes_do_not_wait_for_the_person(
        self, cache: SignInCache, asking: AskingKeyring
    ) -> None:
        """The keyring is asked before the file is locked: for reading, and for a new key."""
        over = threading.Event()

        def end() -> None:
            if over.is_set():
                raise SignInCancelled("over")

        def use(function: Callable[..., object]) -> None:
            with pytest.raises(SignInCancelled):
                function()

        empty = SignInCache(path_of(cache).with_name("empty"))
        threads = [
            threading.Thread(target=use, args=(lambda: cache.open(KEY, check=end).__enter__(),)),
            threading.Thread(
                target=use, args=(lambda: empty.open(KEY, check=end, saves=True).__enter__(),)
            ),
            threading.Thread(target=use, args=(lambda: empty.check(end),)),
        ]
        for thread in threads:
            thread.start()
        assert asking.asked.wait(10)
        for one in (cache, empty):
            with CacheFile(str(path_of(one))).locked(5.0) as lock:
                lock.require_writable()
        assert all(thread.is_alive() for thread in threads)
        over.set()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()

    def test_a_question_while_a_key_is_created_keeps_nobody_waiting(self, tmp_path: Path) -> None:
        """Some keyrings ask only when something is put into them."""
        cache, backend = SignInCache(tmp_path / "kept"), AskingKeyring(first=2)
        with use_keyring(backend):
            thread = threading.Thread(target=cache.check)
            thread.start()
            assert backend.asked.wait(10)
            with CacheFile(str(path_of(cache))).locked(5.0) as lock:
                lock.require_writable()
            backend.answered.set()
            thread.join(10)
            assert len(backend.passwords) == 1

    def test_a_question_that_comes_while_the_file_is_locked_ends_soon(self, tmp_path: Path) -> None:
        """After a few seconds other processes get the lock, and nothing was written."""
        cache, backend = SignInCache(tmp_path / "kept"), AskingKeyring(first=1)
        with use_keyring(backend):
            begin = time.monotonic()
            with (
                cache.open(KEY, saves=True) as entry,
                pytest.raises(CacheError, match="has not responded for 5 seconds"),
            ):
                entry.save(SESSION)
            assert time.monotonic() - begin < 30
            backend.answered.set()
        assert not path_of(cache).exists()

    def test_a_late_answer_creates_no_key(self, asking: AskingKeyring, tmp_path: Path) -> None:
        """The program has given up; by now another process may have put its key there."""
        cache = SignInCache(tmp_path / "kept")
        with pytest.raises(CacheError, match="has not responded"):
            cache.check(time_limit(0.3))
        before = [one for one in threading.enumerate() if one.name == "adls_enduser-call"]
        assert before
        asking.answered.set()
        for thread in before:
            thread.join(10)
        assert asking.passwords == {}

    def test_two_threads_create_one_key(self, tmp_path: Path) -> None:
        """While the first waits for the person, the second waits for the first."""
        cache, backend = SignInCache(tmp_path / "kept"), AskingKeyring(first=2)
        with use_keyring(backend):
            threads = [threading.Thread(target=cache.check) for _ in range(4)]
            for thread in threads:
                thread.start()
            assert backend.asked.wait(10)
            backend.answered.set()
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive()
            (key,) = backend.passwords.values()
            save(cache, SESSION)
            assert list(backend.passwords.values()) == [key]
        assert sorted(one.name for one in tmp_path.iterdir()) == ["kept", "kept.lock"]


@pytest.mark.parametrize("library", ["adal", "msal"])
class TestSignIn:
    """``timeout=`` and ``cancel=`` of a sign-in hold for the keyring."""

    @pytest.fixture
    def options(self, azure: Sandbox, grace: Person, tmp_path: Path, library: str) -> Any:
        """Options of a strategy whose codes Grace approves."""

        def show(prompt: Any) -> None:
            azure.entra.approve(prompt.code, by=grace)

        cache = SignInCache(tmp_path / "kept")
        return {"tenant": DOMAIN, "cache": cache, "prompt": show, "library": library}

    def test_timeout(self, options: Any, asking: AskingKeyring) -> None:
        """SignInTimedOut names the keyring, and comes before the person is prompted."""
        strategy = DeviceCode(**options, timeout=1.0)
        begin = time.monotonic()
        with pytest.raises(SignInTimedOut, match="keyring"):
            strategy.sign_in(ARM)
        assert 0.9 <= time.monotonic() - begin < 20

    def test_cancel(self, options: Any, asking: AskingKeyring) -> None:
        """Without a timeout as well."""
        cancel = threading.Event()
        strategy = DeviceCode(**options, cancel=cancel)
        timer = threading.Thread(target=lambda: (asking.asked.wait(10), cancel.set()))
        timer.start()
        begin = time.monotonic()
        with pytest.raises(SignInCancelled):
            strategy.sign_in(ARM)
        assert time.monotonic() - begin < 20
        timer.join()

    def test_a_sign_in_goes_on_in_memory(self, options: Any, azure: Sandbox) -> None:
        """If the keyring stops to respond, the renewal warns and works."""
        backend = AskingKeyring(first=1000)
        with use_keyring(backend):
            strategy = DeviceCode(**options, timeout=1.0)
            strategy.sign_in(ARM)
            backend.first = 0
            with pytest.warns(UserWarning, match="The sign-in is not kept"):
                assert strategy.silent(LAKE) is not None
            backend.answered.set()

    def test_a_foreign_sign_in_is_left_alone(self, options: Any) -> None:
        """The person is not prompted for a sign-in that could not be kept."""
        with use_keyring(MemoryKeyring()):
            DeviceCode(**options).sign_in(ARM)
        file, prompts = Unchanged(options["cache"]), []
        for backend in (MemoryKeyring(), OneKey(SAMPLE_KEY)):
            strategy = DeviceCode(**options | {"prompt": prompts.append})
            with use_keyring(backend), pytest.raises(CacheError, match="key"):
                strategy.sign_in(ARM)
        assert prompts == []
        file.check()


def test_password_waits_a_minute_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no timeout= and cancel=; the minute is measured by a clock that is advanced here."""
    seconds, real = [0.0], time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + seconds[0])
    backend = AskingKeyring()
    cache = SignInCache(tmp_path / "kept")
    strategy = Password(username="ada@contoso.com", password="x", tenant=DOMAIN, cache=cache)

    def advance() -> None:
        backend.asked.wait(10)
        seconds[0] += 61.0

    with use_keyring(backend), warnings.catch_warnings():
        threading.Thread(target=advance).start()
        with pytest.raises(CacheError, match="has not responded for 60 seconds"):
            strategy.sign_in(ARM) if strategy.silent(ARM) is None else None
        backend.answered.set()
