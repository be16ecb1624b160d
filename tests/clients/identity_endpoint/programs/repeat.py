"""What the programs of this folder share. They run outside of the project's environment."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT, BOX = "mylake", "box"


def repeat(act: Callable[[int], None]) -> None:
    """Act for as many seconds as the first argument says."""
    end, number = time.monotonic() + float(sys.argv[1]), 0
    while time.monotonic() < end:
        act(number)
        number += 1
        time.sleep(0.5)
