"""Persons at the door: whether the password is right, and whether they may come in."""

from __future__ import annotations

import hmac
import secrets
import threading
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from .error_responses import Refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..directory import Person, Tenant
    from ..state import World
    from .applications import Application

# Entra's smart lockout: ten wrong passwords lock an account for a minute at first.
# Source: Microsoft, "Protect user accounts from attacks with Microsoft Entra smart lockout".
_WRONG_PASSWORDS = 10
_LOCKED_SECONDS = 60.0


class Accounts:
    """Checks of persons, and what they remember: wrong tries, authenticators, guests."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._wrong: dict[str, int] = {}
        self._locked_until: dict[str, float] = {}
        self._authenticators: dict[str, TOTP] = {}
        self._guests: set[tuple[str, str]] = set()
        self._consents: set[tuple[str, str]] = set()
        self.federated: set[str] = set()

    def invite(self, person: Person, tenant: Tenant) -> None:
        """Make a person a guest of another tenant."""
        self._guests.add((person.object_id, tenant.tenant_id))

    def home(self, person: Person) -> Tenant:
        """Give the tenant a person belongs to."""
        return self._world.directory.tenants[person.tenant_id]

    def with_password(
        self, username: str, password: str, tenant: Tenant | None, *, managed: bool = True
    ) -> Person:
        """Find who signs in with a password, in a tenant or (None) wherever they belong.

        ``managed`` as for ``check_password``. Refused: 50034, 90002, 50126, 50053.
        """
        person = self._find(username, tenant)
        self.check_password(person, password, managed=managed)
        return person

    def _find(self, username: str, tenant: Tenant | None) -> Person:
        person = self._world.directory.by_username(username)
        if person and (tenant is None or person.tenant_id == tenant.tenant_id):
            return person
        domain = username.rpartition("@")[2]
        if tenant is None and "@" in username and not self._world.directory.tenant(domain):
            raise Refused(90002, tenant=domain)
        raise Refused(50034, tenant=tenant.tenant_id if tenant else domain)

    def check_password(self, person: Person, password: str, *, managed: bool) -> None:
        """Refuse (50126) a wrong password, (50053) anything after ten wrong ones in a row.

        ``managed`` is whether Entra ID itself looks: it does not know the passwords of
        federated domains, so there every password is wrong.
        """
        who = person.object_id
        with self._lock:
            if self._world.clock.service_time() < self._locked_until.get(who, 0.0):
                raise Refused(50053)
            here = not managed or _domain(person.username) not in self.federated
            if here and hmac.compare_digest(person.password.encode(), password.encode()):
                self._wrong.pop(who, None)
                return
            self._count_wrong(who)
        raise Refused(50126)

    def _count_wrong(self, who: str) -> None:
        self._wrong[who] = self._wrong.get(who, 0) + 1
        if self._wrong[who] >= _WRONG_PASSWORDS:
            self._locked_until[who] = self._world.clock.service_time() + _LOCKED_SECONDS
            self._wrong.pop(who)

    def admit(
        self,
        person: Person,
        tenant: Tenant | None,
        application: Application,
        amr: Collection[str],
    ) -> Tenant:
        """Give the tenant whose token a person gets; Refused if they get none.

        ``amr`` is how the person has proved who they are (RFC 8176).
        """
        tenant = self.welcome(person, tenant)
        if self.needs_second_factor(person, amr):
            raise Refused(50076)
        if self.needs_consent(person, application):
            raise Refused(65001)
        return tenant

    def welcome(self, person: Person, tenant: Tenant | None) -> Tenant:
        """Give the tenant a person comes into; Refused if nothing they do lets them in."""
        tenant = tenant or self.home(person)
        if person.refused_with is not None:
            raise Refused(person.refused_with)
        if tenant.tenant_id != person.tenant_id and (
            (person.object_id, tenant.tenant_id) not in self._guests
        ):
            raise Refused(50020, tenant=tenant.tenant_id, home_tenant=person.tenant_id)
        return tenant

    def needs_second_factor(self, person: Person, amr: Collection[str]) -> bool:
        """Tell whether what a person has proved is not enough."""
        return person.mfa and "mfa" not in amr

    def needs_consent(self, person: Person, application: Application) -> bool:
        """Tell whether neither an administrator nor the person has consented."""
        consent = (person.object_id, application.client_id)
        return not application.consented and consent not in self._consents

    def consent(self, person: Person, application: Application) -> None:
        """Let a person consent to an application."""
        self._consents.add((person.object_id, application.client_id))

    def one_time_code(self, person: Person) -> str:
        """Give what the person's authenticator shows now: six digits (RFC 6238)."""
        return self._authenticator(person).generate(int(self._world.clock.service_time())).decode()

    def check_one_time_code(self, person: Person, code: str) -> bool:
        """Tell whether these are the digits of now, or of the thirty seconds before."""
        authenticator = self._authenticator(person)
        now = self._world.clock.service_time()
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
