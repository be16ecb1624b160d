"""What Azure Storage's clients ask after a 401: a token again, for the challenge's tenant."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import (
    Account,
    ConfigurationError,
    DeviceCode,
    Password,
    SignInRequired,
    StaticToken,
    Token,
    filesystem_token,
    management_credentials,
    storage_credential,
)
from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Answer

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, STORAGE, TOKEN_PATH

if TYPE_CHECKING:
    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

SCOPE = "https://storage.azure.com/.default"


def before_a_request(credential: Any, scope: str = SCOPE) -> str:
    """Ask as ``BearerTokenCredentialPolicy.on_request`` of azure-core does."""
    return str(credential.get_token_info(scope, options={}).token)


def after_a_401(credential: Any, scope: str = SCOPE, tenant: str = CONTOSO_ID) -> str:
    """Ask as ``StorageBearerTokenCredentialPolicy.on_challenge`` does."""
    return str(credential.get_token_info(scope, options={"tenant_id": tenant}).token)


@pytest.fixture(params=[management_credentials, filesystem_token, storage_credential])
def credential(
    request: pytest.FixtureRequest, ada: Person, clock: SandboxClock, library: Any
) -> Any:
    """Any factory's, which has handed out a token for storage."""
    strategy = Password(
        username=ada.username, password=PASSWORD, tenant=CONTOSO, clock=clock, library=library
    )
    credential = request.param(strategy)
    before_a_request(credential)
    return credential


def test_a_rejected_token_is_replaced(credential: Any, azure: Sandbox) -> None:
    """One silent request; the new token is everybody's from then on."""
    first = before_a_request(credential)
    azure.log.clear()
    second = after_a_401(credential)
    assert second != first
    assert len(azure.log.to(TOKEN_PATH)) == 1
    assert before_a_request(credential) == second
    assert credential.get_token(f"{STORAGE}/.default").token == second
    assert credential.storage_token().secret == second


def test_older_clients_ask_in_another_way(credential: Any, azure: Sandbox) -> None:
    """azure-core before 1.31 calls get_token."""
    first = before_a_request(credential)
    assert credential.get_token(SCOPE, tenant_id=CONTOSO_ID).token != first


def test_an_async_client(credential: Any) -> None:
    """It asks the async view."""
    own = credential.aio()

    async def ask() -> tuple[str, str]:
        first = (await own.get_token_info(SCOPE, options={})).token
        return first, (await own.get_token_info(SCOPE, options={"tenant_id": CONTOSO_ID})).token

    first, second = asyncio.run(ask())
    assert first != second == before_a_request(credential)


def test_at_most_once_a_minute(credential: Any, azure: Sandbox, clock: SandboxClock) -> None:
    """A service that rejects every token causes no loop of renewals."""
    azure.log.clear()
    seen = []
    for _ in range(40):  # ten minutes
        seen.append(after_a_401(credential))
        seen.append(before_a_request(credential))
        clock.advance(15)
    assert len(azure.log.to(TOKEN_PATH)) == len(set(seen)) == 10


def test_threads_that_are_rejected_at_once(credential: Any, azure: Sandbox) -> None:
    """All of them wait for one renewal, and none gets the rejected token again."""
    first = before_a_request(credential)
    azure.log.clear()
    with ThreadPoolExecutor(16) as pool:
        seen = set(pool.map(after_a_401, [credential] * 64))
    assert len(seen) == 1
    assert first not in seen
    assert len(azure.log.to(TOKEN_PATH)) == 1


def test_two_credentials_of_one_sign_in(ada: Person, azure: Sandbox, clock: SandboxClock) -> None:
    """The second one takes the token that the first one got."""
    strategy = Password(username=ada.username, password=PASSWORD, tenant=CONTOSO, clock=clock)
    one, other = storage_credential(strategy), storage_credential(strategy)
    assert before_a_request(one) == before_a_request(other)
    azure.log.clear()
    assert after_a_401(one) == after_a_401(other)
    assert len(azure.log.to(TOKEN_PATH)) == 1


