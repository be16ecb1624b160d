"""Callbacks whose code would never run are refused: nobody awaits them."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock

import pytest

from adls_enduser import (
    Browser,
    ConfigurationError,
    DeviceCode,
    Password,
    SignInCancelled,
    explain,
    filesystem_token,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO

from ..conftest import PASSWORD
from ..constants import MANAGEMENT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock


async def an_async_function(*arguments: object) -> str:
    """What a program that runs on an event loop has."""
    return PASSWORD


async def an_async_generator(*arguments: object) -> AsyncIterator[str]:
    """With ``yield`` its code runs even later."""
    yield PASSWORD


def a_generator(*arguments: object) -> Iterator[str]:
    """A call of it runs nothing either."""
    yield PASSWORD


class Caller:
    """An object with async methods."""

    async def __call__(self, *arguments: object) -> str:
        return PASSWORD

    async def method(self, *arguments: object) -> str:
        return PASSWORD

    @classmethod
    async def of_class(cls, *arguments: object) -> str:
        return PASSWORD

    @staticmethod
    async def static(*arguments: object) -> str:
        return PASSWORD


RUN_LATER: dict[str, Any] = {
    "async def": an_async_function,
    "async generator": an_async_generator,
    "generator": a_generator,
    "object": Caller(),
    "method": Caller().method,
    "class method": Caller.of_class,
    "static method": Caller.static,
    "partial": functools.partial(an_async_function, 1),
    "partial of a partial": functools.partial(functools.partial(an_async_function, 1), 2),
    "partial of an object": functools.partial(Caller(), 1),
    "partial of a method": functools.partial(Caller().method, 1),
    "mock": AsyncMock(),
}
MATCH = "= is an async function or a generator"


@pytest.fixture(params=RUN_LATER)
def run_later(request: pytest.FixtureRequest) -> Any:
    """Something whose call runs nothing."""
    return RUN_LATER[request.param]


@pytest.mark.parametrize("make", [DeviceCode, Browser])
def test_a_prompt_is_refused_by_its_strategy(run_later: Any, make: Any) -> None:
    """At the call, though the code would be shown later."""
    with pytest.raises(ConfigurationError, match=f"prompt{MATCH}") as caught:
        make(prompt=run_later)
    assert "ordinary function" in caught.value.remedy


def test_a_password_is_refused_by_its_strategy(run_later: Any) -> None:
    """At the call, though it would be called later."""
    with pytest.raises(ConfigurationError, match=f"password{MATCH}"):
        Password(username="ada@contoso.com", password=run_later)


@pytest.mark.parametrize("factory", [management_credentials, filesystem_token, explain])
@pytest.mark.parametrize("mode", ["device_code", "mfa", "browser", "auto"])
def test_it_is_refused_by_every_factory(azure: Sandbox, factory: Any, mode: str) -> None:
    """Before any network."""
    with pytest.raises(ConfigurationError, match=f"prompt{MATCH}"):
        factory(mode, prompt=an_async_function)
    with pytest.raises(ConfigurationError, match=f"password{MATCH}"):
        factory("password", username="ada@contoso.com", password=an_async_function)
    assert len(azure.log) == 0


@pytest.mark.parametrize("returned", [an_async_function, an_async_generator, a_generator])
def test_what_cannot_be_seen_before_is_told_at_once(
    azure: Sandbox, ada: Person, clock: SandboxClock, library: str, returned: Any
) -> None:
    """A lambda that returns a coroutine: nobody has seen the code, so nobody is waited for."""
    options: Any = {"tenant": CONTOSO, "clock": clock, "library": library}
    began = clock.time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that a coroutine was never awaited
        with pytest.raises(ConfigurationError, match="prompt= returned"):
            DeviceCode(prompt=lambda prompt: returned(prompt), **options).sign_in(MANAGEMENT)
        with pytest.raises(ConfigurationError, match="prompt= returned"):
            Browser(prompt=lambda prompt: returned(prompt), **options).sign_in(MANAGEMENT)
        with pytest.raises(ConfigurationError, match="password= returned"):
            Password(username=ada.username, password=lambda: returned(), **options).silent(
                MANAGEMENT
            )
    assert clock.time() == began


@pytest.mark.parametrize(
    "prompt",
    [[].append, functools.partial(print, end=""), print, type("Shown", (list,), {})],
    ids=["method", "partial", "function", "class"],
)
def test_an_ordinary_callable_is_taken(prompt: Any) -> None:
    """Of whatever kind."""
    assert DeviceCode(prompt=prompt).prompt is prompt


def _as_azure_identity(uri: str, code: str, expires_on: object) -> None:
    """Have the form of azure-identity's ``prompt_callback``."""


@pytest.mark.parametrize("prompt", [_as_azure_identity, list.append, lambda: None])
@pytest.mark.parametrize("strategy", [DeviceCode, Browser])
def test_another_form_is_refused_at_the_call(strategy: Any, prompt: Any) -> None:
    """With the form that it must have."""
    with pytest.raises(ConfigurationError, match="prompt= is a callable of another form") as caught:
        strategy(prompt=prompt)
    assert "Prompt: url, " in caught.value.remedy


@pytest.mark.parametrize("password", [lambda username: username, str.lower])
def test_a_password_callable_has_no_argument(password: Any) -> None:
    """It is called without the user name."""
    with pytest.raises(ConfigurationError, match="password= is a callable of another form"):
        Password(username="ada@contoso.com", password=password)


class Own(Exception):
    """What a program raises."""


@pytest.mark.parametrize("error", [Own("s3cr3t"), TypeError("x"), OSError("x"), KeyError("x")])
@pytest.mark.parametrize("factory", [management_credentials, filesystem_token])
def test_what_a_callback_raises_names_the_option(
    azure: Sandbox, ada: Person, library: Any, factory: Any, error: Exception
) -> None:
    """It is the cause of an error that says which callable it was, for every option and mode."""

    def fail(*arguments: object) -> str:
        raise error

    options: Any = {"tenant": CONTOSO, "clock": azure.clock, "library": library}
    for option, call in {
        "password": lambda: factory("password", username=ada.username, password=fail, **options),
        "prompt": lambda: factory("device_code", prompt=fail, **options),
        "prompt ": lambda: factory("browser", prompt=fail, **options),
    }.items():
        with pytest.raises(
            ConfigurationError, match=f"given as {option.strip()}= raised"
        ) as caught:
            call()
        assert type(error).__name__ in caught.value.message
        assert "s3cr3t" not in str(caught.value)
        assert caught.value.__cause__ is error
        assert "__cause__" in caught.value.remedy


@pytest.mark.parametrize("raised", [SignInCancelled("Enough."), KeyboardInterrupt()])
def test_a_callback_may_end_the_sign_in(azure: Sandbox, raised: BaseException) -> None:
    """By an error of this package, or as Ctrl-C does: these are left as they are."""

    def end(prompt: object) -> None:
        raise raised

    with pytest.raises(type(raised)) as caught:
        DeviceCode(prompt=end, clock=azure.clock).sign_in(MANAGEMENT)
    assert caught.value is raised
