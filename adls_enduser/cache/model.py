"""Where a sign-in belongs, what is kept of it, and what may be told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..tokens import Account, Secret, Token


@dataclass(frozen=True)
class CacheKey:
    """Where a sign-in belongs.

    ``authority`` is the cloud's, without a tenant. ``tenant`` (GUID or domain) and
    ``username`` are what the caller asked for, or None.
    """

    authority: str
    client_id: str
    tenant: str | None = None
    username: str | None = None


@dataclass(frozen=True)
class KeptAccount:
    """Whose sign-in is kept, and for which authority and client; nothing secret."""

    username: str | None
    tenant: str | None
    object_id: str | None
    authority: str
    client_id: str


@dataclass(frozen=True)
class CachedSession:
    """One person's sign-in: the refresh token, and access tokens by resource."""

    account: Account
    refresh_token: Secret | None = None
    tokens: Mapping[str, Token] = field(default_factory=dict)


def normal_authority(authority: str) -> str:
    """Give the spelling under which an authority is compared; ValueError for no URL.

    A host's letters have no case (RFC 3986 section 3.2.2).
    """
    parts = urlsplit(authority)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
