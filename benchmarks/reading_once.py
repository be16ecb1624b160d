"""pyperf's script for ``reading``: the baseline and every peer, once around.

Runs in the surroundings that ``reading`` makes; what it times does no request.
"""

from __future__ import annotations

import functools
import warnings

import pyperf

from .peers import Ask, peers

ACCOUNTS = (1, 10_000)
BASELINE = "attribute and clock"
# What each question is asked with.
_NAMES = {
    "adls_enduser get_token": "scope",
    "adls_enduser signed_session(session)": "session",
    "adls_enduser get_token, by azure-datalake-store 1.0.1": "scope",
    "azure-identity DeviceCodeCredential.get_token": "scope",
    "adal acquire_token": "resource, user, client",
    "msrestazure UserPassCredentials.signed_session(session)": "session",
    "msrestazure AADTokenCredentials.signed_session(session)": "session",
}


@functools.cache
def ready(name: str, accounts: int) -> Ask:
    """Sign in, once a process."""
    warnings.simplefilter("ignore")
    ask = peers()[name](accounts - 1)
    ask()
    return ask


def main() -> None:
    """Measure the baseline and everybody."""
    runner = pyperf.Runner(program_args=("-m", "benchmarks.reading_once"))
    runner.timeit(
        BASELINE,
        "holder.token; time.time()",
        setup="import time, types; holder = types.SimpleNamespace(token='x')",
    )
    for name in peers():
        for accounts in ACCOUNTS:
            # Names of their own, so that nothing but the call itself is timed.
            names = _NAMES.get(name, "")
            setup = (
                f"from benchmarks.reading_once import ready; ask = ready({name!r}, {accounts});"
                f" call = ask.call; [{names}] = ask.arguments"
            )
            runner.timeit(f"{name} @{accounts}", f"call({names})", setup=setup)


if __name__ == "__main__":
    main()
