"""Interrupts, signal handlers, finalizers and threads that wait for each other."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import threading
import time
import traceback
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tblib.pickling_support

from adls_enduser import (
    AuthStrategy,
    DeviceCode,
    EndUserError,
    Password,
    ProtocolError,
    SignInCache,
    SignInExpired,
    Token,
    TransportError,
)
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.sandbox import CONTOSO
from adls_enduser.testing.strategies import wait_for_background_renewal

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, STORAGE
from ..waiting import wait_until
from .test_token_source import RESOURCE, Held, Stranger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

PROGRAM = Path(__file__).parents[1] / "programs" / "interrupted.py"


@pytest.fixture
def strategy(clock: SandboxClock) -> Stranger:
    """A stranger's strategy that always works."""
    return Stranger(clock)


@pytest.fixture
def source(strategy: Stranger, clock: SandboxClock) -> TokenSource:
    """A source over it, where a person may be prompted."""
    return TokenSource(strategy, RESOURCE, interactive=True, clock=clock)


@pytest.mark.parametrize(("kind", "calls"), [("signals", 4000), ("exceptions", 1000)])
def test_interrupts_at_random_moments_leave_the_credential_good(kind: str, calls: int) -> None:
    """Real signals, and exceptions that another thread sets, thousands of them."""
    command = [sys.executable, str(PROGRAM), kind, str(calls)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout.split()[2]) >= 100, "too few were interrupted to tell anything"


class Interrupted(BaseException):
    """What a soft time limit raises."""


def _aged_source(clock: SandboxClock, age: float | None) -> TokenSource:
    """Make a source whose token was obtained so many seconds ago; None: without a token."""
    source = TokenSource(Stranger(clock), RESOURCE, interactive=True, clock=clock)
    if age is not None:
        source.token()
        clock.advance(age)
    return source


def _lines_of_the_package(call: Callable[[], object]) -> int:
    """Count the lines of the credentials and of concurrency that a call executes."""
    return _run_to_line(call, -1)


