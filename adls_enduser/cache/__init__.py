"""A sign-in kept between processes: on disk, sealed, its key in the system's keyring.

``files`` knows the disk, ``records`` the form of what stands there, ``keys`` the keyring,
``sealing`` the cipher, and ``cache`` puts them together. Needs the extra ``[cache]``;
importing this loads no third-party module.
"""

from __future__ import annotations

from .cache import Entry, SignInCache
from .files import PATIENCE
from .model import CachedSession, CacheKey, KeptAccount

__all__ = ["PATIENCE", "CacheKey", "CachedSession", "Entry", "KeptAccount", "SignInCache"]
