"""The data file: where it is, its lock, and writes that happen completely or not at all.

All writing is done under a lock beside the file, by a temporary file in the same folder
that replaces the old one, so that a reader sees the old bytes or the new ones, also
after a crash (POSIX rename; Python's os.replace). Whatever the disk does leaves here as
a CacheError.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
import warnings
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..errors import CacheError
from .records import LIMIT, Contents, Record, decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from filelock import BaseFileLock


NAME = "sign-ins.json"
PATIENCE = 30.0
MOST_QUARANTINED = 3
_QUARANTINED = r"\.corrupt-\d{8}T\d{6}\.\d{6}Z"


def data_file(path: str | None) -> str:
    """Give the resolved path of the data file.

    None stands for the user's own data folder. A folder, or what ends as one, gets a
    file of the usual name; anything else is the file itself.
    """
    if path is None:
        import platformdirs

        path = os.path.join(platformdirs.user_data_dir("adls_enduser", appauthor=False), NAME)
    elif path.endswith(tuple(filter(None, (os.sep, os.altsep)))) or os.path.isdir(path):
        path = os.path.join(path, NAME)
    # A link is followed here, once, because os.replace would put a file in its place.
    return os.path.realpath(path)


class FileLockState:
    """The lock while it is held; ``obstacle`` is why nothing can be written, or None."""

    def __init__(self, obstacle: CacheError | None = None) -> None:
        self.obstacle = obstacle

    def require(self) -> None:
        """Raise the obstacle to writing, if there is one."""
        if self.obstacle is not None:
            raise self.obstacle.with_traceback(None)


class DataFile:
    """One data file, at its resolved path, with its lock and what was set aside."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.folder, self.name = os.path.split(path)

    @contextlib.contextmanager
    def locked(self, patience: float = PATIENCE) -> Iterator[FileLockState]:
        """Hold the lock between processes and threads, waiting ``patience`` seconds for it.

        Where nothing can be written, there is no lock either and reading needs none:
        the Hold then names the obstacle. CacheError when another holds the lock for
        longer than that.
        """
        lock, hold = self._lock(patience), FileLockState()
        try:
            self._make_folder()
            lock.acquire(poll_interval=0.02)
        except TimeoutError:
            raise self._busy(patience) from None
        except OSError as failure:
            hold.obstacle = self._unwritable(failure)
        try:
            yield hold
        finally:
            hold.obstacle = _over()
            lock.release()

    def check(self) -> None:
        """Raise CacheError if the file could not be read or written; changes nothing."""
        self.read()
        try:
            self._make_folder()
            with tempfile.TemporaryFile(dir=self.folder) as trial:
                trial.write(bytes(2**16))  # a full disk lets an empty file through
                trial.flush()
            with contextlib.suppress(TimeoutError), self._lock(0):
                pass
        except OSError as failure:
            raise self._unwritable(failure) from failure

    def read(self) -> Contents:
        """Give what stands in the file, of which nothing is believed yet.

        CacheError where it may not be read, or where a newer version wrote it.
        """
        try:
            data = self._bytes()
        except FileNotFoundError:
            return Contents()
        except OSError as failure:
            raise self._unreadable(failure) from failure
        return decode(data) if len(data) <= LIMIT else Contents(whole=False)

    def write(self, records: Iterable[Record]) -> None:
        """Replace the file; under the lock only. CacheError where that fails."""
        failure = self._written(records)
        if failure is not None:
            raise self._unwritable(failure) from failure

    def quarantine(self, rescued: Iterable[Record] = ()) -> None:
        """Rename the file, leaving only the records that are given; under the lock only.

        Warns, and never fails: a sign-in that cannot be read is one that is not there.
        """
        moment = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
        aside = f"{self.path}.corrupt-{moment}"
        records = tuple(rescued)
        try:
            self._move(aside, records)
        except OSError as failure:
            self.warn_broken(f"cannot be set aside ({_reason(failure)})")
            return
        self.sweep(MOST_QUARANTINED)
        self.warn_broken(f"was set aside as {os.path.basename(aside)!r}")

    def warn_broken(self, fate: str) -> None:
        """Warn, once, that the file is damaged and what became of it."""
        warn_once(
            f"The sign-in cache {self.path!r} was damaged or is not one, and {fate}; the"
            " sign-ins that cannot be read from it must be made again."
        )

    def remove(self) -> None:
        """Remove the file, if it is there; under the lock only."""
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        except OSError as failure:
            raise self._unwritable(failure) from failure

    def has_quarantined(self) -> bool:
        """Tell whether a damaged file was set aside, and nobody has signed out since."""
        return bool(self._beside(_QUARANTINED))

    def sweep(self, most: int = 0) -> None:
        """Remove what was set aside, but for the newest ``most``; under the lock only."""
        names = sorted(self._beside(_QUARANTINED))
        self._discard(names[: max(0, len(names) - most)])
        self._sweep_unfinished()

    def _bytes(self) -> bytes:
        if not stat.S_ISREG(os.stat(self.path).st_mode):
            raise OSError("it is not a file")  # reading a pipe would never end
        with open(self.path, "rb") as file:
            return file.read(LIMIT + 1)

    def _written(self, records: Iterable[Record]) -> OSError | None:
        # Given back and not raised, so that no frame that knows the bytes hangs on the error.
        try:
            self._sweep_unfinished()
            self._replace(self.path, encode(records))
        except OSError as failure:
            return failure.with_traceback(None)
        return None

    def _replace(self, path: str, data: bytes) -> None:
        # mkstemp makes the file with mode 0600 (Python, tempfile).
        number, name = tempfile.mkstemp(".tmp", f"{self.name}.unfinished-", self.folder)
        try:
            with open(number, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        self._sync_folder()

    def _sync_folder(self) -> None:
        # Windows opens no folder, and some network disks sync none: the file is whole
        # all the same, only a power cut may bring the old one back.
        with contextlib.suppress(OSError):
            number = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)

    def _move(self, aside: str, rescued: tuple[Record, ...]) -> None:
        if not rescued:
            os.replace(self.path, aside)
            return
        self._replace(aside, self._bytes())
        self._replace(self.path, encode(rescued))

    def _make_folder(self) -> None:
        os.makedirs(self.folder, mode=0o700, exist_ok=True)

    def _lock(self, patience: float) -> BaseFileLock:
        import filelock

        return filelock.FileLock(f"{self.path}.lock", timeout=patience, mode=0o600)

    def _sweep_unfinished(self) -> None:
        # Under the lock nobody else writes: whoever left these was killed.
        self._discard(self._beside(r"\.unfinished-\w+\.tmp"))

    def _beside(self, ending: str) -> list[str]:
        pattern = re.compile(re.escape(self.name) + ending)
        try:
            return [name for name in os.listdir(self.folder) if pattern.fullmatch(name)]
        except OSError:
            return []

    def _discard(self, names: list[str]) -> None:
        for name in names:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self.folder, name))

    def _busy(self, patience: float) -> CacheError:
        return CacheError(
            f"Another program has held the sign-in cache {self.path!r} for {patience:g} seconds.",
            remedy="Try again when it has finished signing in, or end it: its lock ends with it.",
        )

    def _unreadable(self, failure: OSError) -> CacheError:
        return CacheError(
            f"The sign-in cache {self.path!r} cannot be read ({_reason(failure)}).",
            remedy="See whose file it is, remove it, or give SignInCache another path.",
        )

    def _unwritable(self, failure: OSError) -> CacheError:
        return CacheError(
            f"The sign-in cache {self.path!r} cannot be written ({_reason(failure)}).",
            remedy="See whose folder it is and whether the disk is full, or give SignInCache"
            " another path.",
        )


def _reason(failure: OSError) -> str:
    return failure.strerror or str(failure)


def _over() -> CacheError:
    return CacheError("The sign-in cache is no longer open.", remedy="Open it again.")


# Each message and who said it first. A dict and no lock: a fork inherits no held lock.
_said: dict[str, object] = {}


def warn_once(message: str) -> None:
    """Warn (UserWarning), unless this process has said the very same before."""
    mine = object()
    if _said.setdefault(message, mine) is not mine:
        return
    warnings.warn(message, UserWarning, stacklevel=2)
