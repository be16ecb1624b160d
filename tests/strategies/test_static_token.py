"""StaticToken: a token from elsewhere, in the real clients, until its end."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from azure.datalake.store import core
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient
from hypothesis import given
from hypothesis import strategies as some

from adls_enduser import (
    CHINA,
    Account,
    ConfigurationError,
    SignInExpired,
    SignInRequired,
    StaticToken,
    Token,
    WrongAccount,
    filesystem_token,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID
from adls_enduser.strategies.jwt import Unverified, decode_unverified

from ..constants import DATA_LAKE, MANAGEMENT, STORAGE
from ..strangers import CLIENT_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

OPAQUE = "opaque-access-token"


@pytest.fixture
def issue(azure: Sandbox, ada: Person) -> Callable[[str], str]:
    """Return a token of Ada's for an audience, as some other program obtained it."""

    def issued(audience: str) -> str:
        return azure.world.identity.access_token(ada, audience, client_id=CLIENT_ID, lifetime=3600)

    return issued


def _jwt(**claims: object) -> str:
    parts = [{"alg": "none"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts]
    return ".".join([*(one.rstrip("=") for one in coded), "signature"])


def test_it_serves_the_clients(issue: Any, azure: Sandbox, clock: SandboxClock) -> None:
    """One token for each plane, and nobody is asked for anything."""
    credentials = management_credentials(StaticToken(issue(MANAGEMENT), clock=clock))
    client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
    assert [one.name for one in client.accounts.list()] == ["mystore"]
    token = filesystem_token(StaticToken(issue(DATA_LAKE), clock=clock))
    assert core.AzureDLFileSystem(token, store_name="mystore").ls("/") == []
    assert azure.log.to("", host="login.microsoftonline.com") == []


def test_its_end_is_told(issue: Any, clock: SandboxClock) -> None:
    """It is given until its last second, and then the error says that it cannot be renewed."""
    credentials = management_credentials(StaticToken(issue(MANAGEMENT), clock=clock))
    clock.advance(3598)
    assert credentials.get_token(f"{MANAGEMENT}.default").token
    clock.advance(2)
    with pytest.raises(SignInExpired, match=r"expired at .* UTC; .* cannot be renewed") as caught:
        credentials.get_token(f"{MANAGEMENT}.default")
    assert "device_code" in caught.value.remedy


@pytest.mark.parametrize("interactive", [True, False])
def test_what_is_over_is_refused_at_the_call(
    issue: Any, clock: SandboxClock, interactive: bool
) -> None:
    """By the token's own word, by the caller's, and by both: the earlier counts."""
    secret = issue(MANAGEMENT)
    now = clock.time()
    for token, expires_on in ((OPAQUE, now), (OPAQUE, now - 1), (secret, now - 1)):
        with pytest.raises(SignInExpired, match="cannot be renewed"):
            StaticToken(token, expires_on, clock=clock)
    strategy = StaticToken(secret, now + 9999, clock=clock)
    clock.advance(3600)
    with pytest.raises(SignInExpired, match="cannot be renewed"):
        management_credentials(strategy, interactive=interactive)
    with pytest.raises(SignInExpired, match="cannot be renewed"):
        StaticToken(secret, now + 9999, clock=clock)


def test_the_end_is_the_callers_or_the_tokens(issue: Any, clock: SandboxClock) -> None:
    """An int or a float; without one the token's own."""
    secret, now = issue(MANAGEMENT), int(clock.time())
    for expires_on, expected in ((None, now + 3600), (now + 60, now + 60), (now + 9.5, now + 9.5)):
        token = StaticToken(secret, expires_on, clock=clock).silent(MANAGEMENT)
        assert token.expires_on == pytest.approx(expected, abs=0)
    assert StaticToken(OPAQUE, now + 60.5, clock=clock).silent(STORAGE).expires_on == now + 60.5


def test_whose_it_is_stands_in_it(issue: Any, ada: Person, clock: SandboxClock) -> None:
    """The account is read from it; of an opaque one nothing is known."""
    credentials = management_credentials(StaticToken(issue(MANAGEMENT), clock=clock))
    assert credentials.whoami() == Account(ada.username, ada.tenant_id, ada.object_id)
    opaque = StaticToken(OPAQUE, clock.time() + 60, clock=clock)
    assert management_credentials(opaque).whoami() == Account()


def test_a_token_for_something_else_is_refused(issue: Any, clock: SandboxClock) -> None:
    """The error names both audiences, and both spellings of Resource Manager are one."""
    strategy = StaticToken(issue("https://management.azure.com"), clock=clock)
    assert strategy.silent(MANAGEMENT).resource == MANAGEMENT
    with pytest.raises(ConfigurationError) as caught:
        filesystem_token(strategy)
    assert MANAGEMENT in caught.value.message
    assert DATA_LAKE in caught.value.message
    credentials = management_credentials(strategy)
    with pytest.raises(ConfigurationError, match=STORAGE):
        credentials.get_token(f"{STORAGE}.default")


def test_the_caller_may_say_what_it_is_for(issue: Any, clock: SandboxClock) -> None:
    """``resource=`` goes before what the token says; nothing said fits everything."""
    end = clock.time() + 60
    said = StaticToken(OPAQUE, end, resource="https://storage.azure.com", clock=clock)
    assert said.silent(STORAGE)
    with pytest.raises(ConfigurationError, match=DATA_LAKE):
        said.silent(DATA_LAKE)
    assert StaticToken(issue(STORAGE), resource=DATA_LAKE, clock=clock).silent(DATA_LAKE)
    for secret in (OPAQUE, _jwt(aud="797f4846-ba00-4fd7-ba43-dac1f8f63013"), _jwt(aud=7)):
        assert StaticToken(secret, end, clock=clock).silent(DATA_LAKE)
    both = StaticToken(_jwt(aud=[STORAGE, DATA_LAKE]), end, clock=clock)
    assert both.silent(DATA_LAKE)
    assert both.silent(STORAGE)


def test_another_clouds_audience(clock: SandboxClock) -> None:
    """The cloud's own names are compared."""
    secret = _jwt(aud="https://management.chinacloudapi.cn")
    strategy = StaticToken(secret, clock.time() + 60, cloud="china", clock=clock)
    assert CHINA.management in repr(management_credentials(strategy))


def test_a_refused_token_is_not_sent_again(
    issue: Any, azure: Sandbox, ada: Person, clock: SandboxClock
) -> None:
    """After a 401 there is no other, so the answer stands; the strategy goes on."""
    strategy = StaticToken(issue(MANAGEMENT), clock=clock)
    session = management_credentials(strategy).signed_session()
    azure.world.identity.revoke(ada)
    azure.log.clear()
    answer = session.get("https://management.azure.com/subscriptions?api-version=2022-12-01")
    assert answer.status_code == 401
    assert len(azure.log) == 1
    assert management_credentials(strategy)


def test_claims_cannot_be_answered(issue: Any, clock: SandboxClock) -> None:
    """And the error says so."""
    credentials = management_credentials(StaticToken(issue(MANAGEMENT), clock=clock))
    with pytest.raises(ConfigurationError, match="claims challenge"):
        credentials.get_token(f"{MANAGEMENT}.default", claims="{}")


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        (("",), {}, "token"),
        ((None,), {}, "token"),
        ((b"token",), {}, "token"),
        (("Bearer secret-token",), {}, "Bearer"),
        (("secret\ntoken",), {}, "token"),
        ((OPAQUE,), {}, "expires_on"),
        ((OPAQUE, None), {}, "expires_on"),
        ((OPAQUE, "tomorrow"), {}, "expires_on"),
        ((OPAQUE, True), {}, "expires_on"),
        ((OPAQUE, 0), {}, "expires_on"),
        ((OPAQUE, 3600), {}, "expires_on"),
        ((OPAQUE, 86400.0), {}, "expires_on"),
        ((OPAQUE, float("nan")), {}, "expires_on"),
        ((OPAQUE, 4_000_000_000_000), {}, "milliseconds"),
        ((OPAQUE, 4e9), {"resource": ""}, "resource"),
        ((OPAQUE, 4e9), {"resource": 7}, "resource"),
        ((OPAQUE, 4e9), {"tenant": "contoso"}, "tenant"),
        ((OPAQUE, 4e9), {"tenant": CONTOSO}, "names its tenant by id"),
        ((OPAQUE, 4e9), {"cloud": "x"}, "cloud"),
        ((OPAQUE, 4e9), {"password": "x"}, "password"),
    ],
)
def test_bad_input_is_refused(arguments: Any, options: Any, named: str) -> None:
    """At the call, naming what is wrong, and never showing the token."""
    with pytest.raises(ConfigurationError, match=named) as caught:
        StaticToken(*arguments, **options)
    assert "secret" not in str(caught.value)


