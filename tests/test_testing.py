"""The contract tests that the package ships pass for sound strategies and fail for others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import AuthStrategy, DeviceCode, Password, Token
from adls_enduser.sandbox import CONTOSO
from adls_enduser.testing import StrategyContract

from .conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock


class Minimal:
    """A strategy of another maker: the two methods of the protocol and nothing else."""

    def __init__(self, inner: AuthStrategy, broken: str = "") -> None:
        self._inner = inner
        self._broken = broken

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        if self._broken == "raises":
            raise KeyError(resource)
        if self._broken == "forgets":
            return None
        if self._broken == "ignores claims":
            claims = None
        return self._inner.silent(resource, claims=claims)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        token = self._inner.sign_in(resource, claims=claims)
        if self._broken == "other resource":
            return replace(token, resource="https://graph.windows.net/")
        if self._broken == "expired":
            return replace(token, expires_on=1.0)
        return token


class TestAStrategyOfAnotherMaker(StrategyContract):
    """The two methods are enough."""

    @pytest.fixture
    def strategy(self, azure: Sandbox, grace: Person) -> AuthStrategy:
        return Minimal(DeviceCode(tenant=CONTOSO, prompt=lambda p: azure.entra.approve(p.code)))


class TestPassword(StrategyContract):
    """A strategy of this package, with every extension."""

    @pytest.fixture
    def strategy(self, ada: Person, clock: SandboxClock) -> AuthStrategy:
        own = {"username": ada.username, "password": PASSWORD, "clock": clock}
        return Password(tenant=CONTOSO, **own)  # type: ignore[arg-type]


CONTRACT = StrategyContract()


@pytest.mark.parametrize(
    ("broken", "test", "error"),
    [
        ("raises", CONTRACT.test_the_first_silent_call_needs_no_person, KeyError),
        ("other resource", CONTRACT.test_the_token_is_for_the_resource, AssertionError),
        ("expired", CONTRACT.test_the_token_is_for_the_resource, AssertionError),
        ("forgets", CONTRACT.test_after_a_sign_in_no_person_is_needed, AssertionError),
        ("forgets", CONTRACT.test_one_sign_in_serves_another_resource, AssertionError),
        ("ignores claims", CONTRACT.test_a_claims_challenge_is_not_ignored, pytest.fail.Exception),
    ],
)
def test_a_broken_strategy_fails(
    azure: Sandbox,
    grace: Person,
    broken: str,
    test: Callable[[Any], None],
    error: type[BaseException],
) -> None:
    """Each fault is found by the test that is there for it."""
    inner = DeviceCode(tenant=CONTOSO, prompt=lambda p: azure.entra.approve(p.code))
    with pytest.raises(error):
        test(Minimal(inner, broken))
