"""Each tool does its work on the sandbox as on Azurite, request by request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .accepted import not_met, unexplained
from .comparison import differences, differing_sights
from .lake import AZURITE, Lake

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

    from .azurite import Azurite

PROGRAMS = sorted(path.stem for path in (Path(__file__).parent / "programs").glob("with_*.py"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_on_both(azure: Sandbox, azurite: Azurite, name: str) -> None:
    """What it has written is there, and every response is the same but for what is explained."""
    reference = Lake(azure, azurite, account=AZURITE)
    sandbox = Lake(azure, azure.storage, box=reference.box)
    expected, seen = reference.run(name), sandbox.run(name)
    assert "error" not in expected, expected["message"]
    found = differing_sights(expected, seen) + differences(reference, sandbox)
    left = unexplained(found)
    assert not left, "\n".join(map(str, left))
    assert not_met(name, found) == []
