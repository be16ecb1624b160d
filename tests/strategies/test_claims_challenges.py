"""Claims challenges and the capability CP1, from an SDK's call to Entra ID."""

from __future__ import annotations

import asyncio
import inspect
import json
import pickle
import threading
from typing import TYPE_CHECKING, Any

import pytest
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import (
    ConfigurationError,
    DeviceCode,
    MfaRequired,
    Password,
    filesystem_token,
    management_credentials,
)
from adls_enduser.entra.claims import CP1, declares_cp1, is_challenge, with_cp1
from adls_enduser.sandbox import CONTOSO, Answer
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID
from adls_enduser.testing.strategies import CHALLENGE

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, TOKEN_PATH

if TYPE_CHECKING:
    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

TRACK_1 = "credentials" in inspect.signature(DataLakeStoreAccountManagementClient).parameters
SCOPE = f"{MANAGEMENT}.default"
SECOND_FACTOR = '{"access_token": {"acrs": {"essential": true, "value": "p1"}}}'
STEP_UP = Answer(400, '{"error": "interaction_required", "suberror": "basic_action"}')


@pytest.fixture
def prompts() -> list[Any]:
    """What was shown to the person."""
    return []


@pytest.fixture
def strategy(azure: Sandbox, grace: Person, library: Any, prompts: list[Any]) -> DeviceCode:
    """Grace, who approves what she is shown."""

    def approve(prompt: Any) -> None:
        prompts.append(prompt)
        azure.entra.approve(prompt.code)

    return DeviceCode(tenant=CONTOSO, clock=azure.clock, prompt=approve, library=library)


@pytest.fixture
def credentials(strategy: DeviceCode, azure: Sandbox) -> Any:
    """Credentials of hers, signed in."""
    made = management_credentials(mode=strategy)
    azure.log.clear()
    return made


def _claims(azure: Sandbox) -> list[Any]:
    """What claims went along with each request for a token, in order."""
    return [json.loads(form["claims"]) if "claims" in form else None for form in _forms(azure)]


def _forms(azure: Sandbox) -> list[Any]:
    return [one.request.form for one in azure.log.to(TOKEN_PATH)]


def _client(credentials: Any, **options: Any) -> Any:
    return DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID, **options)


msal_only = pytest.mark.parametrize("library", ["msal"], indirect=True)
adal_only = pytest.mark.parametrize("library", ["adal"], indirect=True)


