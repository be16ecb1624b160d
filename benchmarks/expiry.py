"""64 threads that ask when a token has ended, and when it is about to.

Everybody gets the same: a token of a few seconds, real time, and from then on tokens of
an hour. In ``ended`` the token is dead by any margin when the threads ask. In ``due``
three quarters to four fifths of its life are over: our advisory window. To a peer whose
margin is a fixed number of minutes that is the same as a token in its last minutes.
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
    Ask,
    Peer,
    aad_token_request,
    peers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds: how long the first token lives, and how long after it the threads ask.
MOMENTS = {"ended": (3.0, 3.6), "due": (10.0, 7.7)}
HOUR = 3600.0


@dataclass
class Burst:
    """What 64 threads met. Waits in seconds."""

    name: str
    moment: str
    tokens: int
    longest: float
    median: float
    failed: int
    error: str


def main() -> None:
    """Print a burst for each peer and moment, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=64)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = []
    with Azure() as azure:
        for moment in MOMENTS:
            for name, peer in _peers().items():
                found.append(_burst(azure, (name, peer), moment, options.threads))
    print(json.dumps([asdict(one) for one in found]))


def _peers() -> dict[str, Peer]:
    chosen = dict(peers())
    if chosen.pop(AAD_TOKEN_SESSION, None):
        chosen[AAD_TOKEN_REQUEST] = aad_token_request
    return chosen


def _burst(azure: Azure, subject: tuple[str, Peer], moment: str, threads: int) -> Burst:
    name, peer = subject
    lifetime, wait = MOMENTS[moment]
    azure.lifetime(lifetime)
    start = time.monotonic()
    ask = peer(0)
    if not name.startswith(STORE_SESSION):  # which loses its refresh token at the first renewal
        _warm_up(ask)
    azure.lifetime(HOUR)
    time.sleep(max(0.0, start + wait - time.monotonic()))
    waits, errors = together(ask, threads)
    time.sleep(0.5)  # a renewal in the background comes to its end
    tokens = azure.counts()["tokens"]
    longest, median = max(waits), statistics.median(waits)
    return Burst(name, moment, tokens, longest, median, len(errors), errors[0] if errors else "")


def _warm_up(ask: Ask) -> None:
    """Let what is loaded late be loaded; what fails is counted where it matters, in the burst."""
    with suppress(Exception):
        ask()


def together(ask: Callable[[], object], threads: int) -> tuple[list[float], list[str]]:
    """Ask from so many threads at once; give each one's wait, and the errors."""
    gate = threading.Barrier(threads)
    waits: list[float] = []
    errors: list[str] = []

    def one() -> None:
        gate.wait()
        start = time.perf_counter()
        try:
            ask()
        except Exception as error:  # whatever a peer raises is a result
            errors.append(f"{type(error).__name__}: {error}"[:120])
        waits.append(time.perf_counter() - start)

    everybody = [threading.Thread(target=one) for _ in range(threads)]
    for thread in everybody:
        thread.start()
    for thread in everybody:
        thread.join()
    return waits, errors


if __name__ == "__main__":
    main()
