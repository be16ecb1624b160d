"""64 threads ask for a token when it has expired, and when its renewal is due.

Every package gets the same: a first token of a few seconds, in real time, and from then on
tokens of an hour. In the scenario ``expired``, the token is over by any package's margin when
the threads ask. In ``due``, three quarters to four fifths of its lifetime are over: this is
our advisory window. For a peer whose margin is a fixed number of minutes, such a token is in
its last minutes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .azure import Azure
from .peers import (
    AAD_TOKEN_REQUEST,
    AAD_TOKEN_SESSION,
    STORE_SESSION,
    Peer,
    TokenCall,
    aad_token_request,
    peers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds: the lifetime of the first token, and how long after the sign-in the threads ask.
SCENARIOS = {"expired": (3.0, 3.6), "due": (10.0, 7.7)}
HOUR = 3600.0


@dataclass
class Burst:
    """What 64 threads that ask at once have cost. Waits in seconds."""

    name: str
    scenario: str
    tokens: int
    longest: float
    median: float
    failed: int
    error: str


def main() -> None:
    """Print a burst for each peer and scenario, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=64)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    bursts = []
    with Azure() as azure:
        for scenario in SCENARIOS:
            for name, peer in _peers().items():
                bursts.append(_burst(azure, (name, peer), scenario, options.threads))
    print(json.dumps([asdict(burst) for burst in bursts]))


def _peers() -> dict[str, Peer]:
    chosen = dict(peers())
    if chosen.pop(AAD_TOKEN_SESSION, None):
        chosen[AAD_TOKEN_REQUEST] = aad_token_request
    return chosen


def _burst(azure: Azure, named_peer: tuple[str, Peer], scenario: str, threads: int) -> Burst:
    name, peer = named_peer
    lifetime, wait = SCENARIOS[scenario]
    azure.set_token_lifetime(lifetime)
    start = time.monotonic()
    get_token = peer(0)
    if not name.startswith(STORE_SESSION):  # which loses its refresh token at the first renewal
        _warm_up(get_token)
    azure.set_token_lifetime(HOUR)
    time.sleep(max(0.0, start + wait - time.monotonic()))
    waits, errors = call_at_once(get_token, threads)
    time.sleep(0.5)  # let a renewal in the background finish
    tokens = azure.counts()["tokens"]
    longest, median = max(waits), statistics.median(waits)
    return Burst(name, scenario, tokens, longest, median, len(errors), errors[0] if errors else "")


def _warm_up(get_token: TokenCall) -> None:
    """Load the modules that are imported late. Only the burst itself counts errors."""
    with suppress(Exception):
        get_token()


def call_at_once(function: Callable[[], object], threads: int) -> tuple[list[float], list[str]]:
    """Call a function from many threads at once; return each thread's wait, and the errors."""
    gate = threading.Barrier(threads)
    waits: list[float] = []
    errors: list[str] = []

    def call() -> None:
        gate.wait()
        start = time.perf_counter()
        try:
            function()
        except Exception as error:  # any error of a peer is a result
            errors.append(f"{type(error).__name__}: {error}"[:120])
        waits.append(time.perf_counter() - start)

    workers = [threading.Thread(target=call) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return waits, errors


if __name__ == "__main__":
    main()
