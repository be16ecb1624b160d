"""A sign-in kept between processes: what every cache does, sealed or not."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pickle
import stat
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import keyring
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import fail

from adls_enduser import Account, CacheError, ConfigurationError, Token
from adls_enduser.cache import CachedSession, CacheKey, KeptAccount, SignInCache
from adls_enduser.tokens import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = "https://login.microsoftonline.com"
CHINA = "https://login.chinacloudapi.cn"
CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
OTHER_CLIENT = "11111111-2222-4333-8444-555555555555"
CONTOSO = "aaaaaaaa-0000-4000-8000-000000000001"
FABRIKAM = "aaaaaaaa-0000-4000-8000-000000000002"
ADA = Account("ada@contoso.com", CONTOSO, "bbbbbbbb-0000-4000-8000-000000000001")
BOB = Account("bob@contoso.com", CONTOSO, "bbbbbbbb-0000-4000-8000-000000000002")
STORE = "https://datalake.azure.net/"
MANAGEMENT = "https://management.core.windows.net/"
REFRESH = "planted-refresh-token-c0de"
ACCESS = "planted-access-token-51aa"
PLACE = CacheKey(PUBLIC, CLIENT)

# Each example leaves the cache ready for the next, and each kind of cache is another test.
quick = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class MemoryKeyring(KeyringBackend):
    """A keyring that lives as long as the test; never chosen unless it is set."""

    priority = -1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


@contextlib.contextmanager
def keyring_set(backend: KeyringBackend) -> Iterator[None]:
    """Set a keyring by keyring's own door, and put the old one back."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(before)


@pytest.fixture
def memory() -> Iterator[MemoryKeyring]:
    """Have a keyring in memory."""
    backend = MemoryKeyring()
    with keyring_set(backend):
        yield backend


@pytest.fixture
def headless() -> Iterator[None]:
    """Have no keyring, as keyring says it on a machine without one."""
    with keyring_set(fail.Keyring()):
        yield


def kept(account: Account = ADA, secret: str = REFRESH, *tokens: Token) -> CachedSession:
    """Make a sign-in as a strategy would hand it over."""
    return CachedSession(account, Secret(secret), {token.resource: token for token in tokens})


def token(resource: str = STORE, start: float = 1000.0, account: Account = ADA) -> Token:
    """Make an access token of an hour."""
    return Token(ACCESS, start + 3600.0, start, resource, account)


def keep(cache: SignInCache, one: CachedSession, place: CacheKey = PLACE) -> None:
    """Keep one sign-in, as another process would."""
    with cache.open(replace(place, username=one.account.username)) as entry:
        entry.keep(one)


def load(cache: SignInCache, place: CacheKey = PLACE) -> CachedSession | None:
    """Read what is kept for a place."""
    with cache.open(place) as entry:
        return entry.kept


def file_of(cache: SignInCache) -> Path:
    """Give the path of a cache's data file."""
    assert cache.path is not None
    return Path(cache.path)


def set_aside(cache: SignInCache) -> list[Path]:
    """Give the files that were set aside."""
    return sorted(file_of(cache).parent.glob("*.corrupt-*"))


