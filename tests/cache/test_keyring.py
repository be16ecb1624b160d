"""A real Secret Service, and machines that have no keyring or one that does not work."""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from keyring.backends import fail, null
from keyring.errors import InitError, KeyringLocked, PasswordSetError

from adls_enduser import CacheError
from adls_enduser.cache import SignInCache

from ..conftest import IN_CI
from .test_cache import (
    ADA,
    PLACE,
    CacheContract,
    MemoryKeyring,
    file_of,
    keep,
    kept,
    keyring_set,
    load,
)
from .test_processes import person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyring.backend import KeyringBackend

# gnome-keyring comes as Debian's packages gnome-keyring and dbus. Its daemon takes the
# password of the login keyring, here an empty one, on standard input; it ends with the bus.
# The daemon goes to the background before it has its name on the bus; whoever asks for that
# earlier makes the bus start a second one, which is locked.
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
    """Run a Secret Service on a session bus of its own, for this process and its children."""
    pytest.importorskip("secretstorage")
    for tool in ("dbus-run-session", "dbus-send", "gnome-keyring-daemon"):
        if shutil.which(tool) is None:
            (pytest.fail if IN_CI else pytest.skip)(f"there is no {tool} on this machine")
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
            with keyring_set(SecretService.Keyring()):
                yield
            session.stdin.close()


@pytest.fixture(scope="class")
def unlocked() -> Iterator[None]:
    """Have a Secret Service that holds an unlocked keyring."""
    yield from secret_service(UNLOCKED)


@pytest.fixture
def locked() -> Iterator[None]:
    """Have a Secret Service that nobody unlocks, since there is no screen to ask on."""
    yield from secret_service(LOCKED)


