"""The sandbox in a separate process, so that it shares no interpreter lock with a client.

Reads one JSON object a line from standard input, and writes one JSON object a line to
standard output in return. The first line that it writes is the environment that points a
client at the sandbox.
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
        azure.storage.create("mylake", "box")
        _write({"environment": azure.environment})
        for line in sys.stdin:
            _write(_handle(azure, json.loads(line)))


def _handle(azure: Sandbox, command: dict[str, Any]) -> dict[str, int]:
    """Set the lifetime of tokens, then count the requests since the last command."""
    if "lifetime" in command:
        azure.entra.token_lifetime = command["lifetime"]
    lake = [one.request for one in azure.log if one.host.startswith("mylake.") and one.request]
    paths = [(exchange.method, exchange.path.lower()) for exchange in azure.log]
    azure.log.clear()
    return {
        "tokens": sum(path.endswith("/token") for _, path in paths),
        "prompts": sum(path.endswith("/devicecode") for _, path in paths),
        "requests": len(paths),
        "storage_tokens": len({request.headers.get("Authorization") for request in lake}),
    }


def _write(reply: object) -> None:
    print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
