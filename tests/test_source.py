"""TokenSource: fresh from memory, renewed once, never a needless prompt."""

from __future__ import annotations

import pickle
import threading
from typing import TYPE_CHECKING

import pytest
import requests

from adls_enduser import (
    Account,
    ConfigurationError,
    MfaRequired,
    ProtocolError,
    SignInError,
    SignInExpired,
    SignInRequired,
    Token,
    TransportError,
)
from adls_enduser.sandbox import SandboxClock
from adls_enduser.source import TokenSource

if TYPE_CHECKING:
    from collections.abc import Callable

RESOURCE = "https://datalake.azure.net/"


class Stranger:
    """A strategy of somebody else's: counts what is asked of it."""

    def __init__(self, clock: SandboxClock, lifetime: float = 3600.0) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.silently: Callable[[], object] | None = None
        self.personally: Callable[[], object] | None = None
        self.silent_calls = 0
        self.sign_ins = 0

    def fresh(self) -> Token:
        now = self.clock.time()
        number = self.silent_calls + self.sign_ins
        return Token(f"token-{number}", now + self.lifetime, now, RESOURCE, Account("ada"))

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        self.silent_calls += 1
        return self.silently() if self.silently else self.fresh()  # type: ignore[return-value]

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        self.sign_ins += 1
        return self.personally() if self.personally else self.fresh()  # type: ignore[return-value]


@pytest.fixture
def strategy(clock: SandboxClock) -> Stranger:
    """A stranger's strategy that always works."""
    return Stranger(clock)


@pytest.fixture
def source(strategy: Stranger, clock: SandboxClock) -> TokenSource:
    """A source over it, where a person may be asked."""
    return TokenSource(strategy, RESOURCE, interactive=True, clock=clock)


def _fail(error: BaseException) -> Callable[[], object]:
    def fail() -> object:
        raise error

    return fail


