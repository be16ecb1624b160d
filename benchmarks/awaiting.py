"""Awaiting a valid token: one after the other, and 2 000 at once, beside the floor.

The floor is a coroutine that reads an attribute and a clock. Many short rounds are timed in turn,
and the best of each counts: other work on the machine makes a round slower and never faster.
"""

from __future__ import annotations

import asyncio
import json
import time
import types
import warnings
from typing import TYPE_CHECKING, Any

from .azure import Azure
from .peers import SCOPE, our_credentials

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROUNDS, CALLS, AT_ONCE = 200, 500, 2000
FLOOR = "floor"


def main() -> None:
    """Print the seconds of each await, and of each at once, as JSON."""
    warnings.simplefilter("ignore")
    with Azure():
        print(json.dumps(asyncio.run(_measure(our_credentials().aio().get_token))))


async def _measure(get_token: Callable[[str], Awaitable[Any]]) -> dict[str, dict[str, float]]:
    holder = types.SimpleNamespace(token="x")

    async def floor(scope: str) -> object:  # noqa: ARG001 - as get_token takes it
        time.time()
        return holder.token

    calls = {FLOOR: floor, "adls_enduser await get_token": get_token}
    best = {name: [float("inf")] * 2 for name in calls}
    for turn in range(ROUNDS):
        for name, call in calls.items():
            best[name][0] = min(best[name][0], await _one_by_one(call))
            if turn % 10 == 0:
                best[name][1] = min(best[name][1], await _at_once(call))
    return {name: {"one": one, "at_once": many} for name, (one, many) in best.items()}


async def _one_by_one(call: Callable[[str], Awaitable[Any]]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        await call(SCOPE)
    return (time.perf_counter() - start) / CALLS


async def _at_once(call: Callable[[str], Awaitable[Any]]) -> float:
    start = time.perf_counter()
    await asyncio.gather(*(call(SCOPE) for _ in range(AT_ONCE)))
    return (time.perf_counter() - start) / AT_ONCE


if __name__ == "__main__":
    main()
