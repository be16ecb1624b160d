"""The reason of a refusal is never lost: what was remembered, and what was not tried."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import (
    EndUserError,
    InvalidCredentials,
    MfaRequired,
    Password,
    SignInExpired,
    SignInRequired,
    filesystem_token,
    management_credentials,
)
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.sandbox import CONTOSO
from adls_enduser.testing.strategies import wait_for_background_renewal

from ..conftest import PASSWORD
from ..constants import MANAGEMENT, STORAGE

if TYPE_CHECKING:
    from adls_enduser import Credentials
    from adls_enduser.sandbox import Person, Sandbox, SandboxClock


@pytest.fixture
def options(library: str, clock: SandboxClock, ada: Person) -> dict[str, Any]:
    """Options of password mode."""
    return {
        "tenant": CONTOSO,
        "username": ada.username,
        "library": library,
        "clock": clock,
    }


def _refused_in_background(credential: Credentials, azure: Sandbox, ada: Person) -> None:
    """Let a background renewal be refused, then let the old token expire."""
    azure.entra.revoke_refresh_tokens(ada, code=70043)
    azure.clock.advance(3600 - 890)
    credential.get_token(f"{MANAGEMENT}.default")
    wait_for_background_renewal()
    azure.clock.advance(900)


@pytest.mark.parametrize("interactive", [None, False, True])
@pytest.mark.parametrize("resource", [MANAGEMENT, STORAGE])
def test_a_refusal_in_the_background_is_remembered(
    azure: Sandbox,
    ada: Person,
    options: dict[str, Any],
    interactive: bool | None,
    resource: str,
) -> None:
    """When the old token ends, and for another audience: its number and correlation id."""
    credential = management_credentials(
        "password", password=PASSWORD, interactive=interactive, **options
    )
    _refused_in_background(credential, azure, ada)
    for _ in range(2):
        with pytest.raises(SignInExpired) as caught:
            credential.get_token(f"{resource}.default")
        assert caught.value.code == "AADSTS70043"
        assert caught.value.correlation_id


def test_a_new_sign_in_ends_the_memory(
    azure: Sandbox, ada: Person, options: dict[str, Any]
) -> None:
    """A callable signs in again; then nothing is remembered."""
    credential = management_credentials("password", password=lambda: PASSWORD, **options)
    _refused_in_background(credential, azure, ada)
    assert credential.get_token(f"{MANAGEMENT}.default").token
    assert credential.get_token(f"{STORAGE}.default").token


def test_in_password_mode_the_remedy_names_password_mode(
    options: dict[str, Any], azure: Sandbox
) -> None:
    """Not a device code, which was not asked for."""

    class Silent(Password):
        def silent(self, resource: str, *, claims: str | None = None) -> None:
            return None

    with pytest.raises(SignInRequired) as caught:
        management_credentials(Silent(**options), interactive=False)
    assert 'management_credentials(mode="password"' in caught.value.remedy
    assert "device_code" not in caught.value.remedy


@pytest.mark.parametrize("interactive", [None, False, True])
def test_a_missing_password_is_called_missing(
    options: dict[str, Any],
    azure: Sandbox,
    interactive: bool | None,
) -> None:
    """Where there is no terminal to ask for it."""
    with pytest.raises(SignInRequired, match="password is missing") as caught:
        management_credentials("password", interactive=interactive, **options)
    assert "password=" in caught.value.remedy
    assert "device_code" not in str(caught.value)


def test_a_fallback_that_was_not_tried_is_named(
    azure: Sandbox, grace: Person, options: dict[str, Any]
) -> None:
    """Because nobody can be prompted here."""
    options["username"] = grace.username
    with pytest.raises(MfaRequired) as caught:
        filesystem_token("password", password=PASSWORD, fallback="device_code", **options)
    assert "The fallback DeviceCode was not tried" in caught.value.remedy
    assert "prompted" in caught.value.remedy


def test_a_fallback_that_was_tried_is_not_named(
    azure: Sandbox, options: dict[str, Any], clock: SandboxClock
) -> None:
    """Where somebody can be prompted, the person signs in by it."""
    name = f"eve@{CONTOSO}"
    azure.entra.person(name, password=PASSWORD, mfa=True, approves_device_codes=True)
    options["username"] = name
    credential = filesystem_token(
        "password", password=PASSWORD, fallback="device_code", prompt=print, **options
    )
    assert credential.whoami().username == name


@pytest.mark.parametrize("interactive", [None, True])
def test_a_password_callable_is_called_once_for_one_refusal(
    azure: Sandbox,
    options: dict[str, Any],
    interactive: bool | None,
) -> None:
    """It may be a dialogue: the person is not asked twice. The next call asks again."""
    calls: list[str] = []

    def password() -> str:
        calls.append("asked")
        return "wrong" if len(calls) < 3 else PASSWORD

    strategy = Password(password=password, **options)
    for number in (1, 2):
        with pytest.raises(InvalidCredentials) as caught:
            management_credentials(strategy, interactive=interactive)
        assert caught.value.code == "AADSTS50126"
        assert len(calls) == number
    assert management_credentials(strategy, interactive=interactive)


def test_audiences_that_were_refused_are_forgotten(
    azure: Sandbox, ada: Person, options: dict[str, Any]
) -> None:
    """However many a program asks for."""
    credential = management_credentials("password", password=PASSWORD, interactive=False, **options)
    azure.clock.advance(3601)
    azure.entra.revoke_refresh_tokens(ada, code=70043)
    for number in range(300):
        with pytest.raises(EndUserError):
            credential.get_token(f"https://audience{number}.example/.default")
    gc.collect()
    sources = [one for one in gc.get_objects() if isinstance(one, TokenSource)]
    assert len([one for one in sources if ".example" in one.resource]) < 100
