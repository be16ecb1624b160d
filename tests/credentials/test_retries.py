"""Bounded retries: what may be sent again is, what must not be is not."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import DeviceCode, EndUserError, InvalidCredentials, Password, TransportError
from adls_enduser.sandbox import CONTOSO, HTML_502, Answer, HalfBody, Reset, throttled

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, STORAGE, TOKEN_PATH

if TYPE_CHECKING:
    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

TEMPORARY = [Answer(500), HTML_502, Answer(503), throttled("2"), Reset(), HalfBody()]


@pytest.fixture
def strategy(azure: Sandbox, ada: Person) -> Password:
    """Somebody who has signed in."""
    options: Any = {"tenant": CONTOSO, "password": PASSWORD, "clock": azure.clock}
    signed_in = Password(username=ada.username, **options)
    signed_in.silent(MANAGEMENT)
    azure.log.clear()
    return signed_in


def _renew(strategy: Password) -> None:
    """Get another token for a resource than the one that may be held."""
    token = strategy.silent(STORAGE)
    assert token is not None
    strategy.invalidate(token)


@pytest.mark.parametrize("fault", TEMPORARY, ids=repr)
def test_a_renewal_is_tried_three_times(strategy: Password, azure: Sandbox, fault: Any) -> None:
    """Two failures are not noticed; three are one error, after three requests."""
    azure.faults.add(fault, times=2, path=TOKEN_PATH)
    assert strategy.silent(DATA_LAKE)
    azure.log.clear()
    azure.faults.add(fault, times=9, path=TOKEN_PATH)
    with pytest.raises(TransportError):
        strategy.silent(STORAGE)
    assert len(azure.log) == 3


@pytest.mark.parametrize("fault", TEMPORARY, ids=repr)
def test_a_code_and_a_realm_are_asked_for_three_times(
    azure: Sandbox, ada: Person, fault: Any
) -> None:
    """Neither carries a secret."""
    azure.faults.add(fault, times=2, path="/devicecode")
    azure.faults.add(fault, times=2, path="/UserRealm/")
    device_code = DeviceCode(
        tenant=CONTOSO,
        prompt=lambda prompt: azure.entra.approve(prompt.code),
        clock=azure.clock,
    )
    assert device_code.sign_in(MANAGEMENT)
    options: Any = {"tenant": CONTOSO, "password": PASSWORD, "clock": azure.clock}
    assert Password(username=ada.username, **options).silent(MANAGEMENT)


@pytest.mark.parametrize("fault", TEMPORARY, ids=repr)
def test_a_password_is_sent_once(azure: Sandbox, ada: Person, fault: Any) -> None:
    """The answer that was lost may have been a refusal, and refusals are counted."""
    azure.faults.add(fault, path=TOKEN_PATH)
    options: Any = {"tenant": CONTOSO, "password": PASSWORD, "clock": azure.clock}
    with pytest.raises(TransportError):
        Password(username=ada.username, **options).silent(MANAGEMENT)
    assert len(azure.log.to(TOKEN_PATH)) == 1


def test_a_refusal_is_final(strategy: Password, azure: Sandbox, ada: Person) -> None:
    """What was judged is not asked again."""
    azure.entra.revoke_refresh_tokens(ada)
    with pytest.raises(EndUserError):
        strategy.silent(DATA_LAKE)
    assert len(azure.log) == 1


def test_pauses_grow_and_retry_after_is_obeyed(
    strategy: Password, azure: Sandbox, clock: SandboxClock
) -> None:
    """In seconds or as a date; one that is too long is handed to the caller at once."""
    began = clock.time()
    azure.faults.add(Answer(503), times=2, path=TOKEN_PATH)
    _renew(strategy)
    assert 1.5 <= clock.time() - began <= 3.6
    for value, least in (("7", 7), (None, 6)):
        began = clock.time()
        date = formatdate(began + 8, usegmt=True)
        azure.faults.add(throttled(value or date), path=TOKEN_PATH)
        _renew(strategy)
        assert least <= clock.time() - began <= 9
    azure.log.clear()
    azure.faults.add(throttled("3600"), path=TOKEN_PATH)
    began = clock.time()
    with pytest.raises(TransportError) as caught:
        _renew(strategy)
    assert caught.value.retry_after == 3600
    assert (len(azure.log), clock.time()) == (1, began)


def test_pauses_differ(strategy: Password, azure: Sandbox, clock: SandboxClock) -> None:
    """So that all who met a failing service do not come back together."""
    pauses = set()
    for _ in range(5):
        began = clock.time()
        azure.faults.add(Answer(503), path=TOKEN_PATH)
        _renew(strategy)
        pauses.add(round(clock.time() - began, 6))
    assert len(pauses) > 1


class TestSkew:
    """A clock that is wrong by more than two minutes is named in the next error."""

    @pytest.mark.parametrize(
        ("skew", "words"),
        [(600, "(599|600) seconds behind"), (-600, "ahead of"), (125, "behind"), (-125, "ahead")],
    )
    def test_it_is_named(
        self, strategy: Password, azure: Sandbox, ada: Person, skew: float, words: str
    ) -> None:
        """Whatever the refusal is about."""
        azure.clock.skew = skew
        assert strategy.silent(DATA_LAKE)
        azure.entra.revoke_refresh_tokens(ada)
        with pytest.raises(EndUserError, match=words):
            strategy.silent(STORAGE)

    def test_a_small_difference_is_not(self, azure: Sandbox, ada: Person) -> None:
        """Two minutes are every machine's."""
        azure.clock.skew = 100
        options: Any = {"tenant": CONTOSO, "password": "wrong", "clock": azure.clock}
        with pytest.raises(InvalidCredentials) as caught:
            Password(username=ada.username, **options).silent(MANAGEMENT)
        assert "clock" not in str(caught.value)

    @pytest.mark.parametrize("skew", [600, -600])
    def test_a_sign_in_works_with_a_wrong_clock(
        self, azure: Sandbox, ada: Person, skew: float
    ) -> None:
        """Expiry is counted from the answer, so ten minutes either way do no harm."""
        azure.clock.skew = skew
        options: Any = {"tenant": CONTOSO, "password": PASSWORD, "clock": azure.clock}
        token = Password(username=ada.username, **options).silent(MANAGEMENT)
        assert token is not None
        assert token.expires_on == pytest.approx(azure.clock.time() + 3600, abs=5)
