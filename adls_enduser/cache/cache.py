"""SignInCache: keeps a person's sign-in for the next process."""

from __future__ import annotations

import contextlib
import importlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import CacheError, ConfigurationError, clear_call, import_failed
from . import keyring_key
from .encryption import RecordCipher, drop_expired_tokens, is_encrypted
from .files import LOCK_TIMEOUT, CacheFile, expand_home, resolve_path
from .keyring_key import TIMEOUT_UNDER_LOCK, time_limit
from .records import Contents, DamagedRecord, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .files import FileLockState
    from .model import CachedSession, CacheKey, KeptAccount

PACKAGES = ("cryptography", "filelock", "keyring", "platformdirs")
MAX_REQUESTED = 8
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
        record = _single([record for record in self._records() if record.matches_key(key)])
        return record.kept_account if record is not None else None

    def _records(self) -> tuple[Record, ...]:
        file = self._file()
        contents = file.read()
        if not contents.complete:
            with file.locked() as lock:
                contents = _read_and_repair(file, lock)
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
        file = self._file()
        if not os.path.isdir(file.folder):
            return ()
        has_key = _has_key(file) if self._is_last(file, username, tenant, client_id) else True
        with file.locked() as lock:
            lock.require_writable()
            records, complete = file.read()
            removed = [one for one in records if one.matches(username, tenant, client_id)]
            remaining = [one for one in records if one not in removed]
            _write_remaining(file, remaining, changed=bool(removed) or not complete)
            if not remaining and has_key:
                _delete_key(file)
        return tuple(record.kept_account for record in removed)

    @staticmethod
    def _is_last(file: CacheFile, *criteria: str | None) -> bool:
        return all(record.matches(*criteria) for record in file.read().records)

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
        file = self._file()
        cipher = self._cipher(file)
        matching = [record for record in file.read().records if record.matches_key(key)]
        if saves or any(map(is_encrypted, matching)):
            cipher.look_up_key(check or time_limit())
        with file.locked(timeout) as lock:
            yield Entry(file, lock, cipher, key)

    def _file(self) -> CacheFile:
        return CacheFile(resolve_path(self.path))

    def _cipher(self, file: CacheFile) -> RecordCipher:
        return RecordCipher(file, allow_unencrypted=self.allow_unencrypted)

    def __repr__(self) -> str:
        try:
            return f"<SignInCache at {resolve_path(self.path)!r}>"
        except CacheError:
            return f"<SignInCache at {self.path!r}>"


class Entry:
    """The entry of one key while the cache is open; ``session`` is None if there is none."""

    def __init__(
        self, file: CacheFile, lock: FileLockState, cipher: RecordCipher, key: CacheKey
    ) -> None:
        self.key = key
        self._file, self._lock, self._cipher = file, lock, cipher
        self._records = _read_and_repair(file, lock).records
        self._record = _single([one for one in self._records if one.matches_key(key)])
        self.session = self._decrypt()

    @property
    def may_be_lost(self) -> bool:
        """Whether a missing sign-in may have been damaged, rather than removed by a sign-out.

        A sign-out deletes the damaged files, so if there is one, nobody has signed out since.
        """
        return self._file.has_quarantined()

    def save(
        self,
        session: CachedSession,
        *,
        requested_tenant: str | None = None,
        requested_username: str | None = None,
    ) -> None:
        """Write a sign-in; it replaces an earlier one of the same person.

        The sign-in can be found by its own tenant and by ``requested_tenant`` (None: the tenant
        of the key), by its own user name and by ``requested_username``. Raises CacheError if it
        cannot be written.
        """
        self._lock.require_writable()
        session = drop_expired_tokens(session)
        header = self._header(session, requested_tenant or self.key.tenant, requested_username)
        record = self._cipher.encrypt(header, session, self._records)
        others = tuple(one for one in self._records if one.identity != record.identity)
        for one in self._records:
            if one.identity == record.identity:
                self._cipher.require_replaceable(one)
        self._file.write((*others, record))
        self._records, self._record, self.session = (*others, record), record, session

    def delete(self) -> None:
        """Remove the sign-in of this key. Raises CacheError if the file cannot be written."""
        if self._record is None:
            return
        self._lock.require_writable()
        remaining = tuple(one for one in self._records if one is not self._record)
        self._file.write(remaining)
        self._records, self._record, self.session = remaining, None, None

    def _header(self, session: CachedSession, *requested: str | None) -> Record:
        header = Record(self.key.authority, self.key.client_id, session.account)
        same = (one for one in self._records if one.identity == header.identity)
        before = next((one.requested for one in same), ())
        now = (one.lower() for one in requested if one)
        unique = tuple(dict.fromkeys((*before, *now)))
        return replace(header, requested=unique[-MAX_REQUESTED:])

    def _decrypt(self) -> CachedSession | None:
        if self._record is None:
            return None
        with contextlib.suppress(DamagedRecord):
            return self._cipher.decrypt(self._record)
        self._remove_damaged_records()
        return None

    def _remove_damaged_records(self) -> None:
        # One damaged record must not cost the other people their sign-ins.
        self._records = tuple(one for one in self._records if not self._cipher.is_damaged(one))
        self._record = None
        _quarantine(self._file, self._lock, self._records)

    def __repr__(self) -> str:
        return f"<Entry for {self.key}>"


def _read_and_repair(file: CacheFile, lock: FileLockState) -> Contents:
    contents = file.read()
    if not contents.complete:
        _quarantine(file, lock, contents.records)
    return contents


def _quarantine(file: CacheFile, lock: FileLockState, readable: tuple[Record, ...]) -> None:
    if lock.write_error is None:
        file.quarantine(readable)
    else:
        file.warn_damaged("it could not be renamed, because its folder is not writable")


def _write_remaining(file: CacheFile, remaining: list[Record], *, changed: bool) -> None:
    if not remaining:
        file.remove()
    elif changed:
        file.write(remaining)
    file.delete_leftovers()


def _has_key(file: CacheFile) -> bool:
    """Return whether the keyring has a key to delete; ask it before the file is locked."""
    try:
        return keyring_key.get(file.path, time_limit()) is not None
    except CacheError:
        return False


def _delete_key(file: CacheFile) -> None:
    # If it fails: the file is gone already, so there is nothing that the key could decrypt.
    with contextlib.suppress(CacheError):
        keyring_key.delete(file.path, time_limit(TIMEOUT_UNDER_LOCK))


def _single(matches: list[Record]) -> Record | None:
    if len(matches) < 2:
        return matches[0] if matches else None
    accounts = (record.kept_account for record in matches[:10])
    names = ", ".join(f"{one.username!r} (tenant {one.tenant!r})" for one in accounts)
    raise ConfigurationError(
        f"{len(matches)} kept sign-ins match: {names}.",
        remedy="Choose one with username=, and with tenant= if one person is in several tenants.",
    )


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
        try:
            importlib.import_module(name)
        except ImportError as error:  # noqa: PERF203 - only four times
            raise import_failed(error, "SignInCache", "'adls-enduser[cache]'") from error
