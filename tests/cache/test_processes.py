"""Several processes and threads share one cache, are killed, or find the disk full."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import shutil
import stat
import sys
import threading
import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backends import fail

from adls_enduser import Account, CacheError
from adls_enduser.cache import CachedSession, SignInCache
from adls_enduser.cache.files import CacheFile
from adls_enduser.tokens import Secret

from ..conftest import IN_CI
from .helpers import (
    ADA,
    BOB,
    CONTOSO,
    KEY,
    REFRESH_TOKEN,
    FileKeyring,
    load,
    make_account,
    make_session,
    make_token,
    path_of,
    quarantined,
    run,
    save,
    use_keyring,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

THREADS = 8
ROUNDS = 3
# More of them: KILLS=5000 python -m pytest tests/cache/test_processes.py -k kill --timeout 0
KILLS = int(os.environ.get("KILLS", "20"))

pytestmark = pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption:UserWarning")


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SignInCache]:
    """A cache without a keyring, in this process and its children."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    with use_keyring(fail.Keyring()):
        yield SignInCache(tmp_path / "kept", allow_unencrypted=True)


def write_for_ever(cache: SignInCache, written: Connection, start: int) -> None:
    """Save one sign-in after the other, and send the number of each that is completely written."""
    warnings.simplefilter("ignore")
    for number in range(start, start + 100_000):
        save(cache, make_session(ADA, f"{number}." + "x" * 20_000))
        written.send(number)


def begin_for_ever(cache: SignInCache, written: Connection, start: int) -> None:
    """Make a key, save a sign-in, sign out, and begin again."""
    keyring.set_keyring(FileKeyring(path_of(cache).parent.parent / "keys"))
    for number in range(start, start + 100_000):
        written.send(number)
        cache.check()
        save(cache, make_session(ADA))
        save(cache, make_session(BOB))
        cache.sign_out()


def write_from_threads(cache: SignInCache, process: int) -> None:
    """Save the sign-ins of eight people from eight threads at once."""
    warnings.simplefilter("ignore")
    accounts = [make_account(process, thread) for thread in range(THREADS)]
    threads = [threading.Thread(target=count_up, args=(cache, one)) for one in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def count_up(cache: SignInCache, account: Account) -> None:
    """Read a number and write the next one while holding the lock, a few times."""
    shared = Account("shared@contoso.com", CONTOSO, "shared")
    for _ in range(ROUNDS):
        for one in (account, shared):
            with cache.open(replace(KEY, username=one.username)) as entry:
                before = entry.session and entry.session.refresh_token
                number = int(before.reveal()) if before else 0
                entry.save(CachedSession(one, Secret(str(number + 1))))


def test_no_record_is_lost_between_processes_and_threads(cache: SignInCache) -> None:
    """Two processes, eight threads each: all sign-ins are there, and no write was lost."""
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=write_from_threads, args=(cache, number)) for number in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert len(cache.accounts()) == 2 * THREADS + 1
    for process_number in range(2):
        for thread in range(THREADS):
            name = make_account(process_number, thread).username
            found = load(cache, replace(KEY, username=name))
            assert found is not None
            assert found.refresh_token == Secret(str(ROUNDS))
    shared = load(cache, replace(KEY, username="shared@contoso.com"))
    assert shared is not None
    assert shared.refresh_token == Secret(str(2 * THREADS * ROUNDS))


