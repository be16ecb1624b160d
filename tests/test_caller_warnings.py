"""A warning of ours is at the line of the program that called, whichever door it came by."""

from __future__ import annotations

import asyncio
import linecache
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import keyring
import pytest
import trio
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient
from keyring.backends import fail

from adls_enduser import (
    DeviceCode,
    Fallback,
    Password,
    SignInCache,
    explain,
    filesystem_token,
    management_credentials,
    sign_in_async,
)
from adls_enduser.sandbox import CONTOSO
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

from .conftest import PASSWORD
from .constants import DATA_LAKE, MANAGEMENT
from .waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

SCOPE = f"{MANAGEMENT}.default"


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A file of sign-ins, which is damaged; there is no keyring."""
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    path = tmp_path / "kept"
    damage(path)
    yield path
    keyring.set_keyring(before)


def damage(path: Path) -> None:
    """Make the cache warn at its next use."""
    path.write_bytes(b"damaged")


@pytest.fixture
def options(azure: Sandbox, ada: Person, path: Path, library: str) -> dict[str, Any]:
    """Options of Ada's sign-in, whose cache warns."""
    cache = SignInCache(path, allow_unencrypted=True)
    own = {"username": ada.username, "tenant": CONTOSO, "clock": azure.clock, "library": library}
    return {**own, "cache": cache, "password": PASSWORD}


def _by_asyncio(options: dict[str, Any]) -> None:
    async def main() -> None:
        await sign_in_async(management_credentials, "password", **options)  # here

    asyncio.run(main())


def _by_a_task(options: dict[str, Any]) -> None:
    async def main() -> None:
        await asyncio.gather(sign_in_async(management_credentials, "password", **options))

    asyncio.run(main())  # here


def _by_trio(options: dict[str, Any]) -> None:
    async def main() -> None:
        await sign_in_async(filesystem_token, "password", **options)  # here

    trio.run(main)


def _silent(options: dict[str, Any]) -> None:
    strategy = Password(**options)
    assert strategy.silent(MANAGEMENT)  # here


def _fallback(options: dict[str, Any]) -> None:
    strategy = Fallback(Password(**options), DeviceCode(tenant=CONTOSO))
    management_credentials(strategy)  # here


def _sdk_newly_signed_in(options: dict[str, Any]) -> None:
    filesystem_token("password", **options)  # here


def _by_a_thread_of_the_programs_own(options: dict[str, Any]) -> None:
    def work() -> None:
        filesystem_token("password", **options)  # here

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def _accounts(options: dict[str, Any]) -> None:
    options["cache"].accounts()  # here


def _explain(options: dict[str, Any]) -> None:
    explain("password", **options)  # here


DOORS = [
    *(_by_asyncio, _by_a_task, _by_trio, _silent, _fallback, _sdk_newly_signed_in),
    *(_by_a_thread_of_the_programs_own, _accounts, _explain),
]


def _check(caught: list[warnings.WarningMessage]) -> None:
    ours = [one for one in caught if issubclass(one.category, UserWarning)]
    ours = [one for one in ours if not issubclass(one.category, DeprecationWarning)]
    assert ours
    for one in ours:
        line = linecache.getline(one.filename, one.lineno)
        assert (one.filename, line.strip()[-6:]) == (__file__, "# here"), f"{one.lineno}: {line}"


@pytest.mark.parametrize("door", DOORS)
def test_it_is_at_the_programs_line(
    options: dict[str, Any], door: Callable[[dict[str, Any]], None]
) -> None:
    """From a factory, a strategy, the cache, in an event loop, and from a thread."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        door(options)
    _check(caught)


def test_of_a_strategy_that_prompts(azure: Sandbox, options: dict[str, Any]) -> None:
    """The request for the code runs in a thread of its own."""
    del options["password"]
    strategy = DeviceCode(prompt=lambda prompt: azure.entra.approve(prompt.code), **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert strategy.sign_in(MANAGEMENT)  # here
    _check(caught)


def test_through_an_sdk(options: dict[str, Any], path: Path, clock: SandboxClock) -> None:
    """The SDK's own lines do not help anybody either."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        credentials: Any = management_credentials("password", **options)
    client: Any = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
    clock.advance(4000)
    damage(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(client.accounts.list())  # here
    _check(caught)


@pytest.mark.parametrize("door", ["get_token", "session", "aio"])
def test_of_a_renewal(options: dict[str, Any], path: Path, clock: SandboxClock, door: str) -> None:
    """At the call that needed the new token."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        credentials: Any = management_credentials("password", **options)
    clock.advance(4000)
    damage(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if door == "get_token":
            credentials.get_token(SCOPE)  # here
        elif door == "session":
            credentials.signed_session().get("https://management.azure.com/")  # here
        else:

            async def main() -> None:
                await credentials.aio().get_token(SCOPE)  # here

            asyncio.run(main())
    _check(caught)


def test_of_a_renewal_in_the_background(
    options: dict[str, Any], path: Path, clock: SandboxClock
) -> None:
    """Its thread has no line of the program: the line that began it counts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        credentials: Any = management_credentials("password", **options)
    lifetime = credentials.get_token(SCOPE).expires_on - clock.time()
    clock.advance(lifetime - 600)
    damage(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        credentials.get_token(SCOPE)  # here
        wait_until(lambda: not [one for one in threading.enumerate() if "renewal" in one.name])
    _check(caught)


def test_a_filter_for_the_programs_module_finds_it(options: dict[str, Any]) -> None:
    """A filter by module, such as ``error:::mymodule``, sees the program's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", category=UserWarning, module=__name__)
        with pytest.raises(UserWarning, match="damaged"):
            options["cache"].accounts()


@pytest.mark.parametrize("flow", ["password", "federated", "device code", "renewal"])
def test_no_warning_is_of_our_libraries(
    azure: Sandbox, ada: Person, library: Any, flow: str
) -> None:
    """A program that makes warnings errors signs in: adal calls datetime.utcnow (Python 3.12)."""
    azure.entra.federate("fabrikam.com")
    fay = azure.entra.person("fay@fabrikam.com", password=PASSWORD)
    options: Any = {"clock": azure.clock, "library": library}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if flow == "device code":
            device = DeviceCode(
                prompt=lambda shown: azure.entra.approve(shown.code, ada), **options
            )
            assert device.sign_in(MANAGEMENT).secret
            return
        person = fay if flow == "federated" else ada
        password = Password(username=person.username, password=PASSWORD, **options)
        assert password.silent(MANAGEMENT).secret
        if flow == "renewal":
            assert password.silent(DATA_LAKE).secret
