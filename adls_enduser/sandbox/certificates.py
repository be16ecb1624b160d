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
    """Makes a server's TLS context for a host name, once."""

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="adls_enduser sandbox")
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    @property
    def pem(self) -> bytes:
        """Give the authority's certificate, for a client to trust."""
        return self._authority.cert_pem.bytes()

    @property
    def public_key_hash(self) -> str:
        """Give the SHA-256 of the authority's public key, in base64."""
        certificate = x509.load_pem_x509_certificate(self.pem)
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    def context(self, host: str) -> ssl.SSLContext:
        """Give a server's TLS context for a host name."""
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.set_alpn_protocols(["http/1.1"])
                issued = self._authority.issue_cert(host).private_key_and_cert_chain_pem
                # The authority's own certificate too, for a browser that knows only its key.
                with trustme.Blob(issued.bytes() + self.pem).tempfile() as path:
                    context.load_cert_chain(path)
                self._contexts[host] = context
            return self._contexts[host]
