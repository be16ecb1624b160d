"""The same credential awaited: on the loop while fresh, and never in the loop's executor."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio

from adls_enduser import (
    ConfigurationError,
    EndUserError,
    SignInCancelled,
    SignInExpired,
    filesystem_token,
    sign_in_async,
)
from adls_enduser.sandbox import CONTOSO

from ..conftest import PASSWORD
from ..constants import DATA_LAKE
from ..waiting import wait_until
from .test_token_source import Held, Stranger, _fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser import Credentials
    from adls_enduser.sandbox import Sandbox, SandboxClock

SCOPE = f"{DATA_LAKE}.default"

# How a coroutine function is run: one for each event loop.
RUNNERS: dict[str, Callable[[Callable[[], Any]], Any]] = {
    "asyncio": lambda main: asyncio.run(main()),
    "trio": trio.run,
    "anyio on asyncio": lambda main: anyio.run(main, backend="asyncio"),
    "anyio on trio": lambda main: anyio.run(main, backend="trio"),
}


@pytest.fixture(params=RUNNERS)
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[], Any]], Any]:
    """Run a coroutine function under one of the event loops."""
    return RUNNERS[request.param]


@pytest.fixture
def strategy(clock: SandboxClock) -> Stranger:
    """A stranger's strategy that always works."""
    strategy = Stranger(clock)
    strategy.settings = _settings(clock)  # type: ignore[attr-defined]
    return strategy


def _settings(clock: SandboxClock) -> object:
    from adls_enduser.options import AccountSettings

    return AccountSettings(clock=clock)


@pytest.fixture
def credential(strategy: Stranger) -> Credentials:
    """A credential that has signed in."""
    return filesystem_token(strategy, interactive=True)


def _threads() -> int:
    return sum(thread.name == "adls_enduser-await" for thread in threading.enumerate())


def test_a_fresh_token_is_returned_on_the_loop(
    credential: Credentials, strategy: Stranger, run: Callable[[Callable[[], Any]], Any]
) -> None:
    """No thread is needed, so one that is not there cannot be waited for."""
    credential.get_token(SCOPE)
    seen: list[object] = []

    async def main() -> None:
        async with credential.aio() as mine:
            before = threading.stack_size(2**46)  # no thread can be started
            try:
                seen.append((await mine.get_token(SCOPE)).token)
                seen.append((await mine.get_token_info(SCOPE)).token)
            finally:
                threading.stack_size(before)

    run(main)
    assert seen == [credential.get_token(SCOPE).token] * 2
    assert strategy.silent_calls == 1


def test_a_renewal_is_awaited_under_any_loop(
    credential: Credentials,
    strategy: Stranger,
    clock: SandboxClock,
    run: Callable[[Callable[[], Any]], Any],
) -> None:
    """One after the other, and the loop goes on meanwhile; errors come out as they are."""
    mine, seen = credential.aio(), []

    async def main() -> None:
        seen.append((await mine.get_token(SCOPE)).token)

    for _ in range(3):
        clock.advance(3601)
        run(main)
    assert len(set(seen)) == 3
    clock.advance(3601)
    strategy.silently = strategy.personally = _fail(SignInExpired("refused"))
    with pytest.raises(SignInExpired, match="refused"):
        run(main)


def test_waiting_tasks_do_not_starve_a_prompt_that_needs_the_executor(
    credential: Credentials, strategy: Stranger, clock: SandboxClock
) -> None:
    """Though there are more of them than the executor has threads."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(2))

        def prompt() -> object:
            strategy.personally = None
            asyncio.run_coroutine_threadsafe(asyncio.to_thread(int), loop).result(20)
            return strategy.fresh()

        strategy.silently, strategy.personally = (lambda: None), prompt
        mine = credential.aio()
        tokens = await asyncio.gather(*(mine.get_token(SCOPE) for _ in range(20)))
        assert len({token.token for token in tokens}) == 1

    clock.advance(3601)
    asyncio.run(main())


@pytest.mark.parametrize("library_of_loop", ["asyncio", "trio"])
def test_a_cancelled_await_ends_within_a_second(
    credential: Credentials, strategy: Stranger, clock: SandboxClock, library_of_loop: str
) -> None:
    """And the loop's own end too; the renewal goes on, and the next caller has its token."""
    clock.advance(3601)
    held = strategy.silently = Held(strategy)
    mine = credential.aio()

    async def with_asyncio() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(mine.get_token(SCOPE), 0.2)

    async def with_trio() -> None:
        with trio.move_on_after(0.2) as scope:
            await mine.get_token(SCOPE)
        assert scope.cancelled_caught

    began = time.monotonic()
    if library_of_loop == "asyncio":
        asyncio.run(with_asyncio())
    else:
        trio.run(with_trio)
    assert time.monotonic() - began < 1.5
    strategy.silently = None
    held.release.set()
    assert held.ended.wait(10)
    credential.get_token(SCOPE)
    assert strategy.silent_calls == 2
    wait_until(lambda: _threads() == 0)


def test_ctrl_c_ends_a_program_that_awaits_a_person() -> None:
    """Within seconds, though nobody enters the code."""
    program = """
import asyncio, signal, threading, time
from adls_enduser import Token, filesystem_token

class Slow:
    def silent(self, resource, *, claims=None):
        return None
    def sign_in(self, resource, *, claims=None):
        if not hasattr(self, "asked"):
            self.asked = True
            now = time.time()
            return Token("t", now + 3600, now, resource)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        threading.Event().wait(100)

credential = filesystem_token(Slow(), interactive=True)
try:
    asyncio.run(credential.aio().get_token("https://storage.azure.com/.default"))
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr


def test_no_event_loop_is_an_error(credential: Credentials, clock: SandboxClock) -> None:
    """Of ours, which says what is needed."""
    clock.advance(3601)
    coroutine = credential.aio().get_token(SCOPE)
    with pytest.raises(ConfigurationError, match="asyncio, trio and anyio"):
        coroutine.send(None)


def test_a_sign_in_is_awaited(
    azure: Sandbox, clock: SandboxClock, library: str, run: Callable[[Callable[[], Any]], Any]
) -> None:
    """With either library, under any loop."""
    name = f"grace@{CONTOSO}"
    azure.entra.person(name, password=PASSWORD, mfa=True, approves_device_codes=True)
    got: list[Credentials] = []

    async def main() -> None:
        options: dict[str, Any] = {"library": library, "clock": clock, "tenant": CONTOSO}
        got.append(await sign_in_async(filesystem_token, "device_code", prompt=_ignore, **options))

    run(main)
    assert got[0].whoami().username == name


def test_a_cancelled_sign_in_ends(azure: Sandbox, library: str) -> None:
    """The await within a second, and the sign-in by its event."""
    shown, cancel = threading.Event(), threading.Event()
    options: dict[str, Any] = {"library": library, "tenant": CONTOSO, "cancel": cancel}
    errors: list[BaseException] = []

    def factory(mode: str, **options: Any) -> Credentials:
        try:
            return filesystem_token(mode, **options)  # type: ignore[call-overload]
        except EndUserError as error:
            errors.append(error)
            raise

    async def main() -> None:
        sign_in = sign_in_async(factory, "device_code", prompt=lambda code: shown.set(), **options)
        task = asyncio.ensure_future(sign_in)
        assert await asyncio.to_thread(shown.wait, 20)
        task.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 1

    asyncio.run(main())
    assert cancel.is_set()
    wait_until(lambda: len(errors) == 1)
    assert isinstance(errors[0], SignInCancelled)


def _ignore(shown: object) -> None:
    pass
