"""TokenSource: fresh from memory, renewed once, never a needless prompt."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import pytest
import requests

from adls_enduser import (
    Account,
    ConfigurationError,
    EndUserError,
    MfaRequired,
    ProtocolError,
    SignInError,
    SignInExpired,
    SignInRequired,
    Token,
    TransportError,
)
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.testing.strategies import wait_for_background_renewal

from ..planes import frames
from ..waiting import Stopwatch, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import SandboxClock

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


class Held:
    """An answer that a test holds back: a token, or an error."""

    def __init__(self, strategy: Stranger, fail: BaseException | None = None) -> None:
        self.began, self.release, self.ended = (threading.Event() for _ in range(3))
        self._strategy = strategy
        self._fail = fail

    def __call__(self) -> Token:
        self.began.set()
        assert self.release.wait(30)
        self.ended.set()
        if self._fail is not None:
            raise self._fail
        return self._strategy.fresh()


def _waits(thread: threading.Thread) -> bool:
    """Tell whether a thread waits for an event or a condition."""
    frame = frames().get(thread.ident or 0)
    return frame is not None and frame.f_code.co_name == "wait"


def _fail(error: BaseException) -> Callable[[], object]:
    def fail() -> object:
        raise error

    return fail


def test_a_fresh_token_comes_from_memory(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """Up to a quarter of an hour before its end the same token is given; nobody is asked."""
    first = source.token()
    clock.advance(3600 - 901)
    assert source.token() is first
    assert strategy.silent_calls == 1


def test_in_the_advisory_window_nobody_waits(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """One renewal runs in the background; all callers get the old token at once."""
    first = source.token()
    strategy.silently = slowly = Held(strategy)
    clock.advance(3600 - 899)
    for _ in range(20):
        assert source.token() is first
    assert slowly.began.wait(10)
    slowly.release.set()
    assert slowly.ended.wait(10)
    assert strategy.silent_calls == 2
    wait_until(lambda: source.token() is not first)
    assert (strategy.silent_calls, strategy.sign_ins) == (2, 0)


def test_threads_that_come_at_once_start_one_renewal(
    source: TokenSource, clock: SandboxClock
) -> None:
    """Each thread that is started for nothing makes a caller wait."""
    source.token()
    clock.advance(3600 - 899)
    gate, release = threading.Barrier(65), threading.Event()
    renewals: list[threading.Thread] = []

    def hold(*event: object) -> None:
        """Hold a renewal before it can say that it runs."""
        thread = threading.current_thread()
        if thread.name == "adls_enduser-renewal" and thread not in renewals:
            renewals.append(thread)
            release.wait(30)

    def ask() -> None:
        gate.wait()
        source.token()

    threads = [threading.Thread(target=ask) for _ in range(64)]
    for thread in threads:
        thread.start()
    threading.setprofile(hold)  # for threads that start from now on
    gate.wait()
    for thread in threads:
        thread.join()
    threading.setprofile(None)
    release.set()
    assert len(renewals) <= 2  # two, if both look before either starts one


class Remembering(Stranger):
    """One that holds its last token for whoever else asks."""

    def cached_token(self, resource: str, *, claims: str | None = None) -> Token | None:
        return self.held

    held: Token | None = None


@pytest.mark.parametrize("age", [3600 - 899, 3600 - 299], ids=["advisory", "mandatory"])
def test_a_second_source_takes_what_the_strategy_holds(clock: SandboxClock, age: float) -> None:
    """And has the windows of that token: it waits for a newer one in the mandatory one only."""
    strategy = Remembering(clock)
    strategy.held = first = strategy.fresh()
    clock.advance(age)
    strategy.silently = slowly = Held(strategy)
    source = TokenSource(strategy, RESOURCE, interactive=True, clock=clock)
    got: list[Token] = []
    threads = [threading.Thread(target=lambda: got.append(source.token())) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert slowly.began.wait(10)
    waits = age > 3600 - 300
    wait_until(lambda: waits or got == [first] * 8)
    assert got == ([] if waits else [first] * 8)
    slowly.release.set()
    for thread in threads:
        thread.join(10)
    wait_until(lambda: source.token() is not first)
    assert (strategy.silent_calls, strategy.sign_ins) == (1, 0)


def test_in_the_mandatory_window_callers_wait_for_the_new_token(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """From five minutes before the end the next caller gets a new one, silently."""
    first = source.token()
    clock.advance(3600 - 299)
    assert source.token() != first
    assert (strategy.silent_calls, strategy.sign_ins) == (2, 0)


@pytest.mark.parametrize("lifetime", [5.0, 101.0, 301.0])
def test_a_short_lived_token_does_not_cost_a_request_a_call(
    clock: SandboxClock, lifetime: float
) -> None:
    """Whatever an SDK's own margin is, most of a token's life is served from memory."""
    strategy = Stranger(clock, lifetime=lifetime)
    source = TokenSource(strategy, RESOURCE, clock=clock)
    for _ in range(100):
        source.token()
        clock.advance(lifetime * 0.74 / 100)
    assert strategy.silent_calls == 1
    strategy.silently = slowly = Held(strategy)
    clock.advance(lifetime * 0.03)
    source.token()
    assert slowly.began.wait(10), "it is renewed in the background"
    slowly.release.set()
    strategy.silently = None
    clock.advance(lifetime * 0.2)
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
    clock.advance(41)
    assert source.token() is first
    assert strategy.silent_calls == 3
    clock.advance(200)
    with pytest.raises(TransportError, match="down"):
        source.token()
    strategy.silently = None
    assert source.token() != first


@pytest.mark.parametrize("lifetime", [5.0, 101.0, 301.0])
def test_a_short_lived_token_is_tried_again_while_it_lives(
    clock: SandboxClock, lifetime: float
) -> None:
    """Some times in its windows, and neither at its death alone nor at each call."""
    strategy = Stranger(clock, lifetime)
    source = TokenSource(strategy, RESOURCE, interactive=True, clock=clock)
    first = source.token()
    strategy.silently = _fail(TransportError("down"))
    clock.advance(lifetime * 0.751)
    for _ in range(100):
        assert source.token() is first
        wait_for_background_renewal()
        clock.advance(lifetime * 0.0024)
    assert 3 <= strategy.silent_calls - 1 <= 5


@pytest.mark.parametrize(("lifetime", "left", "scale"), [(3600, 200, 1), (100, 19, 0.25)])
def test_not_all_come_back_at_once(
    clock: SandboxClock, lifetime: float, left: float, scale: float
) -> None:
    """Of forty processes whose renewal failed at the same moment some ask sooner than others."""
    strategy = Stranger(clock, lifetime)
    sources = [TokenSource(strategy, RESOURCE, clock=clock) for _ in range(40)]
    for source in sources:
        source.token()
    clock.advance(lifetime - left)
    strategy.silently = _fail(TransportError("down"))
    for moment, least, most in ((0, 40, 40), (19, 0, 0), (11, 1, 39)):
        clock.advance(moment * scale)
        before = strategy.silent_calls
        for source in sources:
            source.token()
        assert least <= strategy.silent_calls - before <= most


def test_retry_after_is_obeyed(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """While the token lives, and after it has died: nobody is asked before that time."""
    source.token()
    strategy.silently = _fail(TransportError("busy", retry_after=250))
    clock.advance(3600 - 200)
    source.token()
    clock.advance(199)
    source.token()
    assert strategy.silent_calls == 2
    clock.advance(2)
    for _ in range(3):
        with pytest.raises(TransportError, match="busy"):
            source.token()
    assert strategy.silent_calls == 2
    clock.advance(60)
    strategy.silently = None
    assert source.token()


def test_retry_after_is_over_after_a_night(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """On a laptop that slept meanwhile, whose monotonic clock stood still."""
    source.token()
    strategy.silently = _fail(TransportError("busy", retry_after=3000))
    clock.advance(3601)
    for _ in range(2):
        with pytest.raises(TransportError, match="busy"):
            source.token()
    assert strategy.silent_calls == 2
    strategy.silently = None
    clock.jump(8 * 3600)
    assert source.token()


def test_retry_after_has_a_limit(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """A nonsensical one does not silence a program for days."""
    strategy.silently = _fail(TransportError("busy", retry_after=9e6))
    with pytest.raises(TransportError):
        source.token()
    clock.advance(3601)
    strategy.silently = None
    assert source.token()


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


def _refused_after_death(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> list[object]:
    """Let the token die while it is renewed, let 8 threads ask, then refuse the renewal."""
    source.token()
    strategy.silently = slowly = Held(strategy, fail=SignInExpired("dead"))
    clock.advance(3600 - 899)
    source.token()
    assert slowly.began.wait(10)
    clock.advance(900)
    return _ask_from_many_threads(source, slowly, threads=8, leaders=0)


def test_a_person_is_asked_if_the_token_died_during_its_renewal(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """A refusal that comes too late, of a renewal that asked nobody, is nobody's error."""
    outcomes = _refused_after_death(source, strategy, clock)
    assert len({token.secret for token in outcomes}) == 1  # type: ignore[attr-defined]
    assert strategy.sign_ins == 1


