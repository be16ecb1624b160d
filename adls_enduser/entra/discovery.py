"""The documents of discovery, asked for once: by a process, and by those that share a cache.

They say where an authority's endpoints are, and whether Microsoft knows it. They come over TLS,
so a document is kept for those who trust the same certificates. One from the sign-in cache, which
may be plain text, is used only if every endpoint in it is at the authority's own host: so nobody
who can write that file can send a password elsewhere. MSAL.js keeps the documents in the browser's
storage, also for a day (@azure/msal-common, ``AUTHORITY_METADATA_REFRESH_TIME_SECONDS``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from .route import trusted_certificates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..options import Settings

_MAX_AGE = 24 * 3600.0
_MAX_AUTHORITIES = 100
# Of a tenant (OpenID Connect Discovery section 3, RFC 8628 section 4), and of the document that
# says whether Microsoft knows the authority (adal.authority).
_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "device_authorization_endpoint",
    "tenant_discovery_endpoint",
)


# What makes a document of either kind one that can be used (msal.authority, adal.authority).
_NEEDED = ({"authorization_endpoint", "token_endpoint"}, {"tenant_discovery_endpoint"})


class Document(NamedTuple):
    """The text of a response, and when it came (UTC epoch seconds)."""

    text: str
    fetched_on: float


# By authority and CA bundle, and then by address.
_known: dict[tuple[str, str], dict[str, Document]] = {}


def known_documents(settings: Settings) -> dict[str, Document]:
    """Return the documents that this process has for an authority, none older than a day."""
    now = settings.clock.time()
    documents = _known.get(_key(settings), {})
    return {url: one for url, one in documents.items() if 0 <= now - one.fetched_on < _MAX_AGE}


def keep_documents(settings: Settings, documents: Mapping[str, Document]) -> None:
    """Keep documents for all who ask the same authority and trust the same certificates."""
    if documents:
        _known[_key(settings)] = known_documents(settings) | dict(documents)
    while len(_known) > _MAX_AUTHORITIES:
        _known.pop(next(iter(_known)), None)


def keep_cached_documents(settings: Settings, documents: Mapping[str, tuple[str, float]]) -> None:
    """Keep documents of the sign-in cache that name no other host than the authority's.

    What this process has been told itself is not replaced.
    """
    known, own = known_documents(settings), settings.authority
    found = {url: Document(*one) for url, one in documents.items() if url not in known}
    keep_documents(settings, {url: one for url, one in found.items() if _stays_at(own, one.text)})


def _stays_at(authority: str, text: str) -> bool:
    try:
        document = json.loads(text)
        named = {name: document[name] for name in _ENDPOINTS if name in document}
        is_whole = any(needed <= named.keys() for needed in _NEEDED)
        return is_whole and {_origin(url) for url in named.values()} == {_origin(authority)}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _key(settings: Settings) -> tuple[str, str]:
    return settings.authority, trusted_certificates(settings)[1]
