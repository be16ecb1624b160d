"""The tenants of the sandbox, and the persons who can sign in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["Owner", "Reader"]

# Fixed, so that a program can be written before the sandbox starts.
CONTOSO = "contoso.onmicrosoft.com"
CONTOSO_ID = "c0ffee00-7e57-4c0a-9d0a-000000000001"

# Who exists in every sandbox, and the password of each.
ADA, GRACE = f"ada@{CONTOSO}", f"grace@{CONTOSO}"
ADA_PASSWORD, GRACE_PASSWORD = "ada-password", "grace-password"

_OBJECTS = uuid.UUID("5f2dd5a4-0b5e-4a5e-8b67-5a5b6a0c7e57")


@dataclass
class Tenant:
    """An organisation: its id (GUID), its verified domains, and its cloud.

    ``cloud`` is ``"public"``, ``"china"`` or ``"usgovernment"``.
    """

    tenant_id: str
    domains: set[str]
    cloud: str = "public"


@dataclass
class Person:
    """A person who can sign in.

    ``role`` is the role in the subscription: ``"Owner"`` may do everything, also in the
    stores (as in Gen1, where account owners are superusers); ``"Reader"`` may read
    resources; None may do neither. ``refused_with`` is the number of the AADSTS error that
    every sign-in of this person ends with (disabled, locked, blocked ...).
    """

    username: str
    tenant_id: str
    password: str = field(repr=False)
    mfa: bool = False
    role: Role | None = "Owner"
    groups: tuple[str, ...] = ()
    refused_with: int | None = None
    object_id: str = ""
    display_name: str = ""

    def __post_init__(self) -> None:
        name = self.username.lower()
        self.object_id = self.object_id or str(uuid.uuid5(_OBJECTS, name))
        self.display_name = self.display_name or name.partition("@")[0].title()


class Directory:
    """All tenants and persons; Ada and Grace exist from the beginning.

    Ada signs in with a password, Grace needs a second factor as well.
    """

    def __init__(self) -> None:
        self.tenants = {CONTOSO_ID: Tenant(CONTOSO_ID, {CONTOSO})}
        self._persons: dict[str, Person] = {}
        self._first_persons = {
            ADA: Person(ADA, CONTOSO_ID, ADA_PASSWORD),
            GRACE: Person(GRACE, CONTOSO_ID, GRACE_PASSWORD, mfa=True),
        }

    def tenant(self, name: Tenant | str) -> Tenant | None:
        """Find a tenant by its id or one of its domains, in any case; or return it."""
        if isinstance(name, Tenant):
            return name
        key = name.lower()
        for tenant in self.tenants.values():
            if key == tenant.tenant_id or key in tenant.domains:
                return tenant
        return None

    def add_tenant(
        self, *domains: str, tenant_id: str | None = None, cloud: str = "public"
    ) -> Tenant:
        """Add a tenant; without ``tenant_id`` it gets a new id."""
        names = {name.lower() for name in domains}
        tenant = Tenant((tenant_id or str(uuid.uuid4())).lower(), names, cloud)
        self.tenants[tenant.tenant_id] = tenant
        return tenant

    def add(self, person: Person) -> Person:
        """Add a person, or replace the one with the same user name."""
        self._persons[person.username.lower()] = person
        return person

    def by_username(self, username: str) -> Person | None:
        """Find a person by user name, in any case."""
        name = username.lower()
        return self._persons.get(name) or self._first_persons.get(name)

    def person(self, person: Person | str) -> Person:
        """Find a person by user name, or return the person; ValueError if there is none."""
        found = person if isinstance(person, Person) else self.by_username(person)
        if found is None:
            raise ValueError(f"there is no person {person}")
        return found

    def by_object_id(self, object_id: str) -> Person | None:
        """Find a person by object id."""
        for person in self.persons():
            if person.object_id == object_id:
                return person
        return None

    def persons(self) -> list[Person]:
        """Return all persons, in the order they were added; then Ada and Grace."""
        return list({**self._persons, **self._first_persons, **self._persons}.values())
