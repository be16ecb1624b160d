"""The picture of the results: bars for each group of numbers, ours in a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

from . import goals
from .environments import NEWEST, STORE_VERSIONS
from .results import load

if TYPE_CHECKING:
    from pathlib import Path

_OURS, _PEERS = "#1b6ca8", "#b9b9b9"


def draw(path: Path) -> None:
    """Draw the picture and write it to a file."""
    mpl.rcParams.update({"font.size": 8, "svg.hashsalt": "benchmarks", "svg.fonttype": "none"})
    figure, axes = plt.subplots(3, 2, figsize=(12, 9), layout="constrained")
    _bars(axes[0][0], "Reading a valid token, times the baseline, 1 account", _reading(1))
    _bars(axes[0][1], "The same with 10 000 accounts", _reading(goals.MANY))
    _bars(axes[1][0], "Import, ms more than bare Python", _imports())
    _bars(axes[1][1], "Token requests, 64 threads at expiry (x: failed)", _expiry())
    _bars(axes[2][0], "Prompts of 64 cold threads", _prompts())
    _transfers(axes[2][1])
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    # matplotlib leaves spaces at the ends of lines.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def _bars(axis: Any, title: str, values: dict[str, float]) -> None:
    names = list(values)[::-1]
    colours = [_OURS if "adls_enduser" in name else _PEERS for name in names]
    bars = axis.barh(names, [values[name] for name in names], color=colours)
    axis.bar_label(bars, [_number(values[name]) for name in names], padding=2)
    axis.set_xscale("log" if max(values.values()) > 1000 else "linear")
    axis.margins(x=0.15)
    axis.set_title(title, loc="left")
    axis.spines[["top", "right"]].set_visible(False)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _short(name: str) -> str:
    return name.replace("msrestazure ", "").replace("azure-datalake-store ", "")


def _reading(accounts: int) -> dict[str, float]:
    values = {}
    for version in reversed(STORE_VERSIONS):
        for label in load("reading", version) or {}:
            name = label.removesuffix(f" @{accounts}")
            times = goals.times_baseline(name, accounts, version)
            if name != label and times is not None:
                values[_short(name)] = times
    return values


def _imports() -> dict[str, float]:
    over: dict[str, float] = load("imports", NEWEST)["over"]
    return {_short(name): took for name, took in over.items()}


def _expiry() -> dict[str, float]:
    return {
        _short(burst["name"]) + (" x" if burst["failed"] else ""): burst["tokens"]
        for version in reversed(STORE_VERSIONS)
        for burst in load("expiry", version)
        if burst["scenario"] == "expired"
    }


def _prompts() -> dict[str, float]:
    return {
        _short(counts["name"]): counts["cold_threads"]["prompts"]
        for version in reversed(STORE_VERSIONS)
        for counts in load("prompts", version)
    }


def _transfers(axis: Any) -> None:
    found = goals.transfers()
    lifetimes = goals.lifetimes(found)
    places = range(len(lifetimes))
    for (version, threads), group in goals.groups(found).items():
        rates = [goals.throughput(group, lifetime) for lifetime in lifetimes]
        axis.plot(places, rates, "o-", label=f"{version}, {threads} threads", alpha=0.6)
    axis.axhline(1.0, color="black", linewidth=0.6)
    axis.axhline(0.95, color="red", linewidth=0.6, linestyle="--")
    axis.set_xticks(places, [f"{lifetime:g} s" for lifetime in lifetimes])
    axis.set_title("Transfers, throughput by lifetime (never expires: 1)", loc="left")
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_ylim(0.6, 1.2)
    axis.legend(fontsize=7, ncols=2, loc="lower left")
