"""The credential for Azure Storage: Data Lake Storage Gen2, blobs and OneLake.

Its clients are of azure-core's generation, so it needs no class of another package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .credential import Credential

if TYPE_CHECKING:
    from ..clouds import Cloud
    from .token_source import TokenSource


class StorageCredential(Credential):
    """azure-core's credential, for every client of Azure Storage."""

    _kind = "storage"

    def __init__(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        self._begin(source, cloud, tenant)
