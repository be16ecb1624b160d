"""Leases of files, directories and filesystems.

Source: Microsoft, "Lease Blob" and "Lease Container", with their tables "Outcomes of lease
operations by lease state" and "Outcomes of use attempts".
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal

from .errors import StorageError, bad_header, missing_header

INFINITE = -1
State = Literal["available", "leased", "expired", "breaking", "broken"]


@dataclass
class Lease:
    """One lease. ``ends`` is when it expires, or when it is broken; times are in seconds."""

    lease_id: str = ""
    duration: int = 0
    ends: float = 0.0
    broken: bool = False

    def state(self, now: float) -> State:
        """Return the state at a time."""
        if not self.lease_id:
            return "available"
        if self.broken:
            return "breaking" if now < self.ends else "broken"
        return "leased" if self.duration == INFINITE or now < self.ends else "expired"

    def headers(self, now: float) -> dict[str, str]:
        """Return the response headers that describe the lease."""
        state = self.state(now)
        locked = state in ("leased", "breaking")
        headers: dict[str, str] = {"x-ms-lease-state": state}
        headers["x-ms-lease-status"] = "locked" if locked else "unlocked"
        if state == "leased":
            fixed = "infinite" if self.duration == INFINITE else "fixed"
            headers["x-ms-lease-duration"] = fixed
        return headers

    def acquire(self, now: float, duration: int, proposed: str) -> None:
        """Take the lease; raise StorageError if there is another one."""
        state = self.state(now)
        same = bool(proposed) and proposed == self.lease_id
        if state == "breaking":
            code = "LeaseIsBreakingAndCannotBeAcquired" if same else "LeaseAlreadyPresent"
            raise StorageError(code)
        if state == "leased" and not same:
            raise StorageError("LeaseAlreadyPresent")
        self.lease_id, self.broken = proposed or str(uuid.uuid4()), False
        self._start(now, duration)

    def renew(self, now: float, lease_id: str) -> None:
        """Begin the duration again; raise StorageError for another or a broken lease."""
        self._require_match(lease_id)
        if self.broken:
            raise StorageError("LeaseIsBrokenAndCannotBeRenewed")
        self._start(now, self.duration)

    def change(self, now: float, lease_id: str, proposed: str) -> None:
        """Set another id of the lease; the current id may be either of the two."""
        state = self.state(now)
        if state not in ("leased", "breaking"):
            raise StorageError("LeaseNotPresentWithLeaseOperation")
        if self.lease_id not in (lease_id, proposed):
            raise StorageError("LeaseIdMismatchWithLeaseOperation")
        if state == "breaking":
            raise StorageError("LeaseIsBreakingAndCannotBeChanged")
        self.lease_id = proposed

    def release(self, lease_id: str) -> None:
        """End the lease; raise StorageError for another one."""
        self._require_match(lease_id)
        self.lease_id, self.broken = "", False

    def break_(self, now: float, period: int | None) -> int:
        """End the lease after a period, and return the seconds until then.

        Without a period a lease is broken when it ends, and one without end at once.
        """
        state = self.state(now)
        if state == "available":
            raise StorageError("LeaseNotPresentWithLeaseOperation")
        left = self._left(now, state)
        if period is not None and state in ("leased", "breaking"):
            endless = self.duration == INFINITE and state == "leased"
            left = period if endless else min(period, left)
        self.broken, self.ends = True, now + left
        return left

    def check(self, now: float, lease_id: str, kind: str, *, writes: bool) -> None:
        """Raise StorageError if a request with this lease id may not use the resource.

        ``kind`` is ``Blob`` or ``Container``. A read needs no lease id, but not a wrong one.
        """
        state = self.state(now)
        if state in ("leased", "breaking"):
            if not lease_id and writes:
                raise StorageError("LeaseIdMissing")
            if lease_id and lease_id != self.lease_id:
                raise StorageError(f"LeaseIdMismatchWith{kind}Operation")
        elif lease_id:
            lost = lease_id == self.lease_id
            raise StorageError("LeaseLost" if lost else f"LeaseNotPresentWith{kind}Operation")

    def _start(self, now: float, duration: int) -> None:
        self.duration = duration
        self.ends = now + max(duration, 0)

    def _left(self, now: float, state: State) -> int:
        if state not in ("leased", "breaking") or (self.duration == INFINITE and state == "leased"):
            return 0
        return max(0, round(self.ends - now))

    def _require_match(self, lease_id: str) -> None:
        if self.lease_id != lease_id:
            raise StorageError("LeaseIdMismatchWithLeaseOperation")


def parse_duration(text: str | None) -> int:
    """Return a lease's duration: -1, or 15 to 60 seconds; raise StorageError."""
    if not text:
        raise missing_header("x-ms-lease-duration")
    value = _whole(text, "x-ms-lease-duration")
    if value != INFINITE and not 15 <= value <= 60:
        raise bad_header("x-ms-lease-duration", str(value))
    return value


def parse_period(text: str | None) -> int | None:
    """Return a break period of 0 to 60 seconds, or None; raise StorageError."""
    if text is None:
        return None
    value = _whole(text, "x-ms-lease-break-period")
    if not 0 <= value <= 60:
        raise bad_header("x-ms-lease-break-period", text)
    return value


def parse_id(text: str | None, name: str) -> str:
    """Return a lease id in its canonical spelling, or an empty one; raise StorageError."""
    if not text:
        return ""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise bad_header(name, text) from None


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise bad_header(name, text) from None
