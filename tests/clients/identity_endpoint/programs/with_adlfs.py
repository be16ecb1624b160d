"""adlfs with anon=False, which uses azure-identity's DefaultAzureCredential."""

from __future__ import annotations

import adlfs
from repeat import ACCOUNT, BOX, repeat

STORE = adlfs.AzureBlobFileSystem(account_name=ACCOUNT, anon=False)


def act(number: int) -> None:
    """Write a file and read it back."""
    STORE.pipe(f"{BOX}/file{number}", b"%d" % number)
    assert STORE.cat(f"{BOX}/file{number}") == b"%d" % number


repeat(act)
