"""Several processes and threads share one cache, are killed, and run out of disk."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from keyring.backends import fail

from adls_enduser import Account, CacheError
from adls_enduser.cache import CachedSession, SignInCache
from adls_enduser.cache.files import DataFile
from adls_enduser.tokens import Secret

from ..conftest import IN_CI
from .test_cache import (
    ADA,
    BOB,
    CONTOSO,
    PLACE,
    REFRESH,
    file_of,
    keep,
    kept,
    keyring_set,
    load,
    set_aside,
    token,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

THREADS = 8
TURNS = 3
KILLS = 20

pytestmark = pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption:UserWarning")


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SignInCache]:
    """A cache without a keyring, in this process and its children."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    with keyring_set(fail.Keyring()):
        yield SignInCache(tmp_path / "kept", allow_unencrypted=True)


def write_for_ever(cache: SignInCache, done: Connection, start: int) -> None:
    """Keep one sign-in after the other, and tell of each when it is complete."""
    warnings.simplefilter("ignore")
    for number in range(start, start + 100_000):
        keep(cache, kept(ADA, f"{number} " + "x" * 20_000))
        done.send(number)


def hammer(cache: SignInCache, process: int) -> None:
    """Keep the sign-ins of eight people from as many threads at once."""
    warnings.simplefilter("ignore")
    people = [person(process, thread) for thread in range(THREADS)]
    threads = [threading.Thread(target=count_up, args=(cache, one)) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def count_up(cache: SignInCache, account: Account) -> None:
    """Read a number under the lock, and write the next one, some times."""
    shared = Account("shared@contoso.com", CONTOSO, "shared")
    for _ in range(TURNS):
        for one in (account, shared):
            with cache.open(replace(PLACE, username=one.username)) as entry:
                before = entry.kept and entry.kept.refresh_token
                number = int(before.reveal()) if before else 0
                entry.keep(CachedSession(one, Secret(str(number + 1))))


def person(process: int, thread: int) -> Account:
    """Make a person of one thread's own."""
    return Account(f"{process}-{thread}@contoso.com", CONTOSO, f"id-{process}-{thread}")


def test_no_record_is_lost_between_processes_and_threads(cache: SignInCache) -> None:
    """Two processes, eight threads each: everybody's sign-in is there, and no turn was lost."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=hammer, args=(cache, number)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert len(cache.accounts()) == 2 * THREADS + 1
    for process_number in range(2):
        for thread in range(THREADS):
            name = person(process_number, thread).username
            found = load(cache, replace(PLACE, username=name))
            assert found is not None
            assert found.refresh_token == Secret(str(TURNS))
    shared = load(cache, replace(PLACE, username="shared@contoso.com"))
    assert shared is not None
    assert shared.refresh_token == Secret(str(2 * THREADS * TURNS))


def test_kill_9_at_any_moment_loses_nothing_that_was_complete(cache: SignInCache) -> None:
    """After each kill the last complete sign-in is there, or the one being written."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    moments, last = random.Random(7), 0
    keep(cache, kept(BOB))
    for _ in range(KILLS):
        complete = killed_writer(context, cache, last + 1, moments.uniform(0, 0.01))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "Sign-ins are kept without encryption")
            found = load(cache, replace(PLACE, username=ADA.username))
            assert load(cache, replace(PLACE, username=BOB.username)) == kept(BOB)
        assert found is not None
        assert found.refresh_token is not None
        number, padding = found.refresh_token.reveal().split()
        assert int(number) in (complete, complete + 1)
        assert padding == "x" * 20_000
        last = int(number)
    assert set_aside(cache) == []
    left = sorted(path.name for path in file_of(cache).parent.iterdir())
    assert len(left) <= 3, left  # the file, its lock, and what one killed write left


def killed_writer(
    context: multiprocessing.context.ForkServerContext,
    cache: SignInCache,
    start: int,
    moment: float,
) -> int:
    """Kill a process some moment after its first write; give its last complete number."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=write_for_ever, args=(cache, theirs, start))
    process.start()
    theirs.close()
    number = ours.recv()
    time.sleep(moment)  # where in a write the kill falls is the point
    process.kill()
    process.join()
    with contextlib.suppress(EOFError):
        while True:
            number = ours.recv()
    return int(number)


def test_the_lock_is_waited_for_and_then_named(cache: SignInCache) -> None:
    """Whoever waits too long is told what to do; afterwards the lock can be had."""
    keep(cache, kept(ADA))
    file = DataFile(os.fspath(file_of(cache)))
    with cache.open(PLACE):
        cache.check()  # another who signs in is no reason not to
        assert len(cache.accounts()) == 1
        with pytest.raises(CacheError, match=r"Another program has held.*0\.1 seconds"):
            in_a_thread(lambda: file.locked(0.1).__enter__())
    with file.locked(0.1) as hold:
        hold.require()


def test_what_another_has_just_mended_is_not_set_aside(cache: SignInCache) -> None:
    """Whoever read a torn file reads again under the lock, before anything is renamed."""
    keep(cache, kept(ADA))
    told: list[object] = []
    with cache.open(PLACE) as entry:
        file_of(cache).write_bytes(file_of(cache).read_bytes()[:40])
        thread = threading.Thread(target=lambda: told.extend(cache.accounts()))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive(), "it waits for the lock"
        entry.keep(kept(ADA, "newer"))
    thread.join(10)
    assert len(told) == 1
    assert set_aside(cache) == []
    assert load(cache) == kept(ADA, "newer")


def test_a_write_is_on_the_disk_before_it_has_the_name(
    cache: SignInCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are synced, then renamed, then the folder is synced: a power cut tears nothing."""
    done: list[object] = []
    fsync, rename = os.fsync, os.replace

    def syncs(number: int) -> None:
        size = os.fstat(number).st_size
        done.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else size)
        fsync(number)

    def renames(source: str, target: str) -> None:
        done.append(os.path.basename(target))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", syncs)
    monkeypatch.setattr(os, "replace", renames)
    keep(cache, kept(ADA))
    assert done == [file_of(cache).stat().st_size, file_of(cache).name, "folder"]


