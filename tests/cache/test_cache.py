"""The cache with a keyring, without one, and the options of SignInCache."""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backends import fail

from adls_enduser import Account, CacheError, ConfigurationError
from adls_enduser.cache import CacheKey, SignInCache

from .contract import CacheContract, CacheProperties, quick
from .helpers import (
    ACCESS_TOKEN,
    ADA,
    BOB,
    CHINA,
    CONTOSO,
    KEY,
    REFRESH_TOKEN,
    MemoryKeyring,
    load,
    make_session,
    make_token,
    path_of,
    quarantined,
    save,
)


class TestEncrypted(CacheContract, CacheProperties):
    """With a keyring."""

    @pytest.fixture
    def cache(self, memory_keyring: MemoryKeyring, tmp_path: Path) -> SignInCache:
        """A cache in a folder that does not exist yet."""
        return SignInCache(tmp_path / "folder" / "kept")

    def test_the_file_contains_no_secret(self, cache: SignInCache) -> None:
        """Neither as plain text nor in base64."""
        save(cache, make_session(ADA, REFRESH_TOKEN, make_token()))
        raw = path_of(cache).read_bytes()
        bodies = [base64.b64decode(one["body"]) for one in json.loads(raw)["records"]]
        for secret in (REFRESH_TOKEN, ACCESS_TOKEN):
            assert all(secret.encode() not in text for text in (raw, *bodies))

    def test_every_write_has_a_new_nonce(self, cache: SignInCache) -> None:
        """The same sign-in, saved ten times, is encrypted to ten different texts."""
        texts = set()
        for _ in range(10):
            save(cache, make_session(ADA))
            (row,) = json.loads(path_of(cache).read_text())["records"]
            assert len(base64.b64decode(row["nonce"])) == 12
            texts |= {row["nonce"], row["body"]}
        assert len(texts) == 20

    def test_each_file_has_its_own_key_in_the_keyring(
        self, cache: SignInCache, memory_keyring: MemoryKeyring, tmp_path: Path
    ) -> None:
        """Of 256 bits, created at the first write, under a name that depends on the path."""
        assert memory_keyring.passwords == {}
        cache.check()
        save(cache, make_session(ADA))
        save(SignInCache(tmp_path / "other"), make_session(ADA))
        assert {service for service, _ in memory_keyring.passwords} == {"adls_enduser"}
        keys = {base64.b64decode(key) for key in memory_keyring.passwords.values()}
        assert [len(key) for key in keys] == [32, 32]

    def test_two_paths_of_one_file_have_one_key(self, cache: SignInCache, tmp_path: Path) -> None:
        """The name of the key depends on the resolved path."""
        save(cache, make_session(ADA))
        (tmp_path / "link").symlink_to(path_of(cache).parent)
        assert load(SignInCache(tmp_path / "link" / "kept")) == make_session(ADA)

    def test_the_oldest_sign_ins_are_dropped_when_the_file_is_too_large(
        self, cache: SignInCache
    ) -> None:
        """The newest sign-in is always kept."""
        people = [Account(f"{number}@contoso.com", CONTOSO, None) for number in range(14)]
        for person in people:
            save(cache, make_session(person, "x" * 1_000_000))
        assert path_of(cache).stat().st_size <= 16 * 2**20
        names = [account.username for account in cache.accounts()]
        assert names == [person.username for person in people[-len(names) :]]
        assert 10 <= len(names) < 14

    def test_the_last_sign_out_deletes_the_key(
        self, cache: SignInCache, memory_keyring: MemoryKeyring
    ) -> None:
        """After that, nobody can decrypt a backup of the file."""
        save(cache, make_session(ADA))
        save(cache, make_session(BOB))
        cache.sign_out(ADA.username)
        assert len(memory_keyring.passwords) == 1
        cache.sign_out(BOB.username)
        assert memory_keyring.passwords == {}

    @quick
    @given(data=st.data())
    def test_a_flipped_bit_in_the_file_is_noticed(
        self, cache: SignInCache, data: st.DataObject
    ) -> None:
        """Either the sign-in comes back unchanged, or none at all."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            cache.sign_out()
            save(cache, make_session(ADA, REFRESH_TOKEN, make_token()))
            raw = bytearray(path_of(cache).read_bytes())
            raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            path_of(cache).write_bytes(raw)
            try:
                found = load(cache)
            except CacheError:  # the bit was in the version number, which is now a newer one
                found = None
                path_of(cache).unlink()
        assert found in (None, make_session(ADA, REFRESH_TOKEN, make_token()))

    def test_a_flipped_bit_in_a_body_costs_only_that_sign_in(self, cache: SignInCache) -> None:
        """The damaged file is copied, and the other records stay."""
        save(cache, make_session(ADA))
        save(cache, make_session(BOB))
        document = json.loads(path_of(cache).read_text())
        body = bytearray(base64.b64decode(document["records"][0]["body"]))
        body[7] ^= 1
        document["records"][0]["body"] = base64.b64encode(body).decode()
        path_of(cache).write_text(json.dumps(document))
        with pytest.warns(UserWarning, match="was renamed"):
            assert load(cache, replace(KEY, username=ADA.username)) is None
        assert json.loads(quarantined(cache)[0].read_text()) == document
        assert load(cache) == make_session(BOB)

    def test_swapped_bodies_are_noticed(self, cache: SignInCache) -> None:
        """Nobody gets another person's sign-in: each body is bound to its header."""
        save(cache, make_session(ADA, "ada's"))
        save(cache, make_session(BOB, "bob's"))
        document = json.loads(path_of(cache).read_text())
        ada, bob = document["records"]
        for name in ("body", "nonce"):
            ada[name], bob[name] = bob[name], ada[name]
        path_of(cache).write_text(json.dumps(document))
        with pytest.warns(UserWarning, match="was renamed"):
            assert load(cache, replace(KEY, username=BOB.username)) is None
        assert cache.accounts() == ()

    @pytest.mark.parametrize("name", ["authority", "client_id", "tenant", "object_id", "username"])
    def test_a_changed_header_is_noticed(self, cache: SignInCache, name: str) -> None:
        """A token is never sent to an authority, or used for a person, that an attacker wrote."""
        save(cache, make_session(ADA))
        document = json.loads(path_of(cache).read_text())
        changed = {**document["records"][0], name: CHINA}
        path_of(cache).write_text(json.dumps({**document, "records": [changed]}))
        key = CacheKey(
            changed["authority"], changed["client_id"], changed["tenant"], changed["username"]
        )
        with pytest.warns(UserWarning, match="was renamed"):
            assert load(cache, key) is None

    @pytest.mark.parametrize("key", ["A" * 43 + "=", "no key at all", None])
    def test_another_key_decrypts_nothing(
        self, cache: SignInCache, memory_keyring: MemoryKeyring, key: str | None
    ) -> None:
        """The file is left alone: the right key may come back. If not, the person signs out."""
        save(cache, make_session(ADA))
        before = path_of(cache).read_bytes()
        ((name, own),) = memory_keyring.passwords.items()
        if key is None:
            del memory_keyring.passwords[name]
        else:
            memory_keyring.passwords[name] = key
        other = dict(memory_keyring.passwords)
        with pytest.raises(CacheError, match="key"):
            load(cache)
        assert path_of(cache).read_bytes() == before
        assert memory_keyring.passwords == other
        memory_keyring.passwords[name] = own
        assert load(cache) == make_session(ADA)
        memory_keyring.passwords = other
        cache.sign_out()
        save(cache, make_session(ADA))
        assert load(cache) == make_session(ADA)

    def test_a_plain_text_record_is_not_used(self, cache: SignInCache) -> None:
        """An attacker who can write the file cannot get around the encryption."""
        plain = {"refresh_token": "the attacker's", "tokens": []}
        save(cache, make_session(ADA))
        document = json.loads(path_of(cache).read_text())
        document["records"][0]["nonce"] = None
        document["records"][0]["body"] = base64.b64encode(json.dumps(plain).encode()).decode()
        path_of(cache).write_text(json.dumps(document))
        assert load(cache) is None
        save(cache, make_session(ADA))
        assert load(cache) == make_session(ADA)

    def test_allow_unencrypted_still_encrypts_if_there_is_a_keyring(
        self, cache: SignInCache, recwarn: pytest.WarningsRecorder
    ) -> None:
        """The option has no effect, and causes no warning, on a machine with a keyring."""
        same = SignInCache(cache.path, allow_unencrypted=True)
        same.check()
        save(same, make_session(ADA))
        assert json.loads(path_of(cache).read_text())["records"][0]["nonce"] is not None
        assert load(cache) == make_session(ADA)
        assert recwarn.list == []


@pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption:UserWarning")
class TestUnencrypted(CacheContract, CacheProperties):
    """Without a keyring, with ``allow_unencrypted``."""

    @pytest.fixture
    def cache(self, no_keyring: None, tmp_path: Path) -> SignInCache:
        """A cache in a folder that does not exist yet."""
        return SignInCache(tmp_path / "folder" / "kept", allow_unencrypted=True)

    @pytest.mark.filterwarnings("default:Sign-ins are kept without encryption:UserWarning")
    def test_it_warns_once(self, cache: SignInCache) -> None:
        """However many sign-ins are saved."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            cache.check()
            cache.check()
            save(cache, make_session(ADA))
            save(cache, make_session(BOB))
        (warning,) = caught
        assert issubclass(warning.category, UserWarning)
        assert "without encryption" in str(warning.message)

    def test_encrypted_sign_ins_stay(
        self, cache: SignInCache, memory_keyring: MemoryKeyring
    ) -> None:
        """A login by ssh, without the keyring, does not delete the desktop's sign-ins."""
        save(cache, make_session(ADA))
        keyring.set_keyring(fail.Keyring())
        assert load(cache) is None
        save(cache, make_session(BOB))
        keyring.set_keyring(memory_keyring)
        assert load(cache, replace(KEY, username=ADA.username)) == make_session(ADA)
        assert load(cache, replace(KEY, username=BOB.username)) == make_session(BOB)


