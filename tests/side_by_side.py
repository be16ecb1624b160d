"""Run sessions of nox side by side: ``python tests/side_by_side.py NOX SESSION ...``.

A run of the tests waits about as long as it works, so several runs at once use the cores
better than one run with several workers, and each collects the tests and starts what they
share but once. The output of a session is shown when it ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed

AT_ONCE = 3 * (os.cpu_count() or 1)


def main(nox: str, *names: str) -> int:
    """Run all sessions that have these names, and return how many failed."""
    listed = subprocess.check_output([nox, "--list", "--json", "--session", *names])
    sessions = [one["session"] for one in json.loads(listed)]
    failed = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for running in as_completed(pool.submit(run, nox, one) for one in sessions):
            done = running.result()
            failed += done.returncode != 0
            print(done.stdout, flush=True)  # noqa: T201
    return failed


def run(nox: str, session: str) -> subprocess.CompletedProcess[str]:
    """Run one session."""
    return subprocess.run(
        [nox, "--session", session],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
