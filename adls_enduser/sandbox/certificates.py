"""TLS for any host name, from a throw-away certificate authority."""

from __future__ import annotations

import base64
import hashlib
import ssl
import threading

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Certificates:
    """Issues a server certificate, and its TLS context, for each host name once."""

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="adls_enduser sandbox")
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    @property
    def pem(self) -> bytes:
        """Return the authority's certificate, for a client to trust."""
        return self._authority.cert_pem.bytes()

    @property
    def public_key_hash(self) -> str:
        """Return the SHA-256 of the authority's public key, in base64."""
        certificate = x509.load_pem_x509_certificate(self.pem)
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    def tls_context(self, host: str) -> ssl.SSLContext:
        """Return a server's TLS context for a host name."""
        with self._lock:
            if host not in self._contexts:
                tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                tls_context.set_alpn_protocols(["http/1.1"])
                issued = self._authority.issue_cert(host).private_key_and_cert_chain_pem
                # The authority's own certificate too, for a browser that knows only its key.
                with trustme.Blob(issued.bytes() + self.pem).tempfile() as path:
                    tls_context.load_cert_chain(path)
                self._contexts[host] = tls_context
            return self._contexts[host]
