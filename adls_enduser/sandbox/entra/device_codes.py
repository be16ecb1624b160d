"""Device codes: asked for by a program, approved or declined by a person (RFC 8628)."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .error_responses import Refused

if TYPE_CHECKING:
    from ..clock import SandboxClock
    from ..directory import Person, Tenant
    from .applications import Application
    from .token_request import Asked

# Nothing that could be taken for something else (RFC 8628 section 6.1).
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SLOWER_BY = 5.0
# A client's sleep of exactly the interval must never count as too fast.
_TOLERANCE = 0.25


@dataclass
class DeviceCode:
    """One sign-in that waits for its person; times in epoch seconds of the service."""

    user_code: str
    application: Application
    asked: Asked
    tenant: Tenant | None
    cloud: str
    expires_at: float
    interval: float
    device_code: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(120))
    polled_at: float | None = None
    person: Person | None = None
    amr: tuple[str, ...] = ()
    declined: bool = False
    redeemed: bool = False

    @property
    def resource(self) -> str:
        """Give what the program wants to reach."""
        return self.asked.resource


class DeviceCodes:
    """All device codes.

    ``lifetime`` and ``interval`` (seconds) hold for codes made from now on.
    ``slow_down`` is whether polling faster than the interval is answered with
    ``slow_down`` (RFC 8628 section 3.5). Microsoft's page on the flow does not list that
    answer; msal nevertheless expects it of Entra ID (``DEVICE_FLOW_RETRIABLE_ERRORS``).
    """

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: list[DeviceCode] = []
        self.lifetime = 900.0
        self.interval = 5.0
        self.slow_down = True

    def create(
        self, application: Application, asked: Asked, tenant: Tenant | None, cloud: str
    ) -> DeviceCode:
        """Make a new device code and its user code."""
        user_code = "".join(secrets.choice(_ALPHABET) for _ in range(9))
        expires_at = self._clock.service_time() + self.lifetime
        code = DeviceCode(user_code, application, asked, tenant, cloud, expires_at, self.interval)
        with self._lock:
            self._codes.append(code)
        return code

    def pending(self) -> list[DeviceCode]:
        """Give those that wait for their person, oldest first."""
        with self._lock:
            return [code for code in self._codes if self._waits(code)]

    def typed(self, user_code: str) -> DeviceCode:
        """Find the code that a person typed, in any case, with spaces or hyphens.

        Refused: 90119 empty, 70018 unknown, 90120 decided already, 70019 expired.
        """
        wanted = user_code.upper().replace("-", "").replace(" ", "")
        if not wanted:
            raise Refused(90119)
        with self._lock:
            code = next((one for one in self._codes if one.user_code == wanted), None)
        if code is None:
            raise Refused(70018)
        self.check_waits(code)
        return code

    def check_waits(self, code: DeviceCode) -> None:
        """Refuse a code that has been decided (90120) or has expired (70019)."""
        if code.person or code.declined:
            raise Refused(90120)
        if self._clock.service_time() >= code.expires_at:
            raise Refused(70019)

    def approve(self, code: DeviceCode, person: Person, amr: tuple[str, ...]) -> None:
        """Let a person approve."""
        with self._lock:
            self.check_waits(code)
            code.person, code.amr = person, amr

    def decline(self, code: DeviceCode) -> None:
        """Let a person decline."""
        with self._lock:
            self.check_waits(code)
            code.declined = True

    def redeem(
        self, device_code: str, application: Application, *, expired_code: int
    ) -> tuple[DeviceCode, Person]:
        """Give the code and who approved it, once; Refused while and if nobody did.

        ``expired_code`` is the number to refuse an expired one with: the v1.0 endpoint says
        ``code_expired`` (AzureAD/azure-activedirectory-library-for-python #110), that of
        v2.0 ``expired_token``, as RFC 8628 does.
        """
        with self._lock:
            code = next((one for one in self._codes if one.device_code == device_code), None)
            if code is None or code.application is not application:
                raise Refused(70018)
            if code.redeemed:
                raise Refused(70000, name="code")
            if code.declined:
                raise Refused(65004, error="authorization_declined")
            if self._clock.service_time() >= code.expires_at:
                raise Refused(expired_code)
            if code.person is None:
                raise self._not_yet(code)
            code.redeemed = True
            return code, code.person

    def _not_yet(self, code: DeviceCode) -> Refused:
        now, before = self._clock.service_time(), code.polled_at
        code.polled_at = now
        too_fast = before is not None and now - before < code.interval - _TOLERANCE
        if not (self.slow_down and too_fast):
            return Refused(70016)
        code.interval += _SLOWER_BY
        return Refused(70016, error="slow_down")

    def _waits(self, code: DeviceCode) -> bool:
        decided = code.person is not None or code.declined
        return not decided and self._clock.service_time() < code.expires_at
