"""Keyrings that replace the one of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from keyring.backends import fail

from .helpers import MemoryKeyring, use_keyring

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.register_assert_rewrite("tests.cache.contract")


@pytest.fixture
def memory_keyring() -> Iterator[MemoryKeyring]:
    """A keyring in memory."""
    backend = MemoryKeyring()
    with use_keyring(backend):
        yield backend


@pytest.fixture
def no_keyring() -> Iterator[None]:
    """No keyring: keyring's own backend for a machine without one."""
    with use_keyring(fail.Keyring()):
        yield
