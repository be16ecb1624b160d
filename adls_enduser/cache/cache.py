"""SignInCache: keeps a person's sign-in for the next process."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from ..environment.packages import require_installed
from ..errors import CacheError, ConfigurationError, clear_call
from .encryption import RecordCipher, is_encrypted
from .files import LOCK_TIMEOUT, CacheFile, expand_home, resolve_path
from .keyring_key import time_limit
from .model import EXTRA
from .records import DamagedRecord, single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .entry import Entry
    from .model import CachedSession, CacheKey, KeptAccount
    from .records import Record

PACKAGES = ("cryptography", "filelock", "keyring", "platformdirs")
MAX_PATH_LENGTH = 4096  # PATH_MAX of Linux; macOS and Windows have less


class SignInCache:
    """Keeps sign-ins on disk, encrypted; the key is in the operating system's keyring.

    ``path`` is a file, or a folder for this purpose only (one that exists, or a path that ends
    with a separator); None is the user's data folder. If there is no keyring, nothing is
    kept (CacheError), unless ``allow_unencrypted``: then the file holds the sign-ins in plain
    text, and only its owner can read it. Several processes and threads may share one cache.

    Raises ConfigurationError for options of the wrong type, CacheError for a ``~`` without a
    home folder, MissingDependency if the extra ``[cache]`` is not installed. Nothing is read
    or written until the cache is used.
    """

    @clear_call('SignInCache("sign-ins/", allow_unencrypted=True), or SignInCache()')
    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, allow_unencrypted: bool = False
    ) -> None:
        self.path = _check_path(path)
        self.allow_unencrypted = _check_bool(allow_unencrypted)
        _require_packages()

    def check(self, check: Callable[[], None] | None = None) -> None:
        """Raise CacheError if no sign-in could be kept; call it before a person is asked.

        ``check`` ends the wait for a keyring that asks the person, see ``open``.
        """
        file, check = self._file(), check or time_limit()
        cipher = self._cipher(file)
        cipher.look_up_key(check)
        is_ready = cipher.is_ready(file.read().records)
        file.check()
        if not is_ready:
            cipher.create_key(check)

    def accounts(self) -> tuple[KeptAccount, ...]:
        """Return the accounts of all kept sign-ins, the latest last.

        Needs neither the lock nor the keyring.
        """
        return tuple(record.kept_account for record in self._records())

    def account(self, key: CacheKey) -> KeptAccount | None:
        """Return the account of the sign-in that is kept for a key, or None.

        Needs neither the lock nor the keyring. Raises ConfigurationError if several people's
        sign-ins match.
        """
        record = single([record for record in self._records() if record.matches_key(key)])
        return record.kept_account if record is not None else None

    def _records(self) -> tuple[Record, ...]:
        file = self._file()
        contents = file.read()
        if not contents.complete:
            from .entry import read_and_repair

            with file.locked() as lock:
                contents = read_and_repair(file, lock)
        return contents.records

    def sign_out(
        self,
        username: str | None = None,
        *,
        tenant: str | None = None,
        client_id: str | None = None,
    ) -> tuple[KeptAccount, ...]:
        """Remove the sign-ins that match, or all without arguments; return their accounts.

        Also deletes damaged files that were renamed, and a file that cannot be read at all.
        When no sign-in is left, the key is deleted as well. The tokens remain valid at the
        service until they expire. Raises CacheError if the disk does not allow it.
        """
        for name, value in (("username", username), ("tenant", tenant), ("client_id", client_id)):
            if value is not None and not isinstance(value, str):
                raise ConfigurationError(
                    f"{name} must be a str, not {type(value).__name__}.",
                    remedy=f"Use one that accounts() lists, or leave {name}= out.",
                )
        from .entry import sign_out

        return sign_out(self._file(), username, tenant, client_id)

    @contextlib.contextmanager
    def open(
        self,
        key: CacheKey,
        timeout: float = LOCK_TIMEOUT,
        *,
        check: Callable[[], None] | None = None,
        saves: bool = False,
    ) -> Iterator[Entry]:
        """Lock the cache, and return the entry of one key, freshly read.

        Other processes wait meanwhile, for ``timeout`` seconds at most (CacheError), so do
        not prompt a person inside. The keyring, which may prompt the person, is asked before:
        if the sign-in is encrypted, or if the caller ``saves`` one. ``check`` is called a few
        times a second until the keyring responds, and ends the wait by raising; None: a
        CacheError after a minute.

        If nothing can be written, the entry can still be read, and its ``save`` raises.
        Raises ConfigurationError if several people's sign-ins match.
        """
        with self.glance(key, check=check, saves=saves).locked(timeout) as entry:
            yield entry

    def glance(
        self,
        key: CacheKey,
        *,
        check: Callable[[], None] | None = None,
        saves: bool = False,
    ) -> Glance:
        """Read the entry of one key without the lock, which ``open`` would wait for.

        The arguments and errors are those of ``open``.
        """
        file = self._file()
        cipher = self._cipher(file)
        records, complete = file.read()
        matching = [record for record in records if record.matches_key(key)]
        if saves or any(map(is_encrypted, matching)):
            cipher.look_up_key(check or time_limit())
        # A damaged file is repaired first, and who saves a sign-in does not need the old one.
        return Glance(file, cipher, key, matching if complete and not saves else [])

    def _file(self) -> CacheFile:
        return CacheFile(resolve_path(self.path))

    def _cipher(self, file: CacheFile) -> RecordCipher:
        return RecordCipher(file, allow_unencrypted=self.allow_unencrypted)

    def __repr__(self) -> str:
        if "path" not in vars(self):  # in the traceback of a constructor
            return "<SignInCache>"
        try:
            return f"<SignInCache at {resolve_path(self.path)!r}>"
        except CacheError:
            return f"<SignInCache at {self.path!r}>"


class Glance:
    """The entry of one key as the file has it now; ``session`` is None if there is none.

    Nothing is locked: a writer replaces the whole file (files.py), so that a reader sees either
    the sign-in of before or the new one.
    """

    def __init__(
        self, file: CacheFile, cipher: RecordCipher, key: CacheKey, matching: list[Record]
    ) -> None:
        self._file, self._cipher, self._key = file, cipher, key
        self.session = self._decrypt(single(matching))

    @contextlib.contextmanager
    def locked(self, timeout: float = LOCK_TIMEOUT) -> Iterator[Entry]:
        """Lock the cache, and return the entry, freshly read; see ``SignInCache.open``."""
        from .entry import Entry

        with self._file.locked(timeout) as lock:
            yield Entry(self._file, lock, self._cipher, self._key)

    def _decrypt(self, record: Record | None) -> CachedSession | None:
        if record is None:
            return None
        try:
            return self._cipher.decrypt(record)
        except DamagedRecord:  # the entry of the locked file removes it
            return None


def _check_path(path: object) -> str | None:
    if path is None:
        return None
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise _wrong_path(f"path must be a str or os.PathLike, not {type(path).__name__}.")
    if not text or "\0" in text:
        raise _wrong_path(f"path={text!r} is not a path.")
    if len(text) > MAX_PATH_LENGTH:
        raise _wrong_path(f"path has {len(text)} characters, which is too long.")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise _wrong_path(f"path={text!r} is not a path on this system.") from None
    # Absolute, since the cache may be pickled into a process that works in another folder.
    is_folder = text.endswith(tuple(filter(None, (os.sep, os.altsep))))
    return os.path.abspath(expand_home(text)) + (os.sep if is_folder else "")


def _wrong_path(message: str) -> ConfigurationError:
    return ConfigurationError(
        message, remedy="Use the path of a file, or leave it out for the user's data folder."
    )


def _check_bool(allow_unencrypted: object) -> bool:
    if not isinstance(allow_unencrypted, bool):
        kind = type(allow_unencrypted).__name__
        raise ConfigurationError(
            f"allow_unencrypted must be True or False, not {kind}.",
            remedy="Leave it out to keep sign-ins encrypted only.",
        )
    return allow_unencrypted


def _require_packages() -> None:
    for name in PACKAGES:
        require_installed(name, "SignInCache", EXTRA)
