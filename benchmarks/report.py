"""Write docs/benchmarks.md and docs/benchmarks.svg, and print the goals."""

from __future__ import annotations

from typing import Any

from . import goals, tables
from .environments import GEN2, ROOT, STORE_VERSIONS, environments_of
from .plot import draw
from .results import load, load_run

_DOCS = ROOT / "docs"
_STEPS = (
    *("reading", "cold", "awaiting", "imports", "expiry", "prompts", "memory"),
    *("transfers", "own", "long", "gen2"),
)


def main() -> None:
    """Write the docs from the saved results."""
    never_ran = [
        step for step in _STEPS if not all(load(step, one) for one in environments_of(step))
    ]
    if never_ran:
        raise SystemExit(f"There is nothing to report yet: {', '.join(never_ran)} never ran.")
    _DOCS.mkdir(exist_ok=True)
    draw(_DOCS / "benchmarks.svg")
    (_DOCS / "benchmarks.md").write_text(_page())
    for goal in goals.goals():
        verdict = "met   " if goal.met else "MISSED"
        print(f"{verdict}  {goal.name}: {goal.measured}  (goal: {goal.target})")
    print("\nThe tables and the picture are in docs/benchmarks.md and docs/benchmarks.svg.")


def _page() -> str:
    return f"""\
# Benchmarks

This package compared with other packages that do the same ("peers"): in one run, on one machine,
against the package's own sandbox (real TLS, real host names, a separate server process).
`make bench` sets everything up, runs all steps, and writes this page and the picture. If a step
was repeated later with `--only`, its newer numbers are here. Compare the ratios: seconds and
milliseconds depend on the machine.

{_machine()}

![The numbers below as bars and lines](benchmarks.svg)

Three words are used throughout:

- *Both planes* are account management (Resource Manager) and the file system.
- *Cold threads* ask for a token before anybody has signed in.
- A *token request* is a request to Entra ID's token endpoint.

## Goals

{tables.all_goals()}

{_missed()}

## Reading a valid token

What a program pays each time that it asks for a token that it already has. The baseline is
`holder.token; time.time()` in the same run: {tables.baseline()}. All calls are timed with
[pyperf](https://pyperf.readthedocs.io); the best of several processes counts.

In the column with 10 000 accounts, this package and the classes that stand for one account each
have 10 000 objects. msal, adal, azure-identity and `UserPassCredentials` have 10 000 accounts in
the one cache that they search.

azure-datalake-store's own credential creates a new session at each call. So it is compared with
our `signed_session()` without an argument. Only one version of azure-datalake-store can be
installed at a time, so each version has a separate environment, with a separate baseline.

{tables.reading()}

## Import

Whole processes, all modules in turn, the best of {_rounds()}. The time of the bare interpreter in
the same environment is subtracted.

{tables.imports()}

## Cold start

What a fresh process pays until it has its token: CPU time and peak resident memory beyond the bare
interpreter, and the requests that the server counted. All programs run in turn, and the medians
count. They are the functions of `benchmarks/cold_programs.py`.

{tables.cold()}

What stands in the way where a goal is missed, by `python -X importtime`:

- A first sign-in by msal loads msal and requests, as a program by hand does (about 85 ms here), and
  then about 11 ms of modules of ours: the checks of options, of the route, of the exchange and of
  the response. By adal the same, of which the shared connection saves a TLS handshake.
- `get_token` reads two clocks, since one may be set and the other stops while a laptop sleeps, and
  takes any keyword, as azure-core's protocol says. What is left is one function and two look-ups.
- Of `adls-enduser token` a third is the interpreter itself, and a third the standard library that
  every command line loads (typing, re, argparse, json).
- The documents that msal asks for before its first request are asked for once in a process, and
  the sign-in cache keeps them for a day beside the refresh token. So only a first sign-in without
  a cache asks for them, as msal by hand does.
- Of the memory of each further sign-in with a session, about 7 kB are the program's own session of
  requests. Of the rest 1.7 kB are the tokens themselves. A token for the file system also holds
  when each thread asked last (0.8 kB), so that a rejection is seen.

## At expiry

64 threads ask at the same moment. Every package gets the same, in real time: a first token of 3
seconds, which is over by any package's margin when the threads ask, and then tokens of an hour.
The table counts token requests at the server, and how long the slowest thread waited. Both depend
on the speed of the server. This server responds in milliseconds. Entra ID does not, and the waits
grow with it.

{tables.expiry("expired")}

azure-datalake-store 0.0.52 renews once, and has then lost its refresh token. 0.0.53 fails at its
first renewal. `AADTokenCredentials` renews only in a request, so its waits include a request to
Resource Manager.

When renewal is *due* but the token is still valid (7.7 of its 10 seconds are over), no thread
needs to wait. For the peers, whose margin is a fixed number of minutes, such a short token is
always in its last minutes.

{tables.expiry("due")}

## Prompts

A prompt is a device code that the server issued.

- Both planes: the program that each package's documents show for account management and the file
  system.
- Cold threads: 64 threads that all ask first, on one credential or context where the package has
  one.
- Next process: the same program runs a second time within the hour. This package uses a
  `SignInCache`, azure-identity a persistent cache and its `AuthenticationRecord`, msal a file. None
  of them is encrypted here.

{tables.prompts()}

## Memory

How much the process's resident memory grew by the import and the first sign-in, and how much
memory each further sign-in of an account holds, by Python's own count (tracemalloc).

{tables.memory()}

## Transfers

`ADLUploader`, then `ADLDownloader`, of {_size("transfers")} MB in 64 files, after one sign-in by
password for both. The bytes are compared by SHA-256.

A cell such as `1.01 (1.00), 0` has three numbers:

1. The throughput, relative to the tokens that never expire in the same round: the median of the
   rounds, in which the lifetimes took turns.
2. In parentheses, the same by the client's CPU time.
3. The greatest number of token requests during one transfer. The sign-in came before.

"all" is the geometric mean. The last column shows how exact the numbers are: no package can tell
a token of 3600 seconds from one that never expires, and its throughput was {_noise()}.

{tables.transfers()}

A transfer of this size ends before most of these tokens expire. The lifetimes of 101 and 301
seconds show something else: a token inside the SDKs' own margins (100 seconds in 0.0.x, 300 in
1.0.1) does not cause a request for each call. A token with a short lifetime is renewed in the
background when three quarters of the lifetime are over. So tokens of 5 seconds are requested every
3.75 seconds: in the long run there are a third more requests than lifetimes passed.

The same with the packages' own credentials, {_size("own")} MB and 8 threads, once each:
`lib.auth` of azure-datalake-store 0.0.x, and azure-identity's `UsernamePasswordCredential` with
1.0.1. A transfer that took longer than 100 seconds was stopped.

{tables.peers_transfers()}

These transfers last longer than their tokens: {_size("long")} MB, 8 threads, tokens of 5 seconds.

{tables.long_transfers()}

## Transfers on Gen2

azure-storage-file-datalake and adlfs upload and download a file of {_size("gen2")} MB, {_times()}
after one sign-in, in blocks of 4 MB, 4 at a time. The cells are as above, and the bytes are
compared by SHA-256.

{tables.gen2_transfers()}

The tokens of 5 seconds end in the middle: {_outlived()} transfers with them lasted longer than one,
and the storage account got up to {_most_tokens()} different tokens in one transfer. The tokens of
101 and 301 seconds do not end in it. They show something else: azure-core keeps a token until five
minutes before its end, so with less than that left it asks the credential before each request,
which is the hot path of `get_token_info`.

The same beside azure-identity's `UsernamePasswordCredential`, once each:

{tables.gen2_peers()}

## How to run it again

```text
make bench                                     # everything: about 45 minutes on two cores
.venv/bin/python -m benchmarks --fast          # less of everything: about six minutes
.venv/bin/python -m benchmarks --only imports  # repeat a step, keep the others
.venv/bin/python -m benchmarks --report        # write this page again
```

msal and azure-identity use only version 2.0 of Entra ID. The sandbox serves it as well as
version 1.0.
"""


