"""Keep sign-ins between processes: encrypted on disk, with the key in the system's keyring.

``files`` reads and writes the file, ``records`` is its format, ``keyring_key`` keeps the key,
``encryption`` is the cipher, and ``cache`` combines them; ``entry`` is what only writing needs.
Needs the extra ``[cache]``, of which nothing is loaded before it is needed.
"""

from __future__ import annotations

from .cache import Glance, SignInCache
from .files import LOCK_TIMEOUT
from .keyring_key import time_limit
from .model import CachedSession, CacheKey, KeptAccount

__all__ = [
    "LOCK_TIMEOUT",
    "CacheKey",
    "CachedSession",
    "Glance",
    "KeptAccount",
    "SignInCache",
    "time_limit",
]
