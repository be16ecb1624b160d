"""The Sandbox class: the services, the proxy in front of them, and a client's environment."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .certificates import Certificates
from .entra import Entra
from .faults import Faults
from .gen2 import Storage
from .proxy import Proxy
from .request_log import RequestLog
from .resource_manager import ResourceManager
from .state import State
from .store import Stores

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import TracebackType

    from .clock import SandboxClock
    from .http import Service

_PROXY: tuple[str, ...] = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
_CA_BUNDLE: tuple[str, ...] = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
)
_NO_PROXY: tuple[str, ...] = ("NO_PROXY", "no_proxy")


class Sandbox:
    """Azure on loopback, under its real host names: ``with Sandbox() as azure:``.

    While it runs, ``os.environ`` (or the mapping given as ``environ``; None for none)
    points every client in this process, and in processes started from it, at the
    sandbox: a proxy and a CA bundle, nothing else. ``environment`` holds the same
    variables for a process that you start yourself. ``folder`` is where the stores keep the
    bytes of their files (default: a temporary folder that is removed at the end; names are
    kept in memory, so a second sandbox begins empty); ``port`` is the proxy's (0: any free
    one). It binds to 127.0.0.1 and nowhere else.
    """

    def __init__(
        self,
        *,
        clock: SandboxClock | None = None,
        folder: str | os.PathLike[str] | None = None,
        environ: MutableMapping[str, str] | None = os.environ,
        port: int = 0,
    ) -> None:
        self._temporary_folder = tempfile.TemporaryDirectory(prefix="adls-enduser-sandbox-")
        temporary = Path(self._temporary_folder.name)
        self._environ = environ
        self._saved: dict[str, str | None] = {}
        self.world = State(clock) if clock else State()
        self.clock = self.world.clock
        self.faults = Faults()
        self.log = RequestLog()
        self.entra = Entra(self.world)
        self.stores = Stores(self.world, Path(folder) if folder else temporary / "stores")
        self.storage = Storage(self.world, Path(folder) if folder else temporary / "storage")
        self.resource_manager = ResourceManager(self.world, self.stores, self.storage)
        self._certificates = Certificates()
        self.ca_bundle = temporary / "ca.pem"
        self.ca_bundle.write_bytes(self._certificates.pem)
        self._proxy = self._new_proxy(port)
        self.entra.public_url = self.url

    def _new_proxy(self, port: int) -> Proxy:
        return Proxy(
            [self.entra, self.resource_manager, self.stores, self.storage],
            page=self.entra.page,
            accounts=[self.stores, self.storage],
            certificates=self._certificates,
            faults=self.faults,
            log=self.log,
            clock=self.clock,
            port=port,
        )

    def add_service(self, service: Service) -> None:
        """Let a service of your own respond for its hosts; it is asked before the sandbox's."""
        self._proxy.services.insert(0, service)

    @property
    def url(self) -> str:
        """Return the address of the proxy, which also serves the device login page."""
        return f"http://localhost:{self._proxy.port}"

    @property
    def largest_body(self) -> int:
        """Return the size of the largest request body that is kept; a larger one gets a 413."""
        return self._proxy.largest_body

    @largest_body.setter
    def largest_body(self, size: int) -> None:
        self._proxy.largest_body = size

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables that point a client at the sandbox."""
        proxy = f"http://127.0.0.1:{self._proxy.port}"
        return (
            dict.fromkeys(_PROXY, proxy)
            | dict.fromkeys(_CA_BUNDLE, str(self.ca_bundle))
            | dict.fromkeys(_NO_PROXY, "localhost,127.0.0.1,::1")
        )

    @property
    def browser_arguments(self) -> tuple[str, ...]:
        """Return the arguments with which Chromium finds the sandbox under Azure's host names.

        Chromium does not read a CA bundle. So the sandbox's certificate authority is named by
        the hash of its key, for this start only; Chromium then wants a separate
        ``--user-data-dir``. Loopback addresses are reached directly.
        """
        return (
            f"--proxy-server=http://127.0.0.1:{self._proxy.port}",
            f"--ignore-certificate-errors-spki-list={self._certificates.public_key_hash}",
        )

    def start(self) -> Sandbox:
        """Start to serve requests, and point ``environ`` at the sandbox."""
        self._proxy.start()
        if self._environ is not None:
            self._saved = {name: self._environ.get(name) for name in self.environment}
            self._environ.update(self.environment)
        return self

    def stop(self) -> None:
        """Close everything, and restore ``environ``.

        Raises RuntimeError if a service of the sandbox itself had failed.
        """
        self._restore()
        self._proxy.stop()
        self._temporary_folder.cleanup()
        if self._proxy.crashes:
            raise RuntimeError("The sandbox has a bug:\n" + "\n".join(self._proxy.crashes))

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _restore(self) -> None:
        if self._environ is None:
            return
        for name, value in self._saved.items():
            if value is None:
                self._environ.pop(name, None)
            else:
                self._environ[name] = value