@msal_only
class TestChallenge:
    """With msal a challenge reaches Entra ID."""

    def test_it_is_answered_silently_where_that_helps(
        self, credentials: Any, azure: Sandbox, prompts: list[Any]
    ) -> None:
        """By one refresh request; the new token serves from then on."""
        old = credentials.get_token(SCOPE).token
        new = credentials.get_token(SCOPE, claims=CHALLENGE).token
        assert new != old
        assert credentials.get_token(SCOPE).token == new
        assert _claims(azure) == [json.loads(CHALLENGE)]
        assert len(prompts) == 1

    def test_async_clients_send_it_too(self, credentials: Any, azure: Sandbox) -> None:
        """By either verb of azure-core's asynchronous protocol."""

        async def challenged() -> set[str]:
            options: Any = {"claims": CHALLENGE}
            mine = credentials.aio()
            first = await mine.get_token(SCOPE, claims=CHALLENGE)
            return {first.token, (await mine.get_token_info(SCOPE, options=options)).token}

        assert len(asyncio.run(challenged())) == 2
        assert _claims(azure) == [json.loads(CHALLENGE)] * 2

    def test_it_is_never_answered_from_memory(self, credentials: Any, azure: Sandbox) -> None:
        """Not even the same challenge twice."""
        options: Any = {"claims": CHALLENGE}
        first = credentials.get_token_info(SCOPE, options=options)
        assert credentials.get_token_info(SCOPE, options=options).token != first.token
        assert len(_claims(azure)) == 2

    def test_a_step_up_asks_the_person_once(
        self, credentials: Any, azure: Sandbox, prompts: list[Any]
    ) -> None:
        """The code is asked for, and redeemed, with the same claims."""
        azure.faults.add(STEP_UP, path=TOKEN_PATH)
        assert credentials.get_token(SCOPE, claims=CHALLENGE).token
        assert len(prompts) == 2
        assert _claims(azure) == [json.loads(CHALLENGE)] * 2
        (start,) = azure.log.to("/devicecode")
        assert start.request.form["claims"] == CHALLENGE

    def test_threads_that_are_challenged_at_once_ask_once(
        self, azure: Sandbox, ada: Person, library: Any
    ) -> None:
        """Whoever comes while the person is being asked gets a token by the new sign-in."""
        prompts: list[Any] = []

        def approve(prompt: Any) -> None:
            prompts.append(prompt)
            azure.entra.approve(prompt.code, by=ada)

        own: Any = {"tenant": CONTOSO, "clock": azure.clock, "library": library}
        credentials = management_credentials(mode=DeviceCode(prompt=approve, **own))
        got: list[object] = []

        def ask() -> None:
            got.append(credentials.get_token(SCOPE, claims=SECOND_FACTOR))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(got) == 4
        assert len(prompts) == 2

    def test_nobody_is_asked_where_nobody_may_be(
        self, strategy: DeviceCode, azure: Sandbox
    ) -> None:
        """The refusal says what is needed."""
        strategy.sign_in(MANAGEMENT)
        credentials = management_credentials(mode=strategy, interactive=False)
        azure.faults.add(STEP_UP, path=TOKEN_PATH)
        with pytest.raises(MfaRequired):
            credentials.get_token(SCOPE, claims=CHALLENGE)
        assert credentials.get_token(SCOPE).token, "the old token lives on"

    def test_a_password_is_sent_with_it(self, azure: Sandbox, ada: Person, library: Any) -> None:
        """Where no refresh token serves, and a password can be had."""
        options: Any = {"tenant": CONTOSO, "clock": azure.clock, "library": library}
        strategy = Password(username=ada.username, password=PASSWORD, **options)
        assert strategy.silent(MANAGEMENT, claims=CHALLENGE)
        assert _claims(azure) == [json.loads(CHALLENGE)]

    @pytest.mark.skipif(TRACK_1, reason="track-1 clients cannot be challenged")
    def test_a_real_client_goes_on_after_a_revocation(
        self, credentials: Any, azure: Sandbox, grace: Person, prompts: list[Any]
    ) -> None:
        """Resource Manager refuses the token with a challenge; the next one is brought silently."""
        client = _client(credentials, enable_cae=True)
        list(client.accounts.list())
        azure.world.identity.revoke_issued_tokens(grace)
        azure.log.clear()
        list(client.accounts.list())
        (sent,) = _claims(azure)
        assert sent["access_token"]["nbf"]["essential"] is True
        assert sent["access_token"]["xms_cc"] == {"values": ["cp1"]}
        assert len(prompts) == 1


@msal_only
@pytest.mark.skipif(TRACK_1, reason="track-1 clients cannot be challenged")
class TestStepUp:
    """Resource Manager wants a second factor of a person who has shown none yet."""

    @pytest.mark.parametrize("enable_cae", [False, True])
    def test_a_device_code_asks_the_person_once(
        self, azure: Sandbox, ada: Person, library: Any, enable_cae: bool
    ) -> None:
        """In the middle of a client's call, which then goes on; every other resource follows."""
        prompts: list[Any] = []

        def approve(prompt: Any) -> None:
            prompts.append(prompt)
            azure.entra.approve(prompt.code, by=ada, second_factor=len(prompts) > 1)

        own: Any = {"tenant": CONTOSO, "clock": azure.clock, "library": library}
        strategy = DeviceCode(prompt=approve, **own)
        client = _client(management_credentials(mode=strategy), enable_cae=enable_cae)
        list(client.accounts.list())
        azure.entra.require_claims(ada)
        list(client.accounts.list())
        list(client.accounts.list())
        assert len(prompts) == 2
        azure.log.clear()
        assert strategy.silent(DATA_LAKE)
        assert [form["grant_type"] for form in _forms(azure)] == ["refresh_token"]

    def test_a_password_cannot(self, azure: Sandbox, ada: Person, library: Any) -> None:
        """It is not sent again: the refresh token's refusal tells enough."""
        own: Any = {"tenant": CONTOSO, "clock": azure.clock, "library": library}
        strategy = Password(username=ada.username, password=PASSWORD, **own)
        client = _client(management_credentials(mode=strategy))
        azure.entra.require_claims(ada)
        azure.log.clear()
        with pytest.raises(MfaRequired):
            list(client.accounts.list())
        assert [form["grant_type"] for form in _forms(azure)] == ["refresh_token"]


