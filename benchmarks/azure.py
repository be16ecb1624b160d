"""The client's side of server.py: start the sandbox process and send it commands."""

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
    """``with Azure() as azure:`` -- the sandbox in another process, and a new home folder.

    The environment of this process points at the sandbox from then on.
    """

    def __enter__(self) -> Azure:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started = self._read()
        self._home = tempfile.TemporaryDirectory(prefix="adls-enduser-bench-")
        self.folder = self._home.name
        # Before azure.datalake.store is imported: it makes a folder in the home folder.
        self.environment = {**started["environment"], "HOME": self.folder}
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

    def set_token_lifetime(self, seconds: float) -> None:
        """Set the lifetime of new access tokens, and reset the counts."""
        self._send({"lifetime": seconds})

    def counts(self) -> dict[str, int]:
        """Return and reset the counts of ``tokens``, ``prompts`` and ``requests``.

        ``storage_tokens`` are the different tokens that the storage account got.
        """
        return self._send({})

    def _send(self, command: dict[str, object]) -> dict[str, int]:
        if self._server.stdin:
            self._server.stdin.write(json.dumps(command) + "\n")
            self._server.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        line = self._server.stdout.readline() if self._server.stdout else ""
        if not line:
            raise RuntimeError("The sandbox has ended.")
        reply: dict[str, Any] = json.loads(line)
        return reply
