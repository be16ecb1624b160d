"""azure-storage-blob with DefaultAzureCredential, and with ManagedIdentityCredential."""

from __future__ import annotations

from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.storage.blob import BlobServiceClient
from repeat import ACCOUNT, BOX, repeat

URL = f"https://{ACCOUNT}.blob.core.windows.net"
CLIENTS = [
    BlobServiceClient(URL, credential=kind())
    for kind in (DefaultAzureCredential, ManagedIdentityCredential)
]


def act(number: int) -> None:
    """Write a blob and read it back."""
    for client in CLIENTS:
        blob = client.get_blob_client(BOX, f"blob{number}")
        blob.upload_blob(b"%d" % number, overwrite=True)
        assert blob.download_blob().readall() == b"%d" % number


repeat(act)
