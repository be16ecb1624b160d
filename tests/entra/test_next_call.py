"""The remedy of a refusal has the next call, which can be run as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

import adls_enduser
from adls_enduser import (
    Browser,
    DeviceCode,
    MfaRequired,
    Password,
    SignInExpired,
    SignInRequired,
    WrongAccount,
    filesystem_token,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT

if TYPE_CHECKING:
    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

STRATEGIES: dict[str, Any] = {
    "password": Password,
    "device_code": DeviceCode,
    "browser": Browser,
}


@pytest.fixture
def options(azure: Sandbox, clock: SandboxClock, ada: Person, library: str) -> Any:
    """Return each mode's options, with which Ada signs in as soon as she is asked."""

    def browse(prompt: Any) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.get(azure.entra.authorize(prompt.url, by=ada), timeout=10)

    given: dict[str, Any] = {
        "password": {"username": ada.username, "password": PASSWORD},
        "device_code": {"prompt": lambda prompt: azure.entra.approve(prompt.code, by=ada)},
        "browser": {"prompt": browse},
    }
    common = {"tenant": CONTOSO, "clock": clock, "library": library}
    return {mode: own | common for mode, own in given.items()}


def make(remedy: str, factory: str, given: str, hidden: Any) -> Any:
    """Run the call that a remedy names; ``hidden`` are the options that only the test needs."""
    given += ', library="msal"' if hidden["library"] == "msal" else ""
    assert f"The next call: {factory}({given})." in remedy
    spelled = eval(f"dict({given})")
    return getattr(adls_enduser, factory)(**hidden | spelled)


@pytest.mark.parametrize("mode", STRATEGIES)
@pytest.mark.parametrize(
    ("resource", "factory"),
    [(MANAGEMENT, "management_credentials"), (DATA_LAKE, "filesystem_token")],
)
def test_a_sign_in_that_is_over_names_the_call_that_signs_in_again(
    azure: Sandbox,
    clock: SandboxClock,
    ada: Person,
    options: Any,
    mode: str,
    resource: str,
    factory: str,
) -> None:
    """In the mode in which the person signed in, with the same factory; and the call works."""
    strategy = STRATEGIES[mode](**options[mode])
    strategy.silent(resource) or strategy.sign_in(resource)
    azure.entra.revoke_refresh_tokens(ada, code=700082)
    clock.advance(3601)
    with pytest.raises(SignInExpired) as caught:
        strategy.silent(resource)
    given = f'mode="{mode}", tenant="{CONTOSO}"'
    credential = make(caught.value.remedy, factory, given, options[mode])
    assert credential.whoami().username == ada.username


def test_a_second_factor_names_a_call_that_can_give_it(
    azure: Sandbox, grace: Person, options: Any
) -> None:
    """A password is not enough for Grace; the call that is named signs her in."""
    with pytest.raises(MfaRequired) as caught:
        management_credentials("password", **options["password"] | {"username": grace.username})
    options["device_code"]["prompt"] = lambda prompt: azure.entra.approve(prompt.code, by=grace)
    given = f'mode="device_code", tenant="{CONTOSO}"'
    remedy = caught.value.remedy
    credential = make(remedy, "management_credentials", given, options["device_code"])
    assert credential.whoami().username == grace.username


def test_the_wrong_person_names_the_call_for_the_right_one(
    ada: Person, grace: Person, options: Any
) -> None:
    """Ada approved Grace's sign-in: the remedy has the same call again."""
    with pytest.raises(WrongAccount) as caught:
        filesystem_token("browser", **options["browser"] | {"username": grace.username})
    given = f'mode="browser", tenant="{CONTOSO}"'
    make(caught.value.remedy, "filesystem_token", given, options["browser"])


def test_nobody_to_ask_names_a_call_with_a_callback(
    clock: SandboxClock, options: Any, library: str
) -> None:
    """A service has no terminal; the call in the remedy has a callback that shows the prompt."""
    strategy = DeviceCode(tenant=CONTOSO, clock=clock, library=library)
    given = f'mode="device_code", tenant="{CONTOSO}"'
    given += ', library="msal"' if library == "msal" else ""
    with pytest.raises(SignInRequired) as caught:
        filesystem_token(mode=strategy, interactive=False)
    assert f"Call filesystem_token({given}, prompt=...) with" in caught.value.remedy
