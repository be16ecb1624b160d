"""The tables of the report, as Markdown."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from . import cold_goals, goals
from .environments import NEWEST, STORE_VERSIONS
from .results import load

if TYPE_CHECKING:
    from collections.abc import Iterable


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table as Markdown."""
    names = list(head)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def all_goals() -> str:
    """Return every goal, and whether it is met."""
    rows = (
        (goal.name, goal.target, goal.measured, "met" if goal.met else "**missed**")
        for goal in goals.goals()
    )
    return table(("", "goal", "measured", ""), rows)


def reading() -> str:
    """Return what reading a valid token costs."""
    rows = []
    for version in STORE_VERSIONS:
        results = load("reading", version) or {}
        names = [name.removesuffix(" @1") for name in results if name.endswith(" @1")]
        for name in names:
            single = goals.times_baseline(name, 1, version)
            many = goals.times_baseline(name, goals.MANY, version)
            if single is not None and many is not None:
                took = results[f"{name} @1"] * 1e6
                rows.append((_bold(name), f"{took:.2f} µs", f"{single:,.1f}", f"{many:,.1f}"))
    head = ("", "1 account", "times the baseline", "times the baseline, 10 000 accounts")
    return table(head, rows)


def baseline() -> str:
    """Return what the attribute read and the clock read cost."""
    found = [load("reading", version)[goals.BASELINE] * 1e9 for version in STORE_VERSIONS]
    least, most = f"{min(found):.0f}", f"{max(found):.0f}"
    return f"{least} ns" if least == most else f"{least} to {most} ns"


def imports() -> str:
    """Return what each import costs."""
    # The newest environment first: old Azure packages load modules at the start of the
    # interpreter, and our import would seem to cost less.
    best: dict[str, float] = {}
    for version in reversed(STORE_VERSIONS):
        for name, took in (load("imports", version) or {"over": {}})["over"].items():
            best.setdefault(name, took)
    # The package alone costs less than two starts of the interpreter differ by.
    factories = best["adls_enduser.factories"]
    rows = (
        (_bold(f"`{name}`"), f"{max(took, 0):.0f} ms", f"{max(took, 0) / factories:.1f}")
        for name, took in best.items()
    )
    return table(("", "more than bare Python", "times our factories"), rows)


def expiry(scenario: str) -> str:
    """Return what 64 threads that ask at once cost."""
    rows = [
        (
            _bold(_with_version(burst["name"], version)),
            str(burst["tokens"]),
            f"{burst['longest'] * 1e3:.1f} ms",
            f"{burst['median'] * 1e3:.2f} ms",
            f"{burst['failed']} ({burst['error'].partition(':')[0]})" if burst["failed"] else "0",
        )
        for version in STORE_VERSIONS
        for burst in load("expiry", version) or []
        if burst["scenario"] == scenario
    ]
    head = ("", "token requests", "longest wait", "median wait", "threads that failed")
    return table(head, rows)


def prompts() -> str:
    """Return how often the person is asked."""
    rows = [
        (
            _bold(counts["name"]),
            str(counts["both_planes"]["prompts"]),
            str(counts["cold_threads"]["prompts"]),
            str(counts["cold_threads"]["tokens"]),
            str(counts["next_process"]["prompts"]),
            str(counts["next_process"]["tokens"]),
        )
        for version in reversed(STORE_VERSIONS)
        for counts in load("prompts", version) or []
    ]
    head = (
        *("", "prompts, both planes"),
        *("prompts, 64 cold threads", "token requests, 64 cold threads"),
        *("prompts, next process", "token requests, next process"),
    )
    return table(head, rows)


def memory() -> str:
    """Return how much memory a sign-in takes."""
    rows = [
        (
            _bold(_with_version(name, version)),
            f"{size['process']:.1f} MB",
            f"{size['account']:.1f} kB",
        )
        for version in reversed(STORE_VERSIONS)
        for name, size in (load("memory", version) or {}).items()
    ]
    return table(("", "the process grew by", "each further sign-in"), rows)


def cold() -> str:
    """Return what a fresh process pays until it has its token."""
    rows = [
        (
            _bold(name) if "adls" in name else f"`{name}`",
            f"{one['cpu'] * 1e3:.0f} ms",
            f"{one['peak'] / 2**10:.1f} MB",
            f"{one['requests']:g}",
            f"{one['elapsed'] * 1e3:.0f} ms",
        )
        for name, one in cold_goals.programs().items()
    ]
    head = ("program", "CPU time", "peak memory", "requests", "elapsed, with the interpreter")
    return "\n".join(
        (table(head, rows), "", *(f"Not measured: {why}" for why in cold_goals.skipped()))
    )


def transfers() -> str:
    """Return the relative throughput and the token requests of transfers."""
    found = goals.transfers()
    lifetimes = goals.lifetimes(found)
    rows = []
    for (version, threads), group in goals.groups(found).items():
        cells = [_cell(group, lifetime) for lifetime in lifetimes]
        rows.append((version, str(threads), _range(group), *cells))
    rows.append(("all", "", "", *(_mean(found, lifetime) for lifetime in lifetimes)))
    head = (f"{lifetime:g} s" for lifetime in lifetimes)
    return table(("azure-datalake-store", "threads", "never expires", *head), rows)


