"""The sandbox in a process of its own, so that it shares no interpreter lock with a client.

Takes one JSON object a line on standard input and answers each with one on standard
output; the first line it writes is the environment that points a client at it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from adls_enduser.sandbox import CONTOSO, Sandbox

ADA, PASSWORD = f"ada@{CONTOSO}", "ada-password"


def main() -> None:
    """Serve until standard input ends."""
    with Sandbox(environ=None) as azure:
        azure.entra.person(ADA, password=PASSWORD, approves_device_codes=True)
        azure.entra.device_code_interval = 1.0
        _say({"environment": azure.environment})
        for line in sys.stdin:
            _say(_obey(azure, json.loads(line)))


def _obey(azure: Sandbox, order: dict[str, Any]) -> dict[str, int]:
    """Set the lifetime of tokens, then count what was asked since the last order."""
    if "lifetime" in order:
        azure.entra.token_lifetime = order["lifetime"]
    paths = [(one.method, one.path.lower()) for one in azure.log]
    azure.log.clear()
    return {
        "tokens": sum(path.endswith("/token") for _, path in paths),
        "prompts": sum(path.endswith("/devicecode") for _, path in paths),
        "requests": len(paths),
    }


def _say(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
