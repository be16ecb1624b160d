"""The tables, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import goals
from .environments import NEWEST, STORES
from .results import load

if TYPE_CHECKING:
    from collections.abc import Iterable


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a table."""
    names = list(head)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def verdict() -> str:
    """Tell every goal, and whether it is met."""
    rows = (
        (one.what, one.goal, one.found, "met" if one.met else "**missed**") for one in goals.goals()
    )
    return table(("", "Goal", "Found", ""), rows)


def reading() -> str:
    """Tell what a live token costs to read."""
    rows = []
    for store in STORES:
        found = load("reading", store) or {}
        names = [name.removesuffix(" @1") for name in found if name.endswith(" @1")]
        for name in names:
            one, many = goals.times(name, 1, store), goals.times(name, goals.MANY, store)
            if one is not None and many is not None:
                took = found[f"{name} @1"] * 1e6
                rows.append((_ours(name), f"{took:.2f} µs", f"{one:,.1f}", f"{many:,.1f}"))
    head = ("", "1 account", "times the baseline", "times the baseline, 10 000 accounts")
    return table(head, rows)


def baseline() -> str:
    """Tell what the attribute read and the clock read took."""
    found = [load("reading", store)[goals.BASELINE] * 1e9 for store in STORES]
    least, most = f"{min(found):.0f}", f"{max(found):.0f}"
    return f"{least} ns" if least == most else f"{least} to {most} ns"


def imports() -> str:
    """Tell what an import costs."""
    # Ours where nothing else loads at the start of the interpreter (old Azure packages do).
    best: dict[str, float] = {}
    for store in reversed(STORES):
        for name, took in (load("imports", store) or {"over": {}})["over"].items():
            best.setdefault(name, took)
    ours = best["adls_enduser"]
    rows = (
        (_ours(f"`{name}`"), f"{took:.0f} ms", f"{took / ours:.1f}") for name, took in best.items()
    )
    return table(("", "over bare Python", "times ours"), rows)


def expiry(moment: str) -> str:
    """Tell what 64 threads meet."""
    rows = [
        (
            _ours(_once(one["name"], store)),
            str(one["tokens"]),
            f"{one['longest'] * 1e3:.1f} ms",
            f"{one['median'] * 1e3:.2f} ms",
            f"{one['failed']} ({one['error'].partition(':')[0]})" if one["failed"] else "0",
        )
        for store in STORES
        for one in load("expiry", store) or []
        if one["moment"] == moment
    ]
    head = ("", "token requests", "longest wait", "median wait", "threads that failed")
    return table(head, rows)


def prompts() -> str:
    """Tell how often the person is asked."""
    rows = [
        (
            _ours(one["name"]),
            str(one["both"]["prompts"]),
            str(one["cold"]["prompts"]),
            str(one["cold"]["tokens"]),
            str(one["again"]["prompts"]),
            str(one["again"]["tokens"]),
        )
        for store in reversed(STORES)
        for one in load("prompts", store) or []
    ]
    planes = ("prompts, both planes", "prompts, 64 cold threads", "token requests of those")
    head = ("", *planes, "prompts, next process", "token requests of that")
    return table(head, rows)


def memory() -> str:
    """Tell what a sign-in weighs."""
    rows = [
        (_ours(_once(name, store)), f"{one['process']:.1f} MB", f"{one['account']:.1f} kB")
        for store in reversed(STORES)
        for name, one in (load("memory", store) or {}).items()
    ]
    return table(("", "the process grew by", "each further sign-in"), rows)


def transfers() -> str:
    """Tell the throughput over that with the token that never ends, and token requests."""
    found = goals.transfers()
    lives = goals.lifetimes(found)
    rows = []
    for (store, threads), group in goals.groups(found).items():
        cells = [_cell(group, life) for life in lives]
        rows.append((store, str(threads), _rate(group), *cells))
    means = (
        f"{goals.mean_rate(found, life):.2f} ({goals.mean_rate(found, life, by='cpu'):.2f})"
        for life in lives
    )
    rows.append(("all", "", "", *means))
    return table(("store", "threads", "never ends", *(f"{life:g} s" for life in lives)), rows)


def own_transfers() -> str:
    """Tell how the same went with the credentials that the packages bring themselves."""
    rows = [
        (
            one["store"],
            "never ends" if one["lifetime"] == goals.NEVER else f"{one['lifetime']:g} s",
            f"{one['up'] + one['down']:.1f} s" if one["same"] else "",
            str(one["renewals"]),
            "yes" if one["same"] else f"**no** {_first(one['error'])}",
        )
        for one in goals.transfers("own")
    ]
    return table(("store", "tokens live", "took", "token requests", "identical"), rows)


def _first(error: str) -> str:
    """Give the first line of an error, short enough for a table."""
    return error.strip().splitlines()[0][:90].replace("|", " ") if error.strip() else ""


def long_transfers() -> str:
    """Tell how transfers went that outlived their tokens."""
    rows = [
        (
            one["store"],
            f"{one['lasted']:.1f} s",
            str(goals.allowed(one) - 1),
            str(one["renewals"]),
            "yes" if one["same"] else f"**no** {one['error']}",
            f"{goals.rate(_like(one), one['lifetime']):.2f}",
            f"{goals.rate(_like(one), one['lifetime'], by='cpu'):.2f}",
        )
        for one in goals.transfers("long")
        if one["lifetime"] != goals.NEVER
    ]
    head = ("store", "took", "lifetimes passed", "token requests", "identical")
    return table((*head, "throughput", "by CPU time"), rows)


def _like(one: dict[str, Any]) -> list[dict[str, Any]]:
    return [other for other in goals.transfers("long") if other["store"] == one["store"]]


def _rate(group: list[dict[str, Any]]) -> str:
    took = sorted(one["up"] + one["down"] for one in group if one["lifetime"] == goals.NEVER)
    return f"{took[0]:.1f} to {took[-1]:.1f} s"


def _cell(group: list[dict[str, Any]], life: float) -> str:
    most = max(one["renewals"] for one in group if one["lifetime"] == life)
    wall, cpu = goals.rate(group, life), goals.rate(group, life, by="cpu")
    return f"{wall:.2f} ({cpu:.2f}), {most}"


def _once(name: str, store: str) -> str:
    """Say beside which store ours ran, where it ran beside an old one."""
    return name if store == NEWEST or store in name else f"{name}, beside {store}"


def _ours(name: str) -> str:
    return f"**{name}**" if "adls_enduser" in name else name
