"""Sandbox: everything wired together, and the surroundings a client needs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .certificates import Certificates
from .entra import Entra
from .faults import Faults
from .proxy import Wire
from .request_log import RequestLog
from .resource_manager import ResourceManager
from .state import World
from .store import Stores

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import TracebackType

    from .clock import SandboxClock

_PROXY = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
_BUNDLE = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
_DIRECT = ("NO_PROXY", "no_proxy")


class Sandbox:
    """Azure on loopback, under its real host names: ``with Sandbox() as azure:``.

    While it runs, ``os.environ`` (or the mapping given as ``environ``; None for none)
    points every client in this process, and in processes started from it, at the
    sandbox: a proxy and a CA bundle, nothing else. ``environment`` holds the same
    variables for a process of your own. ``folder`` is where the stores keep the bytes of
    their files (default: a temporary folder that is removed at the end; names are kept in
    memory, so a second sandbox begins empty); ``port`` is the proxy's (0: any free one).
    It binds to 127.0.0.1 and nowhere else.
    """

    def __init__(
        self,
        *,
        clock: SandboxClock | None = None,
        folder: str | os.PathLike[str] | None = None,
        environ: MutableMapping[str, str] | None = os.environ,
        port: int = 0,
    ) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="adls-enduser-sandbox-")
        self._environ = environ
        self._saved: dict[str, str | None] = {}
        scratch = Path(self._scratch.name)
        self.world = World(clock) if clock else World()
        self.clock = self.world.clock
        self.faults = Faults()
        self.log = RequestLog()
        self.entra = Entra(self.world)
        self.stores = Stores(self.world, Path(folder) if folder else scratch / "stores")
        self.resource_manager = ResourceManager(self.world, self.stores)
        certificates = self._certificates = Certificates()
        self.ca_bundle = scratch / "ca.pem"
        self.ca_bundle.write_bytes(certificates.pem)
        self._wire = Wire(
            [self.entra, self.resource_manager, self.stores],
            page=self.entra.page,
            certificates=certificates,
            faults=self.faults,
            log=self.log,
            clock=self.clock,
            port=port,
        )
        self.entra.public_url = self.url

    @property
    def url(self) -> str:
        """Where the proxy, and the page for the person, listen."""
        return f"http://localhost:{self._wire.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point a client at the sandbox."""
        proxy = f"http://127.0.0.1:{self._wire.port}"
        return (
            dict.fromkeys(_PROXY, proxy)
            | dict.fromkeys(_BUNDLE, str(self.ca_bundle))
            | dict.fromkeys(_DIRECT, "localhost,127.0.0.1,::1")
        )

    @property
    def browser_arguments(self) -> tuple[str, ...]:
        """What Chromium is to be started with, to find the sandbox under Azure's names.

        It heeds no CA bundle: the one certificate authority it is to trust besides its own is
        named by the hash of its key, for this start alone. Chromium wants a
        ``--user-data-dir`` of its own with that. Loopback is reached directly.
        """
        return (
            f"--proxy-server=http://127.0.0.1:{self._wire.port}",
            f"--ignore-certificate-errors-spki-list={self._certificates.public_key_hash}",
        )

    def start(self) -> Sandbox:
        """Begin to answer, and point ``environ`` here."""
        self._wire.start()
        if self._environ is not None:
            self._saved = {name: self._environ.get(name) for name in self.environment}
            self._environ.update(self.environment)
        return self

    def stop(self) -> None:
        """Close everything, and put ``environ`` back as it was.

        Raises RuntimeError if a service of the sandbox itself had failed.
        """
        self._restore()
        self._wire.stop()
        self._scratch.cleanup()
        if self._wire.crashes:
            raise RuntimeError("The sandbox has a bug:\n" + "\n".join(self._wire.crashes))

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