def test_kill_9_at_any_moment_loses_no_complete_sign_in(cache: SignInCache) -> None:
    """After each kill, the file holds the last complete sign-in or the one being written."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    delays, last = random.Random(7), 0
    save(cache, make_session(BOB))
    for _ in range(KILLS):
        complete = kill_a_process(context, write_for_ever, cache, last + 1, delays.uniform(0, 0.01))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "Sign-ins are kept without encryption")
            found = load(cache, replace(KEY, username=ADA.username))
            assert load(cache, replace(KEY, username=BOB.username)) == make_session(BOB)
        assert found is not None
        assert found.refresh_token is not None
        number, padding = found.refresh_token.reveal().split(".")
        assert int(number) in (complete, complete + 1)
        assert padding == "x" * 20_000
        last = int(number)
    assert quarantined(cache) == []
    left = sorted(path.name for path in path_of(cache).parent.iterdir())
    assert len(left) <= 3, left  # the file, its lock, and the temporary file of one killed write


def test_kill_9_while_a_key_is_created_or_deleted(tmp_path: Path) -> None:
    """After each kill, the next process reads what is there, or begins anew without an error."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    delays, cache = random.Random(8), SignInCache(tmp_path / "folder" / "kept")
    with use_keyring(FileKeyring(tmp_path / "keys")), warnings.catch_warnings():
        warnings.simplefilter("error")
        rounds = 0
        for _ in range(KILLS):
            rounds += kill_a_process(context, begin_for_ever, cache, 0, delays.uniform(0, 0.05))
            for account in (ADA, BOB):
                found = load(cache, replace(KEY, username=account.username))
                assert found in (None, make_session(account))
            cache.check()
            save(cache, make_session(ADA))
            assert load(cache, replace(KEY, username=ADA.username)) == make_session(ADA)
            assert quarantined(cache) == []
            cache.sign_out()
            left = [path.name for path in path_of(cache).parent.iterdir()]
            assert left == ["kept.lock"]
        assert rounds > 0


