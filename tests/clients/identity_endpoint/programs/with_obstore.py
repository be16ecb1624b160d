"""obstore without a provider."""

from __future__ import annotations

from obstore.store import AzureStore
from repeat import ACCOUNT, BOX, repeat

STORE = AzureStore(BOX, account_name=ACCOUNT)


def act(number: int) -> None:
    """Write a file and read it back."""
    STORE.put(f"file{number}", b"%d" % number)
    assert bytes(STORE.get(f"file{number}").bytes()) == b"%d" % number


repeat(act)