def in_a_thread(act: object) -> None:
    """Run something in another thread, and raise here what it raises there."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            act()  # type: ignore[operator]
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    for error in errors:
        raise error


READ_ONLY = """
import sys, warnings
from adls_enduser.cache import SignInCache
from tests.cache.test_cache import ADA, BOB, PLACE, REFRESH, kept, token
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "Sign-ins are kept without encryption")
from adls_enduser import CacheError
cache = SignInCache(sys.argv[1], allow_unencrypted=True)
print([account.username for account in cache.accounts()])
with cache.open(PLACE) as entry:
    print(entry.kept == kept(ADA, REFRESH, token()))
    for act in (cache.check, cache.sign_out, entry.forget, lambda: entry.keep(kept(BOB))):
        try:
            act()
        except CacheError as error:
            print(error)
"""


def test_a_folder_that_cannot_be_written_can_still_be_read(
    cache: SignInCache, tmp_path: Path
) -> None:
    """The sign-in serves; whatever would write says why it cannot."""
    folder = tmp_path / "read-only"
    there = SignInCache(folder / "kept", allow_unencrypted=True)
    keep(there, kept(ADA, REFRESH, token()))
    (folder / "kept.lock").unlink()
    folder.chmod(0o500)
    try:
        lines = run(*as_mere_owner(), sys.executable, "-c", READ_ONLY, file_of(there))
    finally:
        folder.chmod(0o700)
    assert lines[:2] == ["['ada@contoso.com']", "True"]
    assert len(lines) == 6
    for line in lines[2:]:
        assert "cannot be written (Permission denied)" in line
        assert "another path" in line
    assert load(there) == kept(ADA, REFRESH, token())


FOREIGN = """
import sys
from adls_enduser import CacheError
from adls_enduser.cache import SignInCache
from tests.cache.test_cache import PLACE, load
cache = SignInCache(sys.argv[1], allow_unencrypted=True)
for act in (cache.check, cache.accounts, cache.sign_out, lambda: load(cache)):
    try:
        act()
    except CacheError as error:
        print(error)
"""


def test_a_file_that_may_not_be_read_is_an_error(cache: SignInCache) -> None:
    """Another user's file is neither read as empty nor overwritten."""
    keep(cache, kept(ADA))
    file_of(cache).chmod(0)
    lines = run(*as_mere_owner(), sys.executable, "-c", FOREIGN, file_of(cache))
    assert len(lines) == 4
    assert all("cannot be read (Permission denied)" in line for line in lines)
    file_of(cache).chmod(0o600)
    assert load(cache) == kept(ADA)


FULL = """
import base64, resource, sys
from adls_enduser import CacheError
from adls_enduser.cache import SignInCache
from tests.cache.test_cache import ADA, REFRESH, keep, kept, load

def frames_of_ours(error):
    while error is not None:
        frame = error.__traceback__
        while frame is not None:
            if "adls_enduser" in frame.tb_frame.f_code.co_filename.split("/"):
                yield repr(frame.tb_frame.f_locals)
            frame = frame.tb_next
        error = error.__cause__

cache = SignInCache(sys.argv[1], allow_unencrypted=True)
keep(cache, kept(ADA, "before"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
hidden = REFRESH, base64.b64encode(b'{"refresh_token": ')[:20].decode()
for act in (cache.check, lambda: keep(cache, kept(ADA, REFRESH * 100))):
    try:
        act()
    except CacheError as error:
        shown = list(frames_of_ours(error))
        print(error)
        print(len(shown) > 0, any(secret in one for one in shown for secret in hidden))
print(load(cache) == kept(ADA, "before"))
"""


def test_a_full_disk_is_an_error_and_loses_nothing(cache: SignInCache) -> None:
    """The old sign-in stays, the half-written file goes, and no frame shows what it held."""
    lines = run(sys.executable, "-c", FULL, file_of(cache))
    assert "cannot be written (File too large)" in lines[0]
    assert "cannot be written (File too large)" in lines[2]
    assert (lines[1], lines[3], lines[4]) == ("True False", "True False", "True")
    names = {path.name for path in file_of(cache).parent.iterdir()}
    assert names == {"kept", "kept.lock"}


def run(*command: object) -> list[str]:
    """Run a program beside the tests, and give the lines that it prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def as_mere_owner() -> list[str]:
    """Give what goes before a command so that file modes hold for root as well."""
    if os.getuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        (pytest.fail if IN_CI else pytest.skip)("root, and no setpriv (util-linux) to be less")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--"]
