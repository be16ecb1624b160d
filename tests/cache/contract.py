"""What every sign-in cache must do, encrypted or not, as classes to inherit from."""

from __future__ import annotations

import base64
import json
import os
import pickle
import stat
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adls_enduser import Account, CacheError, ConfigurationError, Token
from adls_enduser.cache import CachedSession, CacheKey, KeptAccount, SignInCache
from adls_enduser.tokens import Secret

from .helpers import (
    ACCESS_TOKEN,
    ADA,
    BOB,
    CHINA,
    CLIENT,
    CONTOSO,
    DATA_LAKE,
    FABRIKAM,
    KEY,
    MANAGEMENT,
    OTHER_CLIENT,
    PUBLIC,
    REFRESH_TOKEN,
    load,
    make_session,
    make_token,
    path_of,
    quarantined,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path

# The fixture is shared by all examples: each example leaves the cache ready for the next one.
# Each class that inherits these tests counts as another executor.
quick = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


printable = st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" ")


class CacheContract:
    """Tests that every cache must pass. A subclass defines the fixture ``cache``."""

    def test_a_new_cache_is_empty(self, cache: SignInCache) -> None:
        """Nothing is kept, and reading it writes no file."""
        cache.check()
        assert load(cache) is None
        assert cache.accounts() == ()
        assert cache.sign_out() == ()
        assert not path_of(cache).exists()

    def test_a_sign_in_comes_back(self, cache: SignInCache) -> None:
        """The next process finds the account, the refresh token and the access tokens."""
        session = make_session(ADA, REFRESH_TOKEN, make_token(DATA_LAKE), make_token(MANAGEMENT))
        with cache.open(KEY) as entry:
            assert entry.session is None
            entry.save(session)
            assert entry.session == session
        assert load(pickle.loads(pickle.dumps(cache))) == session

    def test_the_last_sign_in_of_a_person_wins(self, cache: SignInCache) -> None:
        """A second sign-in replaces the first."""
        save(cache, make_session(ADA, "first"))
        save(cache, make_session(ADA, "second"))
        assert load(cache) == make_session(ADA, "second")
        assert len(cache.accounts()) == 1

    def test_the_username_selects_the_sign_in(self, cache: SignInCache) -> None:
        """A cache holds the sign-ins of several people."""
        save(cache, make_session(ADA, "ada's"))
        save(cache, make_session(BOB, "bob's"))
        assert load(cache, replace(KEY, username="ADA@Contoso.com")) == make_session(ADA, "ada's")
        assert load(cache, replace(KEY, username="bob@contoso.com")) == make_session(BOB, "bob's")
        assert load(cache, replace(KEY, username="eve@contoso.com")) is None

    def test_ambiguous_is_an_error_that_lists_the_accounts(self, cache: SignInCache) -> None:
        """Without a user name the cache does not guess, and it releases the lock."""
        save(cache, make_session(ADA))
        save(cache, make_session(BOB))
        with pytest.raises(ConfigurationError, match="2 kept sign-ins match") as raised:
            load(cache)
        assert "'ada@contoso.com'" in str(raised.value)
        assert "'bob@contoso.com'" in str(raised.value)
        assert "username=" in raised.value.remedy
        assert load(cache, replace(KEY, username=ADA.username)) == make_session(ADA)

    def test_one_person_in_two_tenants_is_ambiguous_too(self, cache: SignInCache) -> None:
        """A guest's sign-ins differ by tenant, and tenant= selects one."""
        guest = replace(ADA, tenant=FABRIKAM)
        save(cache, make_session(ADA, "home"), replace(KEY, tenant=CONTOSO))
        save(cache, make_session(guest, "away"), replace(KEY, tenant=FABRIKAM))
        with pytest.raises(ConfigurationError, match=FABRIKAM):
            load(cache, replace(KEY, username=ADA.username))
        assert load(cache, replace(KEY, tenant=FABRIKAM)) == make_session(guest, "away")

    @pytest.mark.parametrize(
        "key",
        [
            CacheKey(CHINA, CLIENT),
            CacheKey(PUBLIC, OTHER_CLIENT),
            CacheKey(PUBLIC, CLIENT, FABRIKAM),
            CacheKey(PUBLIC, CLIENT, "fabrikam.com"),
            CacheKey(PUBLIC + "/adfs", CLIENT),
        ],
    )
    def test_another_key_finds_nothing(self, cache: SignInCache, key: CacheKey) -> None:
        """A sign-in is found only by its own authority, client and tenant."""
        save(cache, make_session(), replace(KEY, tenant="contoso.com"))
        assert load(cache, key) is None

    @pytest.mark.parametrize(
        "key",
        [
            CacheKey("https://LOGIN.microsoftonline.com/", CLIENT.upper()),
            CacheKey(PUBLIC, CLIENT, CONTOSO.upper()),
            CacheKey(PUBLIC, CLIENT, "Contoso.com"),
            CacheKey(PUBLIC, CLIENT, None, "Ada@contoso.com"),
        ],
    )
    def test_the_same_key_in_another_spelling_finds_it(
        self, cache: SignInCache, key: CacheKey
    ) -> None:
        """Letter case, a slash at the end, the tenant's id or its domain make no difference."""
        save(cache, make_session(), replace(KEY, tenant="contoso.com"))
        assert load(cache, key) == make_session()

    def test_every_requested_domain_finds_it(self, cache: SignInCache) -> None:
        """A sign-in that is saved under one domain of the tenant is still found by the other."""
        save(cache, make_session(), replace(KEY, tenant="contoso.com"))
        with cache.open(replace(KEY, tenant=CONTOSO)) as entry:
            entry.save(make_session(ADA, "newer"), requested_tenant="contoso.onmicrosoft.com")
        for domain in ("contoso.com", "contoso.onmicrosoft.com"):
            assert load(cache, replace(KEY, tenant=domain)) == make_session(ADA, "newer")

    def test_expired_access_tokens_are_dropped(self, cache: SignInCache) -> None:
        """A token that had expired when the newest one was obtained is not written."""
        old, new = make_token(DATA_LAKE, 1000.0), make_token(MANAGEMENT, 1000.0 + 3600.0)
        with cache.open(KEY) as entry:
            entry.save(make_session(ADA, REFRESH_TOKEN, old, new))
            assert entry.session == make_session(ADA, REFRESH_TOKEN, new)
        assert load(cache) == make_session(ADA, REFRESH_TOKEN, new)

    def test_no_more_than_sixteen_access_tokens_stay(self, cache: SignInCache) -> None:
        """Those that expire last stay."""
        tokens = [make_token(f"https://{number}.example/", 1000.0 + number) for number in range(40)]
        save(cache, make_session(ADA, REFRESH_TOKEN, *tokens))
        found = load(cache)
        assert found is not None
        assert list(found.tokens.values()) == tokens[-16:]

    def test_a_token_with_an_infinite_time_is_not_written(self, cache: SignInCache) -> None:
        """Infinity has no JSON, so it would make the file unreadable."""
        endless = replace(make_token(DATA_LAKE), expires_on=float("inf"))
        save(cache, make_session(ADA, REFRESH_TOKEN, endless, make_token(MANAGEMENT)))
        assert load(cache) == make_session(ADA, REFRESH_TOKEN, make_token(MANAGEMENT))

    def test_a_sign_in_that_is_too_large_is_an_error(self, cache: SignInCache) -> None:
        """No response of a server can fill the disk."""
        with pytest.raises(CacheError, match="too large"):
            save(cache, make_session(ADA, "x" * 2**20))
        assert cache.accounts() == ()

    def test_a_deleted_sign_in_is_gone(self, cache: SignInCache) -> None:
        """The next process does not try a refresh token that Entra ID no longer accepts."""
        save(cache, make_session(ADA))
        save(cache, make_session(BOB))
        with cache.open(replace(KEY, username=ADA.username)) as entry:
            entry.delete()
            entry.delete()
            assert entry.session is None
        assert load(cache) == make_session(BOB)

    def test_a_closed_entry_writes_nothing(self, cache: SignInCache) -> None:
        """Without the lock, what the entry has read may be out of date."""
        with cache.open(KEY) as entry:
            entry.save(make_session(ADA, "first"))
        with pytest.raises(CacheError, match="no longer open"):
            entry.save(make_session(ADA, "late"))
        with pytest.raises(CacheError, match="no longer open"):
            entry.delete()
        assert load(cache) == make_session(ADA, "first")

    def test_accounts_are_listed(self, cache: SignInCache) -> None:
        """With user name, ids, authority and client."""
        save(cache, make_session(ADA))
        save(cache, make_session(BOB), CacheKey(CHINA, OTHER_CLIENT))
        assert cache.accounts() == (
            KeptAccount(ADA.username, CONTOSO, ADA.object_id, PUBLIC, CLIENT),
            KeptAccount(BOB.username, CONTOSO, BOB.object_id, CHINA, OTHER_CLIENT),
        )

    def test_sign_out_removes_the_matching_sign_ins_and_returns_them(
        self, cache: SignInCache
    ) -> None:
        """They match by user name, tenant and client; the others stay."""
        save(cache, make_session(ADA), replace(KEY, tenant="contoso.com"))
        save(cache, make_session(BOB), CacheKey(PUBLIC, OTHER_CLIENT))
        assert cache.sign_out("eve@contoso.com") == ()
        assert cache.sign_out(ADA.username, client_id=OTHER_CLIENT) == ()
        (removed,) = cache.sign_out("ADA@contoso.com", tenant="contoso.com")
        assert removed.object_id == ADA.object_id
        assert [account.username for account in cache.accounts()] == [BOB.username]
        (removed,) = cache.sign_out(client_id=OTHER_CLIENT)
        assert removed.object_id == BOB.object_id

    def test_sign_out_of_all_leaves_nothing(self, cache: SignInCache) -> None:
        """Neither the file nor the damaged files that were renamed."""
        path_of(cache).parent.mkdir(exist_ok=True)
        path_of(cache).write_bytes(b"damaged")
        with pytest.warns(UserWarning, match="was renamed"):
            save(cache, make_session(ADA))
        save(cache, make_session(BOB))
        assert {account.username for account in cache.sign_out()} == {ADA.username, BOB.username}
        left = [path.name for path in path_of(cache).parent.iterdir()]
        assert left == [f"{path_of(cache).name}.lock"]

    @pytest.mark.parametrize("username", [None, "ada@contoso.com"])
    def test_sign_out_works_on_a_damaged_file(
        self, cache: SignInCache, username: str | None
    ) -> None:
        """It returns no accounts, and deletes the file."""
        save(cache, make_session(ADA))
        path_of(cache).write_bytes(path_of(cache).read_bytes()[:-40])
        assert cache.sign_out(username) == ()
        assert not path_of(cache).exists()

    def test_sign_out_checks_its_arguments(self, cache: SignInCache) -> None:
        """After a wrong type nothing is removed."""
        save(cache, make_session(ADA))
        with pytest.raises(ConfigurationError, match="username must be a str"):
            cache.sign_out(7)  # type: ignore[arg-type]
        assert len(cache.accounts()) == 1

    def test_only_the_owner_can_read(self, cache: SignInCache) -> None:
        """Folder 0700, files 0600, whatever the umask."""
        before = os.umask(0)
        try:
            cache.check()
            save(cache, make_session(ADA))
        finally:
            os.umask(before)
        folder = path_of(cache).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        name = path_of(cache).name
        assert modes == {name: 0o600, f"{name}.lock": 0o600}

    def test_a_damaged_file_is_quarantined_once(self, cache: SignInCache) -> None:
        """One warning names the new file; after that the cache is empty and works."""
        save(cache, make_session(ADA))
        damaged = path_of(cache).read_bytes()[:100]
        path_of(cache).write_bytes(damaged)
        with pytest.warns(UserWarning, match="damaged") as caught:
            assert cache.accounts() == ()
        assert len(caught) == 1
        (renamed,) = quarantined(cache)
        assert renamed.read_bytes() == damaged
        assert renamed.name in str(caught[0].message)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert load(cache) is None
            save(cache, make_session(BOB))
            assert load(cache) == make_session(BOB)

    def test_at_most_three_damaged_files_stay(self, cache: SignInCache) -> None:
        """The newest ones."""
        path_of(cache).parent.mkdir()
        for number in range(5):
            path_of(cache).write_text(f"not a cache {number}")
            with pytest.warns(UserWarning, match="damaged"):
                assert load(cache) is None
        assert [path.read_text()[-1] for path in quarantined(cache)] == ["2", "3", "4"]

    def test_a_newer_format_is_left_alone(self, cache: SignInCache) -> None:
        """An older version does not destroy the sign-ins of a newer one."""
        save(cache, make_session(ADA))
        document = json.loads(path_of(cache).read_text())
        newer = json.dumps({**document, "version": 2}).encode()
        path_of(cache).write_bytes(newer)
        for call in (cache.check, cache.accounts, cache.sign_out, lambda: load(cache)):
            with pytest.raises(CacheError, match=r"newer adls-enduser.*Upgrade"):
                call()
        assert path_of(cache).read_bytes() == newer
        assert quarantined(cache) == []

    @pytest.mark.parametrize("version", [0, -1, True, "1", 1.5, None])
    def test_an_impossible_version_is_quarantined(
        self, cache: SignInCache, version: object
    ) -> None:
        """It is not a newer format, so the error does not say to upgrade."""
        save(cache, make_session(ADA))
        document = json.loads(path_of(cache).read_text())
        path_of(cache).write_text(json.dumps({**document, "version": version}))
        with pytest.warns(UserWarning, match="damaged"):
            assert load(cache) is None

    def test_temporary_files_of_a_killed_process_are_deleted(self, cache: SignInCache) -> None:
        """Other files stay."""
        save(cache, make_session(ADA))
        name = path_of(cache).name
        unfinished = path_of(cache).with_name(f"{name}.unfinished-k1ll_3d.tmp")
        other = path_of(cache).with_name(f"{name}.notes.tmp")
        for call in (lambda: save(cache, make_session(BOB)), cache.sign_out):
            unfinished.write_text("half")
            other.write_text("another program's")
            call()
            assert not unfinished.exists()
            assert other.exists()

    def test_a_link_to_the_file_stays_a_link(self, cache: SignInCache, tmp_path: Path) -> None:
        """The file that the link leads to is written."""
        path_of(cache).parent.mkdir()
        target = tmp_path / "target.json"
        path_of(cache).symlink_to(target)
        save(cache, make_session(ADA))
        assert path_of(cache).is_symlink()
        same = SignInCache(target, allow_unencrypted=cache.allow_unencrypted)
        assert load(same) == make_session(ADA)

    def test_a_pipe_is_not_read(self, cache: SignInCache) -> None:
        """It is an error at once, and not a wait without end."""
        path_of(cache).parent.mkdir()
        os.mkfifo(path_of(cache))
        for call in (cache.check, cache.accounts, cache.sign_out, lambda: load(cache)):
            with pytest.raises(CacheError, match="it is not a file"):
                call()

    def test_a_file_where_the_folder_should_be_is_an_error(
        self, cache: SignInCache, tmp_path: Path
    ) -> None:
        """The error is raised before a person is asked."""
        (tmp_path / "file").write_text("in the way")
        blocked = SignInCache(tmp_path / "file" / "cache", allow_unencrypted=True)
        with pytest.raises(CacheError, match="cannot be"):
            blocked.check()
        with pytest.raises(CacheError, match="cannot be"):
            save(blocked, make_session(ADA))

    def test_it_shows_no_secret(self, cache: SignInCache) -> None:
        """Neither in a repr nor in a pickle."""
        with cache.open(KEY) as entry:
            entry.save(make_session(ADA, REFRESH_TOKEN, make_token()))
            shown = f"{cache!r} {entry!r} {entry.session!r} {cache.accounts()!r} {vars(entry)!r}"
        raw = pickle.dumps(cache)
        for secret in (REFRESH_TOKEN, ACCESS_TOKEN):
            assert secret not in shown
            assert base64.b64encode(secret.encode())[:20].decode() not in shown
            assert secret.encode() not in raw
        assert sorted(vars(cache)) == ["allow_unencrypted", "path"]


