"""A storage account, the person who signs in to it, and a record of what was said to it."""

from __future__ import annotations

import ast
import itertools
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adls_enduser.sandbox import CONTOSO

from ...conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import Sandbox
    from adls_enduser.sandbox.http import Request, Response, Service

# The accounts: Azurite's, and the sandbox's.
AZURITE, SANDBOX = "azuritelake", "mylake"
ROOT = Path(__file__).parents[3]
SECONDS = 120.0
_numbers = itertools.count()


@dataclass
class Exchange:
    """One request, and what the service responded."""

    request: Request
    response: Response


class Recorder:
    """A service that hands one account's requests on to another, and keeps what was said.

    It waits ``seconds`` before each response, and calls ``before`` with the number of each request.
    """

    def __init__(self, service: Service, account: str) -> None:
        self.seconds = 0.0
        self._service = service
        self._account = account
        self._lock = threading.Lock()
        self.restart()

    def restart(self, before: Callable[[int], None] | None = None) -> None:
        """Forget what was said, and count requests from 1."""
        self.exchanges: list[Exchange] = []
        self._before = before
        self._numbers = itertools.count(1)

    def serves(self, host: str) -> bool:
        """Tell whether a host is the account's, and served by the service behind it."""
        return host.startswith(f"{self._account}.") and self._service.serves(host)

    def respond(self, request: Request) -> Response:
        """Respond as the service behind it does."""
        number = next(self._numbers)
        if self._before is not None:
            self._before(number)
        response = self._service.respond(request)
        time.sleep(self.seconds)
        with self._lock:
            self.exchanges.append(Exchange(request, response))
        return response

    def tokens(self) -> set[str]:
        """Return the tokens that were sent."""
        sent = {one.request.headers.get("Authorization", "") for one in self.exchanges}
        return {header for header in sent if header}


class Lake:
    """An account with a service behind it; the sandbox is its Entra ID in any case."""

    def __init__(
        self, azure: Sandbox, service: Service, *, box: str = "", account: str = SANDBOX
    ) -> None:
        self.azure = azure
        self.account = account
        self.box = box or f"box-{next(_numbers)}"
        self.recorder = Recorder(service, self.account)
        azure.add_service(self.recorder)
        self.person = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)

    def outsider(self) -> str:
        """Return the name of a person who has no access."""
        return self.azure.entra.person(f"bob@{CONTOSO}", password=PASSWORD, role=None).username

    def again(self) -> Lake:
        """Begin a new container and a new record."""
        self.box = f"box-{next(_numbers)}"
        self.recorder.restart()
        return self

    def run(self, program: str, *, username: str = "", **environ: str) -> dict[str, Any]:
        """Run a program in a process of its own, and return what it saw."""
        words = (program, self.account, self.box, username or self.person.username)
        plain = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        done = subprocess.run(
            [sys.executable, "-m", f"{__package__}.run", *words],
            env=plain | {"HOME": os.environ["HOME"]} | self.azure.environment | environ,
            input=PASSWORD,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr
        sys.stderr.write(done.stderr)  # pytest shows it if the test fails
        seen: dict[str, Any] = ast.literal_eval(done.stdout.splitlines()[-1])
        return seen