def kill_a_process(
    context: multiprocessing.context.ForkServerContext,
    target: Callable[..., None],
    cache: SignInCache,
    start: int,
    delay: float,
) -> int:
    """Kill a process ``delay`` seconds after its first report; return its last report."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(cache, sender, start))
    process.start()
    sender.close()
    number = receiver.recv()
    time.sleep(delay)  # the delays differ, so that the kills hit different steps of a write
    process.kill()
    process.join()
    with contextlib.suppress(EOFError):
        while True:
            number = receiver.recv()
    return int(number)


def test_a_lock_that_is_held_for_too_long_is_an_error(cache: SignInCache) -> None:
    """The error says what to do; afterwards the lock can be acquired."""
    save(cache, make_session(ADA))
    file = CacheFile(os.fspath(path_of(cache)))
    with cache.open(KEY):
        cache.check()  # another sign-in that holds the lock is no error
        assert len(cache.accounts()) == 1
        with pytest.raises(CacheError, match=r"Another program has locked.*0\.1 seconds"):
            in_a_thread(file.locked(0.1).__enter__)
    with file.locked(0.1) as lock:
        lock.require_writable()


def test_a_file_that_another_has_just_repaired_is_not_quarantined(cache: SignInCache) -> None:
    """A reader of a damaged file reads again, holding the lock, before anything is renamed."""
    save(cache, make_session(ADA))
    accounts: list[object] = []
    with cache.open(KEY) as entry:
        path_of(cache).write_bytes(path_of(cache).read_bytes()[:40])
        thread = threading.Thread(target=lambda: accounts.extend(cache.accounts()))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive(), "it must wait for the lock"
        entry.save(make_session(ADA, "newer"))
    thread.join(10)
    assert len(accounts) == 1
    assert quarantined(cache) == []
    assert load(cache) == make_session(ADA, "newer")


def test_a_write_is_synced_before_the_file_is_renamed(
    cache: SignInCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File synced, renamed, folder synced: a power cut leaves the old bytes or the new ones."""
    calls: list[object] = []
    fsync, replace_file = os.fsync, os.replace

    def record_fsync(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else size)
        fsync(descriptor)

    def record_replace(source: str, target: str) -> None:
        calls.append(os.path.basename(target))
        replace_file(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    save(cache, make_session(ADA))
    assert calls == [path_of(cache).stat().st_size, path_of(cache).name, "folder"]


def in_a_thread(function: Callable[[], object]) -> None:
    """Call a function in another thread, and raise here the error that it raises there."""
    errors: list[BaseException] = []

    def call() -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    for error in errors:
        raise error


READ_ONLY = """
import sys, warnings
from adls_enduser.cache import SignInCache
from tests.cache.helpers import ADA, BOB, KEY, REFRESH_TOKEN, make_session, make_token
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "Sign-ins are kept without encryption")
from adls_enduser import CacheError
cache = SignInCache(sys.argv[1], allow_unencrypted=True)
print([account.username for account in cache.accounts()])
with cache.open(KEY) as entry:
    print(entry.session == make_session(ADA, REFRESH_TOKEN, make_token()))
    for call in (cache.check, cache.sign_out, entry.delete, lambda: entry.save(make_session(BOB))):
        try:
            call()
        except CacheError as error:
            print(error)
"""


def test_a_folder_that_cannot_be_written_can_still_be_read(
    cache: SignInCache, tmp_path: Path
) -> None:
    """The sign-in can be used; each call that would write raises an error with the reason."""
    folder = tmp_path / "read-only"
    read_only = SignInCache(folder / "kept", allow_unencrypted=True)
    save(read_only, make_session(ADA, REFRESH_TOKEN, make_token()))
    (folder / "kept.lock").unlink()
    folder.chmod(0o500)
    try:
        lines = run(*without_root_privileges(), sys.executable, "-c", READ_ONLY, path_of(read_only))
    finally:
        folder.chmod(0o700)
    assert lines[:2] == ["['ada@contoso.com']", "True"]
    assert len(lines) == 6
    for line in lines[2:]:
        assert "cannot be written (Permission denied)" in line
        assert "another path" in line
    assert load(read_only) == make_session(ADA, REFRESH_TOKEN, make_token())


UNREADABLE = """
import sys
from adls_enduser import CacheError
from adls_enduser.cache import SignInCache
from tests.cache.helpers import load
cache = SignInCache(sys.argv[1], allow_unencrypted=True)
for call in (cache.check, cache.accounts, cache.sign_out, lambda: load(cache)):
    try:
        call()
    except CacheError as error:
        print(error)
"""


def test_a_file_without_read_permission_is_an_error(cache: SignInCache) -> None:
    """Another user's file is not treated as empty, and is not overwritten."""
    save(cache, make_session(ADA))
    path_of(cache).chmod(0)
    lines = run(*without_root_privileges(), sys.executable, "-c", UNREADABLE, path_of(cache))
    assert len(lines) == 4
    assert all("cannot be read (Permission denied)" in line for line in lines)
    path_of(cache).chmod(0o600)
    assert load(cache) == make_session(ADA)


FULL_DISK = """
import base64, resource, sys
from adls_enduser import CacheError
from adls_enduser.cache import SignInCache
from tests.cache.helpers import ADA, REFRESH_TOKEN, load, make_session, save

def locals_of_our_frames(error):
    while error is not None:
        frame = error.__traceback__
        while frame is not None:
            if "adls_enduser" in frame.tb_frame.f_code.co_filename.split("/"):
                yield repr(frame.tb_frame.f_locals)
            frame = frame.tb_next
        error = error.__cause__

cache = SignInCache(sys.argv[1], allow_unencrypted=True)
save(cache, make_session(ADA, "before"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
secrets = REFRESH_TOKEN, base64.b64encode(b'{"refresh_token": ')[:20].decode()
for call in (cache.check, lambda: save(cache, make_session(ADA, REFRESH_TOKEN * 100))):
    try:
        call()
    except CacheError as error:
        shown = list(locals_of_our_frames(error))
        print(error)
        print(len(shown) > 0, any(secret in one for one in shown for secret in secrets))
print(load(cache) == make_session(ADA, "before"))
"""


def test_a_full_disk_is_an_error_and_loses_nothing(cache: SignInCache) -> None:
    """The old sign-in stays, the temporary file is deleted, and no frame shows its content."""
    lines = run(sys.executable, "-c", FULL_DISK, path_of(cache))
    assert "cannot be written (File too large)" in lines[0]
    assert "cannot be written (File too large)" in lines[2]
    assert (lines[1], lines[3], lines[4]) == ("True False", "True False", "True")
    names = {path.name for path in path_of(cache).parent.iterdir()}
    assert names == {"kept", "kept.lock"}


def without_root_privileges() -> list[str]:
    """Return the start of a command line with which file modes apply to root as well."""
    if os.getuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        (pytest.fail if IN_CI else pytest.skip)("root, and there is no setpriv (util-linux)")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--"]
