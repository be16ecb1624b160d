"""A monitor of this process's connections, independent of the sandbox."""

from __future__ import annotations

import sys

_LOOPBACK = ("127.", "::1", "localhost")


class ConnectionMonitor:
    """Records every host that this process connects to or resolves, from now on.

    It uses audit events, which every socket of Python raises and which cannot be removed
    (CPython's documentation, "Audit events table").
    """

    def __init__(self) -> None:
        self.hosts: set[str] = set()
        sys.addaudithook(self._record)

    @property
    def other_hosts(self) -> set[str]:
        """Return the hosts that are not this machine."""
        return {host for host in self.hosts if not host.startswith(_LOOPBACK)}

    def _record(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.sendto"):
            address = arguments[1]
            if isinstance(address, tuple):  # a str is the path of a local socket
                self.hosts.add(str(address[0]))
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self.hosts.add(str(arguments[0]))