def test_a_fresh_token_comes_from_memory(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """Up to five minutes before its end the same token is given, and nobody is asked."""
    first = source.token()
    clock.advance(3600 - 301)
    assert source.token() is first
    assert strategy.silent_calls == 1


def test_a_token_is_renewed_five_minutes_before_its_end(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """From then on the next caller gets a new one, silently."""
    first = source.token()
    clock.advance(3600 - 299)
    assert source.token() != first
    assert (strategy.silent_calls, strategy.sign_ins) == (2, 0)


def test_a_short_lived_token_does_not_cost_a_request_a_call(clock: SandboxClock) -> None:
    """A token that lives five seconds serves four of them."""
    strategy = Stranger(clock, lifetime=5)
    source = TokenSource(strategy, RESOURCE, clock=clock)
    for _ in range(10):
        source.token()
    assert strategy.silent_calls == 1
    clock.advance(4.5)
    source.token()
    assert strategy.silent_calls == 2


def test_the_old_token_serves_while_renewal_fails(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """A failed renewal is not the caller's trouble as long as the old token lives."""
    first = source.token()
    strategy.silently = _fail(TransportError("down"))
    clock.advance(3600 - 200)
    assert source.token() is first
    assert source.token() is first
    assert strategy.silent_calls == 2, "the second caller must not ask again at once"
    clock.advance(31)
    assert source.token() is first
    assert strategy.silent_calls == 3
    clock.advance(200)
    with pytest.raises(TransportError, match="down"):
        source.token()
    strategy.silently = None
    assert source.token() != first


def test_nobody_is_asked_while_the_old_token_lives(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """A dead refresh token leads to a prompt only when the access token has died too."""
    first = source.token()
    strategy.silently = _fail(SignInExpired("dead"))
    clock.advance(3600 - 100)
    assert source.token() is first
    assert strategy.sign_ins == 0
    clock.advance(101)
    assert source.token() != first
    assert strategy.sign_ins == 1


@pytest.mark.parametrize("reason", [SignInExpired("dead"), MfaRequired("more"), None])
def test_without_a_person_the_reason_comes_out(
    strategy: Stranger, clock: SandboxClock, reason: SignInError | None
) -> None:
    """interactive=False gives what the silent way was refused with, or SignInRequired."""
    strategy.silently = _fail(reason) if reason else lambda: None
    source = TokenSource(strategy, RESOURCE, interactive=False, clock=clock)
    with pytest.raises(type(reason) if reason else SignInRequired):
        source.token()
    assert strategy.sign_ins == 0


def test_nobody_is_asked_without_a_terminal_unless_there_is_a_prompt(
    strategy: Stranger, clock: SandboxClock
) -> None:
    """interactive=None asks only where somebody can see it, or a callback shows it."""
    strategy.silently = lambda: None
    source = TokenSource(strategy, RESOURCE, clock=clock)
    with pytest.raises(SignInRequired, match="no terminal or notebook"):
        source.token()
    strategy.prompt = print  # type: ignore[attr-defined]
    assert source.token().secret
    assert strategy.sign_ins == 1


def test_concurrent_callers_make_one_request(strategy: Stranger, clock: SandboxClock) -> None:
    """Many threads at a cold source wait for one sign-in and share its token."""
    started = threading.Barrier(16)
    release = threading.Event()

    def slowly() -> Token:
        release.wait(10)
        return strategy.fresh()

    strategy.silently = slowly
    source = TokenSource(strategy, RESOURCE, clock=clock)
    got: list[Token] = []

    def ask() -> None:
        started.wait(10)
        got.append(source.token())

    threads = [threading.Thread(target=ask) for _ in range(15)]
    for thread in threads:
        thread.start()
    started.wait(10)
    release.set()
    for thread in threads:
        thread.join(10)
    assert strategy.silent_calls == 1
    assert len({token.secret for token in got}) == 1
    assert len(got) == 15


def test_others_go_on_with_the_old_token_during_a_renewal(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """While one thread renews a token that still lives, nobody waits for it."""
    first = source.token()
    clock.advance(3600 - 200)
    renewing, release = threading.Event(), threading.Event()

    def slowly() -> Token:
        renewing.set()
        release.wait(10)
        return strategy.fresh()

    strategy.silently = slowly
    thread = threading.Thread(target=source.token)
    thread.start()
    assert renewing.wait(10)
    assert source.token() is first
    release.set()
    thread.join(10)
    assert source.token() is not first
    assert strategy.silent_calls == 2


def test_renew_gives_a_new_token_even_if_the_old_is_fresh(
    source: TokenSource, strategy: Stranger
) -> None:
    """An explicit renewal asks once, silently."""
    first = source.token()
    assert source.renew() != first
    assert strategy.silent_calls == 2


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (TypeError("a bug"), ProtocolError),
        (KeyError("x"), ProtocolError),
        (requests.ConnectionError("down"), TransportError),
    ],
)
def test_a_strangers_exception_does_not_get_out(
    source: TokenSource, strategy: Stranger, error: Exception, ours: type[Exception]
) -> None:
    """The SDKs retry or rewrite such types, so they come out as ours; nobody is asked."""
    strategy.silently = _fail(error)
    with pytest.raises(ours, match=f"Stranger failed with {type(error).__name__}") as caught:
        source.token()
    assert caught.value.__cause__ is error
    assert strategy.sign_ins == 0


def test_a_stranger_that_gives_no_token_is_told_so(source: TokenSource, strategy: Stranger) -> None:
    """A wrong return type is an error that names the class."""
    strategy.silently = lambda: "eyJ"
    with pytest.raises(ConfigurationError, match="Stranger must give a Token, not str"):
        source.token()
    strategy.silently = strategy.personally = lambda: None
    with pytest.raises(ConfigurationError, match="sign_in returned None"):
        source.token()


def test_a_token_that_is_over_already_is_refused(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """A new token is never expired; if it is, somebody's clock is wrong."""
    strategy.silently = lambda: Token("t", clock.time(), clock.time() - 10, RESOURCE)
    with pytest.raises(ProtocolError, match="over already"):
        source.token()


def test_a_claims_challenge_asks_even_with_a_fresh_token(
    source: TokenSource, strategy: Stranger
) -> None:
    """A challenge means that the held token was not enough."""
    first = source.token()
    answered = source.answer('{"access_token": {}}')
    assert answered != first
    assert source.token() is answered


def test_another_process_gets_the_token_and_nothing_that_lasts(source: TokenSource) -> None:
    """A pickled source gives its token, and at its end says where the person is."""
    real = TokenSource(source.strategy, RESOURCE)
    real.strategy.clock = SandboxClock()  # type: ignore[attr-defined]
    token = real.token()
    copy = pickle.loads(pickle.dumps(real))
    assert copy.token() == token
    with pytest.raises(SignInRequired):
        copy.renew() if copy._held is None else copy.sibling("https://other/").token()
