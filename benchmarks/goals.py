"""What was found, as ratios, and the goals that it is held against."""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import dataclass
from typing import Any

from .environments import NEWEST, STORES
from .results import load

NEVER = 10.0**8
BASELINE = "attribute and clock"
MANY = 10_000


@dataclass
class Goal:
    """One line of the verdict. ``found`` is None where nothing was measured."""

    what: str
    goal: str
    found: str
    met: bool


def times(name: str, accounts: int, store: str = NEWEST) -> float | None:
    """Give how many times an attribute read and a clock read a question costs."""
    found = load("reading", store) or {}
    took = found.get(f"{name} @{accounts}")
    return None if took is None else float(took / found[BASELINE])


def goals() -> list[Goal]:
    """Give every goal beside what was found."""
    everything = (_reading(), _imports(), _expiry(), _prompts(), _transfers())
    return list(itertools.chain.from_iterable(everything))


def _reading() -> list[Goal]:
    found = []
    asked = (
        ("get_token", 5.0),
        ("get_token, by azure-datalake-store 1.0.1", 5.0),
        ("signed_session(session)", 12.0),
    )
    for name, most in asked:
        full = f"adls_enduser {name}"
        one, many = times(full, 1), times(full, MANY)
        if one is None or many is None:
            continue
        goal = f"at most {most:g} times an attribute read and a clock read"
        worst = max(one, many)
        found.append(Goal(name, goal, f"{worst:.1f} times", worst <= most))
        flat = many / one
        goal = "the same with 10 000 accounts (within a quarter)"
        found.append(Goal(name, goal, f"{flat:.2f} times", flat <= 1.25))
    return found


def _imports() -> list[Goal]:
    took = load("imports", NEWEST)["over"]["adls_enduser"]
    return [Goal("`import adls_enduser`", "at most 15 ms", f"{took:.1f} ms", took <= 15)]


def _bursts(moment: str) -> list[dict[str, Any]]:
    return [
        one
        for store in STORES
        for one in load("expiry", store) or []
        if one["moment"] == moment and one["name"].startswith("adls_enduser")
    ]


def _expiry() -> list[Goal]:
    ended, due = _bursts("ended"), _bursts("due")
    most = max(one["tokens"] for one in ended)
    failed = sum(one["failed"] for one in ended + due)
    waited = max(one["longest"] for one in due) * 1e3
    asked = max(one["tokens"] for one in due)
    return [
        Goal("64 threads at expiry", "1 token request", f"{most}, {failed} failed", most == 1),
        Goal(
            "64 threads when renewal is due",
            "nobody waits (a renewal takes longer), 1 token request",
            f"longest {waited:.1f} ms, {asked}",
            asked == 1 and waited < min(one["longest"] for one in ended) * 1e3,
        ),
    ]


def _prompts() -> list[Goal]:
    ours = load("prompts", NEWEST)[0]
    again = ours["again"]
    both, cold = ours["both"]["prompts"], ours["cold"]["prompts"]
    return [
        Goal("Prompts for both planes", "1", str(both), both == 1),
        Goal("Prompts of 64 cold threads", "1", str(cold), cold == 1),
        Goal("Prompts of the next process", "0", str(again["prompts"]), again["prompts"] == 0),
        Goal("Its token requests", "0", str(again["tokens"]), again["tokens"] == 0),
    ]


# Transfers.


def transfers(step: str = "transfers") -> list[dict[str, Any]]:
    """Give all transfers of a step, with every azure-datalake-store."""
    return [one for store in STORES for one in load(step, store) or []]


def rate(found: list[dict[str, Any]], lifetime: float, *, by: str = "wall") -> float:
    """Give the throughput with tokens of a lifetime over that with one that never ends.

    By medians: the best of each, which one lucky transfer decides, put tokens of an hour,
    which no transfer can tell from one that never ends, at 0.94 to 1.04 of it.
    """
    never, took = _took(found, NEVER, by), _took(found, lifetime, by)
    return statistics.median(never) / statistics.median(took)


def _took(found: list[dict[str, Any]], lifetime: float, by: str) -> list[float]:
    chosen = [one for one in found if one["lifetime"] == lifetime]
    return [one["up"] + one["down"] if by == "wall" else one["cpu"] for one in chosen]


def groups(found: list[dict[str, Any]]) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """Sort transfers by azure-datalake-store and number of threads."""
    keys = sorted({(one["store"], one["threads"]) for one in found})
    return {key: [one for one in found if (one["store"], one["threads"]) == key] for key in keys}


def mean_rate(found: list[dict[str, Any]], lifetime: float, *, by: str = "wall") -> float:
    """Give the geometric mean of ``rate`` over all groups, less noisy than each."""
    rates = [rate(group, lifetime, by=by) for group in groups(found).values()]
    return math.exp(statistics.fmean(map(math.log, rates)))


def allowed(one: dict[str, Any]) -> int:
    """Give how many token requests a transfer may do: lifetimes passed, plus one.

    The sign-in comes before the transfer. What is one more than the lifetimes passed is
    a renewal before the end: at four fifths of a short life nobody may be without a new
    token, so five seconds of tokens of five seconds cannot do with none.
    """
    return int(one["lasted"] // one["lifetime"]) + 1


def lifetimes(found: list[dict[str, Any]]) -> list[float]:
    """Give the lifetimes, the one that never ends apart."""
    return sorted({one["lifetime"] for one in found} - {NEVER})


def least_rate(lifetime: float) -> float:
    """Give the throughput that is wanted, over that with a token that never ends."""
    return 0.9 if lifetime == 5 else 0.95


def _throughput(found: list[dict[str, Any]], lifetime: float, what: str = "Transfers") -> Goal:
    least, mean = least_rate(lifetime), mean_rate(found, lifetime)
    rates = [rate(group, lifetime) for group in groups(found).values()]
    below = sum(one < least for one in rates)
    text = f"{mean:.2f} over all; {below} of {len(rates)} below, {min(rates):.2f} the least"
    goal = f"throughput at least {least}"
    # Held against each combination, as the goal is meant; the mean is there to tell a
    # slower token from a noisy machine.
    return Goal(f"{what}, tokens of {lifetime:g} s", goal, text, not below)


def noise() -> tuple[float, float]:
    """Give the least and the most ``rate`` of tokens of an hour: they end in no transfer.

    What those differ from 1 by is the machine's doing.
    """
    rates = [rate(group, 3600.0) for group in groups(transfers()).values()]
    return min(rates), max(rates)


def _transfers() -> list[Goal]:
    found, long = transfers(), transfers("long")
    wrong = sum(not one["same"] for one in found + long)
    all_of = len(found + long)
    said = [Goal("Transfers", "byte-identical", f"{all_of - wrong} of {all_of}", not wrong)]
    said += [_throughput(found, lifetime) for lifetime in lifetimes(found)]
    if long:
        said.append(_throughput(long, 5.0, "Long transfers"))
    over = sum(one["renewals"] > allowed(one) for one in found + long)
    most = max((one["renewals"] - allowed(one) for one in found + long), default=0)
    goal = "no more token requests than lifetimes passed, plus one"
    text = f"{over} of {all_of} did more, by {most} at most" if over else "kept by all"
    return [*said, Goal("Transfers", goal, text, not over)]