def test_somebody_elses_is_refused(issue: Any, ada: Person, clock: SandboxClock) -> None:
    """``username`` and ``tenant`` are compared with what the token says, at the call."""
    secret = issue(MANAGEMENT)
    with pytest.raises(WrongAccount, match="grace"):
        StaticToken(secret, username=f"grace@{CONTOSO}", clock=clock)
    StaticToken(secret, username=ada.username, tenant=ada.tenant_id, clock=clock)


def test_the_token_is_not_shown(issue: Any, clock: SandboxClock) -> None:
    """Not by a repr; a pickle of the strategy is refused, and a credential's carries a Token."""
    strategy = StaticToken(issue(MANAGEMENT), clock=clock)
    secret = strategy.silent(MANAGEMENT).secret
    assert repr(strategy) == f"<StaticToken for {MANAGEMENT}>"
    assert secret not in repr(vars(strategy))
    assert copy.copy(strategy) is copy.deepcopy(strategy) is strategy
    with pytest.raises(ConfigurationError, match="cannot be pickled"):
        pickle.dumps(strategy)
    there = pickle.loads(pickle.dumps(management_credentials(strategy)))
    assert there.get_token(f"{MANAGEMENT}.default").token == secret
    with pytest.raises(SignInRequired):
        there.get_token(f"{STORAGE}.default")


