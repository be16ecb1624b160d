"""A real Secret Service, and machines without a keyring or with one that does not work."""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import subprocess
import sys
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from keyring.backends import fail, null
from keyring.errors import InitError, KeyringLocked, PasswordSetError

from adls_enduser import CacheError
from adls_enduser.cache import SignInCache

from ..conftest import need
from .contract import CacheContract
from .helpers import (
    ADA,
    KEY,
    REFRESH_TOKEN,
    MemoryKeyring,
    load,
    make_account,
    make_session,
    path_of,
    run,
    save,
    use_keyring,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keyring.backend import KeyringBackend

# Needs Debian's packages gnome-keyring and dbus. The daemon reads the password of the login
# keyring, here an empty one, from standard input; it ends with the bus. The daemon goes to the
# background before it owns its name on the bus; a program that calls that name earlier makes
# the bus start a second daemon, which is locked.
READY = """
owned() {
    dbus-send --session --print-reply --dest=org.freedesktop.DBus / \\
        org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q true
}
until owned; do sleep 0.02; done
echo "$DBUS_SESSION_BUS_ADDRESS"
read -r _
"""
UNLOCKED = "printf '\\n' | gnome-keyring-daemon --unlock --components=secrets >&2\n" + READY
LOCKED = "gnome-keyring-daemon --start --components=secrets >&2\n" + READY


def secret_service(script: str) -> Iterator[None]:
    """Run a Secret Service on a new session bus, for this process and its children."""
    pytest.importorskip("secretstorage")
    for tool in ("dbus-run-session", "dbus-send", "gnome-keyring-daemon"):
        need(tool)
    from keyring.backends import SecretService

    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, home)
        patch.delenv("DISPLAY", raising=False)
        patch.delenv("WAYLAND_DISPLAY", raising=False)
        with subprocess.Popen(
            ["dbus-run-session", "--", "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as session:
            assert session.stdin is not None
            assert session.stdout is not None
            address = session.stdout.readline().strip()
            assert address.startswith("unix:")
            patch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
            patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.SecretService.Keyring")
            with use_keyring(SecretService.Keyring()):
                yield
            session.stdin.close()


@pytest.fixture(scope="class")
def unlocked() -> Iterator[None]:
    """A Secret Service whose keyring is unlocked."""
    yield from secret_service(UNLOCKED)


@pytest.fixture
def locked() -> Iterator[None]:
    """A Secret Service that stays locked, since there is no screen to ask for the password."""
    yield from secret_service(LOCKED)


class TestSecretService(CacheContract):
    """With the keyring of a Linux desktop."""

    @pytest.fixture
    def cache(self, unlocked: None, tmp_path: Path) -> SignInCache:
        """A cache in a folder that does not exist yet."""
        return SignInCache(tmp_path / "folder" / "kept")

    def test_the_next_process_reads_it(self, cache: SignInCache) -> None:
        """It finds the key in the keyring."""
        save(cache, make_session(ADA))
        program = (
            "import sys\n"
            "from adls_enduser.cache import SignInCache\n"
            "from tests.cache.helpers import ADA, load, make_session\n"
            "print(load(SignInCache(sys.argv[1])) == make_session(ADA))\n"
        )
        assert run(sys.executable, "-c", program, path_of(cache)) == ["True"]
        (row,) = json.loads(path_of(cache).read_text())["records"]
        assert row["nonce"] is not None

    def test_two_processes_create_one_key(self, cache: SignInCache) -> None:
        """Neither encrypts with a key that the other has just replaced."""
        context = multiprocessing.get_context("spawn")
        processes = [
            context.Process(target=save_first_sign_in, args=(cache, number)) for number in range(2)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
        for number in range(2):
            account = make_account(number, 0)
            assert load(cache, replace(KEY, username=account.username)) == make_session(account)

    def test_the_key_is_created_and_deleted_there(self, cache: SignInCache) -> None:
        """It is kept under the service "adls_enduser" until the last sign-in is removed."""
        before = names_in_the_keyring()
        save(cache, make_session(ADA))
        assert len(names_in_the_keyring() - before) == 1
        cache.sign_out()
        assert names_in_the_keyring() == before


# keyring 25 does not close the connection if it cannot use the keyring.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_locked_secret_service_is_an_error(locked: None, tmp_path: Path) -> None:
    """It is raised before a person is asked, and says what to do."""
    cache = SignInCache(tmp_path / "kept")
    with pytest.raises(CacheError, match="keyring cannot be used") as raised:
        cache.check()
    assert "Unlock" in raised.value.remedy
    plain_text = SignInCache(tmp_path / "kept", allow_unencrypted=True)
    with pytest.warns(UserWarning, match="without encryption"):
        plain_text.check()
    save(plain_text, make_session(ADA))
    assert load(plain_text) == make_session(ADA)
    del raised
    gc.collect()


def names_in_the_keyring() -> set[str]:
    """Return the names under which the Secret Service holds keys of caches."""
    import secretstorage

    with contextlib.closing(secretstorage.dbus_init()) as connection:
        items = secretstorage.search_items(connection, {"service": "adls_enduser"})
        return {item.get_attributes()["username"] for item in items}


def save_first_sign_in(cache: SignInCache, process: int) -> None:
    """Use a cache that has no key yet, as the first run of a program does."""
    cache.check()
    save(cache, make_session(make_account(process, 0)))


class BrokenKeyring(MemoryKeyring):
    """A keyring that raises ``error``, unless it can at least be read."""

    def __init__(self, error: Exception, *, readable: bool = False) -> None:
        super().__init__()
        self.error, self.readable = error, readable

    def get_password(self, service: str, username: str) -> str | None:
        if self.readable:
            return super().get_password(service, username)
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error


KEYRINGS = [
    pytest.param(fail.Keyring(), "none is installed or running", id="none"),
    pytest.param(null.Keyring(), "it keeps nothing", id="null"),
    pytest.param(BrokenKeyring(KeyringLocked("dismissed")), "it is locked", id="locked"),
    pytest.param(BrokenKeyring(InitError("no bus")), "InitError", id="init"),
    pytest.param(
        BrokenKeyring(PasswordSetError("no"), readable=True), "PasswordSetError", id="read-only"
    ),
    pytest.param(BrokenKeyring(OSError("D-Bus went away")), "OSError", id="foreign error"),
    pytest.param(BrokenKeyring(RuntimeError("odd")), "RuntimeError", id="runtime error"),
]


@pytest.mark.parametrize(("backend", "reason"), KEYRINGS)
def test_without_a_keyring_nothing_is_kept(
    backend: KeyringBackend, reason: str, tmp_path: Path
) -> None:
    """The error is raised before a person is asked, and again if a sign-in is saved anyway."""
    cache = SignInCache(tmp_path / "kept")
    with use_keyring(backend):
        with pytest.raises(CacheError, match=reason) as raised:
            cache.check()
        for word in ("keyring", "allow_unencrypted=True", "memory"):
            assert word in raised.value.remedy
        assert load(cache) is None
        with pytest.raises(CacheError, match=reason):
            save(cache, make_session(ADA))
    assert not path_of(cache).exists()


@pytest.mark.parametrize(("backend", "reason"), KEYRINGS)
def test_without_a_keyring_allow_unencrypted_keeps_it(
    backend: KeyringBackend, reason: str, tmp_path: Path
) -> None:
    """In plain text, with a warning that names the file."""
    cache = SignInCache(tmp_path / "kept", allow_unencrypted=True)
    with use_keyring(backend):
        with pytest.warns(UserWarning, match=f"without encryption in '{path_of(cache)}'"):
            cache.check()
        save(cache, make_session(ADA))
        assert load(cache) == make_session(ADA)
        assert len(cache.accounts()) == 1
        assert len(cache.sign_out()) == 1


@pytest.mark.parametrize(
    ("backend", "reason"),
    [(fail.Keyring(), "none is installed or running"), (null.Keyring(), "has no key")],
)
def test_without_the_keyring_encrypted_sign_ins_are_still_listed(
    backend: KeyringBackend, reason: str, tmp_path: Path
) -> None:
    """They stay, are listed and can be signed out; reading one is an error with the reason."""
    cache, memory = SignInCache(tmp_path / "kept"), MemoryKeyring()
    with use_keyring(memory):
        save(cache, make_session(ADA))
    with use_keyring(backend):
        assert [account.username for account in cache.accounts()] == [ADA.username]
        with pytest.raises(CacheError, match=reason):
            load(cache)
        assert load(SignInCache(tmp_path / "kept", allow_unencrypted=True)) is None
    with use_keyring(memory):
        assert load(cache) == make_session(ADA)
    with use_keyring(backend):
        (removed,) = cache.sign_out(ADA.username)
    assert removed.username == ADA.username
    assert not path_of(cache).exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("keyring.backends.fail.Keyring", "none is installed or running"),
        ("no.such.Keyring", "ModuleNotFoundError"),
        ("keyring.backends.chainer.ChainerBackend", "it keeps nothing"),
    ],
)
def test_the_backend_that_the_environment_names_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, reason: str
) -> None:
    """PYTHON_KEYRING_BACKEND; a wrong name, or an empty chain, is a CacheError."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # so that no desktop's keyring is found
    for variable in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    program = (
        "import sys\n"
        "from adls_enduser import CacheError\n"
        "from adls_enduser.cache import SignInCache\n"
        "try:\n"
        "    SignInCache(sys.argv[1]).check()\n"
        "except CacheError as error:\n"
        "    print(error)\n"
    )
    (line,) = run(sys.executable, "-c", program, tmp_path / "kept")
    assert f"keyring cannot be used ({reason}" in line
    assert not (tmp_path / "kept").exists()


def test_no_frame_of_an_error_knows_the_key(tmp_path: Path) -> None:
    """A traceback with locals shows neither the key, the sign-in nor the keyring's own error."""
    keys: list[str] = []
    keyring_error = PasswordSetError("no")

    class RecordingKeyring(BrokenKeyring):
        def set_password(self, service: str, username: str, password: str) -> None:
            keys.append(password)
            raise self.error

    cache = SignInCache(tmp_path / "kept")
    with (
        use_keyring(RecordingKeyring(keyring_error, readable=True)),
        pytest.raises(CacheError) as raised,
        cache.open(KEY) as entry,
    ):
        entry.save(make_session(ADA))
    error: BaseException | None = raised.value
    shown = ""
    while error is not None:
        assert error is not keyring_error
        traceback = error.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            if "/tests/" not in frame.f_code.co_filename:
                assert all(value is not keyring_error for value in frame.f_locals.values())
                shown += repr(frame.f_locals)
            traceback = traceback.tb_next
        error = error.__cause__ or error.__context__
    assert "Secret(...)" in shown
    assert keys
    for secret in (*keys, REFRESH_TOKEN):
        assert secret not in shown