def peers_transfers() -> str:
    """Return how the transfers went with the packages' own credentials."""
    rows = [
        (
            transfer["store"],
            _lifetime(transfer),
            f"{goals.duration(transfer):.1f} s" if transfer["identical"] else "",
            str(transfer["token_requests"]),
            "yes" if transfer["identical"] else f"**no** {_first_line(transfer['error'])}",
        )
        for transfer in goals.transfers("own")
    ]
    head = ("azure-datalake-store", "token lifetime", "took", "token requests", "identical")
    return table(head, rows)


def long_transfers() -> str:
    """Return how the transfers went that lasted longer than their tokens."""
    rows = [
        (
            transfer["store"],
            f"{transfer['elapsed']:.1f} s",
            str(goals.lifetimes_passed(transfer)),
            str(transfer["token_requests"]),
            "yes" if transfer["identical"] else f"**no** {transfer['error']}",
            f"{_long_throughput(transfer):.2f}",
            f"{_long_throughput(transfer, by='cpu'):.2f}",
        )
        for transfer in goals.transfers("long")
        if transfer["lifetime"] != goals.NEVER
    ]
    head = ("azure-datalake-store", "took", "lifetimes passed", "token requests", "identical")
    return table((*head, "throughput", "by CPU time"), rows)


def gen2_transfers() -> str:
    """Return the relative throughput and the token requests of transfers on Gen2."""
    found = goals.gen2_transfers()
    lifetimes = goals.lifetimes(found)
    rows = [
        (name, _range(group), *(_cell(group, lifetime) for lifetime in lifetimes))
        for name, group in goals.by_client(found).items()
    ]
    head = (f"{lifetime:g} s" for lifetime in lifetimes)
    return table(("client", "never expires", *head), rows)


def gen2_peers() -> str:
    """Return how the transfers on Gen2 went, beside those with azure-identity's credential."""
    ours, peers = goals.gen2_transfers(), goals.gen2_transfers(ours=False)
    rows = []
    for name, group in goals.by_client(peers).items():
        for lifetime in (goals.NEVER, *goals.lifetimes(group)):
            own = goals.by_client(ours)[name]
            rows.append((name, _lifetime({"lifetime": lifetime}), *_side(own, lifetime)))
            rows[-1] += _side(group, lifetime)
    head = ("took", "token requests", "identical")
    both = (f"{name}: {one}" for name in ("ours", "azure-identity") for one in head)
    return table(("client", "token lifetime", *both), rows)


def _side(group: goals.Transfers, lifetime: float) -> tuple[str, str, str]:
    chosen = [one for one in group if one["lifetime"] == lifetime]
    whole = [one for one in chosen if one["identical"]]
    took = f"{statistics.median(map(goals.duration, whole)):.1f} s" if whole else ""
    errors = {_first_line(one["error"]) for one in chosen if one["error"]}
    requests = max(one["token_requests"] for one in chosen)
    identical = "yes" if len(whole) == len(chosen) else f"**no** {', '.join(errors)}"
    return took, str(requests), identical


def _long_throughput(transfer: dict[str, Any], *, by: str = "elapsed") -> float:
    all_long = goals.transfers("long")
    same_version = [other for other in all_long if other["store"] == transfer["store"]]
    return goals.throughput(same_version, transfer["lifetime"], by=by)


def _lifetime(transfer: dict[str, Any]) -> str:
    lifetime = transfer["lifetime"]
    return "never expires" if lifetime == goals.NEVER else f"{lifetime:g} s"


def _first_line(error: str) -> str:
    """Return the first line of an error, short enough for a table."""
    return error.strip().splitlines()[0][:90].replace("|", " ") if error.strip() else ""


def _range(group: goals.Transfers) -> str:
    never = [transfer for transfer in group if transfer["lifetime"] == goals.NEVER]
    took = sorted(map(goals.duration, never))
    return f"{took[0]:.1f} to {took[-1]:.1f} s"


def _cell(group: goals.Transfers, lifetime: float) -> str:
    requests = [one["token_requests"] for one in group if one["lifetime"] == lifetime]
    elapsed = goals.throughput(group, lifetime)
    cpu = goals.throughput(group, lifetime, by="cpu")
    return f"{elapsed:.2f} ({cpu:.2f}), {max(requests)}"


def _mean(found: goals.Transfers, lifetime: float) -> str:
    elapsed = goals.mean_throughput(found, lifetime)
    cpu = goals.mean_throughput(found, lifetime, by="cpu")
    return f"{elapsed:.2f} ({cpu:.2f})"


def _with_version(name: str, version: str) -> str:
    """Add the version of azure-datalake-store, if it is an old version."""
    return name if version == NEWEST or version in name else f"{name}, with {version}"


def _bold(name: str) -> str:
    """Write this package's own names in bold."""
    return f"**{name}**" if "adls_enduser" in name else name
