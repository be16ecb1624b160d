"""The goals of the steps ``cold`` and ``awaiting``: each is a ratio of two programs in one run."""

from __future__ import annotations

from typing import Any, NamedTuple

from .environments import NEWEST
from .results import load


class Ratio(NamedTuple):
    """A program of ours beside one of a peer, and what it may cost: CPU time and memory.

    ``less`` is the program whose cost is subtracted from ours: the import of an SDK.
    """

    name: str
    ours: str
    peer: str
    cpu: float
    peak: float | None = None
    less: str | None = None


_KEPT, _FIRST = "Fresh process, kept sign-in", "Fresh process, first sign-in by password"
RATIOS = (
    Ratio(f"{_KEPT}: strategy.silent, beside msal", "ours_silent", "msal_file", 0.25, 0.35),
    Ratio(f"{_KEPT}: the same, library=msal", "ours_silent_msal", "msal_file", 0.25, 0.35),
    Ratio(f"{_KEPT}: storage_credential, beside msal", "ours_storage", "msal_file", 0.6, 0.6),
    Ratio(f"{_KEPT}: the same beside azure-identity", "ours_storage", "identity_cache", 0.35, 0.35),
    Ratio(f"{_FIRST}: library=msal", "ours_password_msal", "msal_password", 1.15, 1.15),
    Ratio(f"{_FIRST}: library=adal", "ours_password_adal", "adal_password", 1.1),
    Ratio(
        f"{_FIRST}: management_credentials, less the SDK's import",
        *("ours_management", "adal_password", 1.15, 1.15, "management_sdk"),
    ),
    Ratio(
        f"{_FIRST}: filesystem_token, less the SDK's import",
        *("ours_filesystem", "adal_password", 1.15, 1.15, "filesystem_sdk"),
    ),
)
COMMAND, AZ, COMMAND_LIMIT = "adls-enduser token", "az account get-access-token", 0.1
AWAIT_LIMIT = 8.0


def programs() -> dict[str, dict[str, float]]:
    """Return the medians of every program."""
    found: dict[str, dict[str, float]] = (load("cold", NEWEST) or {}).get("programs", {})
    return found


def skipped() -> list[str]:
    """Return the sentences about what could not be measured."""
    found: list[str] = (load("cold", NEWEST) or {}).get("skipped", [])
    return found


def ratio(one: Ratio, what: str) -> float:
    """Return how many times the peer's cost ours is."""
    found = programs()
    less = found[one.less][what] if one.less else 0.0
    return (found[one.ours][what] - less) / found[one.peer][what]


def rows() -> list[tuple[str, str, str, bool]]:
    """Return name, target, measured, and whether it is met."""
    found: list[tuple[str, str, str, bool]] = []
    for one in RATIOS if programs() else ():
        for what, words, limit in (
            ("cpu", "CPU time", one.cpu),
            ("peak", "memory", one.peak),
        ):
            if limit is not None:
                times = ratio(one, what)
                target = f"at most {limit:g} times the peer's {words}"
                found.append((one.name, target, f"{times:.2f} times", times <= limit))
        ours, theirs = (programs()[name]["requests"] for name in (one.ours, one.peer))
        target = "no more requests than the peer"
        found.append((one.name, target, f"{ours:g}; the peer {theirs:g}", ours <= theirs))
    return [*found, *_command(), *_await()]


def _command() -> list[tuple[str, str, str, bool]]:
    found = programs()
    if COMMAND not in found or AZ not in found:
        return []
    times = found[COMMAND]["elapsed"] / found[AZ]["elapsed"]
    target = f"at most {COMMAND_LIMIT:g} times `{AZ}`, elapsed"
    return [(f"`{COMMAND}`", target, f"{times:.2f} times", times <= COMMAND_LIMIT)]


def _await() -> list[tuple[str, str, str, bool]]:
    results: dict[str, Any] = load("awaiting", NEWEST) or {}
    if not results:
        return []
    floor, ours = results["floor"], results["adls_enduser await get_token"]
    one, many = ours["one"] / floor["one"], ours["at_once"] / floor["at_once"]
    name = "await get_token"
    return [
        (name, f"at most {AWAIT_LIMIT:g} times the floor", f"{one:.1f} times", one <= AWAIT_LIMIT),
        (f"{name}, 2 000 at once", "at most 2 times the floor", f"{many:.1f} times", many <= 2),
    ]
