"""Device codes: requested by a program, approved or declined by a person (RFC 8628)."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .error_responses import EntraError

if TYPE_CHECKING:
    from ..clock import SandboxClock
    from ..directory import Person, Tenant
    from .applications import Application
    from .token_request import RequestedAccess

# No characters that look alike (RFC 8628 section 6.1).
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SLOW_DOWN_SECONDS = 5.0
# A client's sleep of exactly the interval must never count as too fast.
_TOLERANCE = 0.25


@dataclass
class DeviceCode:
    """One pending sign-in; times are in epoch seconds of the service."""

    user_code: str
    application: Application
    access: RequestedAccess
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
        """Return the resource that the program requests access to."""
        return self.access.resource


class DeviceCodes:
    """All device codes.

    ``lifetime`` and ``interval`` (seconds) apply to codes issued from now on.
    ``slow_down`` is whether the response to polling faster than the interval is
    ``slow_down`` (RFC 8628 section 3.5). Microsoft's page on the flow does not list that
    response; msal nevertheless expects it from Entra ID (``DEVICE_FLOW_RETRIABLE_ERRORS``).
    """

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: list[DeviceCode] = []
        self.lifetime = 900.0
        self.interval = 5.0
        self.slow_down = True

    def create(
        self, application: Application, access: RequestedAccess, tenant: Tenant | None, cloud: str
    ) -> DeviceCode:
        """Create a device code and its user code."""
        user_code = "".join(secrets.choice(_ALPHABET) for _ in range(9))
        expires_at = self._clock.service_time() + self.lifetime
        code = DeviceCode(user_code, application, access, tenant, cloud, expires_at, self.interval)
        with self._lock:
            self._codes.append(code)
        return code

    def pending(self) -> list[DeviceCode]:
        """Return the codes that are neither approved nor declined, oldest first."""
        with self._lock:
            return [code for code in self._codes if self._is_pending(code)]

    def by_user_code(self, user_code: str) -> DeviceCode:
        """Find the code that a person typed, in any case, with spaces or hyphens.

        Raises EntraError: 90119 empty, 70018 unknown, 90120 approved or declined, 70019 expired.
        """
        typed = user_code.upper().replace("-", "").replace(" ", "")
        if not typed:
            raise EntraError(90119)
        with self._lock:
            code = next((code for code in self._codes if code.user_code == typed), None)
        if code is None:
            raise EntraError(70018)
        self.check_pending(code)
        return code

    def check_pending(self, code: DeviceCode) -> None:
        """Raise EntraError for a code that is approved or declined (90120) or expired (70019)."""
        if code.person or code.declined:
            raise EntraError(90120)
        if self._clock.service_time() >= code.expires_at:
            raise EntraError(70019)

    def approve(self, code: DeviceCode, person: Person, amr: tuple[str, ...]) -> None:
        """Approve a code as a person."""
        with self._lock:
            self.check_pending(code)
            code.person, code.amr = person, amr

    def decline(self, code: DeviceCode) -> None:
        """Decline a code."""
        with self._lock:
            self.check_pending(code)
            code.declined = True

    def redeem(
        self, device_code: str, application: Application, *, expired_error: int
    ) -> tuple[DeviceCode, Person]:
        """Return the code and the person who approved it, once; raise EntraError until then.

        ``expired_error`` is the number for an expired code: the v1.0 endpoint says
        ``code_expired`` (AzureAD/azure-activedirectory-library-for-python #110), the v2.0
        endpoint ``expired_token``, as RFC 8628 does.
        """
        with self._lock:
            code = next((code for code in self._codes if code.device_code == device_code), None)
            if code is None or code.application is not application:
                raise EntraError(70018)
            if code.redeemed:
                raise EntraError(70000, name="code")
            if code.declined:
                raise EntraError(65004, error="authorization_declined")
            if self._clock.service_time() >= code.expires_at:
                raise EntraError(expired_error)
            if code.person is None:
                raise self._pending_error(code)
            code.redeemed = True
            return code, code.person

    def _pending_error(self, code: DeviceCode) -> EntraError:
        now, before = self._clock.service_time(), code.polled_at
        code.polled_at = now
        too_fast = before is not None and now - before < code.interval - _TOLERANCE
        if not (self.slow_down and too_fast):
            return EntraError(70016)
        code.interval += _SLOW_DOWN_SECONDS
        return EntraError(70016, error="slow_down")

    def _is_pending(self, code: DeviceCode) -> bool:
        decided = code.person is not None or code.declined
        return not decided and self._clock.service_time() < code.expires_at