@adal_only
def test_adal_says_which_library_can(credentials: Any, azure: Sandbox) -> None:
    """Instead of dropping what a service asked for; nothing is sent."""
    options: Any = {"claims": CHALLENGE}
    for ask in (
        lambda: credentials.get_token(SCOPE, claims=CHALLENGE),
        lambda: credentials.get_token(SCOPE, claims="{}"),
        lambda: credentials.get_token_info(SCOPE, options=options),
    ):
        with pytest.raises(ConfigurationError, match="library='msal'"):
            ask()
    assert len(azure.log) == 0


@adal_only
@pytest.mark.skipif(TRACK_1, reason="track-1 clients cannot be challenged")
@pytest.mark.parametrize("enable_cae", [False, True])
def test_a_real_client_is_told_so_too(
    strategy: DeviceCode, azure: Sandbox, grace: Person, prompts: list[Any], enable_cae: bool
) -> None:
    """Out of the call that was challenged, and nobody is asked in vain."""
    client = _client(management_credentials(mode=strategy), enable_cae=enable_cae)
    list(client.accounts.list())
    azure.entra.require_claims(grace)
    azure.log.clear()
    with pytest.raises(ConfigurationError, match="library='msal'"):
        list(client.accounts.list())
    assert azure.log.to("", host="login.microsoftonline.com") == []
    assert len(prompts) == 1


def test_what_is_no_challenge_is_refused(credentials: Any, azure: Sandbox) -> None:
    """By the credential, before any network."""
    for nonsense in ("", "none", "[]", 3):
        with pytest.raises(ConfigurationError, match="claims"):
            credentials.get_token(SCOPE, claims=nonsense)
    assert len(azure.log) == 0


