"""The encryption key of a cache file: 256 bits, kept in the operating system's keyring only.

A keyring may ask the person to unlock it, and D-Bus waits for the person without a limit. So
every call of it runs in a thread that can be abandoned.
"""

from __future__ import annotations

import os
import threading
import time
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, TypeVar

from ..errors import CacheError
from ..interaction.waiting import AbandonableThread, InterruptibleCall
from ..tokens import Secret
from .model import extra

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_Result = TypeVar("_Result")

SERVICE = "adls_enduser"
KEY_SIZE = 32
# How many seconds to wait for a keyring: while nobody waits for this process, so that the
# person can type a password, and while other processes wait for its lock.
KEYRING_TIMEOUT = 60.0
TIMEOUT_UNDER_LOCK = 5.0


def time_limit(seconds: float = KEYRING_TIMEOUT) -> Callable[[], None]:
    """Return a function that raises CacheError when it is called after so many seconds."""
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() >= end:
            raise _no_keyring(f"it has not responded for {seconds:g} seconds")

    return check


def get(path: str, check: Callable[[], None]) -> Secret | None:
    """Return the key of the cache file at ``path``, in base64, or None if there is no such key.

    Calls ``check`` a few times a second while the keyring asks the person; what that raises
    ends the wait. Raises CacheError if there is no keyring, or if it is locked.
    """
    return _call(_get, path, check)


def get_or_create(path: str, check: Callable[[], None]) -> Secret:
    """Return the key; create one if there is none, and check that the keyring has kept it.

    Call it only while holding the key's lock (``CacheFile.key_locked``). Raises CacheError,
    also for keyrings that accept everything and keep nothing (keyring.backends.null, an empty
    keyring.backends.chainer).
    """
    return _call(_get_or_create, path, check)


def delete(path: str, check: Callable[[], None]) -> None:
    """Delete the key if there is one; nobody can then read what it encrypted."""
    _call(_delete, path, check)


def name(check: Callable[[], None]) -> str:
    """Return the name of the keyring. Raises CacheError for one that keeps nothing."""
    return _call(_name, "", check)


def identify(key: Secret) -> str:
    """Return the id of a key: a short hash, from which nobody can compute the key."""
    import hashlib  # loads OpenSSL

    return hashlib.sha256(b"adls_enduser key id\0" + decoded(key)).hexdigest()[:16]


def decoded(key: Secret) -> bytes:
    """Return the bytes of a key. Do not keep them in a variable."""
    return b64decode(key.reveal(), validate=True)


def _call(function: Callable[[str], _Result], path: str, check: Callable[[], None]) -> _Result:
    try:
        return InterruptibleCall(function, path).result(check)
    except RuntimeError:  # from Thread.start, at the end of the program or at a limit of threads
        raise _no_keyring("no thread can be started to ask it") from None


def _name(_: str) -> str:
    import keyring

    with _KeyringErrors():
        backend = keyring.get_keyring()
    if type(backend).__module__.endswith(".null"):
        raise _no_keyring("it keeps nothing")
    return str(backend.name)


def _get(path: str) -> Secret | None:
    with extra():
        import keyring

    with _KeyringErrors():
        key = Secret(keyring.get_password(SERVICE, _username(path)) or "")
    return key if _is_valid(key) else None


def _get_or_create(path: str) -> Secret:
    import keyring

    key = _get(path)
    if key is not None:
        return key
    key = Secret(b64encode(os.urandom(KEY_SIZE)).decode("ascii"))
    if not _is_abandoned():  # another process may have created a key in the meantime
        with _KeyringErrors():
            keyring.set_password(SERVICE, _username(path), key.reveal())
    if _get(path) != key:
        raise _no_keyring("it keeps nothing")
    return key


def _delete(path: str) -> None:
    import keyring

    if _get(path) is not None and not _is_abandoned():
        with _KeyringErrors():
            keyring.delete_password(SERVICE, _username(path))


def _is_abandoned() -> bool:
    thread = threading.current_thread()
    return isinstance(thread, AbandonableThread) and thread.abandoned


def _username(path: str) -> str:
    import hashlib

    # Two cache files have two keys. A hash, because some keyrings limit the length of a name.
    normalized = os.fsencode(os.path.normcase(path))
    return f"sign-ins {hashlib.sha256(normalized).hexdigest()[:32]}"


def _is_valid(key: Secret) -> bool:
    try:
        return len(decoded(key)) == KEY_SIZE
    except ValueError:
        return False


class _KeyringErrors:
    """Raise a CacheError in place of any error that the keyring raises inside of the ``with``.

    Backends raise KeyringError, but also what their own libraries raise: secretstorage,
    D-Bus and Windows errors, RuntimeError and ImportError from the choice of a backend.

    The frames of the keyring's error know the key, and tools that print tracebacks with
    locals would show it. So the CacheError has no reference to that error: neither as its
    ``__context__``, nor through a local variable of ``__exit__``. (``contextlib`` has no
    such care: the frame of its own ``__exit__`` keeps the error.)
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(error, Exception):
            return
        cache_error = _no_keyring(_reason(error))
        del error, traceback
        try:
            raise cache_error
        finally:
            cache_error.__context__ = None


def _reason(error: Exception) -> str:
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        return "none is installed or running"
    if isinstance(error, KeyringLocked):
        return "it is locked"
    return f"{type(error).__name__} from {type(error).__module__}"


def _no_keyring(reason: str) -> CacheError:
    return CacheError(
        f"The sign-in cannot be kept: the system's keyring cannot be used ({reason}).",
        remedy="Unlock the keyring, or install one (on Linux gnome-keyring or KWallet, in a"
        " D-Bus session; `keyring diagnose` shows which keyring is found). Leave cache= out to"
        " keep the sign-in in memory only. On a machine where nobody else can read your files,"
        " SignInCache(allow_unencrypted=True) keeps it without a keyring.",
    )
