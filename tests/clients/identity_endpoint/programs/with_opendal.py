"""OpenDAL's azblob, which asks by the older api-version."""

from __future__ import annotations

import opendal
from repeat import ACCOUNT, BOX, repeat

STORE = opendal.Operator(
    "azblob",
    container=BOX,
    account_name=ACCOUNT,
    endpoint=f"https://{ACCOUNT}.blob.core.windows.net",
)


def act(number: int) -> None:
    """Write a file and read it back."""
    STORE.write(f"file{number}", b"%d" % number)
    assert bytes(STORE.read(f"file{number}")) == b"%d" % number


repeat(act)
