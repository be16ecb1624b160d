"""Interrupt calls for a token at random moments; each time the credential must stay good.

Arguments: ``signals`` or ``exceptions``, and how many calls are made. Prints how many calls were
made, and how many of them were interrupted.
"""

from __future__ import annotations

import ctypes
import random
import signal
import sys
import threading
from typing import TYPE_CHECKING

from adls_enduser import Token
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.sandbox import SandboxClock

if TYPE_CHECKING:
    from collections.abc import Callable

RESOURCE = "https://datalake.azure.net/"
_LONGEST = 200e-6  # a call takes about 60 microseconds


class Interrupted(BaseException):
    """What a soft time limit raises, such as celery's."""


class Strategy:
    """Return a new token at each call."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock

    def silent(self, resource: str, *, claims: str | None = None) -> Token:
        now = self._clock.time()
        return Token("token", now + 3600, now, resource)

    sign_in = silent


def by_signals(call: Callable[[], object]) -> bool:
    """Call, and let a real signal interrupt; return whether it did."""
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, _LONGEST))
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Interrupted:
        return True
    return False


def by_exceptions(call: Callable[[], object]) -> bool:
    """Call in a thread, and set an exception in it; return whether it arrived."""
    started, interrupted = threading.Event(), []

    def work() -> None:
        try:
            started.set()  # the exception may come as early as this
            while True:
                call()
        except Interrupted:
            interrupted.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    threading.Event().wait(random.uniform(0, _LONGEST))
    set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
    set_exception(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Interrupted))
    thread.join()
    return bool(interrupted)


def _raise(number: int, frame: object) -> None:
    raise Interrupted


def main() -> None:
    """Make the calls, and check after each that two threads get a token at once."""
    signal.signal(signal.SIGALRM, _raise)
    interrupt = {"signals": by_signals, "exceptions": by_exceptions}[sys.argv[1]]
    clock = SandboxClock(frozen=True)
    source = TokenSource(Strategy(clock), RESOURCE, interactive=False, clock=clock)
    sys.setswitchinterval(1e-5)
    calls = (source.renew, lambda: source.reply_to_challenge("{}"))
    count = 0
    for _ in range(int(sys.argv[2])):
        clock.advance(3601)
        count += interrupt(random.choice(calls))
        clock.advance(3601)
        source.token()  # no "asked its own credential"
        clock.advance(3601)
        other = threading.Thread(target=source.token, daemon=True)
        other.start()
        other.join(20)
        assert not other.is_alive(), "it waits for a renewal that no thread runs"
    sys.stdout.write(f"{sys.argv[2]} calls, {count} interrupted\n")


if __name__ == "__main__":
    main()
