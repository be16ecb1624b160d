"""What a check of ``adls-enduser doctor`` has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..log import printable

if TYPE_CHECKING:
    from ..errors import EndUserError

GOOD, TO_MIND, BROKEN = "good", "to mind", "broken"


class Finding(NamedTuple):
    """What was checked, its state, a sentence, and what to do; without secrets."""

    check: str
    state: str
    text: str
    remedy: str = ""


def finding_of(check: str, error: EndUserError, state: str = BROKEN) -> Finding:
    """Return what an error says as a finding."""
    return Finding(check, state, printable(error.message, 1000), printable(error.remedy, 1000))
