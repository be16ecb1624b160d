"""The encryption key of a cache file: 256 bits, kept in the operating system's keyring only."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING

from ..errors import CacheError
from ..tokens import Secret

if TYPE_CHECKING:
    from types import TracebackType

SERVICE = "adls_enduser"
KEY_SIZE = 32


def get(path: str) -> Secret | None:
    """Return the key of the cache file at ``path``, in base64, or None if there is no such key.

    Raises CacheError if there is no keyring, or if it is locked.
    """
    import keyring

    with _KeyringErrors():
        key = Secret(keyring.get_password(SERVICE, _username(path)) or "")
    return key if _is_valid(key) else None


def create(path: str) -> Secret:
    """Create a key, put it into the keyring, and check that it is there.

    Call it only while holding the file's lock. Raises CacheError, also for keyrings that accept
    everything and keep nothing (keyring.backends.null, an empty keyring.backends.chainer).
    """
    import keyring

    key = Secret(base64.b64encode(os.urandom(KEY_SIZE)).decode("ascii"))
    with _KeyringErrors():
        keyring.set_password(SERVICE, _username(path), key.reveal())
    if get(path) != key:
        raise _no_keyring("it keeps nothing")
    return key


def delete(path: str) -> None:
    """Delete the key if there is one; nobody can then read what it encrypted."""
    import keyring

    try:
        if get(path) is not None:
            with _KeyringErrors():
                keyring.delete_password(SERVICE, _username(path))
    except CacheError:
        return  # the file is gone already, so there is nothing that the key could decrypt


def _username(path: str) -> str:
    # Two cache files have two keys. A hash, because some keyrings limit the length of a name.
    normalized = os.fsencode(os.path.normcase(path))
    return f"sign-ins {hashlib.sha256(normalized).hexdigest()[:32]}"


def _is_valid(key: Secret) -> bool:
    try:
        return len(base64.b64decode(key.reveal(), validate=True)) == KEY_SIZE
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