def _run_to_line(call: Callable[[], object], last: int) -> int:
    """Call, and raise Interrupted at a line of the package (-1: never); return the lines done."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: object) -> object:
        nonlocal lines
        ours = frame.f_code.co_filename.endswith(("token_source.py", "concurrency.py"))
        if event == "line" and ours:
            lines += 1
            if lines == last:
                raise Interrupted
        return trace if ours else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except Interrupted:
        pass
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("age", [None, 3601, 3600 - 200], ids=["cold", "expired", "mandatory"])
def test_an_interrupt_at_each_line_leaves_the_credential_good(
    clock: SandboxClock, age: float | None
) -> None:
    """The same thread and another one get a token afterwards."""
    lines = _lines_of_the_package(_aged_source(clock, age).token)
    assert lines > 30
    for line in range(1, lines + 1):
        source = _aged_source(clock, age)
        assert _run_to_line(source.token, line) == line
        got: list[Token] = []
        other = threading.Thread(target=lambda: got.append(source.renew()), daemon=True)  # noqa: B023
        other.start()
        other.join(20)
        assert got, f"another thread waits for ever after an interrupt at line {line}"
        clock.advance(3601)
        assert source.token().secret


@pytest.mark.parametrize("interrupt", [Interrupted, KeyboardInterrupt])
def test_a_waiting_thread_takes_over_from_a_leader_that_was_interrupted(
    source: TokenSource, strategy: Stranger, interrupt: type[BaseException]
) -> None:
    """Also if its exception is kept, and with it the frames of the interrupted renewal."""
    held = strategy.silently = Held(strategy, fail=interrupt())
    kept: list[BaseException] = []

    def lead() -> None:
        try:
            source.token()
        except (Interrupted, KeyboardInterrupt) as error:
            kept.append(error)

    got: list[Token] = []
    leader = threading.Thread(target=lead)
    waiter = threading.Thread(target=lambda: got.append(source.token()))
    leader.start()
    assert held.began.wait(10)
    waiter.start()
    strategy.silently = None
    held.release.set()
    waiter.join(20)
    assert got
    assert kept


@pytest.mark.parametrize(
    "age",
    [None, 3600 - 899, 3600 - 200, 3601],
    ids=["cold", "advisory", "mandatory", "expired"],
)
def test_a_signal_handler_may_ask_at_any_line(clock: SandboxClock, age: float | None) -> None:
    """It gets a token or one typed error, at once; the call that it interrupted is not hurt."""
    lines = _lines_of_the_package(_aged_source(clock, age).token)
    for line in range(1, lines + 1):
        source = _aged_source(clock, age)
        outcomes: list[object] = []
        _call_at_line(source, line, outcomes)
        assert len(outcomes) == 2
        assert isinstance(outcomes[0], Token | ProtocolError)
        assert isinstance(outcomes[1], Token)


def _call_at_line(source: TokenSource, last: int, outcomes: list[object]) -> None:
    """Ask for a token, and ask again in the middle of that, at a line of the package."""
    lines = 0

    def ask() -> None:
        try:
            outcomes.append(source.token())
        except EndUserError as error:
            outcomes.append(error)

    def trace(frame: FrameType, event: str, argument: object) -> object:
        nonlocal lines
        ours = frame.f_code.co_filename.endswith(("token_source.py", "concurrency.py"))
        if event == "line" and ours:
            lines += 1
            if lines == last:
                ask()  # Python does not trace it
        return trace if ours else None

    def work() -> None:
        sys.settrace(trace)
        ask()
        sys.settrace(None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), f"deadlock at line {last}"


def test_a_signal_handler_may_ask_while_the_cache_is_locked(
    azure: Sandbox, clock: SandboxClock, ada: Person, library: str, tmp_path: Path
) -> None:
    """It does without the cache; the call that it interrupted writes what both obtained."""
    options: dict[str, Any] = {"tenant": CONTOSO, "library": library, "clock": clock}
    cache = SignInCache(tmp_path / "sign-in", allow_unencrypted=True)
    strategy = Password(username=ada.username, password=PASSWORD, cache=cache, **options)
    strategy.silent(DATA_LAKE)
    got: list[Token | None] = []

    def trace(frame: FrameType, event: str, argument: object) -> object:
        if frame.f_code.co_name == "_refreshed" and event == "line" and not got:
            got.append(None)
            got.append(strategy.silent(STORAGE))
        return trace

    clock.advance(3601)
    began = time.monotonic()
    sys.settrace(trace)
    try:
        assert strategy.silent(DATA_LAKE)
    finally:
        sys.settrace(None)
    assert time.monotonic() - began < 15
    assert got[1] is not None
    before = len(azure.log)
    other = Password(username=ada.username, password=PASSWORD, cache=cache, **options)
    assert other.silent(STORAGE) == got[1]
    assert len(azure.log) == before


@pytest.fixture
def held_renewals() -> Iterator[threading.Event]:
    """Hold each background renewal where its thread has started, and does not run yet."""
    release = threading.Event()

    def hold(frame: FrameType, event: str, argument: object) -> None:
        if threading.current_thread().name == "adls_enduser-renewal":
            release.wait(30)

    threading.settrace(hold)
    yield release
    release.set()
    threading.settrace(None)  # type: ignore[arg-type]
    wait_for_background_renewal()


@pytest.mark.usefixtures("held_renewals")
def test_a_program_with_one_thread_may_renew_at_once(
    source: TokenSource, clock: SandboxClock
) -> None:
    """It reads a token that is due, which begins a background renewal, and renews it itself."""
    source.token()
    clock.advance(3600 - 899)
    old = source.token()
    assert source.renew() != old


@pytest.mark.usefixtures("held_renewals")
def test_a_pickle_carries_the_new_token(source: TokenSource, clock: SandboxClock) -> None:
    """Also one that is made just when a background renewal has begun."""
    source.token()
    clock.advance(3600 - 899)
    old = source.token()
    assert pickle.loads(pickle.dumps(source)).held != old


def test_a_background_renewal_that_comes_late_does_nothing(
    source: TokenSource, strategy: Stranger, clock: SandboxClock, held_renewals: threading.Event
) -> None:
    """Another thread has renewed the token before it ran."""
    source.token()
    clock.advance(3600 - 899)
    source.token()
    source.renew()
    held_renewals.set()
    wait_for_background_renewal()
    assert strategy.silent_calls == 2


def test_a_waiting_thread_gets_the_unexpired_token(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """When another thread's renewal takes too long; the next callers do not wait at all."""
    first = source.token()
    clock.advance(3600 - 299)
    held = strategy.silently = Held(strategy)
    leader = threading.Thread(target=source.token)
    leader.start()
    assert held.began.wait(10)
    got: list[Token] = []
    waiter = threading.Thread(target=lambda: got.append(source.token()))
    waiter.start()
    wait_until(lambda: _waits_for_a_renewal(waiter))
    assert got == []
    clock.advance(31)
    waiter.join(10)
    assert got == [first]
    assert source.token() is first
    held.release.set()
    leader.join(10)


