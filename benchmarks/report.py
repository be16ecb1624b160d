"""Writes docs/benchmarks.md and docs/benchmarks.svg, and prints the verdict."""

from __future__ import annotations

from typing import Any

from . import goals, tables
from .environments import ROOT, STORES
from .plot import draw
from .results import about, load

_DOCS = ROOT / "docs"
_STEPS = ("reading", "imports", "expiry", "prompts", "memory", "transfers", "own", "long")


def main() -> None:
    """Write the docs from what the steps have kept."""
    unknown = [step for step in _STEPS if not all(load(step, store) for store in STORES)]
    if unknown:
        raise SystemExit(f"Nothing to report yet: {', '.join(unknown)} never ran.")
    _DOCS.mkdir(exist_ok=True)
    draw(_DOCS / "benchmarks.svg")
    (_DOCS / "benchmarks.md").write_text(_page())
    for one in goals.goals():
        print(f"{'met   ' if one.met else 'MISSED'}  {one.what}: {one.found}  (goal: {one.goal})")
    print("\nThe tables and the picture are in docs/benchmarks.md and docs/benchmarks.svg.")


def _page() -> str:
    return f"""\
# Benchmarks

This package and its peers, in one run, on one machine, against the package's own sandbox
(real TLS, real host names, a server process of its own). `make bench` sets everything up,
runs it all and writes this page and the picture (a step that was repeated later with
`--only` has replaced its numbers). Look at the ratios: seconds and
milliseconds belong to the machine.

{_machine()}

![The numbers below as bars and lines](benchmarks.svg)

## Goals

{tables.verdict()}

{_missed()}

## Reading a live token

What a program pays each time that it asks for a token it already has. The baseline, in
the same run, is `holder.token; time.time()`: {tables.baseline()}. Timed with
[pyperf](https://pyperf.readthedocs.io), the best of several processes. With 10 000
accounts, ours and the classes that stand for one account each have as many objects alive;
msal, adal, azure-identity and `UserPassCredentials` have as many accounts in the one
cache that they look into. azure-datalake-store's own credential makes a new session at
each call, so it stands beside `signed_session()` without one; its three versions exclude
each other, so each has an environment, and a baseline, of its own.

{tables.reading()}

## Import

Whole processes, in turns, the best of {_rounds()}; the bare interpreter's own time, in the
same environment, is taken off.

{tables.imports()}

## At expiry

64 threads ask at the same moment. Everybody gets the same, by the real clock: a first
token of 3 seconds, which is dead by any package's margin when the threads ask, and
tokens of an hour afterwards. What counts is token requests at the server, and how long
the unluckiest thread waited. Both depend on how fast the server is; this one answers in
milliseconds, Entra ID does not, and the waits grow with it.

{tables.expiry("ended")}

azure-datalake-store 0.0.52 renews once and has then lost its refresh token; 0.0.53 fails
at its first renewal. `AADTokenCredentials` renews in a request alone, so its waits
contain one to Resource Manager.

When renewal is *due* but the token lives (7.7 of its 10 seconds are over), nobody needs to
wait. To the peers, whose margin is a fixed number of minutes, a token this short is one
in its last minutes.

{tables.expiry("due")}

## Prompts

A prompt is a device code that the server gave out. Both planes: the program that each
package's documents show for account management and the file system. Cold threads: 64
that all ask first, on one credential or context where the package has one. Next process:
the same program run a second time within the hour, where ours has a `SignInCache`,
azure-identity a persistent cache and its `AuthenticationRecord`, and msal a file (all in the
clear here).

{tables.prompts()}

## Memory

How much the process's resident memory grew by the import and the first sign-in, and how
much each further sign-in of an account holds by Python's own count (tracemalloc).

{tables.memory()}

## Transfers

`ADLUploader`, then `ADLDownloader`, of {_size("transfers")} MB in 64 files, after one
sign-in by password for both; the bytes are compared by SHA-256. Each number is
the throughput over that with a token that never ends, in the same run, variants in turns,
by the medians; in parentheses the same by the client's CPU time; then the most token
requests that were made in the time of one (the sign-in came before). "all" is the
geometric mean. How exact this is the last column tells: a token of 3600 seconds is as good
as one that never ends to all concerned, and made {_noise()}.

{tables.transfers()}

A transfer of this size ends before most of these tokens do; what the lifetimes of 101 and
301 seconds show is that a token inside the SDKs' own margins (100 seconds in 0.0.x, 300
in 1.0.1) causes no request for each call. A token is renewed, in the background, when
three quarters of a short life are over, so tokens of 5 seconds are asked for every 3.75:
more often than they end, so that in the long run there is a third more of requests than
of lifetimes passed.

The same with the packages' own credentials, {_size("own")} MB and 8 threads, once each:
`lib.auth` of azure-datalake-store 0.0.x, and azure-identity's `UsernamePasswordCredential`
with 1.0.1. What had not ended after 100 seconds was ended.

{tables.own_transfers()}

These transfers outlive theirs: {_size("long")} MB, 8 threads, tokens of 5 seconds.

{tables.long_transfers()}

## How to run it again

```
make bench                                     # everything: about 30 minutes on two cores
.venv/bin/python -m benchmarks --fast          # less of everything: about five minutes
.venv/bin/python -m benchmarks --only imports  # repeat a step, keep the others
.venv/bin/python -m benchmarks --report        # write this page again
```

msal and azure-identity speak to version 2.0 of Entra ID alone, which the sandbox serves
beside version 1.0.
"""


def _machine() -> str:
    runs: list[Any] = [about(step, store) for step in _STEPS for store in STORES]
    known = [run for run in runs if run]
    last = known[-1]
    quick = [
        step for step in _STEPS if any((about(step, store) or {}).get("fast") for store in STORES)
    ]
    fast = f" Run fast, so with more noise: {', '.join(quick)}." if quick else ""
    return (
        f"These are of {max(run['day'] for run in known)}: {last['cores']} cores (virtual,"
        f" shared with strangers), {last['system']}, CPython {last['python']}.{fast}"
    )


def _missed() -> str:
    missed = [one for one in goals.goals() if not one.met]
    if not missed:
        return "Every goal is met."
    lines = [f"- {one.what}: {one.found}; the goal is {one.goal}." for one in missed]
    return "Missed in this run:\n\n" + "\n".join(lines)


def _noise() -> str:
    least, most = goals.noise()
    return f"{least:.2f} to {most:.2f}"


def _rounds() -> int:
    return 5 if about("imports", STORES[0])["fast"] else 10


def _size(step: str) -> int:
    full, fast = {"transfers": (256, 32), "own": (256, 32), "long": (1024, 64)}[step]
    return fast if (about(step, STORES[0]) or {}).get("fast") else full


if __name__ == "__main__":
    main()
