"""The real azure-mgmt-storage on the sandbox's Resource Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lake import Lake


def test_accounts(gen2: Lake) -> None:
    """One is made and deleted beside the one that is there; nobody gets its keys."""
    assert gen2.run("management") == {
        "names": (True, False, True),
        "made": (True, "https://NAME.dfs.core.windows.net/"),
        "listed": 2,
        "in the group": 2,
        "changed": {"team": "lake"},
        "got": True,
        "keys": 403,
        "gone": 404,
    }