@pytest.mark.parametrize("prompting", [False, True])
def test_a_waiting_thread_gets_one_typed_error(
    source: TokenSource, strategy: Stranger, clock: SandboxClock, *, prompting: bool
) -> None:
    """When there is no unexpired token, and another thread's work takes too long."""
    held = Held(strategy)
    strategy.silently = (lambda: None) if prompting else held
    strategy.personally = held
    leader = threading.Thread(target=source.token)
    leader.start()
    assert held.began.wait(10)
    errors: list[EndUserError] = []

    def ask() -> None:
        try:
            source.token()
        except EndUserError as error:
            errors.append(error)

    waiter = threading.Thread(target=ask)
    waiter.start()
    wait_until(lambda: _waits_for_a_renewal(waiter))
    clock.advance(1001)
    waiter.join(10)
    assert [type(error) for error in errors] == [TransportError]
    assert "prompting" in str(errors[0]) if prompting else "renewing" in str(errors[0])
    held.release.set()
    leader.join(10)


@pytest.mark.parametrize("other_resource", [False, True])
def test_a_prompt_that_waits_for_a_thread_which_asks_ends(
    azure: Sandbox, clock: SandboxClock, library: str, *, other_resource: bool
) -> None:
    """In one error of ours, also if the thread asks for another resource of the sign-in."""
    errors: list[EndUserError] = []

    def prompt(shown: object) -> None:
        thread = threading.Thread(target=ask)
        thread.start()
        wait_until(lambda: _waits_for_a_renewal(thread))
        clock.advance(31)
        thread.join(30)
        raise errors[0]

    def ask() -> None:
        try:
            (source.sibling(MANAGEMENT) if other_resource else source).token()
        except EndUserError as error:
            errors.append(error)

    strategy: AuthStrategy = DeviceCode(tenant=CONTOSO, prompt=prompt, library=library, clock=clock)
    source = TokenSource(strategy, DATA_LAKE, clock=clock)
    with pytest.raises(TransportError, match="A prompt must not wait for a thread"):
        source.token()
    assert not source.is_refreshing


def test_a_prompt_that_asks_for_another_token_is_told(
    azure: Sandbox, clock: SandboxClock, library: str
) -> None:
    """On the same thread, for another resource: it is not prompted again and again."""
    strategy = DeviceCode(
        tenant=CONTOSO,
        prompt=lambda shown: source.sibling(MANAGEMENT).token(),
        library=library,  # type: ignore[arg-type]
        clock=clock,
    )
    source = TokenSource(strategy, DATA_LAKE, clock=clock)
    with pytest.raises(ProtocolError, match="The prompt of a sign-in asked for a token"):
        source.token()


def _waits_for_a_renewal(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    names = [one.f_code.co_name for one, _ in traceback.walk_stack(frame)] if frame else []
    return names[:1] == ["wait"]


class Local:
    """Something in a frame of the caller's."""


def _is_freed(local: weakref.ref[Local]) -> bool:
    gc.collect()
    return local() is None


def test_a_copy_of_an_error_keeps_no_frames() -> None:
    """Also where distributed has been imported, which makes other exceptions' copies keep them."""
    tblib.pickling_support.install()
    with pytest.raises(TransportError) as caught:
        raise TransportError("down", remedy="Wait.", retry_after=3.0) from KeyError()
    copied = copy.copy(caught.value)
    assert caught.value.__traceback__ is not None
    assert copied.__traceback__ is copied.__cause__ is copied.__context__ is None
    assert (str(copied), copied.retry_after) == (str(caught.value), 3.0)


def test_an_error_that_is_kept_keeps_no_frames(
    source: TokenSource, strategy: Stranger, clock: SandboxClock
) -> None:
    """Neither its own nor those of the exceptions in its chain."""

    def ask() -> weakref.ref[Local]:
        local = Local()
        with pytest.raises(EndUserError):
            source.token()
        return weakref.ref(local)

    for error in (TransportError("down"), SignInExpired("refused"), OSError("down")):
        strategy.silently = strategy.personally = _fail_anew(error)
        local = ask()
        assert _is_freed(local)
        clock.advance(60)


def _fail_anew(error: Exception) -> Callable[[], object]:
    def fail() -> object:
        try:
            raise KeyError
        except KeyError:
            raise type(error)(*error.args) from None

    return fail


def test_a_refused_password_keeps_no_frames(
    azure: Sandbox, clock: SandboxClock, ada: Person, library: str
) -> None:
    """Though its refusal is kept, so that it is not sent again."""
    strategy = Password(
        tenant=CONTOSO,
        username=ada.username,
        password="wrong",
        library=library,  # type: ignore[arg-type]
        clock=clock,
    )

    def ask() -> weakref.ref[Local]:
        local = Local()
        with pytest.raises(EndUserError):
            strategy.silent(DATA_LAKE)
        return weakref.ref(local)

    local = ask()
    assert _is_freed(local)