class CacheProperties:
    """Tests with random files and sign-ins. A subclass defines the fixture ``cache``."""

    @quick
    @given(content=st.binary(max_size=300))
    @example(content=b"")
    @example(content=b"[" * 200_000)
    @example(content=b"9" * 10_000)
    @example(content=bytes(4096))
    @example(content=b'{"format": "adls-enduser sign-ins", "version": 1}')
    def test_any_bytes_in_the_file_are_survived(self, cache: SignInCache, content: bytes) -> None:
        """Whatever the file contains, the next save works."""
        self._save_over(cache, content)

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
    def test_any_records_in_the_file_are_survived(
        self, cache: SignInCache, records: list[object]
    ) -> None:
        """Also if the JSON document around the records is correct."""
        document = {"format": "adls-enduser sign-ins", "version": 1, "records": records}
        self._save_over(cache, json.dumps(document).encode())

    @staticmethod
    def _save_over(cache: SignInCache, content: bytes) -> None:
        path_of(cache).parent.mkdir(exist_ok=True)
        path_of(cache).write_bytes(content)
        key = replace(KEY, username=ADA.username, tenant=CONTOSO)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            cache.accounts()
            load(cache, key)
            save(cache, make_session(ADA), key)
        assert load(cache, key) == make_session(ADA)

    @quick
    @given(data=st.data())
    def test_any_sign_in_comes_back(self, cache: SignInCache, data: st.DataObject) -> None:
        """With any printable text as a name, any token, and any times."""
        cache.sign_out()
        maybe = st.none() | st.text(printable, max_size=20)
        visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
        account = data.draw(st.builds(Account, maybe, maybe, maybe))
        times = st.floats(1, 1e6)
        tokens = data.draw(
            st.lists(
                st.builds(
                    lambda secret, obtained_on, lifetime, resource: Token(
                        secret, 2e6 + lifetime, obtained_on, resource, account
                    ),
                    visible,
                    times,
                    times,
                    st.text(printable),
                ),
                max_size=3,
            )
        )
        session = CachedSession(
            account,
            data.draw(st.none() | visible.map(Secret)),
            {token.resource: token for token in tokens},
            data.draw(st.dictionaries(st.text(), st.tuples(st.text(), times), max_size=2)),
        )
        key = CacheKey(PUBLIC, CLIENT, data.draw(maybe))
        with cache.open(key) as entry:
            entry.save(session)
        assert load(cache, CacheKey(PUBLIC, CLIENT)) == session
        if key.tenant:
            assert load(cache, key) == session