def test_a_token_that_was_never_handed_out(ada: Person, azure: Sandbox) -> None:
    """It cannot have been rejected."""
    strategy = Password(username=ada.username, password=PASSWORD, tenant=CONTOSO, clock=azure.clock)
    credential = management_credentials(strategy)
    azure.log.clear()
    assert after_a_401(credential) == before_a_request(credential)
    assert len(azure.log.to(TOKEN_PATH)) == 1


def test_another_tenant(credential: Any, azure: Sandbox) -> None:
    """An account of another tenant refuses every token of this sign-in; none is renewed."""
    first = before_a_request(credential)
    azure.log.clear()
    with pytest.raises(ConfigurationError, match="tenant of this sign-in"):
        after_a_401(credential, tenant="aaaaaaaa-0000-4000-8000-000000000001")
    assert len(azure.log) == 0
    assert before_a_request(credential) == first


@pytest.mark.parametrize("audience", [MANAGEMENT, DATA_LAKE])
def test_other_audiences(credential: Any, azure: Sandbox, audience: str) -> None:
    """Other clients, such as Key Vault's, name the tenant in every question."""
    scope = f"{audience}.default"
    first = before_a_request(credential, scope)
    azure.log.clear()
    assert after_a_401(credential, scope) == first
    assert len(azure.log) == 0


def test_renewal_that_fails(credential: Any, azure: Sandbox, clock: SandboxClock) -> None:
    """The token is returned again, so that the service's own error is shown."""
    first = before_a_request(credential)
    azure.log.clear()
    azure.faults.add(Answer(503), times=99, path=TOKEN_PATH)
    for _ in range(5):
        assert after_a_401(credential) == first
        clock.advance(10)
    assert len(azure.log.to(TOKEN_PATH)) == 3  # one renewal, which is tried three times
    azure.faults.clear()
    clock.advance(60)
    assert after_a_401(credential) != first


@pytest.mark.parametrize("interactive", [None, True])
def test_nobody_is_prompted(azure: Sandbox, grace: Person, interactive: bool | None) -> None:
    """Also if only a person could help: it was the program that was refused, not the person."""
    asked: list[Any] = []

    def approve(prompt: Any) -> None:
        asked.append(prompt)
        azure.entra.approve(prompt.code, by=grace)

    strategy = DeviceCode(tenant=CONTOSO, prompt=approve, clock=azure.clock)
    credential = storage_credential(strategy, interactive=interactive)
    first = before_a_request(credential)
    azure.entra.revoke_refresh_tokens(grace)
    assert after_a_401(credential) == first
    assert len(asked) == 1


def test_a_token_that_nothing_renews(clock: SandboxClock) -> None:
    """It is returned again."""
    token = StaticToken("opaque", clock.time() + 600, clock=clock, tenant=CONTOSO_ID)
    credential = storage_credential(token)
    assert after_a_401(credential) == before_a_request(credential) == "opaque"
    clock.advance(599)
    assert after_a_401(credential) == before_a_request(credential) == "opaque"


class OneAudience:
    """Anybody's strategy, which has tokens of some audiences only, each time another one."""

    def __init__(self, clock: SandboxClock) -> None:
        self.clock, self.audiences, self.count = clock, {MANAGEMENT}, 0

    def silent(self, resource: str, *, claims: str | None = None) -> Token:
        """Return a token, or refuse."""
        if resource not in self.audiences:
            raise SignInRequired("Not yet.")
        now = self.clock.time()
        self.count += 1
        account = Account(tenant=CONTOSO_ID)
        return Token(f"token-{self.count}", now + 3600, now, resource, account)

    sign_in = silent


def test_an_audience_that_was_forgotten(clock: SandboxClock) -> None:
    """Storage was refused first, and forgotten after many other refusals: its token is replaced."""
    strategy = OneAudience(clock)
    credential: Any = management_credentials(strategy)
    credential.get_token(MANAGEMENT)
    with pytest.raises(SignInRequired):
        after_a_401(credential)
    for number in range(40):
        with pytest.raises(SignInRequired):
            credential.get_token(f"https://other-{number}.example/.default")
    strategy.audiences.add(f"{STORAGE}/")
    strategy.audiences.add(STORAGE)
    after_a_401(credential)
    first = before_a_request(credential)
    second = after_a_401(credential)
    assert second != first
    assert before_a_request(credential) == second