class CacheContract:
    """What a cache does, however it writes. Give it the fixture ``cache``."""

    def test_a_new_cache_is_empty(self, cache: SignInCache) -> None:
        """Nothing is kept, and asking writes no data file."""
        cache.check()
        assert load(cache) is None
        assert cache.accounts() == ()
        assert cache.sign_out() == ()
        assert not file_of(cache).exists()

    def test_a_sign_in_comes_back(self, cache: SignInCache) -> None:
        """The next process finds the account, the refresh token and the access tokens."""
        one = kept(ADA, REFRESH, token(STORE), token(MANAGEMENT))
        with cache.open(PLACE) as entry:
            assert entry.kept is None
            entry.keep(one)
            assert entry.kept == one
        assert load(pickle.loads(pickle.dumps(cache))) == one

    def test_the_last_sign_in_of_a_person_wins(self, cache: SignInCache) -> None:
        """Keeping again replaces, and does not pile up."""
        keep(cache, kept(ADA, "first"))
        keep(cache, kept(ADA, "second"))
        assert load(cache) == kept(ADA, "second")
        assert len(cache.accounts()) == 1

    def test_the_username_chooses(self, cache: SignInCache) -> None:
        """Several people's sign-ins live side by side."""
        keep(cache, kept(ADA, "ada's"))
        keep(cache, kept(BOB, "bob's"))
        assert load(cache, replace(PLACE, username="ADA@Contoso.com")) == kept(ADA, "ada's")
        assert load(cache, replace(PLACE, username="bob@contoso.com")) == kept(BOB, "bob's")
        assert load(cache, replace(PLACE, username="eve@contoso.com")) is None

    def test_ambiguous_is_an_error_that_lists_the_accounts(self, cache: SignInCache) -> None:
        """Without a user name nobody guesses, and the lock is free again."""
        keep(cache, kept(ADA))
        keep(cache, kept(BOB))
        with pytest.raises(ConfigurationError, match="2 kept sign-ins fit") as raised:
            load(cache)
        assert "'ada@contoso.com'" in str(raised.value)
        assert "'bob@contoso.com'" in str(raised.value)
        assert "username=" in raised.value.remedy
        assert load(cache, replace(PLACE, username=ADA.username)) == kept(ADA)

    def test_one_person_in_two_tenants_is_ambiguous_too(self, cache: SignInCache) -> None:
        """A guest's sign-ins differ by tenant, and tenant= tells them apart."""
        guest = replace(ADA, tenant=FABRIKAM)
        keep(cache, kept(ADA, "home"), replace(PLACE, tenant=CONTOSO))
        keep(cache, kept(guest, "away"), replace(PLACE, tenant=FABRIKAM))
        with pytest.raises(ConfigurationError, match=FABRIKAM):
            load(cache, replace(PLACE, username=ADA.username))
        assert load(cache, replace(PLACE, tenant=FABRIKAM)) == kept(guest, "away")

    @pytest.mark.parametrize(
        "place",
        [
            CacheKey(CHINA, CLIENT),
            CacheKey(PUBLIC, OTHER_CLIENT),
            CacheKey(PUBLIC, CLIENT, FABRIKAM),
            CacheKey(PUBLIC, CLIENT, "fabrikam.com"),
            CacheKey(PUBLIC + "/adfs", CLIENT),
        ],
    )
    def test_another_place_finds_nothing(self, cache: SignInCache, place: CacheKey) -> None:
        """A sign-in serves its own authority, client and tenant only."""
        keep(cache, kept(), replace(PLACE, tenant="contoso.com"))
        assert load(cache, place) is None

    @pytest.mark.parametrize(
        "place",
        [
            CacheKey("https://LOGIN.microsoftonline.com/", CLIENT.upper()),
            CacheKey(PUBLIC, CLIENT, CONTOSO.upper()),
            CacheKey(PUBLIC, CLIENT, "Contoso.com"),
            CacheKey(PUBLIC, CLIENT, None, "Ada@contoso.com"),
        ],
    )
    def test_the_same_place_in_other_words_finds_it(
        self, cache: SignInCache, place: CacheKey
    ) -> None:
        """Letter case, a last slash, the tenant's id or the domain asked for: all one."""
        keep(cache, kept(), replace(PLACE, tenant="contoso.com"))
        assert load(cache, place) == kept()

    def test_every_domain_that_was_asked_for_stays_known(self, cache: SignInCache) -> None:
        """A renewal under one name of the tenant does not forget the other."""
        keep(cache, kept(), replace(PLACE, tenant="contoso.com"))
        with cache.open(replace(PLACE, tenant=CONTOSO)) as entry:
            entry.keep(kept(ADA, "newer"), asked_tenant="contoso.onmicrosoft.com")
        for domain in ("contoso.com", "contoso.onmicrosoft.com"):
            assert load(cache, replace(PLACE, tenant=domain)) == kept(ADA, "newer")

    def test_dead_access_tokens_are_dropped(self, cache: SignInCache) -> None:
        """What was over when the newest token came is not written."""
        old, new = token(STORE, 1000.0), token(MANAGEMENT, 1000.0 + 3600.0)
        with cache.open(PLACE) as entry:
            entry.keep(kept(ADA, REFRESH, old, new))
            assert entry.kept == kept(ADA, REFRESH, new)
        assert load(cache) == kept(ADA, REFRESH, new)

    def test_no_more_than_sixteen_access_tokens_stay(self, cache: SignInCache) -> None:
        """Those that live longest."""
        tokens = [token(f"https://{number}.example/", 1000.0 + number) for number in range(40)]
        keep(cache, kept(ADA, REFRESH, *tokens))
        found = load(cache)
        assert found is not None
        assert list(found.tokens.values()) == tokens[-16:]

    def test_times_that_are_none_are_not_written(self, cache: SignInCache) -> None:
        """A token that never ends, or ends never, does not spoil the file."""
        odd = replace(token(STORE), expires_on=float("inf"))
        keep(cache, kept(ADA, REFRESH, odd, token(MANAGEMENT)))
        assert load(cache) == kept(ADA, REFRESH, token(MANAGEMENT))

    def test_a_sign_in_too_large_is_refused(self, cache: SignInCache) -> None:
        """No answer of a server fills the disk."""
        with pytest.raises(CacheError, match="too large"):
            keep(cache, kept(ADA, "x" * 2**20))
        assert cache.accounts() == ()

    def test_forgotten_is_gone(self, cache: SignInCache) -> None:
        """A refresh token that was refused for good is not tried by the next process."""
        keep(cache, kept(ADA))
        keep(cache, kept(BOB))
        with cache.open(replace(PLACE, username=ADA.username)) as entry:
            entry.forget()
            entry.forget()
            assert entry.kept is None
        assert load(cache) == kept(BOB)

    def test_a_closed_entry_writes_nothing(self, cache: SignInCache) -> None:
        """Without the lock, what was read may be old."""
        with cache.open(PLACE) as entry:
            entry.keep(kept(ADA, "first"))
        with pytest.raises(CacheError, match="no longer open"):
            entry.keep(kept(ADA, "late"))
        with pytest.raises(CacheError, match="no longer open"):
            entry.forget()
        assert load(cache) == kept(ADA, "first")

    def test_accounts_tells_who(self, cache: SignInCache) -> None:
        """Name, ids, authority and client."""
        keep(cache, kept(ADA))
        keep(cache, kept(BOB), CacheKey(CHINA, OTHER_CLIENT))
        assert cache.accounts() == (
            KeptAccount(ADA.username, CONTOSO, ADA.object_id, PUBLIC, CLIENT),
            KeptAccount(BOB.username, CONTOSO, BOB.object_id, CHINA, OTHER_CLIENT),
        )

    def test_sign_out_removes_one_and_tells(self, cache: SignInCache) -> None:
        """By user name, tenant or client; what does not match stays."""
        keep(cache, kept(ADA), replace(PLACE, tenant="contoso.com"))
        keep(cache, kept(BOB), CacheKey(PUBLIC, OTHER_CLIENT))
        assert cache.sign_out("eve@contoso.com") == ()
        assert cache.sign_out(ADA.username, client_id=OTHER_CLIENT) == ()
        (gone,) = cache.sign_out("ADA@contoso.com", tenant="contoso.com")
        assert gone.object_id == ADA.object_id
        assert [account.username for account in cache.accounts()] == [BOB.username]
        (gone,) = cache.sign_out(client_id=OTHER_CLIENT)
        assert gone.object_id == BOB.object_id

    def test_sign_out_of_all_leaves_nothing(self, cache: SignInCache) -> None:
        """No data file, and nothing that was set aside."""
        file_of(cache).parent.mkdir(exist_ok=True)
        file_of(cache).write_bytes(b"torn")
        with pytest.warns(UserWarning, match="was set aside"):
            keep(cache, kept(ADA))
        keep(cache, kept(BOB))
        assert {account.username for account in cache.sign_out()} == {ADA.username, BOB.username}
        left = [path.name for path in file_of(cache).parent.iterdir()]
        assert left == [f"{file_of(cache).name}.lock"]

    @pytest.mark.parametrize("username", [None, "ada@contoso.com"])
    def test_sign_out_works_on_a_broken_file(
        self, cache: SignInCache, username: str | None
    ) -> None:
        """It can tell nothing, and leaves nothing."""
        keep(cache, kept(ADA))
        file_of(cache).write_bytes(file_of(cache).read_bytes()[:-40])
        assert cache.sign_out(username) == ()
        assert not file_of(cache).exists()

    def test_sign_out_checks_its_arguments(self, cache: SignInCache) -> None:
        """A wrong type removes nothing."""
        keep(cache, kept(ADA))
        with pytest.raises(ConfigurationError, match="username must be a str"):
            cache.sign_out(7)  # type: ignore[arg-type]
        assert len(cache.accounts()) == 1

    def test_only_the_owner_may_read(self, cache: SignInCache) -> None:
        """Folder 0700, files 0600, whatever the umask."""
        before = os.umask(0)
        try:
            cache.check()
            keep(cache, kept(ADA))
        finally:
            os.umask(before)
        folder = file_of(cache).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        name = file_of(cache).name
        assert modes == {name: 0o600, f"{name}.lock": 0o600}

    def test_a_torn_file_is_set_aside_once(self, cache: SignInCache) -> None:
        """One warning says where it is; then the cache is empty and works."""
        keep(cache, kept(ADA))
        torn = file_of(cache).read_bytes()[:100]
        file_of(cache).write_bytes(torn)
        with pytest.warns(UserWarning, match="damaged") as told:
            assert cache.accounts() == ()
        assert len(told) == 1
        (aside,) = set_aside(cache)
        assert aside.read_bytes() == torn
        assert aside.name in str(told[0].message)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert load(cache) is None
            keep(cache, kept(BOB))
            assert load(cache) == kept(BOB)

    def test_only_a_few_broken_files_are_kept(self, cache: SignInCache) -> None:
        """The newest three."""
        file_of(cache).parent.mkdir()
        for number in range(5):
            file_of(cache).write_text(f"not a cache {number}")
            with pytest.warns(UserWarning, match="damaged"):
                assert load(cache) is None
        assert [path.read_text()[-1] for path in set_aside(cache)] == ["2", "3", "4"]

    def test_a_newer_format_is_left_alone(self, cache: SignInCache) -> None:
        """A newer version's sign-ins are not lost to an older one."""
        keep(cache, kept(ADA))
        document = json.loads(file_of(cache).read_text())
        newer = json.dumps({**document, "version": 2}).encode()
        file_of(cache).write_bytes(newer)
        for act in (cache.check, cache.accounts, cache.sign_out, lambda: load(cache)):
            with pytest.raises(CacheError, match=r"newer adls-enduser.*Upgrade"):
                act()
        assert file_of(cache).read_bytes() == newer
        assert set_aside(cache) == []

    @pytest.mark.parametrize("version", [0, -1, True, "1", 1.5, None])
    def test_a_version_that_never_was_is_set_aside(
        self, cache: SignInCache, version: object
    ) -> None:
        """It is no newer format, so nobody is asked to upgrade."""
        keep(cache, kept(ADA))
        document = json.loads(file_of(cache).read_text())
        file_of(cache).write_text(json.dumps({**document, "version": version}))
        with pytest.warns(UserWarning, match="damaged"):
            assert load(cache) is None

    def test_left_overs_of_a_killed_process_are_swept(self, cache: SignInCache) -> None:
        """Temporary files do not pile up."""
        keep(cache, kept(ADA))
        name = file_of(cache).name
        stale = file_of(cache).with_name(f"{name}.unfinished-k1ll_3d.tmp")
        other = file_of(cache).with_name(f"{name}.notes.tmp")
        for act in (lambda: keep(cache, kept(BOB)), cache.sign_out):
            stale.write_text("half")
            other.write_text("somebody's own")
            act()
            assert not stale.exists()
            assert other.exists()

    def test_a_link_to_the_file_stays_a_link(self, cache: SignInCache, tmp_path: Path) -> None:
        """Somebody who keeps it elsewhere finds it there."""
        file_of(cache).parent.mkdir()
        real = tmp_path / "elsewhere.json"
        file_of(cache).symlink_to(real)
        keep(cache, kept(ADA))
        assert file_of(cache).is_symlink()
        assert load(SignInCache(real, allow_unencrypted=cache.allow_unencrypted)) == kept(ADA)

    def test_a_pipe_is_not_read(self, cache: SignInCache) -> None:
        """Something that is not a file is an error at once, and not a wait without end."""
        file_of(cache).parent.mkdir()
        os.mkfifo(file_of(cache))
        for act in (cache.check, cache.accounts, cache.sign_out, lambda: load(cache)):
            with pytest.raises(CacheError, match="it is not a file"):
                act()

    def test_a_file_in_the_folders_place_is_an_error(
        self, cache: SignInCache, tmp_path: Path
    ) -> None:
        """Where no folder can be nothing is kept, and that is said before a person is asked."""
        (tmp_path / "file").write_text("in the way")
        blocked = SignInCache(tmp_path / "file" / "cache", allow_unencrypted=True)
        with pytest.raises(CacheError, match="cannot be"):
            blocked.check()
        with pytest.raises(CacheError, match="cannot be"):
            keep(blocked, kept(ADA))

    def test_it_shows_no_secret(self, cache: SignInCache) -> None:
        """Not in a repr, a warning, or a pickle."""
        with cache.open(PLACE) as entry:
            entry.keep(kept(ADA, REFRESH, token()))
            shown = f"{cache!r} {entry!r} {entry.kept!r} {cache.accounts()!r} {vars(entry)!r}"
        raw = pickle.dumps(cache)
        for secret in (REFRESH, ACCESS):
            assert secret not in shown
            assert base64.b64encode(secret.encode())[:20].decode() not in shown
            assert secret.encode() not in raw
        assert sorted(vars(cache)) == ["allow_unencrypted", "path"]


