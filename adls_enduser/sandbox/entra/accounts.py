"""The checks at sign-in: whether the password is right, and whether the person may sign in."""

from __future__ import annotations

import hmac
import secrets
import threading
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from .error_responses import EntraError

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..directory import Person, Tenant
    from ..state import State
    from .applications import Application

# Entra's smart lockout: ten wrong passwords lock an account for a minute at first.
# Source: Microsoft, "Protect user accounts from attacks with Microsoft Entra smart lockout".
_WRONG_PASSWORDS = 10
_LOCKED_SECONDS = 60.0


class Accounts:
    """Checks persons, and keeps their wrong attempts, authenticators, guest roles and consents."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._wrong_passwords: dict[str, int] = {}
        self._locked_until: dict[str, float] = {}
        self._authenticators: dict[str, TOTP] = {}
        self._guests: set[tuple[str, str]] = set()
        self._consents: set[tuple[str, str]] = set()
        self.federated: set[str] = set()

    def invite(self, person: Person, tenant: Tenant) -> None:
        """Make a person a guest of another tenant."""
        self._guests.add((person.object_id, tenant.tenant_id))

    def home_tenant(self, person: Person) -> Tenant:
        """Return the tenant a person belongs to."""
        return self._state.directory.tenants[person.tenant_id]

    def authenticate(
        self, username: str, password: str, tenant: Tenant | None, *, managed: bool = True
    ) -> Person:
        """Find the person with a user name and password, in one tenant or (None) in any.

        ``managed`` is as for ``check_password``. Raises EntraError: 50034, 90002, 50126, 50053.
        """
        person = self._find_person(username, tenant)
        self.check_password(person, password, managed=managed)
        return person

    def _find_person(self, username: str, tenant: Tenant | None) -> Person:
        person = self._state.directory.by_username(username)
        if person and (tenant is None or person.tenant_id == tenant.tenant_id):
            return person
        domain = username.rpartition("@")[2]
        if tenant is None and "@" in username and not self._state.directory.tenant(domain):
            raise EntraError(90002, tenant=domain)
        raise EntraError(50034, tenant=tenant.tenant_id if tenant else domain)

    def check_password(self, person: Person, password: str, *, managed: bool) -> None:
        """Raise EntraError for a wrong password (50126), or after ten wrong ones in a row (50053).

        ``managed`` is whether Entra ID itself checks the password. It does not know the
        passwords of federated domains, so for these every password is wrong.
        """
        object_id = person.object_id
        with self._lock:
            if self._state.clock.service_time() < self._locked_until.get(object_id, 0.0):
                raise EntraError(50053)
            known_here = not managed or _domain(person.username) not in self.federated
            if known_here and hmac.compare_digest(person.password.encode(), password.encode()):
                self._wrong_passwords.pop(object_id, None)
                return
            self._count_wrong(object_id)
        raise EntraError(50126)

    def _count_wrong(self, object_id: str) -> None:
        self._wrong_passwords[object_id] = self._wrong_passwords.get(object_id, 0) + 1
        if self._wrong_passwords[object_id] >= _WRONG_PASSWORDS:
            self._locked_until[object_id] = self._state.clock.service_time() + _LOCKED_SECONDS
            self._wrong_passwords.pop(object_id)

    def check_sign_in(
        self,
        person: Person,
        tenant: Tenant | None,
        application: Application,
        amr: Collection[str],
    ) -> Tenant:
        """Return the tenant of the token a person gets; raise EntraError if they get none.

        ``amr`` is how the person has proved their identity (RFC 8176).
        """
        tenant = self.sign_in_tenant(person, tenant)
        if self.needs_second_factor(person, amr):
            raise EntraError(50076)
        if self.needs_consent(person, application):
            raise EntraError(65001)
        return tenant

    def sign_in_tenant(self, person: Person, tenant: Tenant | None) -> Tenant:
        """Return the tenant a person signs in to; raise EntraError if they cannot."""
        tenant = tenant or self.home_tenant(person)
        if person.refused_with is not None:
            raise EntraError(person.refused_with)
        if tenant.tenant_id != person.tenant_id and (
            (person.object_id, tenant.tenant_id) not in self._guests
        ):
            raise EntraError(50020, tenant=tenant.tenant_id, home_tenant=person.tenant_id)
        return tenant

    def needs_second_factor(self, person: Person, amr: Collection[str]) -> bool:
        """Tell whether a person must still show a second factor."""
        return person.mfa and "mfa" not in amr

    def needs_consent(self, person: Person, application: Application) -> bool:
        """Tell whether neither an administrator nor the person has consented."""
        consent = (person.object_id, application.client_id)
        return not application.consented and consent not in self._consents

    def consent(self, person: Person, application: Application) -> None:
        """Record a person's consent to an application."""
        self._consents.add((person.object_id, application.client_id))

    def one_time_code(self, person: Person) -> str:
        """Return the six digits that the person's authenticator shows now (RFC 6238)."""
        return self._authenticator(person).generate(int(self._state.clock.service_time())).decode()

    def check_one_time_code(self, person: Person, code: str) -> bool:
        """Tell whether these are the digits of now, or of thirty seconds ago."""
        authenticator = self._authenticator(person)
        now = self._state.clock.service_time()
        return any(_verifies(authenticator, code, moment) for moment in (now, now - 30))

    def _authenticator(self, person: Person) -> TOTP:
        with self._lock:
            if person.object_id not in self._authenticators:
                key = secrets.token_bytes(20)
                self._authenticators[person.object_id] = TOTP(key, 6, SHA1(), 30)  # noqa: S303
            return self._authenticators[person.object_id]


def _verifies(authenticator: TOTP, code: str, moment: float) -> bool:
    try:
        authenticator.verify(code.encode(), int(moment))
    except InvalidToken:
        return False
    return True


def _domain(username: str) -> str:
    return username.rpartition("@")[2].lower()