class TestCapability:
    """enable_cae=True declares CP1, for the calls that ask for it and no other."""

    @msal_only
    def test_tokens_with_and_without_are_kept_apart(
        self, credentials: Any, azure: Sandbox, prompts: list[Any]
    ) -> None:
        """One request for the second kind, then both from memory."""
        plain = credentials.get_token(SCOPE).token
        capable = credentials.get_token(SCOPE, enable_cae=True).token
        assert capable != plain
        assert _claims(azure) == [json.loads(CP1)]
        options: Any = {"enable_cae": True}
        assert credentials.get_token_info(SCOPE, options=options).token == capable
        assert credentials.get_token(SCOPE, enable_cae=True).token == capable
        assert credentials.get_token(SCOPE).token == plain
        assert credentials.signed_session().headers["Authorization"] == f"Bearer {plain}"
        assert len(_claims(azure)) == len(prompts) == 1

    @msal_only
    def test_both_are_shared_by_credentials_of_one_strategy(
        self, strategy: DeviceCode, azure: Sandbox
    ) -> None:
        """And renewed each with its own claims."""
        first = management_credentials(mode=strategy)
        second = filesystem_token(mode=strategy)
        token = first.get_token(SCOPE, enable_cae=True).token
        azure.log.clear()
        assert second.get_token(SCOPE, enable_cae=True).token == token
        assert len(azure.log) == 0
        azure.clock.advance(3601)
        assert second.get_token(SCOPE, enable_cae=True).token != token
        assert second.get_token(SCOPE).token
        assert _claims(azure) == [json.loads(CP1), None]

    @msal_only
    def test_a_rejected_one_leaves_the_other(self, strategy: DeviceCode, azure: Sandbox) -> None:
        """A service that refused the one said nothing of the other."""
        plain = strategy.sign_in(MANAGEMENT)
        capable = strategy.silent(MANAGEMENT, claims=CP1)
        assert capable is not None
        strategy.invalidate(capable)
        azure.log.clear()
        assert strategy.silent(MANAGEMENT) == plain
        assert strategy.silent(MANAGEMENT, claims=CP1) != capable
        assert _claims(azure) == [json.loads(CP1)]

    @msal_only
    def test_both_travel(self, credentials: Any, azure: Sandbox) -> None:
        """A pickle carries the tokens that were asked for, each where it belongs."""
        tokens = [credentials.get_token(SCOPE, enable_cae=cae).token for cae in (False, True)]
        copied = pickle.loads(pickle.dumps(credentials))
        azure.log.clear()
        for _ in ("a worker", "a worker's worker"):
            got = [copied.get_token(SCOPE, enable_cae=cae).token for cae in (False, True)]
            assert got == tokens
            copied = pickle.loads(pickle.dumps(copied))
        assert len(azure.log) == 0

    @adal_only
    def test_adal_ignores_it(self, credentials: Any, azure: Sandbox) -> None:
        """One token for both: adal has no way to declare a capability."""
        plain = credentials.get_token(SCOPE)
        assert credentials.get_token(SCOPE, enable_cae=True) is plain
        options: Any = {"enable_cae": True}
        assert credentials.get_token_info(SCOPE, options=options).token == plain.token
        assert len(azure.log) == 0

    def test_a_strangers_strategy_is_not_asked_for_it(self, clock: SandboxClock) -> None:
        """One that does not say that it sends claims on gets none."""
        asked: list[Any] = []

        class Stranger:
            settings = None

            def silent(self, resource: str, *, claims: str | None = None) -> Any:
                from adls_enduser import Token

                asked.append(claims)
                now = clock.time()
                return Token("t", now + 9e9, now, resource)

            sign_in = silent

        credentials = management_credentials(mode=Stranger())
        assert credentials.get_token(SCOPE, enable_cae=True).token == "t"
        assert set(asked) == {None}


@pytest.mark.parametrize(
    ("claims", "merged"),
    [
        (None, CP1),
        ("{}", CP1),
        ('{"access_token": null}', CP1),
        (CP1, CP1),
        (
            '{"access_token": {"nbf": {"value": "1"}}, "id_token": {"x": null}}',
            '{"access_token": {"nbf": {"value": "1"}, "xms_cc": {"values": ["cp1"]}},'
            ' "id_token": {"x": null}}',
        ),
    ],
)
def test_the_capability_is_added_to_a_challenge(claims: str | None, merged: str) -> None:
    """Nothing of the challenge is lost (msal does the same)."""
    assert json.loads(with_cp1(claims)) == json.loads(merged)
    assert declares_cp1(with_cp1(claims))


def test_the_capability_alone_is_no_challenge() -> None:
    """A token that is held may answer it; a challenge it may not."""
    assert [is_challenge(one) for one in (None, CP1, "{}", CHALLENGE)] == [False, False, True, True]
    assert [declares_cp1(one) for one in (None, CP1, "{}", CHALLENGE)] == [
        False,
        True,
        False,
        False,
    ]


def test_the_file_system_can_be_challenged_too(
    azure: Sandbox, strategy: DeviceCode, library: str
) -> None:
    """It is the same credential."""
    token = filesystem_token(mode=strategy)
    if library == "adal":
        with pytest.raises(ConfigurationError, match="claims challenge"):
            token.get_token(f"{DATA_LAKE}.default", claims=CHALLENGE)
    else:
        assert token.get_token(f"{DATA_LAKE}.default", claims=CHALLENGE).token
