"""What every strategy must do, as pytest classes to inherit from."""

from __future__ import annotations

import pickle
import threading
from typing import TYPE_CHECKING

import pytest

from ..clouds import PUBLIC
from ..credentials.token_source import TokenSource
from ..errors import ConfigurationError, EndUserError, ProtocolError, TransportError
from ..options import AccountSettings
from ..sandbox import Answer, Reset
from ..strategies.protocol import AuthStrategy, ExtendedStrategy, extended
from ..tokens import Account, Token

if TYPE_CHECKING:
    from ..sandbox import Sandbox

# "Bring a token that was issued after this" (Microsoft, "Claims challenges, claims requests
# and client capabilities").
CHALLENGE = '{"access_token": {"nbf": {"essential": true, "value": "1700000000"}}}'

_DATA_LAKE = PUBLIC.filesystem_audience()
_TOKEN_PATH = "/token"  # of either version of Entra ID's endpoints


def wait_for_background_renewal() -> None:
    """Wait, for a minute at most, until no credential renews its token in the background."""
    for thread in threading.enumerate():
        if thread.name == "adls_enduser-renewal":
            thread.join(60)
            assert not thread.is_alive(), "a renewal has not ended"


def _token(strategy: AuthStrategy, resource: str) -> Token:
    return strategy.silent(resource) or strategy.sign_in(resource)


class StrategyContract:
    """A strategy signs a person in once, and returns tokens silently from then on.

    Define the fixture ``strategy``, whose ``sign_in`` must not need a keyboard. ``resource``
    and ``other_resource`` are audiences that the strategy can return a token for.
    """

    resource = PUBLIC.management
    other_resource = PUBLIC.storage

    def test_it_is_a_strategy(self, strategy: AuthStrategy) -> None:
        """It satisfies the protocol; a base class is not needed."""
        assert isinstance(strategy, AuthStrategy)
        assert not isinstance(strategy, type)

    def test_the_first_silent_call_needs_no_person(self, strategy: AuthStrategy) -> None:
        """It returns a token, or None, or raises an EndUserError; nothing else."""
        try:
            token = strategy.silent(self.resource)
        except EndUserError:
            return
        assert token is None or isinstance(token, Token)

    def test_the_token_is_for_the_resource(self, strategy: AuthStrategy) -> None:
        """The token names its resource, can be sent, and has not expired."""
        token = _token(strategy, self.resource)
        assert isinstance(token, Token)
        assert token.resource == self.resource
        assert token.is_sound
        assert token.expires_on > extended(strategy).settings.clock.time()
        assert isinstance(token.account, Account)
        assert token.secret not in repr(token)

    def test_after_a_sign_in_no_person_is_needed(self, strategy: AuthStrategy) -> None:
        """``silent`` returns a token for the same resource, of the same account."""
        first = _token(strategy, self.resource)
        second = strategy.silent(self.resource)
        assert isinstance(second, Token)
        assert (second.resource, second.account) == (first.resource, first.account)

    def test_one_sign_in_serves_another_resource(self, strategy: AuthStrategy) -> None:
        """``silent`` returns a token for another audience, of the same account."""
        first = _token(strategy, self.resource)
        other = strategy.silent(self.other_resource)
        assert isinstance(other, Token)
        assert other.resource == self.other_resource
        assert other.account == first.account

    def test_a_claims_challenge_is_not_ignored(self, strategy: AuthStrategy) -> None:
        """Claims are sent to the authority, or refused with an EndUserError."""
        _token(strategy, self.resource)
        if extended(strategy).answers_claims:
            return
        with pytest.raises(EndUserError):
            strategy.silent(self.resource, claims=CHALLENGE)

    def test_what_it_has_of_the_extensions_is_right(self, strategy: AuthStrategy) -> None:
        """Each member of ExtendedStrategy that it has is of the declared type."""
        token = _token(strategy, self.resource)
        members = extended(strategy)
        assert isinstance(members.settings, AccountSettings)
        assert members.account is None or isinstance(members.account, Account)
        assert members.prompt is None or callable(members.prompt)
        assert isinstance(members.answers_claims, bool)
        assert members.cached_token(self.resource) in (None, token)

    def test_an_invalidated_token_is_not_returned_again(self, strategy: AuthStrategy) -> None:
        """If it has ``invalidate``, it obeys it."""
        token = _token(strategy, self.resource)
        if not hasattr(strategy, "invalidate"):
            return
        extended(strategy).invalidate(token)
        assert extended(strategy).cached_token(self.resource) != token
        try:
            again = strategy.silent(self.resource)
        except EndUserError:
            return  # there is no other token
        assert again != token

    def test_its_stand_in_can_be_pickled(self, strategy: AuthStrategy) -> None:
        """What goes to another process in its place is a strategy that prompts nobody."""
        secret = _token(strategy, self.resource).secret
        other = extended(strategy).for_other_process()
        if other is None:
            return
        pickled = pickle.dumps(other)
        assert secret.encode() not in pickled
        assert isinstance(pickle.loads(pickled), AuthStrategy)  # noqa: S301 - made above

    def test_a_credential_of_it_can_be_sent(self, strategy: AuthStrategy) -> None:
        """A TokenSource over it works, and works after a pickle, without the strategy."""
        clock = extended(strategy).settings.clock
        source = TokenSource(strategy, self.resource, interactive=True, clock=clock)
        token = source.token()
        assert pickle.loads(pickle.dumps(source)).held == token  # noqa: S301 - made here


