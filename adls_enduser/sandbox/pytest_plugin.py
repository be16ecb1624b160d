"""The sandbox as a pytest fixture.

Add ``pytest_plugins = ["adls_enduser.sandbox.pytest_plugin"]`` to your top
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
    """Give a running sandbox; the environment of this process points at it."""
    with Sandbox() as azure:
        yield azure
