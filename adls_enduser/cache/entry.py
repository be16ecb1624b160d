"""Entry: what may be done with one key's sign-in while the cache is locked; and the sign-out."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from ..errors import CacheError
from ..values import replace
from . import keyring_key
from .encryption import drop_expired_tokens
from .keyring_key import TIMEOUT_UNDER_LOCK, time_limit
from .records import DamagedRecord, Record, single

if TYPE_CHECKING:
    from .encryption import RecordCipher
    from .files import CacheFile, FileLockState
    from .model import CachedSession, CacheKey, KeptAccount
    from .records import Contents

MAX_REQUESTED = 8


class Entry:
    """The entry of one key while the cache is open; ``session`` is None if there is none."""

    def __init__(
        self, file: CacheFile, lock: FileLockState, cipher: RecordCipher, key: CacheKey
    ) -> None:
        self.key = key
        self._file, self._lock, self._cipher = file, lock, cipher
        self._records = read_and_repair(file, lock).records
        self._record = single([one for one in self._records if one.matches_key(key)])
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


def read_and_repair(file: CacheFile, lock: FileLockState) -> Contents:
    """Read the file while it is locked; move a damaged one out of the way."""
    contents = file.read()
    if not contents.complete:
        _quarantine(file, lock, contents.records)
    return contents


def _quarantine(file: CacheFile, lock: FileLockState, readable: tuple[Record, ...]) -> None:
    if lock.write_error is None:
        file.quarantine(readable)
    else:
        file.warn_damaged("it could not be renamed, because its folder is not writable")


def sign_out(file: CacheFile, *criteria: str | None) -> tuple[KeptAccount, ...]:
    """Remove the sign-ins that match; see ``SignInCache.sign_out``."""
    if not os.path.isdir(file.folder):
        return ()
    has_key = _has_key(file) if _is_last(file, *criteria) else True
    with file.locked() as lock:
        lock.require_writable()
        records, complete = file.read()
        removed = [one for one in records if one.matches(*criteria)]
        remaining = [one for one in records if one not in removed]
        _write_remaining(file, remaining, changed=bool(removed) or not complete)
        if not remaining and has_key:
            _delete_key(file)
    return tuple(record.kept_account for record in removed)


def _is_last(file: CacheFile, *criteria: str | None) -> bool:
    return all(record.matches(*criteria) for record in file.read().records)


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
