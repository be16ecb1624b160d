"""polars_provider and obstore_provider: the token, and when to ask again."""

from __future__ import annotations

import pickle
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import (
    Password,
    SignInExpired,
    StaticToken,
    filesystem_token,
    management_credentials,
    storage_credential,
)
from adls_enduser.interop import obstore_provider, polars_provider
from adls_enduser.sandbox import CONTOSO, Answer

from ..conftest import PASSWORD
from ..constants import STORAGE, TOKEN_PATH

if TYPE_CHECKING:
    from adls_enduser.sandbox import Person, Sandbox, SandboxClock


def _polars(provider: Any) -> tuple[str, float]:
    token, ask_again = provider()
    assert set(token) == {"bearer_token"}
    assert type(ask_again) is int
    return token["bearer_token"], ask_again


def _obstore(provider: Any) -> tuple[str, float]:
    given = provider()
    assert set(given) == {"token", "expires_at"}
    assert isinstance(given["expires_at"], datetime)
    assert given["expires_at"].tzinfo is timezone.utc
    return given["token"], given["expires_at"].timestamp()


TOOLS = [(polars_provider, _polars), (obstore_provider, _obstore)]


@pytest.fixture(params=TOOLS, ids=["polars", "obstore"])
def tool(request: pytest.FixtureRequest) -> Any:
    """The function, and how its tool reads what the provider returns."""
    return request.param


@pytest.fixture(params=[management_credentials, filesystem_token, storage_credential])
def credential(
    request: pytest.FixtureRequest, ada: Person, clock: SandboxClock, library: Any
) -> Any:
    """Any factory's: each gives the token for storage."""
    strategy = Password(
        username=ada.username, password=PASSWORD, tenant=CONTOSO, clock=clock, library=library
    )
    return request.param(strategy)


def test_it_is_the_token_for_storage(tool: Any, credential: Any) -> None:
    """Whatever the credential's own audience is; to be asked for again before its end."""
    make, read = tool
    secret, ask_again = read(make(credential))
    held = credential.get_token(f"{STORAGE}.default")
    assert secret == held.token
    assert held.expires_on - 301 <= ask_again <= held.expires_on - 299


def test_it_renews(tool: Any, credential: Any, azure: Sandbox, clock: SandboxClock) -> None:
    """When the tool asks at the time that it was told, it gets another token."""
    make, read = tool
    provider = make(credential)
    seen = set()
    for _ in range(4):
        secret, ask_again = read(provider)
        seen.add(secret)
        clock.advance(ask_again - clock.time() + 1)
    assert len(seen) == 4


@pytest.mark.parametrize("lifetime", [1, 5, 30, 600])
def test_a_short_token(
    tool: Any, azure: Sandbox, ada: Person, clock: SandboxClock, lifetime: int
) -> None:
    """A tool never uses it after its end, and does not ask at each request either."""
    make, read = tool
    azure.entra.token_lifetime = lifetime
    credential = storage_credential(
        "password", username=ada.username, password=PASSWORD, tenant=CONTOSO, clock=clock
    )
    _, ask_again = read(make(credential))
    end = credential.token_source.held.expires_on
    assert end - max(lifetime * 0.2, 1) - 1 <= ask_again <= end


def test_while_the_renewal_fails(
    tool: Any, credential: Any, azure: Sandbox, clock: SandboxClock
) -> None:
    """The token serves until its end; the tool asks again soon, and never in the past."""
    make, read = tool
    provider = make(credential)
    first, _ = read(provider)
    clock.advance(3400)
    azure.faults.add(Answer(503), times=9, path=TOKEN_PATH)
    secret, ask_again = read(provider)
    assert secret == first
    assert ask_again > time.time() + 5
    azure.faults.clear()
    azure.entra.revoke_refresh_tokens(azure.world.directory.persons()[0])
    clock.advance(300)
    with pytest.raises(SignInExpired):
        read(provider)


def test_a_pickled_one(tool: Any, credential: Any, azure: Sandbox) -> None:
    """It works in another process, also if storage was never asked for here."""
    make, read = tool
    there = pickle.loads(pickle.dumps(make(credential)))
    azure.log.clear()
    assert read(there)[0] == read(make(credential))[0]
    assert len(azure.log) == 0


def test_no_secret_is_shown(tool: Any, clock: SandboxClock) -> None:
    """The repr names the sign-in."""
    make, _ = tool
    credential = storage_credential(StaticToken("a-secret", clock.time() + 600, clock=clock))
    assert "a-secret" not in repr(make(credential))
    assert repr(credential) in repr(make(credential))
    assert make(credential) == make(credential)