class CacheProperties:
    """What holds whatever the file, or the sign-in, contains. Takes the same fixture."""

    @quick
    @given(content=st.binary(max_size=300))
    @example(content=b"")
    @example(content=b"[" * 200_000)
    @example(content=b"9" * 10_000)
    @example(content=bytes(4096))
    @example(content=b'{"format": "adls-enduser sign-ins", "version": 1}')
    def test_any_bytes_are_no_crash(self, cache: SignInCache, content: bytes) -> None:
        """Whatever stands in the file, the next save works."""
        self._survives(cache, content)

    @quick
    @given(
        records=st.lists(
            st.recursive(
                st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=5,
            )
            | st.fixed_dictionaries(
                {
                    "authority": st.sampled_from([PUBLIC, "https://[", "", None]),
                    "client_id": st.sampled_from([CLIENT, 7]),
                    "tenant": st.none() | st.text(max_size=3),
                    "object_id": st.none() | st.text(max_size=3),
                    "username": st.none() | st.text(max_size=3),
                    "asked": st.lists(st.text(max_size=3), max_size=2),
                    "nonce": st.sampled_from([None, "", "AAAA", "é", "AAAAAAAAAAAAAAAA"]),
                    "body": st.binary(max_size=40).map(lambda raw: base64.b64encode(raw).decode())
                    | st.sampled_from(["", "*", "e30="]),
                }
            ),
            max_size=3,
        )
    )
    def test_any_records_are_no_crash(self, cache: SignInCache, records: list[object]) -> None:
        """Not even where the frame of the file is right."""
        document = {"format": "adls-enduser sign-ins", "version": 1, "records": records}
        self._survives(cache, json.dumps(document).encode())

    @staticmethod
    def _survives(cache: SignInCache, content: bytes) -> None:
        file_of(cache).parent.mkdir(exist_ok=True)
        file_of(cache).write_bytes(content)
        place = replace(PLACE, username=ADA.username, tenant=CONTOSO)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            cache.accounts()
            load(cache, place)
            keep(cache, kept(ADA), place)
        assert load(cache, place) == kept(ADA)

    @quick
    @given(data=st.data())
    def test_whatever_is_kept_comes_back(self, cache: SignInCache, data: st.DataObject) -> None:
        """Any text in any field, and any times."""
        cache.sign_out()
        maybe = st.none() | st.text(max_size=20)
        account = data.draw(st.builds(Account, maybe, maybe, maybe))
        times = st.floats(0, 1e6)
        tokens = data.draw(
            st.lists(
                st.builds(
                    lambda secret, start, life, resource: Token(
                        secret, 2e6 + life, start, resource, account
                    ),
                    st.text(),
                    times,
                    times,
                    st.text(),
                ),
                max_size=3,
            )
        )
        one = CachedSession(
            account,
            data.draw(st.none() | st.text().map(Secret)),
            {token.resource: token for token in tokens},
        )
        place = CacheKey(PUBLIC, CLIENT, data.draw(maybe))
        with cache.open(place) as entry:
            entry.keep(one)
        assert load(cache, CacheKey(PUBLIC, CLIENT)) == one
        if place.tenant:
            assert load(cache, place) == one


