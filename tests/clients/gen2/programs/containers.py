"""What each tool needs and none but one makes: a container."""

from __future__ import annotations

from typing import Any

from azure.storage.blob import BlobServiceClient


def make(credential: Any, account: str, box: str) -> None:
    """Create a container with azure-storage-blob."""
    url = f"https://{account}.blob.core.windows.net"
    with BlobServiceClient(url, credential=credential) as service:
        service.create_container(box)