# What can be read of a token.

NOTHING = Unverified(Account(), frozenset(), None)


@given(some.text() | some.binary().map(lambda raw: f"a.{base64.urlsafe_b64encode(raw).decode()}.c"))
def test_whatever_it_is_reading_does_not_fail(secret: str) -> None:
    """Nothing is known of what is no JWT."""
    told = decode_unverified(secret)
    assert isinstance(told, Unverified)


@given(
    some.dictionaries(
        some.sampled_from(["aud", "exp", "upn", "tid"]),
        some.recursive(some.none() | some.booleans() | some.floats() | some.text(), some.lists),
    )
)
def test_whatever_it_says_is_of_the_kind_that_it_should_be(claims: dict[str, Any]) -> None:
    """Lines of text, and a plausible moment, or nothing."""
    told = decode_unverified(_jwt(**claims))
    lines = {told.account.username, told.account.tenant, *told.audiences} - {None}
    assert all(isinstance(line, str) and line.isprintable() and line for line in lines)
    assert told.expires_on is None or 0 < told.expires_on < 1e11


@pytest.mark.parametrize(
    "secret",
    ["", "a", "a.b", "a.b.c.d.e", "...", "a." + "x" * 200_000 + ".c", "a.W10.c", "a.MQ.c"],
)
def test_what_is_no_jwt_tells_nothing(secret: str) -> None:
    """Too few parts, too many (encrypted), too long, or no object."""
    assert decode_unverified(secret) == NOTHING


def test_the_best_name_is_taken() -> None:
    """``upn`` before ``unique_name`` before ``preferred_username``."""
    names = {"preferred_username": "c", "unique_name": "b", "upn": "a"}
    for _ in range(3):
        told = decode_unverified(_jwt(**names))
        assert told.account.username == list(names.values())[-1]
        names.popitem()
    assert decode_unverified(_jwt(oid="o", tid="t")).account == Account(None, "t", "o")


def test_a_token_with_an_early_wish_is_a_token() -> None:
    """The margins stay what they were for tokens that say nothing."""
    token = Token("x", 3600.0, 0.0, STORAGE)
    assert (token.advisory_margin, token.mandatory_margin) == (900.0, 300.0)
