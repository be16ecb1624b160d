"""What every strategy and every credential must do, as classes to inherit from.

A stranger who writes a strategy can test it with ``StrategyContract``: give it the
fixture ``strategy``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.core.credentials import AccessToken, AccessTokenInfo

from adls_enduser import (
    AuthStrategy,
    ConfigurationError,
    Token,
    TransportError,
)
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.sandbox import Answer, Reset
from adls_enduser.strategies.protocol import ExtendedStrategy

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox, SandboxClock

MANAGEMENT = "https://management.core.windows.net/"
DATA_LAKE = "https://datalake.azure.net/"
STORAGE = "https://storage.azure.com/"
# "Bring a token that was made after this" (Microsoft, "Claims challenges, claims requests
# and client capabilities").
CHALLENGE = '{"access_token": {"nbf": {"essential": true, "value": "1700000000"}}}'
TOKEN_PATH = "/token"  # of either version


def wait_for_the_background() -> None:
    """Let a renewal that nobody waits for come to its end."""
    for thread in threading.enumerate():
        if thread.name == "adls_enduser-renewal":
            thread.join(60)
            assert not thread.is_alive()


class StrategyContract:
    """A strategy signs a person in once, and serves every resource silently from there."""

    def test_it_is_a_strategy(self, strategy: AuthStrategy) -> None:
        """It satisfies the protocol, without a base class."""
        assert isinstance(strategy, AuthStrategy)

    def test_the_token_is_for_the_resource(
        self, strategy: AuthStrategy, clock: SandboxClock
    ) -> None:
        """The token says what it is for, whose it is and until when, by the client's clock."""
        token = strategy.silent(MANAGEMENT) or strategy.sign_in(MANAGEMENT)
        assert isinstance(token, Token)
        assert token.resource == MANAGEMENT
        assert token.expires_on == pytest.approx(clock.time() + 3600, abs=5)
        assert token.account.username is not None
        assert token.account.tenant is not None
        assert token.account.object_id is not None

    def test_the_second_resource_is_silent(self, strategy: AuthStrategy, azure: Sandbox) -> None:
        """After a sign-in another resource costs one refresh request, and no person."""
        strategy.silent(MANAGEMENT) or strategy.sign_in(MANAGEMENT)
        azure.log.clear()
        token = strategy.silent(DATA_LAKE)
        assert token is not None
        assert token.resource == DATA_LAKE
        sent = [one.request.form["grant_type"] for one in azure.log.to("")]
        assert sent == ["refresh_token"]

    def test_a_rotated_refresh_token_replaces_the_old(
        self, strategy: AuthStrategy, azure: Sandbox
    ) -> None:
        """Where a tenant takes each refresh token once, renewals still go on."""
        azure.entra.reuse_is_refused = True
        strategy.silent(MANAGEMENT) or strategy.sign_in(MANAGEMENT)
        for resource in (DATA_LAKE, STORAGE, "https://graph.windows.net/"):
            assert strategy.silent(resource) is not None
        sent = [one.request.form.get("refresh_token") for one in azure.log.to(TOKEN_PATH)]
        assert len(set(sent[-3:])) == 3

    def test_the_account_stays_known(self, strategy: AuthStrategy, azure: Sandbox) -> None:
        """A renewal knows who signed in, though its answer may not say so."""
        first = strategy.silent(MANAGEMENT) or strategy.sign_in(MANAGEMENT)
        bare = '{"access_token": "x", "token_type": "Bearer", "expires_in": "3600"}'
        for resource, fault in ((STORAGE, None), (DATA_LAKE, Answer(200, bare))):
            if fault:
                azure.faults.add(fault, path=TOKEN_PATH)
            again = strategy.silent(resource)
            assert again is not None
            assert again.account == first.account

    def test_a_fresh_token_is_given_again(
        self, strategy: AuthStrategy, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """A second credential of the same sign-in costs nothing, until it is rejected or old."""
        first = strategy.silent(MANAGEMENT) or strategy.sign_in(MANAGEMENT)
        azure.log.clear()
        assert strategy.silent(MANAGEMENT) == first
        assert len(azure.log) == 0
        assert isinstance(strategy, ExtendedStrategy)
        strategy.invalidate(first)
        second = strategy.silent(MANAGEMENT)
        assert second != first
        strategy.invalidate(first)
        assert strategy.silent(MANAGEMENT) == second, "what is not held cannot be rejected"
        clock.advance(3600 - 899)
        assert strategy.silent(MANAGEMENT) != second
        assert len(azure.log) == 2

    def test_a_second_credential_needs_no_service_while_the_token_lives(
        self, strategy: AuthStrategy, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """In either window it gets what the first one has, however long Entra ID is down."""
        assert isinstance(strategy, ExtendedStrategy)
        first = strategy.silent(MANAGEMENT) or strategy.sign_in(MANAGEMENT)
        azure.faults.add(Answer(503), times=99, path=TOKEN_PATH)

        def second() -> Token:
            given = TokenSource(strategy, MANAGEMENT, interactive=False, clock=clock).token()
            wait_for_the_background()
            return given

        clock.advance(3600 - 890)
        assert second() == first
        clock.advance(890 - 200)
        assert second() == first
        clock.advance(200)
        assert strategy.cached_token(MANAGEMENT) is None
        with pytest.raises(TransportError):
            second()
        azure.faults.clear()
        newer = second()
        assert newer not in (None, first)
        assert strategy.cached_token(MANAGEMENT) == newer
        strategy.invalidate(newer)
        assert strategy.cached_token(MANAGEMENT) is None, "what was rejected is not given again"

    def test_a_dropped_connection_is_a_transport_error(
        self, strategy: AuthStrategy, azure: Sandbox
    ) -> None:
        """Nobody judged the sign-in, so it may be tried again, and then works."""
        strategy.silent(MANAGEMENT) or strategy.sign_in(MANAGEMENT)
        azure.faults.add(Reset(), times=3, path=TOKEN_PATH)
        with pytest.raises(TransportError, match=r"login\.microsoftonline\.com"):
            strategy.silent(DATA_LAKE)
        assert strategy.silent(DATA_LAKE) is not None

    def test_claims_are_answered_or_refused(self, strategy: AuthStrategy, azure: Sandbox) -> None:
        """A library that cannot send a challenge says so instead of dropping it."""
        assert isinstance(strategy, ExtendedStrategy)
        azure.log.clear()
        if not strategy.answers_claims:
            for act in (strategy.silent, strategy.sign_in):
                with pytest.raises(ConfigurationError, match="library='msal'"):
                    act(MANAGEMENT, claims=CHALLENGE)
            assert len(azure.log) == 0
            return
        first = strategy.silent(MANAGEMENT) or strategy.sign_in(MANAGEMENT)
        azure.log.clear()
        token = strategy.silent(MANAGEMENT, claims=CHALLENGE)
        assert token not in (None, first)
        assert strategy.silent(MANAGEMENT) == token, "it is good for all from now on"
        (sent,) = [one.request.form for one in azure.log.to("")]
        assert (sent["grant_type"], sent["claims"]) == ("refresh_token", CHALLENGE)

    @pytest.mark.parametrize("nonsense", ["", "none", "[]", '{"access_token": 3}'])
    def test_what_is_no_challenge_is_refused(
        self, strategy: AuthStrategy, azure: Sandbox, nonsense: str
    ) -> None:
        """Before any network, whatever the library."""
        azure.log.clear()
        for act in (strategy.silent, strategy.sign_in):
            with pytest.raises(ConfigurationError, match="claims"):
                act(MANAGEMENT, claims=nonsense)
        assert len(azure.log) == 0

    def test_nonsense_from_the_network_is_one_of_our_errors(
        self, strategy: AuthStrategy, azure: Sandbox
    ) -> None:
        """A page of HTML with status 200 is no token, and its text does not get out."""
        strategy.silent(MANAGEMENT) or strategy.sign_in(MANAGEMENT)
        azure.faults.add(Answer(200, "<html>log in to the hotel</html>"), path=TOKEN_PATH)
        with pytest.raises(Exception, match="could not be read") as caught:
            strategy.silent(DATA_LAKE)
        assert "hotel" not in str(caught.value)


class CredentialContract:
    """What a factory returns works with every SDK generation. Fixture: ``credential``."""

    resource: str

    def test_get_token_takes_every_spelling(self, credential: Any, azure: Sandbox) -> None:
        """Both scope spellings and the bare audience give the same token, once fetched."""
        base = self.resource.rstrip("/")
        spellings = [f"{base}/.default", f"{base}//.default", base, f"{base}/"]
        azure.log.clear()
        tokens = {credential.get_token(scope).token for scope in spellings}
        assert len(tokens) == 1
        assert len(azure.log) == 0

    def test_both_management_audiences_are_one(self, credential: Any) -> None:
        """azure-core's and msrestazure's names for Resource Manager give one token."""
        new = credential.get_token("https://management.azure.com/.default")
        old = credential.get_token("https://management.core.windows.net//.default")
        assert new.token == old.token

    def test_get_token_gives_azure_cores_type(self, credential: Any, clock: SandboxClock) -> None:
        """An AccessToken with epoch seconds as an int, whose repr hides the token."""
        token = credential.get_token(f"{self.resource}.default", enable_cae=False, extra=1)
        assert isinstance(token, AccessToken)
        assert isinstance(token.expires_on, int)
        assert token.expires_on == pytest.approx(clock.time() + 3600, abs=5)
        assert token.token not in repr(token)
        again = credential.get_token(f"{self.resource}.default")
        assert again is token, "made once"

    def test_get_token_info_gives_azure_cores_type(self, credential: Any) -> None:
        """An AccessTokenInfo of the same token, whose repr hides it."""
        info = credential.get_token_info(f"{self.resource}.default", options={})
        assert isinstance(info, AccessTokenInfo)
        assert info.token == credential.get_token(f"{self.resource}.default").token
        assert info.token_type == "Bearer"
        assert info.token not in repr(info)

    @pytest.mark.parametrize(
        ("method", "arguments", "named"),
        [
            ("get_token_info", {"options": "claims"}, "options"),
            ("signed_session", {"session": "https://management.azure.com"}, "session"),
            ("refresh_session", {"session": 7}, "session"),
        ],
    )
    def test_a_wrong_argument_is_ours_to_refuse(
        self, credential: Any, azure: Sandbox, method: str, arguments: Any, named: str
    ) -> None:
        """No TypeError or AttributeError gets out, and nothing is asked of the network."""
        azure.log.clear()
        scopes = ["https://storage.azure.com/.default"] if method == "get_token_info" else []
        with pytest.raises(ConfigurationError, match=f"{named} must be"):
            getattr(credential, method)(*scopes, **arguments)
        assert len(azure.log) == 0

    def test_another_resource_is_silent(self, credential: Any, azure: Sandbox) -> None:
        """get_token serves Gen2 and every other audience by a refresh, fetched once."""
        azure.log.clear()
        first = credential.get_token(f"{STORAGE}.default")
        assert credential.get_token("https://storage.azure.com/.default").token == first.token
        assert [one.request.form["grant_type"] for one in azure.log] == ["refresh_token"]

    @pytest.mark.parametrize(
        ("scopes", "options", "what"),
        [
            ((), {}, "needs a scope"),
            (("",), {}, "needs a scope"),
            ((None,), {}, "needs a scope"),
            ((["https://datalake.azure.net/.default"],), {}, "needs a scope"),
            ((f"{STORAGE}.default", f"{DATA_LAKE}.default"), {}, "several audiences"),
            ((f"{STORAGE}.default",), {"tenant_id": "fabrikam.com"}, "fabrikam"),
            ((f"{STORAGE}.default",), {"claims": 3}, "claims"),
            ((f"{STORAGE}.default",), {"claims": "none"}, "claims"),
        ],
    )
    def test_bad_input_is_refused(
        self, credential: Any, azure: Sandbox, scopes: Any, options: Any, what: str
    ) -> None:
        """A wrong scope, tenant or claim is a ConfigurationError before any network."""
        azure.log.clear()
        with pytest.raises(ConfigurationError, match=what):
            credential.get_token(*scopes, **options)
        assert len(azure.log) == 0

    def test_the_tenant_of_the_sign_in_is_accepted(self, credential: Any) -> None:
        """tenant_id= of the signed-in tenant is no contradiction."""
        tenant = credential.whoami().tenant
        assert credential.get_token(f"{self.resource}.default", tenant_id=tenant).token

    def test_a_session_is_signed_twice(self, credential: Any) -> None:
        """The header serves 0.0.x file systems, auth serves everything else."""
        mine = requests.Session()
        assert credential.signed_session(mine) is mine
        secret = credential.get_token(f"{self.resource}.default").token
        assert mine.headers["Authorization"] == f"Bearer {secret}"
        assert callable(mine.auth)
        assert credential.signed_session() is not mine

    def test_plain_http_never_gets_the_token(self, credential: Any, azure: Sandbox) -> None:
        """A signed session refuses an http URL before a byte leaves."""
        session = credential.signed_session()
        azure.log.clear()
        with pytest.raises(ConfigurationError, match="plain http"):
            session.get("http://management.azure.com/subscriptions")
        assert len(azure.log) == 0

    def test_netrc_does_not_replace_the_token(
        self, credential: Any, azure: Sandbox, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A netrc entry for the host is ignored by a signed session."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine management.azure.com login x password y\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        plain = requests.get("https://management.azure.com/subscriptions")
        assert plain.request.headers["Authorization"].startswith("Basic "), "a control"
        signed = credential.signed_session().get("https://management.azure.com/subscriptions")
        assert signed.request.headers["Authorization"].startswith("Bearer ")

    def test_a_kept_session_stays_signed(
        self, credential: Any, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """A session that somebody keeps past the token's end sends a new token."""
        session = credential.signed_session()
        before = session.headers["Authorization"]
        clock.advance(3600 * 3)
        answer = session.get("https://management.azure.com/subscriptions?api-version=2022-12-01")
        assert answer.request.headers["Authorization"] != before

    def test_it_outlives_its_token(
        self, credential: Any, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """Three expiries with a failing service in between cost no prompt and no error."""
        scope = f"{self.resource}.default"
        seen = {credential.get_token(scope).token}
        azure.log.clear()
        for _ in range(3):
            clock.advance(3400)
            azure.faults.add(Answer(503), times=3, path=TOKEN_PATH)
            assert credential.get_token(scope).token in seen, "the old token still lives"
            clock.advance(100)
            seen.add(credential.get_token(scope).token)
        assert len(seen) == 4
        assert {one.request.form["grant_type"] for one in azure.log} == {"refresh_token"}
        assert len(azure.log) == 12

    def test_refresh_session_renews(self, credential: Any, azure: Sandbox) -> None:
        """Msrest's other verb gives a new token on the session that it is handed."""
        mine = credential.signed_session()
        before = mine.headers["Authorization"]
        assert credential.refresh_session(mine) is mine
        assert mine.headers["Authorization"] != before

    def test_whoami_needs_no_network(self, credential: Any, azure: Sandbox) -> None:
        """The account is known from the sign-in."""
        azure.log.clear()
        account = credential.whoami()
        person = azure.world.directory.by_username(account.username)
        assert (account.object_id, account.tenant) == (person.object_id, person.tenant_id)
        assert len(azure.log) == 0

    def test_the_repr_says_who_where_and_until_when(self, credential: Any) -> None:
        """And nothing secret."""
        text = repr(credential)
        secret = credential.get_token(f"{self.resource}.default").token
        assert credential.whoami().username in text
        assert self.resource in text
        assert "UTC" in text
        assert secret not in text

    def test_the_token_dictionary_hides_its_values(self, credential: Any) -> None:
        """``.token`` has the SDK's keys; printing it shows no secret."""
        secret = credential.get_token(f"{self.resource}.default").token
        assert secret in credential.token.values()
        assert secret not in f"{credential.token!r} {credential.token}"
