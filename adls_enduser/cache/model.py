"""The values that the cache works with: the key of a sign-in, its account, and its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clouds import is_plain_https
from ..environment.packages import NeededBy
from ..values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..tokens import Account, Secret, Token

EXTRA = "'adls-enduser[cache]'"


@dataclass(frozen=True)
class CacheKey:
    """What a kept sign-in is looked up by.

    ``authority`` is that of the cloud, without a tenant. ``tenant`` (GUID or domain) and
    ``username`` are what the caller asked for; None matches any.
    """

    authority: str
    client_id: str
    tenant: str | None = None
    username: str | None = None


@dataclass(frozen=True)
class KeptAccount:
    """The account of a kept sign-in, its authority and its client id; nothing secret."""

    username: str | None
    tenant: str | None
    object_id: str | None
    authority: str
    client_id: str


@dataclass(frozen=True)
class CachedSession:
    """One person's sign-in: the refresh token, and access tokens by resource.

    ``documents`` are those of discovery: by URL the text, and when it came (UTC epoch seconds).
    """

    account: Account
    refresh_token: Secret | None = None
    tokens: Mapping[str, Token] = field(default_factory=dict)
    documents: Mapping[str, tuple[str, float]] = field(default_factory=dict)


def extra() -> NeededBy:
    """Return the ``with`` block in which a package of the extra ``[cache]`` is imported."""
    return NeededBy("SignInCache", EXTRA)


def normalize_authority(authority: str) -> str:
    """Return the spelling in which authorities are compared; ValueError if it is not a URL.

    A host name is case-insensitive (RFC 3986 section 3.2.2).
    """
    if is_plain_https(authority):
        return f"https://{authority[8:].rstrip('/')}"
    from urllib.parse import urlsplit

    parts = urlsplit(authority)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
