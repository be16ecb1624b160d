"""The remedy of a refusal has the next call, which can be run as it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import requests

import adls_enduser
from adls_enduser import (
    Browser,
    DeviceCode,
    InvalidCredentials,
    MfaRequired,
    Password,
    SignInCache,
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
    from pathlib import Path

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
    given += f', username="{ada.username}"' if mode == "password" else ""
    credential = make(caught.value.remedy, factory, given, options[mode])
    assert credential.whoami().username == ada.username


def test_a_second_factor_names_a_call_that_can_give_it(
    azure: Sandbox, grace: Person, options: Any
) -> None:
    """A password is not enough for Grace; the call that is named signs her in."""
    with pytest.raises(MfaRequired) as caught:
        management_credentials("password", **options["password"] | {"username": grace.username})
    options["device_code"]["prompt"] = lambda prompt: azure.entra.approve(prompt.code, by=grace)
    given = f'mode="device_code", tenant="{CONTOSO}", username="{grace.username}"'
    remedy = caught.value.remedy
    credential = make(remedy, "management_credentials", given, options["device_code"])
    assert credential.whoami().username == grace.username


def test_the_wrong_person_names_the_call_for_the_right_one(
    ada: Person, grace: Person, options: Any
) -> None:
    """Ada approved Grace's sign-in: the remedy has the same call again."""
    with pytest.raises(WrongAccount) as caught:
        filesystem_token("browser", **options["browser"] | {"username": grace.username})
    given = f'mode="browser", tenant="{CONTOSO}", username="{grace.username}"'
    with pytest.raises(WrongAccount):  # the call checks the same again
        make(caught.value.remedy, "filesystem_token", given, options["browser"])


@pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption")
@pytest.mark.parametrize("fallback", ["device_code", ["browser", "device_code"]])
def test_the_next_call_repeats_user_name_cache_and_fallback(
    azure: Sandbox, ada: Person, options: Any, tmp_path: Path, fallback: Any
) -> None:
    """Without them it would accept another person, keep nothing, or stop at a second factor."""
    cache = SignInCache(tmp_path / "kept.json", allow_unencrypted=True)
    given = options["password"] | {"password": "wrong", "cache": cache, "fallback": fallback}
    with pytest.raises(InvalidCredentials) as caught:
        management_credentials("password", **given)
    call = re.search(r"The next call, after that: (.*)\.", caught.value.remedy)
    assert call is not None
    repeated = eval(call[1], {"management_credentials": dict, "SignInCache": SignInCache})
    assert repeated["username"] == ada.username
    assert repeated["cache"].path == cache.path
    assert repeated["fallback"] == fallback
    repeated |= {"password": PASSWORD, "cache": cache, "clock": given["clock"]}
    assert management_credentials(**repeated).whoami().username == ada.username


def test_the_next_call_in_another_mode_has_no_fallback_to_it(
    azure: Sandbox, grace: Person, options: Any
) -> None:
    """The call is the fallback already; it still names the person."""
    given = options["password"] | {"username": grace.username}
    with pytest.raises(MfaRequired) as caught:
        management_credentials("password", fallback="device_code", interactive=False, **given)
    assert f'mode="device_code", tenant="{CONTOSO}", username="{grace.username}"' in str(
        caught.value
    )
    assert "fallback=" not in caught.value.remedy


def test_a_user_name_of_windows_is_spelled_as_python_reads_it(library: str) -> None:
    """With its backslash doubled."""
    strategy: Any = DeviceCode(username=r"CONTOSO\ada", library=library)
    with pytest.raises(SignInRequired) as caught:
        management_credentials(strategy, interactive=False)
    call = re.search(r"Call (management_credentials\(.*?\)) with", caught.value.remedy)
    assert call is not None
    assert eval(call[1], {"management_credentials": dict})["username"] == r"CONTOSO\ada"


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
