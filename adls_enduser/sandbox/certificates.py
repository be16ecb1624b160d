"""TLS for any host name, from a throw-away certificate authority."""

from __future__ import annotations

import ssl
import threading

import trustme


class Certificates:
    """Makes a server's TLS context for a host name, once."""

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="adls_enduser sandbox")
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    @property
    def pem(self) -> bytes:
        """Give the authority's certificate, for a client to trust."""
        return self._authority.cert_pem.bytes()

    def context(self, host: str) -> ssl.SSLContext:
        """Give a server's TLS context for a host name."""
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.set_alpn_protocols(["http/1.1"])
                self._authority.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]
