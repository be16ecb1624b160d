"""The sandbox as a pytest fixture.

Add ``pytest_plugins = ["adls_enduser.sandbox.pytest_plugin"]`` to your top-level
``conftest.py``, then take ``azure_sandbox`` in a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def azure_sandbox() -> Iterator[Sandbox]:
    """Run a sandbox for one test, with this process's environment pointed at it."""
    with Sandbox() as azure:
        yield azure
