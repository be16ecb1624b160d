"""Ray: the credential travels to a task, which goes on for longer than its tokens."""

from __future__ import annotations

import os
import time
from typing import Any

import fsspec
import ray

from adls_enduser.interop import fsspec_options, identity_endpoint

SECONDS = 28.0


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Write and read in a task, with an identity endpoint on the machine."""
    options = fsspec_options(credential, account)
    fsspec.filesystem("abfs", **options).mkdir(box)
    with identity_endpoint(credential) as environment:
        os.environ.update(environment)  # the workers are this process's children
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
        try:
            return ray.get(_task.remote(options, box))
        finally:
            ray.shutdown()


@ray.remote
def _task(options: dict[str, Any], box: str) -> dict[str, Any]:
    fs = fsspec.filesystem("abfs", **options)
    begun, rounds = time.monotonic(), 0
    while time.monotonic() < begun + SECONDS:
        fs.pipe(f"{box}/ray/{rounds}", b"%d" % rounds)
        assert fs.cat(f"{box}/ray/{rounds}") == b"%d" % rounds
        rounds += 1
        time.sleep(1.0)
    return {"files": len(fs.find(f"{box}/ray")) == rounds}
