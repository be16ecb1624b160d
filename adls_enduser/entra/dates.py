"""The dates in the headers of a response."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .exchange import Response


def epoch_seconds(date: str) -> float | None:
    """Return a date (RFC 9110 section 5.6.7) in epoch seconds; None if it cannot be read."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def retry_after(response: Response, now: float) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date (RFC 9110 10.2.3).

    A date is compared with the response's own date, so that a wrong clock here does no
    harm; ``now`` is used where the response has none.
    """
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal() and len(value) < 8:
        return float(value)
    then, sent = epoch_seconds(value), epoch_seconds(response.headers.get("Date", ""))
    if then is None:
        return None
    return max(0.0, then - (now if sent is None else sent))