class TestSecretService(CacheContract):
    """With the keyring of a Linux desktop."""

    @pytest.fixture
    def cache(self, unlocked: None, tmp_path: Path) -> SignInCache:
        """A cache in a folder that is not there yet."""
        return SignInCache(tmp_path / "folder" / "kept")

    def test_the_next_process_reads_it(self, cache: SignInCache) -> None:
        """It finds the key in the keyring by itself."""
        keep(cache, kept(ADA))
        program = (
            "import sys\n"
            "from adls_enduser.cache import SignInCache\n"
            "from tests.cache.test_cache import ADA, kept, load\n"
            "print(load(SignInCache(sys.argv[1])) == kept(ADA))\n"
        )
        assert run(program, file_of(cache)) == "True"
        (row,) = json.loads(file_of(cache).read_text())["records"]
        assert row["nonce"] is not None

    def test_two_processes_make_one_key(self, cache: SignInCache) -> None:
        """Nobody seals with a key that another has just replaced."""
        context = multiprocessing.get_context("spawn")
        processes = [context.Process(target=begin, args=(cache, number)) for number in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
        for number in range(2):
            account = person(number, 0)
            assert load(cache, replace(PLACE, username=account.username)) == kept(account)

    def test_the_key_is_found_and_removed_there(self, cache: SignInCache) -> None:
        """Under the service "adls_enduser", as long as a sign-in is kept."""
        before = names_in_the_keyring()
        keep(cache, kept(ADA))
        assert len(names_in_the_keyring() - before) == 1
        cache.sign_out()
        assert names_in_the_keyring() == before


# keyring 25 leaves the connection open when there is no keyring to be had on it.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_locked_secret_service_is_an_error(locked: None, tmp_path: Path) -> None:
    """Before a person is asked, and with what to do."""
    cache = SignInCache(tmp_path / "kept")
    with pytest.raises(CacheError, match="keyring cannot be used") as raised:
        cache.check()
    assert "Unlock" in raised.value.remedy
    lax = SignInCache(tmp_path / "kept", allow_unencrypted=True)
    with pytest.warns(UserWarning, match="without encryption"):
        lax.check()
    keep(lax, kept(ADA))
    assert load(lax) == kept(ADA)
    del raised
    gc.collect()


def names_in_the_keyring() -> set[str]:
    """Give the names under which the Secret Service holds keys of caches."""
    import secretstorage

    with contextlib.closing(secretstorage.dbus_init()) as connection:
        items = secretstorage.search_items(connection, {"service": "adls_enduser"})
        return {item.get_attributes()["username"] for item in items}


def begin(cache: SignInCache, number: int) -> None:
    """Start with a cache that has no key yet, as a first run does."""
    cache.check()
    keep(cache, kept(person(number, 0)))


class Broken(MemoryKeyring):
    """A keyring that fails in a way of its own."""

    def __init__(self, failure: Exception, *, reads: bool = False) -> None:
        super().__init__()
        self.failure, self.reads = failure, reads

    def get_password(self, service: str, username: str) -> str | None:
        if self.reads:
            return super().get_password(service, username)
        raise self.failure

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.failure


KEYRINGS = [
    pytest.param(fail.Keyring(), "none is installed or running", id="none"),
    pytest.param(null.Keyring(), "it keeps nothing", id="null"),
    pytest.param(Broken(KeyringLocked("dismissed")), "it is locked", id="locked"),
    pytest.param(Broken(InitError("no bus")), "InitError", id="init"),
    pytest.param(Broken(PasswordSetError("no"), reads=True), "PasswordSetError", id="read-only"),
    pytest.param(Broken(OSError("D-Bus went away")), "OSError", id="foreign error"),
    pytest.param(Broken(RuntimeError("odd")), "RuntimeError", id="runtime error"),
]


@pytest.mark.parametrize(("backend", "reason"), KEYRINGS)
def test_without_a_keyring_nothing_is_kept(
    backend: KeyringBackend, reason: str, tmp_path: Path
) -> None:
    """A clear error before the person is asked, and again if somebody asks all the same."""
    cache = SignInCache(tmp_path / "kept")
    with keyring_set(backend):
        with pytest.raises(CacheError, match=reason) as raised:
            cache.check()
        for word in ("keyring", "allow_unencrypted=True", "memory"):
            assert word in raised.value.remedy
        assert load(cache) is None
        with pytest.raises(CacheError, match=reason):
            keep(cache, kept(ADA))
    assert not file_of(cache).exists()


@pytest.mark.parametrize(("backend", "reason"), KEYRINGS)
def test_without_a_keyring_by_choice_it_is_kept(
    backend: KeyringBackend, reason: str, tmp_path: Path
) -> None:
    """Unsealed, with a warning that names the file."""
    cache = SignInCache(tmp_path / "kept", allow_unencrypted=True)
    with keyring_set(backend):
        with pytest.warns(UserWarning, match=f"without encryption in '{file_of(cache)}'"):
            cache.check()
        keep(cache, kept(ADA))
        assert load(cache) == kept(ADA)
        assert len(cache.accounts()) == 1
        assert len(cache.sign_out()) == 1


@pytest.mark.parametrize(
    ("backend", "reason"),
    [(fail.Keyring(), "none is installed or running"), (null.Keyring(), "it keeps nothing")],
)
def test_a_keyring_that_went_away_hides_nothing(
    backend: KeyringBackend, reason: str, tmp_path: Path
) -> None:
    """What is sealed stays, is listed, and can be signed out; reading it says why not."""
    cache, memory = SignInCache(tmp_path / "kept"), MemoryKeyring()
    with keyring_set(memory):
        keep(cache, kept(ADA))
    with keyring_set(backend):
        assert [account.username for account in cache.accounts()] == [ADA.username]
        with pytest.raises(CacheError, match=reason):
            load(cache)
        assert load(SignInCache(tmp_path / "kept", allow_unencrypted=True)) is None
    with keyring_set(memory):
        assert load(cache) == kept(ADA)
    with keyring_set(backend):
        (gone,) = cache.sign_out(ADA.username)
    assert gone.username == ADA.username
    assert not file_of(cache).exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("keyring.backends.fail.Keyring", "none is installed or running"),
        ("no.such.Keyring", "ModuleNotFoundError"),
        ("keyring.backends.chainer.ChainerBackend", "it keeps nothing"),
    ],
)
def test_keyrings_own_setting_is_obeyed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, reason: str
) -> None:
    """PYTHON_KEYRING_BACKEND chooses; a wrong name, or an empty chain, is an error of ours."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # a desktop's keyring is out of reach
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
    assert f"keyring cannot be used ({reason}" in run(program, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_no_frame_of_an_error_knows_the_key(tmp_path: Path) -> None:
    """A traceback with locals shows neither the key nor the sign-in."""
    seen: list[str] = []

    class Leaky(Broken):
        def set_password(self, service: str, username: str, password: str) -> None:
            seen.append(password)
            raise self.failure

    cache = SignInCache(tmp_path / "kept")
    with (
        keyring_set(Leaky(PasswordSetError("no"), reads=True)),
        pytest.raises(CacheError) as raised,
        cache.open(PLACE) as entry,
    ):
        entry.keep(kept(ADA))
    error: BaseException | None = raised.value
    shown = ""
    while error is not None:
        frame = error.__traceback__
        while frame is not None:
            if "/tests/" not in frame.tb_frame.f_code.co_filename:
                shown += repr(frame.tb_frame.f_locals)
            frame = frame.tb_next
        error = error.__cause__ or error.__context__
    assert "Secret(...)" in shown
    assert seen
    for secret in (*seen, "planted-refresh-token-c0de"):
        assert secret not in shown


def run(program: str, *arguments: object) -> str:
    """Run a program beside the tests, and give what it prints."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()