class TestSealed(CacheContract, CacheProperties):
    """With a keyring."""

    @pytest.fixture
    def cache(self, memory: MemoryKeyring, tmp_path: Path) -> SignInCache:
        """A cache in a folder that is not there yet."""
        return SignInCache(tmp_path / "folder" / "kept")

    def test_nothing_secret_stands_in_the_file(self, cache: SignInCache) -> None:
        """Neither as it is nor in base64, at any offset of it."""
        keep(cache, kept(ADA, REFRESH, token()))
        raw = file_of(cache).read_bytes()
        bodies = [base64.b64decode(one["body"]) for one in json.loads(raw)["records"]]
        for secret in (REFRESH, ACCESS):
            assert all(secret.encode() not in text for text in (raw, *bodies))

    def test_every_write_has_a_nonce_of_its_own(self, cache: SignInCache) -> None:
        """The same sign-in, kept ten times, never looks the same."""
        seen = set()
        for _ in range(10):
            keep(cache, kept(ADA))
            (row,) = json.loads(file_of(cache).read_text())["records"]
            assert len(base64.b64decode(row["nonce"])) == 12
            seen |= {row["nonce"], row["body"]}
        assert len(seen) == 20

    def test_the_key_is_in_the_keyring_and_each_file_has_its_own(
        self, cache: SignInCache, memory: MemoryKeyring, tmp_path: Path
    ) -> None:
        """256 bits each, made at the first need, under names that tell the files apart."""
        assert memory.held == {}
        cache.check()
        keep(cache, kept(ADA))
        keep(SignInCache(tmp_path / "other"), kept(ADA))
        assert {service for service, _ in memory.held} == {"adls_enduser"}
        keys = {base64.b64decode(key) for key in memory.held.values()}
        assert [len(key) for key in keys] == [32, 32]

    def test_one_file_by_two_paths_has_one_key(self, cache: SignInCache, tmp_path: Path) -> None:
        """The resolved path counts."""
        keep(cache, kept(ADA))
        (tmp_path / "link").symlink_to(file_of(cache).parent)
        assert load(SignInCache(tmp_path / "link" / "kept")) == kept(ADA)

    def test_the_file_is_bounded_and_the_oldest_make_way(self, cache: SignInCache) -> None:
        """The newest sign-in is always kept."""
        people = [Account(f"{number}@contoso.com", CONTOSO, None) for number in range(14)]
        for person in people:
            keep(cache, kept(person, "x" * 1_000_000))
        assert file_of(cache).stat().st_size <= 16 * 2**20
        names = [account.username for account in cache.accounts()]
        assert names == [person.username for person in people[-len(names) :]]
        assert 10 <= len(names) < 14

    def test_the_last_sign_out_takes_the_key_along(
        self, cache: SignInCache, memory: MemoryKeyring
    ) -> None:
        """What a backup of the file holds can then never be read."""
        keep(cache, kept(ADA))
        keep(cache, kept(BOB))
        cache.sign_out(ADA.username)
        assert len(memory.held) == 1
        cache.sign_out(BOB.username)
        assert memory.held == {}

    @quick
    @given(data=st.data())
    def test_a_flipped_bit_changes_nothing_unnoticed(
        self, cache: SignInCache, data: st.DataObject
    ) -> None:
        """Either the true sign-in comes back or none at all."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            cache.sign_out()
            keep(cache, kept(ADA, REFRESH, token()))
            raw = bytearray(file_of(cache).read_bytes())
            raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            file_of(cache).write_bytes(raw)
            try:
                found = load(cache)
            except CacheError:  # the bit was in the version, and now it is a newer one
                found = None
                file_of(cache).unlink()
        assert found in (None, kept(ADA, REFRESH, token()))

    def test_a_flipped_bit_in_the_seal_costs_one_sign_in_only(self, cache: SignInCache) -> None:
        """The changed record is set aside with a copy of the file; the others stay."""
        keep(cache, kept(ADA))
        keep(cache, kept(BOB))
        document = json.loads(file_of(cache).read_text())
        body = bytearray(base64.b64decode(document["records"][0]["body"]))
        body[7] ^= 1
        document["records"][0]["body"] = base64.b64encode(body).decode()
        file_of(cache).write_text(json.dumps(document))
        with pytest.warns(UserWarning, match="was set aside"):
            assert load(cache, replace(PLACE, username=ADA.username)) is None
        assert json.loads(set_aside(cache)[0].read_text()) == document
        assert load(cache) == kept(BOB)

    def test_swapped_bodies_are_noticed(self, cache: SignInCache) -> None:
        """Nobody gets another person's sign-in: the heading is bound to the seal."""
        keep(cache, kept(ADA, "ada's"))
        keep(cache, kept(BOB, "bob's"))
        document = json.loads(file_of(cache).read_text())
        ada, bob = document["records"]
        for name in ("body", "nonce"):
            ada[name], bob[name] = bob[name], ada[name]
        file_of(cache).write_text(json.dumps(document))
        with pytest.warns(UserWarning, match="was set aside"):
            assert load(cache, replace(PLACE, username=BOB.username)) is None
        assert cache.accounts() == ()

    @pytest.mark.parametrize("name", ["authority", "client_id", "tenant", "object_id", "username"])
    def test_a_changed_heading_is_noticed(self, cache: SignInCache, name: str) -> None:
        """A token is never sent to the authority, or used for the person, that a thief wrote."""
        keep(cache, kept(ADA))
        document = json.loads(file_of(cache).read_text())
        changed = {**document["records"][0], name: CHINA}
        file_of(cache).write_text(json.dumps({**document, "records": [changed]}))
        place = CacheKey(
            changed["authority"], changed["client_id"], changed["tenant"], changed["username"]
        )
        with pytest.warns(UserWarning, match="was set aside"):
            assert load(cache, place) is None

    @pytest.mark.parametrize("key", ["A" * 43 + "=", "no key at all", None])
    def test_another_key_opens_nothing(
        self, cache: SignInCache, memory: MemoryKeyring, key: str | None
    ) -> None:
        """A keyring that was reset costs a sign-in, and no crash."""
        keep(cache, kept(ADA))
        (name,) = memory.held
        if key is None:
            del memory.held[name]
        else:
            memory.held[name] = key
        with pytest.warns(UserWarning, match="was set aside"):
            assert load(cache) is None
        keep(cache, kept(ADA))
        assert load(cache) == kept(ADA)

    def test_a_record_without_a_seal_is_not_believed(self, cache: SignInCache) -> None:
        """Who can write the file cannot get around the seal by leaving it out."""
        plain = {"refresh_token": "thief's", "tokens": []}
        keep(cache, kept(ADA))
        document = json.loads(file_of(cache).read_text())
        document["records"][0]["nonce"] = None
        document["records"][0]["body"] = base64.b64encode(json.dumps(plain).encode()).decode()
        file_of(cache).write_text(json.dumps(document))
        assert load(cache) is None
        keep(cache, kept(ADA))
        assert load(cache) == kept(ADA)

    def test_allow_unencrypted_seals_where_it_can(
        self, cache: SignInCache, recwarn: pytest.WarningsRecorder
    ) -> None:
        """The option is for machines without a keyring, and says nothing on others."""
        lax = SignInCache(cache.path, allow_unencrypted=True)
        lax.check()
        keep(lax, kept(ADA))
        assert json.loads(file_of(cache).read_text())["records"][0]["nonce"] is not None
        assert load(cache) == kept(ADA)
        assert recwarn.list == []


@pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption:UserWarning")
class TestUnsealed(CacheContract, CacheProperties):
    """Without a keyring, by explicit choice."""

    @pytest.fixture
    def cache(self, headless: None, tmp_path: Path) -> SignInCache:
        """A cache in a folder that is not there yet."""
        return SignInCache(tmp_path / "folder" / "kept", allow_unencrypted=True)

    @pytest.mark.filterwarnings("default:Sign-ins are kept without encryption:UserWarning")
    def test_it_warns_once(self, cache: SignInCache) -> None:
        """One sentence, however many sign-ins."""
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            cache.check()
            cache.check()
            keep(cache, kept(ADA))
            keep(cache, kept(BOB))
        (one,) = told
        assert issubclass(one.category, UserWarning)
        assert "without encryption" in str(one.message)

    def test_what_a_keyring_sealed_is_left_alone(
        self, cache: SignInCache, memory: MemoryKeyring
    ) -> None:
        """Somebody who logs in by ssh does not lose what the desktop session keeps."""
        keep(cache, kept(ADA))
        keyring.set_keyring(fail.Keyring())
        assert load(cache) is None
        keep(cache, kept(BOB))
        keyring.set_keyring(memory)
        assert load(cache, replace(PLACE, username=ADA.username)) == kept(ADA)
        assert load(cache, replace(PLACE, username=BOB.username)) == kept(BOB)


