"""The documents of discovery, asked for once: by a process, and by those that share a cache.

They say where an authority's endpoints are, and whether Microsoft knows it. They come over TLS,
so a document is kept for those who trust the same certificates. In the sign-in cache one is
protected as the refresh token beside it is: what can change it there can read or replace that
token already. MSAL.js keeps them in the browser's storage, for as long (@azure/msal-common,
AuthorityMetadataEntity and ``AUTHORITY_METADATA_REFRESH_TIME_SECONDS``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .route import trusted_certificates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..options import Settings

_MAX_AGE = 24 * 3600.0
_MAX_AUTHORITIES = 100


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


def _key(settings: Settings) -> tuple[str, str]:
    return settings.authority, trusted_certificates(settings)[1]
