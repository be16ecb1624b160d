"""Whether anything left this machine: asked of Python itself, not of the sandbox."""

from __future__ import annotations

import sys

_LOOPBACK = ("127.", "::1", "localhost")


class Connections:
    """Notes where this process connects to or asks the way to, from now on.

    By audit events, which every socket of Python raises and nobody can take back
    (CPython's documentation, "Audit events table").
    """

    def __init__(self) -> None:
        self.hosts: set[str] = set()
        sys.addaudithook(self._hear)

    @property
    def elsewhere(self) -> set[str]:
        """The hosts that are not this machine."""
        return {host for host in self.hosts if not host.startswith(_LOOPBACK)}

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.sendto"):
            address = arguments[1]
            if isinstance(address, tuple):  # a str is the path of a local socket
                self.hosts.add(str(address[0]))
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self.hosts.add(str(arguments[0]))
