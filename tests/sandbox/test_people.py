"""Who exists in a sandbox, and how a script names a person, a tenant or a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import DeviceCode, MfaRequired, SignInExpired, management_credentials
from adls_enduser.sandbox import CONTOSO, CONTOSO_ID
from adls_enduser.sandbox.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import Person, Sandbox

ADA, GRACE = f"ada@{CONTOSO}", f"grace@{CONTOSO}"
FABRIKAM = "fabrikam.example"


def test_a_sandbox_has_the_people_of_the_command_line(
    azure: Sandbox, library: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both sign in with the passwords that its help shows, one of them not by that alone."""
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = [line.split(": ") for line in capsys.readouterr().out.splitlines() if ": " in line]
    passwords = {told.split()[0]: password for told, password in lines if "@" in told}
    assert list(passwords) == [ADA, GRACE]
    options: dict[str, Any] = {"library": library, "clock": azure.clock}
    for username, password in passwords.items():
        told = {"username": username, "password": password, **options}
        if username == GRACE:
            with pytest.raises(MfaRequired):
                management_credentials("password", **told)
        else:
            assert management_credentials("password", **told).whoami().username == ADA
    credentials = management_credentials(
        prompt=lambda prompt: azure.entra.approve(prompt.code, by=GRACE), **options
    )
    assert credentials.whoami().username == GRACE


def test_who_approves_if_nobody_is_named(azure: Sandbox) -> None:
    """The first person that the script has added, else Ada; a new Ada replaces the first one."""
    options: Any = {
        "prompt": lambda prompt: azure.entra.approve(prompt.code),
        "clock": azure.clock,
    }
    assert management_credentials(**options).whoami().username == ADA
    azure.entra.person(f"bob@{CONTOSO}", password="x")
    azure.entra.person(ADA, password="new")
    assert management_credentials(**options).whoami().username == f"bob@{CONTOSO}"
    password: Any = {"username": ADA, "clock": azure.clock}
    assert management_credentials("password", password="new", **password)
    assert [one.username for one in azure.world.directory.persons()].count(ADA) == 1


@pytest.fixture(params=["name", "NAME", "object"])
def grace(request: pytest.FixtureRequest, azure: Sandbox) -> Person | str:
    """Grace, as a script may name her."""
    person = azure.entra.person(GRACE, password="x", mfa=True)
    names = {"name": GRACE, "NAME": GRACE.upper(), "object": person}
    return names[str(request.param)]


def test_a_person_is_named_alike_everywhere(azure: Sandbox, grace: Any) -> None:
    """By user name, in any case, or as an object."""
    entra = azure.entra
    entra.approver = grace
    assert entra.approver is not None
    assert entra.approver.username == GRACE
    strategy = DeviceCode(tenant=CONTOSO, prompt=id, clock=azure.clock)
    assert management_credentials(strategy).whoami().username == GRACE
    credentials = management_credentials(strategy, interactive=False)
    assert credentials.whoami().username == GRACE
    assert len(entra.one_time_code(grace)) == 6
    entra.require_claims(grace, None)
    entra.revoke_access_tokens(grace)
    entra.revoke_refresh_tokens(grace)
    azure.clock.advance(4000)
    with pytest.raises(SignInExpired):
        credentials.get_token("https://management.azure.com/.default")


@pytest.mark.parametrize("as_object", [True, False])
def test_a_tenant_and_a_group_too(azure: Sandbox, grace: Any, *, as_object: bool) -> None:
    """By name or as an object, and the owner of a store as any other person."""
    tenant = azure.entra.tenant(FABRIKAM)
    azure.entra.invite(grace, tenant if as_object else FABRIKAM)
    credentials = management_credentials(
        tenant=FABRIKAM,
        clock=azure.clock,
        prompt=lambda prompt: azure.entra.approve(prompt.code, by=grace),
    )
    assert credentials.whoami().tenant == tenant.tenant_id != CONTOSO_ID
    group = azure.resource_manager.add_resource_group("team")
    account = azure.resource_manager.add_account("teamstore", group if as_object else "team")
    assert account.group.name == "team"
    azure.stores.create("owned", owner=grace)


@pytest.mark.parametrize(
    "call",
    [
        lambda azure: azure.entra.approve("A", by="eve@x.example"),
        lambda azure: setattr(azure.entra, "approver", "eve@x.example"),
        lambda azure: azure.entra.one_time_code("eve@x.example"),
        lambda azure: azure.entra.invite("eve@x.example", CONTOSO),
        lambda azure: azure.entra.require_claims("eve@x.example"),
        lambda azure: azure.entra.revoke_access_tokens("eve@x.example"),
        lambda azure: azure.entra.revoke_refresh_tokens("eve@x.example"),
        lambda azure: azure.stores.create("owned", owner="eve@x.example"),
    ],
)
def test_nobody_of_that_name(azure: Sandbox, call: Callable[[Sandbox], object]) -> None:
    """Whoever does not exist is named at the call."""
    with pytest.raises(ValueError, match=r"there is no person eve@x\.example"):
        call(azure)