class TestOptions:
    """What is checked when a cache is made, before anything is read or written."""

    @pytest.mark.parametrize("path", [b"bytes", 7, "", "nul\0", object()])
    def test_the_path_is_checked(self, path: object) -> None:
        """A path is a str or os.PathLike."""
        with pytest.raises(ConfigurationError, match="path"):
            SignInCache(path)  # type: ignore[arg-type]

    def test_allow_unencrypted_is_a_bool(self) -> None:
        """A string that looks like no is not a yes."""
        with pytest.raises(ConfigurationError, match="allow_unencrypted must be True or False"):
            SignInCache(allow_unencrypted="no")  # type: ignore[arg-type]

    def test_a_folder_gets_a_file_of_its_own(self, memory: MemoryKeyring, tmp_path: Path) -> None:
        """One that exists, or one that ends with a separator."""
        keep(SignInCache(tmp_path), kept(ADA))
        keep(SignInCache(f"{tmp_path}/new/"), kept(ADA))
        assert (tmp_path / "sign-ins.json").is_file()
        assert (tmp_path / "new" / "sign-ins.json").is_file()

    def test_the_usual_place_is_the_users_data_folder(
        self, memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """As the operating system has it (XDG on Linux)."""
        import platformdirs

        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        folder = Path(platformdirs.user_data_dir("adls_enduser", appauthor=False))
        keep(SignInCache(), kept(ADA))
        assert (folder / "sign-ins.json").is_file()

    def test_another_process_elsewhere_finds_the_same_file(
        self, memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """A relative path means the folder in which the cache was made."""
        monkeypatch.chdir(tmp_path)
        cache = SignInCache("kept")
        (tmp_path / "work").mkdir()
        monkeypatch.chdir(tmp_path / "work")
        keep(pickle.loads(pickle.dumps(cache)), kept(ADA))
        assert (tmp_path / "kept").is_file()

    def test_making_one_touches_neither_disk_nor_keyring(
        self, headless: None, tmp_path: Path
    ) -> None:
        """It can stand at the top of a program."""
        SignInCache(tmp_path / "folder" / "kept")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["cryptography", "filelock", "keyring", "platformdirs"])
    def test_a_missing_package_names_the_extra(self, name: str) -> None:
        """In an interpreter where the package cannot be imported."""
        program = (
            f"import sys; sys.modules[{name!r}] = None\n"
            "from adls_enduser.cache import SignInCache\n"
            "SignInCache()\n"
        )
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        last = result.stderr.strip().splitlines()[-1]
        assert last.startswith("adls_enduser.errors.MissingDependency")
        assert name in last
        assert "pip install 'adls-enduser[cache]'" in last

    def test_importing_it_loads_no_third_party_module(self) -> None:
        """Only making one does."""
        program = (
            "import sys; before = set(sys.modules); import adls_enduser.cache;"
            "new = {name.split('.')[0] for name in set(sys.modules) - before};"
            "print(sorted(new - set(sys.stdlib_module_names)))"
        )
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert result.stdout.strip() == "['adls_enduser']"


def test_a_path_that_the_system_cannot_have_is_refused() -> None:
    """At the call, as a ConfigurationError, and not when it is first used."""
    with pytest.raises(ConfigurationError, match="path"):
        SignInCache("\ud800x", allow_unencrypted=True)
