"""pyperf's script for ``reading``: time the baseline and every peer, once.

Runs in the environment that ``reading`` prepares. The calls that it times send no request.
"""

from __future__ import annotations

import functools
import warnings

import pyperf

from .peers import TokenCall, peers

ACCOUNTS = (1, 10_000)
BASELINE = "attribute and clock"
# The names of each call's arguments.
_ARGUMENTS = {
    "adls_enduser get_token": "scope",
    "adls_enduser signed_session(session)": "session",
    "adls_enduser get_token, called by azure-datalake-store 1.0.1": "scope",
    "azure-identity DeviceCodeCredential.get_token": "scope",
    "adal acquire_token": "resource, user, client",
    "msrestazure UserPassCredentials.signed_session(session)": "session",
    "msrestazure AADTokenCredentials.signed_session(session)": "session",
}


@functools.cache
def signed_in(name: str, accounts: int) -> TokenCall:
    """Sign in, once for each process, and return the call to time."""
    warnings.simplefilter("ignore")
    get_token = peers()[name](accounts - 1)
    get_token()
    return get_token


def main() -> None:
    """Measure the baseline and every peer."""
    runner = pyperf.Runner(program_args=("-m", "benchmarks.reading_once"))
    runner.timeit(
        BASELINE,
        "holder.token; time.time()",
        setup="import time, types; holder = types.SimpleNamespace(token='x')",
    )
    for name in peers():
        for accounts in ACCOUNTS:
            # Local names for the arguments, so that nothing but the call itself is timed.
            names = _ARGUMENTS.get(name, "")
            setup = (
                "from benchmarks.reading_once import signed_in;"
                f" token_call = signed_in({name!r}, {accounts});"
                f" function = token_call.function; [{names}] = token_call.arguments"
            )
            runner.timeit(f"{name} @{accounts}", f"function({names})", setup=setup)


if __name__ == "__main__":
    main()
