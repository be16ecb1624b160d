"""Keep sign-ins between processes: encrypted on disk, with the key in the system's keyring.

``files`` reads and writes the file, ``records`` is its format, ``keyring_key`` keeps the key,
``encryption`` is the cipher, and ``cache`` combines them. Needs the extra ``[cache]``;
importing this package loads no third-party module.
"""

from __future__ import annotations

from .cache import Entry, SignInCache
from .files import LOCK_TIMEOUT
from .keyring_key import time_limit
from .model import CachedSession, CacheKey, KeptAccount

__all__ = [
    "LOCK_TIMEOUT",
    "CacheKey",
    "CachedSession",
    "Entry",
    "KeptAccount",
    "SignInCache",
    "time_limit",
]
