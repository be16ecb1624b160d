"""The cache file: its path, its lock, and writes that happen completely or not at all.

All writing is done while holding a lock (a file next to the cache file). A temporary file in
the same folder replaces the old file, so that a reader sees either the old bytes or the
new ones, also after a crash (POSIX rename; Python's os.replace). Every error of the disk
leaves this module as a CacheError.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import time
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from ..errors import CacheError
from ..log import logger, printable
from .model import extra
from .records import MAX_FILE_SIZE, Contents, Record, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from filelock import BaseFileLock

_Result = TypeVar("_Result")

FILE_NAME = "sign-ins.json"
LOCK_TIMEOUT = 30.0
_POLL_INTERVAL = 0.2
MAX_QUARANTINED = 3
# ERROR_ACCESS_DENIED and ERROR_SHARING_VIOLATION (Microsoft, "System Error Codes").
_OPEN_ELSEWHERE = (5, 32)
_ATTEMPTS, _PAUSE = 20, 0.05
_QUARANTINED = r"\.corrupt-\d{8}T\d{6}\.\d{6}Z"
_UNFINISHED = r"\.unfinished-\w+\.tmp"


def resolve_path(path: str | None) -> str:
    """Return the absolute path of the cache file, with links resolved.

    None is the user's data folder. In a folder, or a path that ends with a separator, the
    file has its default name. Any other path is the file itself. Raises CacheError if there
    is no data folder, or if a folder is a link that leads to none.
    """
    if path is None:
        path = os.path.join(_data_folder(), FILE_NAME)
    elif path.endswith(tuple(filter(None, (os.sep, os.altsep)))) or os.path.isdir(path):
        path = os.path.join(path, FILE_NAME)
    _refuse_dangling_links(path)
    # Follow a link here, once, because os.replace would replace the link by a file.
    return os.path.realpath(path)


def expand_home(path: str) -> str:
    """Replace ``~`` or ``~name`` at the start; CacheError if there is no such home folder."""
    # os.path.expanduser does not change a path whose home folder it does not find, and the
    # tokens would be written to a folder named "~".
    expanded = os.path.expanduser(path)
    if path.startswith("~") and (expanded.startswith("~") or not os.path.isabs(expanded)):
        raise _no_home(path)
    return expanded


def _data_folder() -> str:
    folder = _plain_data_folder()
    if folder is not None:
        return folder
    with extra():
        import platformdirs

    # Without a home folder some versions of platformdirs raise, and some return "~/...".
    try:
        folder = platformdirs.user_data_dir("adls_enduser", appauthor=False)
    except (RuntimeError, KeyError):
        raise _no_home("~") from None
    if not os.path.isabs(folder):
        raise _no_home(folder)
    return folder


def _plain_data_folder() -> str | None:
    """Return the data folder that platformdirs would, on Linux and where nothing is unusual.

    platformdirs takes longer to load than everything else that reads a token. Source: XDG Base
    Directory Specification, "Environment variables", which lets a relative path count for none.
    """
    if sys.platform != "linux" or "ANDROID_ROOT" in os.environ:
        return None
    base = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(base, "adls_enduser") if os.path.isabs(base) else None


def _no_home(path: str) -> CacheError:
    return CacheError(
        f"The sign-in cache has no folder: the home folder of {path!r} is not known.",
        remedy="Set the environment variable HOME to an absolute path, or give SignInCache an"
        " absolute path.",
    )


def _refuse_dangling_links(path: str) -> None:
    """Raise CacheError if a folder of the path is a link, and no folder is there.

    The folder may be on a disk that is not mounted now, and must not be made elsewhere. The
    file itself may be a link to a file that does not exist yet.
    """
    broken = [one for one in _parents(path) if os.path.islink(one) and not os.path.isdir(one)]
    if os.path.islink(path) and not os.path.isdir(os.path.dirname(os.path.realpath(path))):
        broken.append(path)
    for link in broken:
        raise CacheError(
            f"The sign-in cache {path!r} cannot be used: {link!r} is a link, and there is no"
            " folder where it leads.",
            remedy="Make that folder, remove the link, or give SignInCache another path.",
        )


def _parents(path: str) -> Iterator[str]:
    while (folder := os.path.dirname(path)) != path:
        yield folder
        path = folder


class FileLockState:
    """What may be done while the lock is held.

    ``write_error`` is the reason why nothing can be written, or None.
    """

    def __init__(self) -> None:
        self.write_error: CacheError | None = None

    def require_writable(self) -> None:
        """Raise ``write_error`` if there is one."""
        if self.write_error is not None:
            raise self.write_error.with_traceback(None)


class CacheFile:
    """One cache file, its lock, and the damaged files that were moved out of its way."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.folder, self.name = os.path.split(path)

    @contextlib.contextmanager
    def locked(self, timeout: float = LOCK_TIMEOUT) -> Iterator[FileLockState]:
        """Hold the lock, which excludes other processes and threads.

        Raises CacheError if another process or thread holds it for longer than ``timeout``
        seconds. If the folder is not writable, there is no lock, and reading needs none:
        then ``write_error`` of the returned state says so.
        """
        file_lock, lock = self._file_lock(timeout), FileLockState()
        try:
            self._require_file_locks()
            file_lock.acquire(poll_interval=0.02)
        except TimeoutError:
            raise self._lock_timed_out(timeout) from None
        except OSError as error:
            lock.write_error = self._cannot_write(error)
        try:
            yield lock
        finally:
            lock.write_error = _closed()
            file_lock.release()

    @contextlib.contextmanager
    def key_locked(self, check: Callable[[], None]) -> Iterator[None]:
        """Hold the lock under which the key is created, until ``check`` raises.

        It is another lock than the file's, because the keyring may ask the person meanwhile,
        and processes that need no new key must not wait for that.
        """
        path = f"{self.path}.key.lock"
        try:
            self._require_file_locks()
            lock = self._acquire_key_lock(path, check)
        except OSError as error:
            raise self._cannot_write(error) from error
        try:
            yield
        finally:
            # A process that waits for the deleted file finds the key that was created here.
            with contextlib.suppress(OSError):
                os.unlink(path)
            lock.release()

    def _acquire_key_lock(self, path: str, check: Callable[[], None]) -> BaseFileLock:
        lock = self._file_lock(_POLL_INTERVAL, path)
        while not lock.is_locked:
            check()
            with contextlib.suppress(TimeoutError):
                lock.acquire(poll_interval=0.02)
        return lock

    def check(self) -> None:
        """Raise CacheError if the file cannot be read or written; changes nothing."""
        import tempfile  # only a writer needs it

        self.read()
        try:
            self._require_file_locks()
            with tempfile.TemporaryFile(dir=self.folder) as trial:
                trial.write(bytes(2**16))  # on a full disk an empty file can still be created
                trial.flush()
            with contextlib.suppress(TimeoutError), self._file_lock(0):
                pass
        except OSError as error:
            raise self._cannot_write(error) from error

    def read(self) -> Contents:
        """Return the records of the file, whose bodies are not verified yet.

        Raises CacheError if the file cannot be read, or if a newer version wrote it.
        """
        try:
            data = self._read_bytes()
        except FileNotFoundError:
            return Contents()
        except OSError as error:
            raise self._cannot_read(error) from error
        return decode(data) if len(data) <= MAX_FILE_SIZE else Contents(complete=False)

    def write(self, records: Iterable[Record]) -> None:
        """Replace the file; only while holding the lock. Raises CacheError if that fails."""
        error = self._try_write(records)
        if error is not None:
            raise self._cannot_write(error) from error

    def quarantine(self, readable: Iterable[Record] = ()) -> None:
        """Rename the damaged file, and write a new one with the readable records.

        Only while holding the lock. Warns and never fails: a sign-in that cannot be read is
        treated as one that does not exist.
        """
        from datetime import datetime, timezone

        now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
        target = f"{self.path}.corrupt-{now}"
        try:
            self._move(target, tuple(readable))
        except OSError as error:
            self.warn_damaged(f"it could not be renamed ({_reason(error)})")
            return
        self.delete_leftovers(keep=MAX_QUARANTINED)
        self.warn_damaged(f"it was renamed to {os.path.basename(target)!r}")

    def warn_damaged(self, what_was_done: str) -> None:
        """Warn, once, that the file is damaged, and say what was done about it."""
        warn_once(
            f"The sign-in cache {self.path!r} is damaged or is not a sign-in cache;"
            f" {what_was_done}. People whose sign-in cannot be read from it must sign in again."
        )

    def remove(self) -> None:
        """Remove the file if it exists; only while holding the lock."""
        try:
            with contextlib.suppress(FileNotFoundError):
                _when_free(os.unlink, self.path)
        except OSError as error:
            raise self._cannot_write(error) from error

    def has_quarantined(self) -> bool:
        """Return whether a damaged file was renamed, and nobody has signed out since."""
        return bool(self._siblings(_QUARANTINED))

    def delete_leftovers(self, *, keep: int = 0) -> None:
        """Delete damaged files, except for the newest ``keep``, and unfinished ones.

        Only while holding the lock.
        """
        names = sorted(self._siblings(_QUARANTINED))
        self._delete(names[: max(0, len(names) - keep)])
        self._delete([f"{self.name}.key.lock"])  # of a process that was killed
        self._delete_unfinished()

    def _read_bytes(self) -> bytes:
        if not stat.S_ISREG(os.stat(self.path).st_mode):
            raise OSError("it is not a file")  # reading a pipe would never end
        with _when_free(_open, self.path) as file:
            return file.read(MAX_FILE_SIZE + 1)

    def _try_write(self, records: Iterable[Record]) -> OSError | None:
        # The error is returned, not raised: its traceback would keep frames that know the bytes.
        try:
            self._delete_unfinished()
            self._write_bytes(self.path, encode(records))
        except OSError as error:
            return error.with_traceback(None)
        return None

    def _write_bytes(self, path: str, data: bytes) -> None:
        import tempfile

        # mkstemp makes the file with mode 0600 (Python, tempfile).
        descriptor, name = tempfile.mkstemp(".tmp", f"{self.name}.unfinished-", self.folder)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _when_free(os.replace, name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        self._sync_folder()

    def _sync_folder(self) -> None:
        # Windows cannot open a folder, and some network disks cannot sync one. The file is
        # complete anyway; only a power cut may bring the old one back.
        with contextlib.suppress(OSError):
            descriptor = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _move(self, target: str, readable: tuple[Record, ...]) -> None:
        if not readable:
            _when_free(os.replace, self.path, target)
            return
        self._write_bytes(target, self._read_bytes())
        self._write_bytes(self.path, encode(readable))

    def _make_folder(self) -> None:
        os.makedirs(self.folder, mode=0o700, exist_ok=True)

    def _require_file_locks(self) -> None:
        """Make the folder; OSError if its disk has no flock.

        filelock does not say so: some versions wait until their timeout, and some use a file
        in place of the lock, which stays when the process is killed.
        """
        self._make_folder()
        try:
            import fcntl
        except ImportError:
            return  # Windows has other locks, on every disk
        import tempfile

        with tempfile.TemporaryFile(dir=self.folder) as trial:
            try:
                fcntl.flock(trial, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                reason = f"its disk has no file locks: {_reason(error)}"
                raise OSError(error.errno, reason) from error

    def _file_lock(self, timeout: float, path: str | None = None) -> BaseFileLock:
        with extra():
            import filelock

        return filelock.FileLock(path or f"{self.path}.lock", timeout=timeout, mode=0o600)

    def _delete_unfinished(self) -> None:
        # Nobody else writes while the lock is held: the processes that left these were killed.
        self._delete(self._siblings(_UNFINISHED))

    def _siblings(self, suffix: str) -> list[str]:
        pattern = re.compile(re.escape(self.name) + suffix)
        try:
            return [name for name in os.listdir(self.folder) if pattern.fullmatch(name)]
        except OSError:
            return []

    def _delete(self, names: list[str]) -> None:
        for name in names:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self.folder, name))

    def _lock_timed_out(self, timeout: float) -> CacheError:
        return CacheError(
            f"Another program has locked the sign-in cache {self.path!r} for {timeout:g} seconds.",
            remedy="Try again when that program has finished signing in, or end it: its lock ends"
            " with it.",
        )

    def _cannot_read(self, error: OSError) -> CacheError:
        return CacheError(
            f"The sign-in cache {self.path!r} cannot be read ({_reason(error)}).",
            remedy="Check who owns the file, remove it, or give SignInCache another path.",
        )

    def _cannot_write(self, error: OSError) -> CacheError:
        return CacheError(
            f"The sign-in cache {self.path!r} cannot be written ({_reason(error)}).",
            remedy="Check who owns the folder and whether the disk is full, or give SignInCache"
            " another path.",
        )


def _open(path: str) -> BinaryIO:
    return open(path, "rb")


def _when_free(function: Callable[..., _Result], *arguments: str) -> _Result:
    """Call a function of the disk; on Windows again, for a second, while the file is in use.

    Python opens a file without FILE_SHARE_DELETE there (CPython, Modules/_io/fileio.c, _wopen), so
    os.replace fails while another process reads the target, as does a virus scanner's reading.
    """
    for _ in range(_ATTEMPTS):
        try:
            return function(*arguments)
        except PermissionError as error:
            if getattr(error, "winerror", None) not in _OPEN_ELSEWHERE:
                raise
        time.sleep(_PAUSE)
    return function(*arguments)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _closed() -> CacheError:
    return CacheError("The sign-in cache is no longer open.", remedy="Open it again.")


# Each message, and the call that was the first to warn with it. A dict instead of a lock: a
# child process must not inherit a lock that is held.
_warned: dict[str, object] = {}


def warn_once(message: str) -> None:
    """Warn (UserWarning), unless this process has warned with the same message before."""
    this_call = object()
    if _warned.setdefault(message, this_call) is not this_call:
        return
    from ..environment.caller_warnings import warn_caller

    logger(__name__).warning("%s", printable(message, 1000))
    warn_caller(message)
