"""The client's side of server.py: start it, point this process at it, give it orders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

TENANT = "contoso.onmicrosoft.com"
ADA, PASSWORD = f"ada@{TENANT}", "ada-password"
STORE = "mystore"
MANAGEMENT = "https://management.core.windows.net/"
DATA_LAKE = "https://datalake.azure.net/"
CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


class Azure:
    """``with Azure() as azure:`` -- the sandbox in another process, and a home of its own."""

    def __enter__(self) -> Azure:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        told = self._read()
        self._home = tempfile.TemporaryDirectory(prefix="adls-enduser-bench-")
        self.folder = self._home.name
        # Before azure.datalake.store is imported: it makes a folder in the home folder.
        self.environment = {**told["environment"], "HOME": self.folder}
        os.environ.update(self.environment)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server.stdin:
            self._server.stdin.close()
        self._server.wait(timeout=30)
        self._home.cleanup()

    def lifetime(self, seconds: float) -> None:
        """Let access tokens live so long from now on, and start to count anew."""
        self._order({"lifetime": seconds})

    def counts(self) -> dict[str, int]:
        """Give ``tokens``, ``prompts`` and ``requests`` since the last order."""
        return self._order({})

    def _order(self, order: dict[str, object]) -> dict[str, int]:
        if self._server.stdin:
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        line = self._server.stdout.readline() if self._server.stdout else ""
        if not line:
            raise RuntimeError("The sandbox has ended.")
        answer: dict[str, Any] = json.loads(line)
        return answer
