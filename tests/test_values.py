"""The frozen classes of ``values``, which other code takes for dataclasses."""

from __future__ import annotations

import copy
import sys

import pytest

from adls_enduser import Account
from adls_enduser.clouds import PUBLIC


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace is new in Python 3.13")
def test_copy_replace() -> None:
    """It takes them, as it takes each dataclass."""
    replaced = copy.replace(Account("ada@contoso.com"), tenant="t")  # type: ignore[attr-defined]
    assert replaced == Account("ada@contoso.com", "t")


def test_a_copy_by_the_method_of_copy_replace() -> None:
    """Which each version of Python has here."""
    changed = PUBLIC.__replace__(name="mine")  # type: ignore[attr-defined]
    assert (changed.name, changed.authority) == ("mine", PUBLIC.authority)
