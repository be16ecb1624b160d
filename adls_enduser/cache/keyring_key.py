"""The key of a cache: 256 bits, in the operating system's keyring and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING

from ..errors import CacheError
from ..tokens import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE = "adls_enduser"
SIZE = 32


def find(path: str) -> Secret | None:
    """Give the key of the data file at ``path``, in base64, or None where none is kept.

    CacheError where there is no keyring, or where it is locked.
    """
    import keyring

    key = _tried(lambda: keyring.get_password(SERVICE, _name(path)))
    return key if key is not None and _is_key(key) else None


def make(path: str) -> Secret:
    """Make a key, put it into the keyring, and see that it is there.

    Under the lock of the file only. Some keyrings take everything and keep nothing
    (keyring.backends.null, an empty keyring.backends.chainer): CacheError.
    """
    import keyring

    key = Secret(base64.b64encode(os.urandom(SIZE)).decode("ascii"))
    _tried(lambda: keyring.set_password(SERVICE, _name(path), key.reveal()))
    if find(path) != key:
        raise _no_keyring("it keeps nothing")
    return key


def forget(path: str) -> None:
    """Remove the key if there is one, which makes what it sealed unreadable for good."""
    import keyring

    try:
        if find(path) is not None:
            _tried(lambda: keyring.delete_password(SERVICE, _name(path)))
    except CacheError:
        return  # nothing is left that it could open


def _name(path: str) -> str:
    # Two caches have two keys. The hash, because some keyrings bound a name's length.
    folded = os.fsencode(os.path.normcase(path))
    return f"sign-ins {hashlib.sha256(folded).hexdigest()[:32]}"


def _is_key(key: Secret) -> bool:
    try:
        return len(base64.b64decode(key.reveal(), validate=True)) == SIZE
    except ValueError:
        return False


def _tried(act: Callable[[], str | None]) -> Secret | None:
    # Backends raise KeyringError, but also what their own libraries raise: secretstorage,
    # D-Bus and Windows errors, RuntimeError and ImportError from the choice of a backend.
    # Raised outside of the handler, so that no frame that knows the key hangs on the error.
    try:
        answer = act()
    except Exception as failure:
        reason = _reason(failure)
    else:
        return None if answer is None else Secret(answer)
    raise _no_keyring(reason)


def _reason(failure: Exception) -> str:
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(failure, NoKeyringError):
        return "none is installed or running"
    if isinstance(failure, KeyringLocked):
        return "it is locked"
    return f"{type(failure).__name__} from {type(failure).__module__}"


def _no_keyring(reason: str) -> CacheError:
    return CacheError(
        f"The sign-in cannot be kept: the system's keyring cannot be used ({reason}).",
        remedy="Unlock the keyring, or install one (on Linux gnome-keyring or KWallet, in a"
        " D-Bus session; `keyring diagnose` tells what is found). Leave cache= out to keep"
        " the sign-in in memory only. On a machine where nobody else can read your files,"
        " SignInCache(allow_unencrypted=True) keeps it without a keyring.",
    )
