"""Renew, make and drop credentials many times: memory, threads and files must stay flat.

``python -m benchmarks.soak`` renews one credential 1 000 000 times by an injected clock, and
makes and drops 10 000 credentials. ``--renewals`` and ``--credentials`` change the size. It
prints figures after each tenth, and ends with status 1 if any of them has grown.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, NamedTuple

from adls_enduser import Token, filesystem_token
from adls_enduser.options import AccountSettings
from adls_enduser.sandbox import SandboxClock
from adls_enduser.testing.strategies import wait_for_background_renewal

if TYPE_CHECKING:
    from collections.abc import Callable

SCOPE = "https://datalake.azure.net/.default"
STORAGE = "https://storage.azure.com/.default"

# Bytes that may come and go: caches of the interpreter, and the last tokens.
_TOLERATED_BYTES = 100_000


class Strategy:
    """Return a new token at each call; uses no network."""

    prompt = None

    def __init__(self, clock: SandboxClock) -> None:
        self.settings = AccountSettings(clock=clock)
        self._clock = clock
        self.calls = 0

    def silent(self, resource: str, *, claims: str | None = None) -> Token:  # noqa: ARG002
        """Return a new token."""
        self.calls += 1
        now = self._clock.time()
        return Token(f"token-{self.calls}", now + 3600, now, resource)

    sign_in = silent


class Figures(NamedTuple):
    """What must not grow."""

    python_bytes: int
    threads: int
    files: int

    @classmethod
    def now(cls) -> Figures:
        """Measure."""
        wait_for_background_renewal()
        gc.collect()
        files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        return cls(tracemalloc.get_traced_memory()[0], threading.active_count(), files)


def renewals() -> Callable[[], None]:
    """Return a function that reads a token that is due, and renews it, in each of the ways."""
    clock = SandboxClock(frozen=True)
    credential = filesystem_token(Strategy(clock), interactive=False)
    ages = (3600 - 899, 3600 - 299, 3601)
    count = 0

    def renew() -> None:
        nonlocal count
        count += 1
        clock.advance(ages[count % 3])
        before = credential.get_token(SCOPE)
        if count % 3 == 0:  # a background renewal has begun, and this one joins it or runs first
            credential.refresh_session()
            assert credential.get_token(SCOPE).token != before.token

    return renew


def credentials() -> Callable[[], None]:
    """Return a function that makes a credential, uses it for two audiences, and drops it."""
    clock = SandboxClock(frozen=True)

    def make() -> None:
        credential = filesystem_token(Strategy(clock), interactive=False)
        credential.get_token(SCOPE)
        credential.get_token(STORAGE)

    return make


def soak(name: str, once: Callable[[], None], times: int) -> bool:
    """Call a function many times; print figures and return whether they stayed flat."""
    tenth = max(1, times // 10)
    began, history = time.monotonic(), []
    for number in range(1, times + 1):
        once()
        if number % tenth == 0:
            history.append(Figures.now())
            print(f"{name} {number}: {history[-1]}", flush=True)
    first, last = history[0], history[-1]
    flat = last.threads <= first.threads and last.files <= first.files
    flat = flat and last.python_bytes - first.python_bytes < _TOLERATED_BYTES
    state = "flat" if flat else "GROWN"
    print(f"{name}: {times} in {time.monotonic() - began:.0f} s, {state}", flush=True)
    return flat


def main() -> int:
    """Soak, with the sizes of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--renewals", type=int, default=1_000_000)
    parser.add_argument("--credentials", type=int, default=10_000)
    options = parser.parse_args()
    tracemalloc.start()
    results = [
        soak("renewals", renewals(), options.renewals),
        soak("credentials", credentials(), options.credentials),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
