"""Each tool does its work on the sandbox as on Azurite, and sees the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .lake import Lake

PROGRAMS = sorted(path.stem for path in (Path(__file__).parent / "programs").glob("with_*.py"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(lake: Lake, name: str) -> None:
    """It reads back what it has written."""
    seen = lake.run(name)
    assert "error" not in seen, seen["message"]
    assert len(lake.recorder.tokens()) == 1
