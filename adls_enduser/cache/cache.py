"""SignInCache: a person's sign-in, kept for the next process and the next morning."""

from __future__ import annotations

import contextlib
import importlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import ConfigurationError, MissingDependency
from . import keyring_key as keys
from .encryption import RecordCipher, current
from .files import PATIENCE, DataFile, data_file
from .records import Contents, Damaged, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .files import FileLockState
    from .model import CachedSession, CacheKey, KeptAccount

PACKAGES = ("cryptography", "filelock", "keyring", "platformdirs")


class SignInCache:
    """Keeps sign-ins on disk, sealed; the key is in the operating system's keyring.

    ``path`` is a file, or a folder of its own (one that exists, or whose name ends with
    a separator); None: the user's data folder. Where there is no keyring, nothing is
    kept (CacheError), unless ``allow_unencrypted``: then the file holds the sign-in as
    it is, readable by its owner only. Several processes and threads may share one.

    ConfigurationError for options of the wrong kind, MissingDependency where the extra
    ``[cache]`` is not installed. Nothing is read or written before it is used.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, allow_unencrypted: bool = False
    ) -> None:
        self.path = _path(path)
        self.allow_unencrypted = _flag(allow_unencrypted)
        _require_packages()

    def check(self) -> None:
        """Raise CacheError if a sign-in could not be kept; for before a person is asked."""
        file = self._file()
        seal = self._seal(file)
        sealable = seal.ready()
        file.check()
        if not sealable:
            with file.locked() as hold:
                hold.require()
                seal.key_to_write()

    def accounts(self) -> tuple[KeptAccount, ...]:
        """Tell whose sign-ins are kept, the latest last; needs neither lock nor keyring."""
        return tuple(record.told for record in self._records())

    def account(self, place: CacheKey) -> KeptAccount | None:
        """Tell whose sign-in is kept for a place, if any; needs neither lock nor keyring.

        ConfigurationError where several people's fit.
        """
        record = _only([one for one in self._records() if one.belongs(place)])
        return record.told if record is not None else None

    def _records(self) -> tuple[Record, ...]:
        file = self._file()
        contents = file.read()
        if not contents.whole:
            with file.locked() as hold:
                contents = _sound(file, hold)
        return contents.records

    def sign_out(
        self,
        username: str | None = None,
        *,
        tenant: str | None = None,
        client_id: str | None = None,
    ) -> tuple[KeptAccount, ...]:
        """Remove the sign-ins that match, all if nothing is given, and tell which.

        Also removes what was set aside as damaged, and a file of which nothing can be
        read. When no sign-in is left, the key goes as well. The tokens live on at the
        service until they end. CacheError where the disk does not let it.
        """
        for name, value in (("username", username), ("tenant", tenant), ("client_id", client_id)):
            if value is not None and not isinstance(value, str):
                raise ConfigurationError(f"{name} must be a str, not {type(value).__name__}.")
        file = self._file()
        if not os.path.isdir(file.folder):
            return ()
        with file.locked() as hold:
            hold.require()
            records, whole = file.read()
            gone = [one for one in records if one.answers(username, tenant, client_id)]
            left = [one for one in records if one not in gone]
            _leave(file, left, changed=bool(gone) or not whole)
        return tuple(record.told for record in gone)

    @contextlib.contextmanager
    def open(self, place: CacheKey, patience: float = PATIENCE) -> Iterator[Entry]:
        """Hold the cache for one place, with what it keeps for it freshly read.

        Others wait meanwhile, for ``patience`` seconds at most (CacheError), so ask no
        person in between. Where nothing can be written, it can still be read: Entry.keep raises.
        ConfigurationError where several people's sign-ins fit.
        """
        file = self._file()
        with file.locked(patience) as hold:
            yield Entry(file, hold, self._seal(file), place)

    def _file(self) -> DataFile:
        return DataFile(data_file(self.path))

    def _seal(self, file: DataFile) -> RecordCipher:
        return RecordCipher(file.path, allow_unencrypted=self.allow_unencrypted)

    def __repr__(self) -> str:
        return f"<SignInCache at {data_file(self.path)!r}>"


class Entry:
    """What the cache keeps for one place, while it is open. ``kept``: None if nothing."""

    def __init__(
        self, file: DataFile, hold: FileLockState, seal: RecordCipher, place: CacheKey
    ) -> None:
        self.place = place
        self._file, self._hold, self._seal = file, hold, seal
        self._records = _sound(file, hold).records
        self._record = _only([one for one in self._records if one.belongs(place)])
        self.kept = self._opened()

    @property
    def may_be_lost(self) -> bool:
        """Whether a sign-in that is not there may have been damaged, rather than removed.

        A sign-out sweeps away what was set aside, so nobody has signed out since.
        """
        return self._file.has_quarantined()

    def keep(self, kept: CachedSession, *, asked_tenant: str | None = None) -> None:
        """Write a sign-in, in the place of an earlier one of the same person.

        ``asked_tenant`` is the tenant under which it can be found again, besides its
        own; None: that of the place. CacheError where it cannot be written.
        """
        self._hold.require()
        kept = current(kept)
        record = self._seal.close(self._heading(kept, asked_tenant or self.place.tenant), kept)
        others = tuple(one for one in self._records if one.key != record.key)
        self._file.write((*others, record))
        self._records, self._record, self.kept = (*others, record), record, kept

    def forget(self) -> None:
        """Remove what is kept for this place. CacheError where it cannot be written."""
        if self._record is None:
            return
        self._hold.require()
        left = tuple(one for one in self._records if one is not self._record)
        self._file.write(left)
        self._records, self._record, self.kept = left, None, None

    def _heading(self, kept: CachedSession, asked: str | None) -> Record:
        heading = Record(self.place.authority, self.place.client_id, kept.account)
        before = next((one.asked for one in self._records if one.key == heading.key), ())
        tenants = dict.fromkeys((*before, asked.lower()) if asked else before)
        return replace(heading, asked=tuple(tenants)[-8:])

    def _opened(self) -> CachedSession | None:
        if self._record is None:
            return None
        try:
            return self._seal.open(self._record)
        except Damaged:
            pass
        self._rescue()
        return None

    def _rescue(self) -> None:
        # One record that was changed must not cost the others their sign-in.
        self._records = tuple(one for one in self._records if not self._seal.is_damaged(one))
        self._record = None
        _quarantine(self._file, self._hold, self._records)

    def __repr__(self) -> str:
        return f"<Entry for {self.place}>"


def _sound(file: DataFile, hold: FileLockState) -> Contents:
    contents = file.read()
    if not contents.whole:
        _quarantine(file, hold, contents.records)
    return contents


def _quarantine(file: DataFile, hold: FileLockState, rescued: tuple[Record, ...]) -> None:
    if hold.obstacle is None:
        file.quarantine(rescued)
    else:
        file.warn_broken("cannot be set aside, since nothing can be written there")


def _leave(file: DataFile, left: list[Record], *, changed: bool) -> None:
    if not left:
        file.remove()
        keys.forget(file.path)
    elif changed:
        file.write(left)
    file.sweep()


def _only(fitting: list[Record]) -> Record | None:
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    told = (record.told for record in fitting[:10])
    names = ", ".join(f"{one.username!r} (tenant {one.tenant!r})" for one in told)
    raise ConfigurationError(
        f"{len(fitting)} kept sign-ins fit: {names}.",
        remedy="Say which by username=, and by tenant= where one person is in several.",
    )


def _path(path: object) -> str | None:
    if path is None:
        return None
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise ConfigurationError(f"path must be a str or os.PathLike, not {type(path).__name__}.")
    if not text or "\0" in text:
        raise ConfigurationError(f"path={text!r} is not a path.")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise ConfigurationError(f"path={text!r} is not a path on this system.") from None
    # Absolute, since it may be pickled into a process that works in another folder.
    ends = text.endswith(tuple(filter(None, (os.sep, os.altsep))))
    return os.path.abspath(os.path.expanduser(text)) + (os.sep if ends else "")


def _flag(allow_unencrypted: object) -> bool:
    if not isinstance(allow_unencrypted, bool):
        kind = type(allow_unencrypted).__name__
        raise ConfigurationError(f"allow_unencrypted must be True or False, not {kind}.")
    return allow_unencrypted


def _require_packages() -> None:
    try:
        for name in PACKAGES:
            importlib.import_module(name)
    except ImportError as missing:
        raise MissingDependency(
            f"SignInCache needs the package {missing.name or name}.",
            remedy="Run: pip install 'adls-enduser[cache]'",
        ) from missing