class EntraStrategyContract(StrategyContract):
    """A strategy that signs in at Entra ID, and renews by the refresh token.

    Runs on the sandbox; make the strategy with ``clock=azure_sandbox.clock``.
    """

    def test_the_token_is_of_the_person(
        self, strategy: AuthStrategy, azure_sandbox: Sandbox
    ) -> None:
        """The token has the person's account and expiry, by the client's clock."""
        token = _token(strategy, self.resource)
        assert token.expires_on == pytest.approx(azure_sandbox.clock.time() + 3600, abs=5)
        assert token.account.username is not None
        assert token.account.tenant is not None
        assert token.account.object_id is not None

    def test_the_second_resource_is_silent(
        self, strategy: AuthStrategy, azure_sandbox: Sandbox
    ) -> None:
        """After a sign-in another resource costs one refresh request, and no prompt."""
        _token(strategy, self.resource)
        azure_sandbox.log.clear()
        token = strategy.silent(_DATA_LAKE)
        assert token is not None
        assert token.resource == _DATA_LAKE
        assert _grant_types(azure_sandbox) == ["refresh_token"]

    def test_a_rotated_refresh_token_replaces_the_old(
        self, strategy: AuthStrategy, azure_sandbox: Sandbox
    ) -> None:
        """If a tenant accepts each refresh token once, renewals still go on."""
        azure_sandbox.entra.reuse_is_refused = True
        _token(strategy, self.resource)
        for resource in (_DATA_LAKE, self.other_resource, "https://graph.windows.net/"):
            assert strategy.silent(resource) is not None
        forms = [one.request.form for one in azure_sandbox.log.to(_TOKEN_PATH) if one.request]
        assert len({form.get("refresh_token") for form in forms[-3:]}) == 3

    def test_the_account_stays_known(self, strategy: AuthStrategy, azure_sandbox: Sandbox) -> None:
        """A renewal has the account, though its response may not name it."""
        first = _token(strategy, self.resource)
        bare = '{"access_token": "x", "token_type": "Bearer", "expires_in": "3600"}'
        for resource, fault in ((self.other_resource, None), (_DATA_LAKE, Answer(200, bare))):
            if fault:
                azure_sandbox.faults.add(fault, path=_TOKEN_PATH)
            again = strategy.silent(resource)
            assert again is not None
            assert again.account == first.account

    def test_a_fresh_token_is_returned_again(
        self, strategy: ExtendedStrategy, azure_sandbox: Sandbox
    ) -> None:
        """It costs no request until it is invalidated or due for renewal."""
        first = _token(strategy, self.resource)
        azure_sandbox.log.clear()
        assert strategy.silent(self.resource) == first
        assert len(azure_sandbox.log) == 0
        strategy.invalidate(first)
        second = strategy.silent(self.resource)
        assert second != first
        strategy.invalidate(first)
        assert strategy.silent(self.resource) == second, "another token was invalidated"
        azure_sandbox.clock.advance(3600 - 899)
        assert strategy.silent(self.resource) != second
        assert len(azure_sandbox.log) == 2

    def test_a_second_credential_works_while_entra_id_is_down(
        self, strategy: ExtendedStrategy, azure_sandbox: Sandbox
    ) -> None:
        """It gets the token of the first one until that expires, however late it asks."""
        clock = azure_sandbox.clock
        first = _token(strategy, self.resource)
        azure_sandbox.faults.add(Answer(503), times=99, path=_TOKEN_PATH)

        def second() -> Token:
            token = TokenSource(strategy, self.resource, interactive=False, clock=clock).token()
            wait_for_background_renewal()
            return token

        clock.advance(3600 - 890)
        assert second() == first
        clock.advance(890 - 200)
        assert second() == first
        clock.advance(200)
        assert strategy.cached_token(self.resource) is None
        with pytest.raises(TransportError):
            second()
        azure_sandbox.faults.clear()
        newer = second()
        assert newer != first
        assert strategy.cached_token(self.resource) == newer
        strategy.invalidate(newer)
        assert strategy.cached_token(self.resource) is None

    def test_a_dropped_connection_is_a_transport_error(
        self, strategy: AuthStrategy, azure_sandbox: Sandbox
    ) -> None:
        """The sign-in was not refused, so the same call may succeed later, and does."""
        _token(strategy, self.resource)
        azure_sandbox.faults.add(Reset(), times=3, path=_TOKEN_PATH)
        with pytest.raises(TransportError, match=r"login\.microsoftonline\.com"):
            strategy.silent(_DATA_LAKE)
        assert strategy.silent(_DATA_LAKE) is not None

    def test_claims_are_sent_or_refused(
        self, strategy: ExtendedStrategy, azure_sandbox: Sandbox
    ) -> None:
        """A library that cannot send a challenge says so instead of dropping it."""
        azure_sandbox.log.clear()
        if not strategy.answers_claims:
            for act in (strategy.silent, strategy.sign_in):
                with pytest.raises(ConfigurationError, match="library='msal'"):
                    act(self.resource, claims=CHALLENGE)
            assert len(azure_sandbox.log) == 0
            return
        first = _token(strategy, self.resource)
        azure_sandbox.log.clear()
        token = strategy.silent(self.resource, claims=CHALLENGE)
        assert token not in (None, first)
        assert strategy.silent(self.resource) == token, "it serves every caller from now on"
        (sent,) = [one.request.form for one in azure_sandbox.log.to("") if one.request]
        assert (sent["grant_type"], sent["claims"]) == ("refresh_token", CHALLENGE)

    @pytest.mark.parametrize("claims", ["", "none", "[]", '{"access_token": 3}'])
    def test_claims_that_are_no_challenge_are_refused(
        self, strategy: AuthStrategy, azure_sandbox: Sandbox, claims: str
    ) -> None:
        """Before any network, whichever the library."""
        azure_sandbox.log.clear()
        for act in (strategy.silent, strategy.sign_in):
            with pytest.raises(ConfigurationError, match="claims"):
                act(self.resource, claims=claims)
        assert len(azure_sandbox.log) == 0

    def test_an_unreadable_response_is_a_protocol_error(
        self, strategy: AuthStrategy, azure_sandbox: Sandbox
    ) -> None:
        """A page of HTML with status 200 is no token, and its text is not shown."""
        _token(strategy, self.resource)
        azure_sandbox.faults.add(Answer(200, "<html>hotel</html>"), path=_TOKEN_PATH)
        with pytest.raises(ProtocolError, match="could not be read") as caught:
            strategy.silent(_DATA_LAKE)
        assert "hotel" not in str(caught.value)


def _grant_types(azure: Sandbox) -> list[str]:
    return [one.request.form["grant_type"] for one in azure.log.to("") if one.request]