class TestOptions:
    """The constructor checks its options, and reads and writes nothing."""

    @pytest.mark.parametrize("path", [b"bytes", 7, "", "nul\0", object()])
    def test_the_path_is_checked(self, path: object) -> None:
        """It must be a str or os.PathLike."""
        with pytest.raises(ConfigurationError, match="path"):
            SignInCache(path)  # type: ignore[arg-type]

    def test_allow_unencrypted_is_a_bool(self) -> None:
        """The string "no" is not taken for True."""
        with pytest.raises(ConfigurationError, match="allow_unencrypted must be True or False"):
            SignInCache(allow_unencrypted="no")  # type: ignore[arg-type]

    def test_the_file_in_a_folder_has_a_default_name(
        self, memory_keyring: MemoryKeyring, tmp_path: Path
    ) -> None:
        """A folder is a path that exists as one, or that ends with a separator."""
        save(SignInCache(tmp_path), make_session(ADA))
        save(SignInCache(f"{tmp_path}/new/"), make_session(ADA))
        assert (tmp_path / "sign-ins.json").is_file()
        assert (tmp_path / "new" / "sign-ins.json").is_file()

    @pytest.mark.parametrize("variable", [None, "", "{0}", "{0}/data/"])
    def test_the_default_path_is_in_the_users_data_folder(
        self,
        memory_keyring: MemoryKeyring,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        variable: str | None,
    ) -> None:
        """On Linux as XDG says, and platformdirs too, which is slow to load."""
        import platformdirs

        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.delenv("XDG_DATA_HOME", raising=False)
        if variable is not None:
            monkeypatch.setenv("XDG_DATA_HOME", variable.format(tmp_path))
        monkeypatch.chdir(tmp_path)
        folder = Path(platformdirs.user_data_dir("adls_enduser", appauthor=False))
        save(SignInCache(), make_session(ADA))
        assert (folder / "sign-ins.json").is_file()

    def test_a_process_in_another_folder_finds_the_same_file(
        self, memory_keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """A relative path is relative to the folder in which the cache was created."""
        monkeypatch.chdir(tmp_path)
        cache = SignInCache("kept")
        (tmp_path / "work").mkdir()
        monkeypatch.chdir(tmp_path / "work")
        save(pickle.loads(pickle.dumps(cache)), make_session(ADA))
        assert (tmp_path / "kept").is_file()

    def test_creating_one_uses_neither_disk_nor_keyring(
        self, no_keyring: None, tmp_path: Path
    ) -> None:
        """So a program can do it before it needs a sign-in."""
        SignInCache(tmp_path / "folder" / "kept")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["cryptography", "filelock", "keyring", "platformdirs"])
    def test_without_a_package_the_error_names_the_extra(self, name: str) -> None:
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
        """Only creating a cache does."""
        program = (
            "import sys; before = set(sys.modules); import adls_enduser.cache;"
            "new = {name.split('.')[0] for name in set(sys.modules) - before};"
            "print(sorted(new - set(sys.stdlib_module_names)))"
        )
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert result.stdout.strip() == "['adls_enduser']"


def test_a_path_that_the_system_cannot_encode_is_an_error() -> None:
    """A ConfigurationError at the call, and not when the cache is first used."""
    with pytest.raises(ConfigurationError, match="path"):
        SignInCache("\ud800x", allow_unencrypted=True)