def _machine() -> str:
    runs: list[Any] = [
        load_run(step, version) for step in _STEPS for version in environments_of(step)
    ]
    known = [run for run in runs if run]
    last = known[-1]
    day = max(run["day"] for run in known)
    quick = [step for step in _STEPS if any(_was_fast(step, one) for one in environments_of(step))]
    fast = f" Run with `--fast`, so with more noise: {', '.join(quick)}." if quick else ""
    return (
        f"Measured on {day}: {last['cores']} cores (virtual, shared with other users),"
        f" {last['system']}, CPython {last['python']}.{fast}"
    )


def _was_fast(step: str, version: str) -> bool:
    run = load_run(step, version)
    return bool(run and run["fast"])


def _missed() -> str:
    missed = [goal for goal in goals.goals() if not goal.met]
    if not missed:
        return "Every goal is met."
    lines = [f"- {goal.name}: {goal.measured} (goal: {goal.target})" for goal in missed]
    return "Missed in this run:\n\n" + "\n".join(lines)


def _noise() -> str:
    least, most = goals.noise()
    return f"{least:.2f} to {most:.2f}"


def _rounds() -> int:
    return 5 if _was_fast("imports", STORE_VERSIONS[0]) else 10


def _size(step: str) -> int:
    sizes = {"transfers": (256, 32), "own": (256, 32), "long": (1024, 64), "gen2": (256, 32)}
    full, fast = sizes[step]
    return fast if _was_fast(step, environments_of(step)[0]) else full


def _times() -> str:
    return "once" if _was_fast(GEN2, GEN2) else "twice"


def _outlived() -> str:
    short = [transfer for transfer in goals.gen2_transfers() if transfer["lifetime"] == 5]
    return f"{len(goals.outlived(short))} of {len(short)}"


def _most_tokens() -> int:
    return max(transfer["tokens"] for transfer in goals.gen2_transfers())


if __name__ == "__main__":
    main()