def test_a_refusal_in_time_is_told_where_nobody_can_be_asked(
    strategy: Stranger, clock: SandboxClock
) -> None:
    """Also one that came when the token had died meanwhile: the reason is not lost."""
    source = TokenSource(strategy, RESOURCE, interactive=False, clock=clock)
    outcomes = _refused_after_death(source, strategy, clock)
    assert {str(error) for error in outcomes} == {"dead"}
    assert strategy.silent_calls == 2


@pytest.mark.parametrize("age", [3600 - 899, 3600 - 299])
def test_a_strategy_that_has_no_other_token_yet_is_not_asked_at_each_call(
    source: TokenSource, strategy: Stranger, clock: SandboxClock, age: float
) -> None:
    """It gives the same one again, in either window, and is asked again a little later."""
    first = source.token()
    strategy.silently = lambda: first
    clock.advance(age)
    for _ in range(50):
        assert source.token() is first
        wait_for_background_renewal()
    assert strategy.silent_calls == 2
    clock.advance(40)
    # On Python 3.14 the first renewal's thread may still be ending, which puts off the next one.
    wait_until(lambda: source.token() is first and strategy.silent_calls == 3)


def test_where_no_thread_can_be_started_the_token_serves(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """As at the end of the interpreter; it is renewed when callers must wait anyway."""
    first = source.token()
    clock.advance(3600 - 899)
    before = threading.stack_size(2**46)  # more than any machine has
    try:
        assert source.token() is first
        assert source.token() is first
    finally:
        threading.stack_size(before)
    assert strategy.silent_calls == 1
    clock.advance(600)
    assert source.token() is not first


def test_a_clock_that_is_set_back_does_not_revive_a_token(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """What really passed counts."""
    first = source.token()
    clock.jump(-3600 * 10)
    clock.advance(3601)
    assert source.token() != first


def test_a_laptop_that_slept_has_a_dead_token(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """The clock on the wall counts where the monotonic one stood still."""
    first = source.token()
    clock.jump(3600 * 10)
    assert source.token() != first


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


def _waiting_threads() -> int:
    """Count the threads that wait for a renewal which another one carries out."""
    tops = frames().values()
    stacks = [[one.f_code.co_name for one, _ in traceback.walk_stack(top)] for top in tops]
    return sum("_refresh" in names and "_run" not in names for names in stacks)


def _ask_from_many_threads(
    source: TokenSource, slowly: Held, threads: int = 64, *, leaders: int = 1
) -> list[object]:
    """Let all ask at once, with the strategy held until the first has been asked.

    ``leaders``: how many of them do not wait for another.
    """
    outcomes: list[object] = []
    barrier = threading.Barrier(threads + 1)

    def ask() -> None:
        barrier.wait(30)
        try:
            outcomes.append(source.token())
        except EndUserError as error:
            outcomes.append(error)

    asking = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in asking:
        thread.start()
    barrier.wait(30)
    assert slowly.began.wait(30)
    wait_until(lambda: _waiting_threads() == threads - leaders)
    slowly.release.set()
    for thread in asking:
        thread.join(30)
    assert len(outcomes) == threads
    return outcomes


@pytest.mark.parametrize("age", [None, 3600 - 200, 3601], ids=["cold", "mandatory", "dead"])
def test_64_threads_make_one_request(
    source: TokenSource, strategy: Stranger, clock: SandboxClock, age: float | None
) -> None:
    """All of them get the one new token."""
    calls = 1
    if age is not None:
        source.token()
        clock.advance(age)
        calls = 2
    strategy.silently = slowly = Held(strategy)
    outcomes = _ask_from_many_threads(source, slowly)
    assert strategy.silent_calls == calls
    assert len({token.secret for token in outcomes}) == 1  # type: ignore[attr-defined]


def test_64_cold_threads_share_one_prompt(source: TokenSource, strategy: Stranger) -> None:
    """The person is asked once, and everybody is let go together."""
    strategy.silently = lambda: None
    strategy.personally = slowly = Held(strategy)
    _ask_from_many_threads(source, slowly)
    assert (strategy.silent_calls, strategy.sign_ins) == (1, 1)


def test_64_threads_share_one_refusal(source: TokenSource, strategy: Stranger) -> None:
    """The same typed error for all, from one request; each may add its own traceback."""
    strategy.silently = slowly = Held(strategy, fail=TransportError("down"))
    outcomes = _ask_from_many_threads(source, slowly)
    assert strategy.silent_calls == 1
    assert {str(error) for error in outcomes} == {"down"}
    assert len({id(error) for error in outcomes}) == 64


def test_a_strategy_that_asks_its_own_source_is_told(
    source: TokenSource, strategy: Stranger
) -> None:
    """Instead of waiting for itself for ever."""
    strategy.silently = source.token
    with pytest.raises(ProtocolError, match="asked its own credential for the token"):
        source.token()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_finds_no_lock_closed(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """Though a thread of the parent was in the middle of a renewal."""
    source.token()
    clock.advance(3601)
    strategy.silently = slowly = Held(strategy)
    thread = threading.Thread(target=source.token)
    thread.start()
    assert slowly.began.wait(10)
    strategy.silently = None
    child = os.fork()
    if child == 0:
        os._exit(7 if source.token().secret else 1)
    _, status = os.waitpid(child, 0)
    slowly.release.set()
    thread.join(10)
    assert os.waitstatus_to_exitcode(status) == 7


def test_the_interpreter_ends_while_a_renewal_runs() -> None:
    """A background renewal neither keeps the program alive nor speaks up at its end."""
    program = """
import threading, time
from adls_enduser import Token
from adls_enduser.credentials.token_source import TokenSource

class Slow:
    def silent(self, resource, *, claims=None):
        if hasattr(self, "asked"):
            self.asked.set()
            threading.Event().wait(60)
        now = time.time()
        return Token("t", now + 400, now - 3200, resource)

source = TokenSource(Slow(), "https://datalake.azure.net/")
source.token()
source.strategy.asked = threading.Event()
source.token()
assert source.strategy.asked.wait(10)
print("done")
"""
    with Stopwatch() as since:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert since.seconds < 20


def test_renew_gives_a_new_token_even_if_the_old_is_fresh(
    source: TokenSource, strategy: Stranger
) -> None:
    """An explicit renewal asks once, silently."""
    first = source.token()
    assert source.renew() != first
    assert strategy.silent_calls == 2


def test_renewals_that_fail_are_spaced_even_if_asked_for(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """A client that renews at each 401 leaves a service alone that asked for it."""
    first = source.token()
    strategy.silently = _fail(TransportError("later", retry_after=600))
    assert [source.renew() for _ in range(10)] == [first] * 10
    assert strategy.silent_calls == 2
    clock.advance(3700)
    strategy.silently = _fail(TransportError("later", retry_after=600))
    for _ in range(10):
        with pytest.raises(TransportError):
            source.renew()
    assert strategy.silent_calls == 3


def test_threads_with_one_challenge_share_one_answer(
    strategy: Stranger, clock: SandboxClock
) -> None:
    """A strategy that does not share prompts by itself asks a person once all the same."""
    source = TokenSource(strategy, RESOURCE, interactive=True, clock=clock)
    strategy.silently = lambda: None
    strategy.personally = slowly = Held(strategy)
    claims = '{"access_token": {"acrs": {"essential": true, "value": "p1"}}}'
    got: list[Token] = []
    threads = [
        threading.Thread(target=lambda: got.append(source.reply_to_challenge(claims)))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    assert slowly.began.wait(10)
    wait_until(lambda: all(map(_waits, threads)))
    slowly.release.set()
    for thread in threads:
        thread.join(10)
    assert (len(got), len(set(map(id, got))), strategy.sign_ins) == (16, 1, 1)


@pytest.mark.parametrize(
    "token",
    [
        Token("t", "soon", 1.0, RESOURCE),  # type: ignore[arg-type]
        Token("t", None, 1.0, RESOURCE),  # type: ignore[arg-type]
        Token("t", float("inf"), 1.0, RESOURCE),
        Token("t", 1.8e12, 1.0, RESOURCE),
        Token("t", float("nan"), 1.0, RESOURCE),
        Token("t", 9e9, "now", RESOURCE),  # type: ignore[arg-type]
        Token("two words", 9e9, 1.0, RESOURCE),
        Token("line\nbreak", 9e9, 1.0, RESOURCE),
        Token(b"bytes", 9e9, 1.0, RESOURCE),  # type: ignore[arg-type]
    ],
    ids=lambda token: f"{token.secret!r:.12} {token.expires_on} {token.obtained_on}",
)
def test_a_token_that_is_none_is_refused(
    source: TokenSource, strategy: Stranger, token: Token
) -> None:
    """Milliseconds, words for times and secrets that no header can hold, as our error."""
    strategy.silently = lambda: token
    with pytest.raises(ConfigurationError, match="Stranger returned an invalid Token"):
        source.token()


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
    with pytest.raises(ConfigurationError, match="Stranger must return a Token, not str"):
        source.token()
    strategy.silently = strategy.personally = lambda: None
    with pytest.raises(ConfigurationError, match="sign_in returned None"):
        source.token()


def test_a_token_that_is_over_already_is_refused(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """A new token is never expired; if it is, somebody's clock is wrong."""
    strategy.silently = lambda: Token("t", clock.time(), clock.time() - 10, RESOURCE)
    with pytest.raises(ProtocolError, match="expired already"):
        source.token()


def test_a_claims_challenge_asks_even_with_a_fresh_token(
    source: TokenSource, strategy: Stranger
) -> None:
    """A challenge means that the held token was not enough."""
    first = source.token()
    answered = source.reply_to_challenge('{"access_token": {}}')
    assert answered != first
    assert source.token() is answered


def test_another_process_gets_the_token_and_nothing_that_lasts(
    source: TokenSource, clock: SandboxClock
) -> None:
    """A pickled source gives its token, and at its end says where the person is."""
    token = source.token()
    copied = pickle.loads(pickle.dumps(source))
    assert copied.token() == token
    assert copied.resource == source.resource
    with pytest.raises(SignInRequired, match="another process"):
        copied.sibling("https://other/").token()
    assert copied.renew() == token, "it still lives"
