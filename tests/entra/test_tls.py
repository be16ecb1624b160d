"""Certificates: OpenSSL's reason, the remedy that fits it, and bundles that hold none."""

from __future__ import annotations

import datetime
import os
import re
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adls_enduser import (
    ConfigurationError,
    Password,
    TransportError,
    cloud_from_metadata,
    management_credentials,
)
from adls_enduser.entra.http import Http
from adls_enduser.options import settings
from adls_enduser.sandbox import CONTOSO

from ..conftest import PASSWORD
from ..constants import MANAGEMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adls_enduser.sandbox import Person, Sandbox

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@contextmanager
def _server(context: ssl.SSLContext) -> Iterator[int]:
    """Serve TLS on loopback, and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with (
                        suppress(OSError),
                        connection,
                        context.wrap_socket(connection, server_side=True) as tls,
                    ):
                        tls.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")  # so that it can have a weak key
    return context


def _issued(authority: trustme.CA, *names: str, **dates: datetime.datetime) -> ssl.SSLContext:
    context = _context()
    authority.issue_cert(*(names or ("127.0.0.1",)), **dates).configure_cert(context)
    return context


def _self_signed(folder: Path, bits: int = 2048) -> ssl.SSLContext:
    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, NOW - DAY, NOW + DAY)
    certificate = builder.sign(key, hashes.SHA256())
    path = folder / "own.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = _context()
    context.load_cert_chain(path)
    return context


# What is wrong, what the message says of it, and a part of the remedy.
CASES = {
    "expired": ("certificate has expired", r"Ask .* to renew it, and replace .* clock is wrong"),
    "not yet valid": ("certificate is not yet valid", r"clock is wrong \(it shows \d{4}-"),
    "other name": ("mismatch", "Check the address"),
    "unknown issuer": ("unable to get local issuer", "do not include its issuer"),
    "self-signed": ("self.signed certificate", "do not include its issuer"),
    "self-signed in the chain": ("self.signed certificate in certificate chain", "do not include"),
    "weak key": ("key too weak|self.signed", "2048 bits|do not include"),
    "weak authority": ("CA certificate key too weak", "2048 bits"),
}


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """An authority whose certificate is in the file ``ca.pem``."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return authority


def _server_of(case: str, authority: trustme.CA, folder: Path) -> ssl.SSLContext:
    if case == "expired":
        return _issued(authority, not_after=NOW - DAY)
    if case == "not yet valid":
        return _issued(authority, not_before=NOW + DAY, not_after=NOW + 2 * DAY)
    if case == "other name":
        return _issued(authority, "login.example.com")
    if case == "unknown issuer":
        return _issued(trustme.CA())
    if case == "self-signed":
        return _self_signed(folder)
    if case == "self-signed in the chain":
        other = trustme.CA()
        context, issued = _context(), other.issue_cert("127.0.0.1")
        with trustme.Blob(
            issued.private_key_and_cert_chain_pem.bytes() + other.cert_pem.bytes()
        ).tempfile() as path:
            context.load_cert_chain(path)
        return context
    return _weak(folder, of_authority=case == "weak authority")


def _weak(folder: Path, *, of_authority: bool) -> ssl.SSLContext:
    """Serve a certificate whose key, or whose authority's key, has 1024 bits; both are known."""
    sizes = (1024, 2048) if of_authority else (2048, 1024)
    keys = [rsa.generate_private_key(65537, bits) for bits in sizes]
    names = [
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in ("ca", "own")
    ]
    certificates = []
    for number, (name, key) in enumerate(zip(names, keys, strict=True)):
        builder = x509.CertificateBuilder(
            names[0], name, key.public_key(), number + 1, NOW - DAY, NOW + DAY
        )
        builder = builder.add_extension(x509.BasicConstraints(number == 0, None), critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(keys[0].public_key())
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        ).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        if number == 0:
            usage = x509.KeyUsage(*(one in (5, 6) for one in range(9)))
            builder = builder.add_extension(usage, critical=True)
        certificates.append(builder.sign(keys[0], hashes.SHA256()))
    pems = [one.public_bytes(serialization.Encoding.PEM) for one in certificates]
    (folder / "ca.pem").write_bytes(pems[0])
    key_pem = keys[1].private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "own.pem").write_bytes(key_pem + pems[1])
    context = _context()
    context.load_cert_chain(folder / "own.pem")
    return context


class TestReason:
    """A certificate that is refused: OpenSSL's reason, and what to do about that one."""

    @pytest.mark.parametrize("case", CASES)
    @pytest.mark.parametrize("where", ["ca_bundle", *CA_VARIABLES])
    def test_it_is_carried(
        self,
        case: str,
        where: str,
        authority: trustme.CA,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The remedy never is to name a bundle, because one was named."""
        reason, remedy = CASES[case]
        context = _server_of(case, authority, tmp_path)
        options: Any = {"request_timeout": 10}
        if where == "ca_bundle":
            options["ca_bundle"] = tmp_path / "ca.pem"
        else:
            monkeypatch.setenv(where, str(tmp_path / "ca.pem"))
        with (
            _server(context) as port,
            pytest.raises(TransportError, match=f"OpenSSL: .*(?:{reason})") as caught,
        ):
            Http(settings(options)).get(f"https://127.0.0.1:{port}/", {})
        assert type(caught.value) is TransportError
        told = caught.value.remedy
        assert re.search(remedy, told)
        assert "give its certificate as" not in told
        assert ("clock" in told) == (case in ("expired", "not yet valid"))
        if "issuer" in told:
            assert where in told

    def test_without_a_bundle_the_remedy_names_one(self, authority: trustme.CA) -> None:
        """For an issuer that is not known."""
        with (
            _server(_issued(authority)) as port,
            pytest.raises(TransportError, match=r"as ca_bundle= or .* REQUESTS_CA_BUNDLE"),
        ):
            Http(settings({})).get(f"https://127.0.0.1:{port}/", {})

    def test_of_the_proxy(self, authority: trustme.CA, tmp_path: Path) -> None:
        """The certificate of a proxy that is reached by TLS is told from the host's."""
        with _server(_issued(authority, not_after=NOW - DAY)) as port:
            http = Http(
                settings(
                    {
                        "proxies": {"https": f"https://127.0.0.1:{port}"},
                        "ca_bundle": tmp_path / "ca.pem",
                    }
                )
            )
            with pytest.raises(TransportError, match="certificate of the proxy on the way to"):
                http.get("https://login.microsoftonline.com/", {})


def _der(certificate: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.decode())


def _revocation_list(certificate: bytes) -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.load_pem_x509_certificate(certificate).subject
    builder = x509.CertificateRevocationListBuilder(name, NOW - DAY, NOW + DAY)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


NO_CERTIFICATES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda certificate: b"",
    "text": lambda certificate: b"hello\n",
    "der": _der,
    "utf-16": lambda certificate: certificate.decode().encode("utf-16"),
    "cut off": lambda certificate: certificate[:300],
    "damaged": lambda certificate: certificate.replace(b"M", b"?", 1),
    "one damaged": lambda certificate: certificate + certificate.replace(b"M", b"?", 1),
    "a page": lambda certificate: b"<!DOCTYPE html><title>Log in</title>",
    "a key": lambda certificate: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "revocations": _revocation_list,
}
CERTIFICATES: dict[str, Callable[[bytes], bytes]] = {
    "one": lambda certificate: certificate,
    "twice": lambda certificate: certificate * 2,
    "CRLF": lambda certificate: certificate.replace(b"\n", b"\r\n"),
    "comments": lambda certificate: b"# ours\n\n" + certificate + b"# end\n",
}


class TestBundle:
    """A file or folder without a certificate is refused before any network."""

    @pytest.mark.parametrize("kind", NO_CERTIFICATES)
    @pytest.mark.parametrize("where", ["ca_bundle", *CA_VARIABLES])
    def test_a_file_without_one(
        self,
        azure: Sandbox,
        library: Any,
        kind: str,
        where: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The error names the option or the variable, and the file."""
        path = tmp_path / "bundle.pem"
        path.write_bytes(NO_CERTIFICATES[kind](azure.ca_bundle.read_bytes()))
        self._refused(azure, where, path, library, monkeypatch)

    @pytest.mark.parametrize("where", ["ca_bundle", *CA_VARIABLES])
    def test_what_is_no_file(
        self, azure: Sandbox, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A folder without hashed names, a pipe, a device, and what is not there."""
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "ca.pem").write_bytes(azure.ca_bundle.read_bytes())
        os.mkfifo(tmp_path / "pipe")
        paths = (tmp_path / "folder", tmp_path / "pipe", tmp_path / "none", Path(os.devnull))
        for path in paths:
            self._refused(azure, where, path, "adal", monkeypatch)

    def _refused(
        self,
        azure: Sandbox,
        where: str,
        path: Path,
        library: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        options: Any = {"library": library}
        if where == "ca_bundle":
            options["ca_bundle"] = path
        else:
            for name in CA_VARIABLES:
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv(where, str(path))
        with pytest.raises(ConfigurationError, match=f"{where}='{path}'") as caught:
            management_credentials(
                "password", username=f"ada@{CONTOSO}", password=PASSWORD, tenant=CONTOSO, **options
            )
        assert caught.value.remedy
        with pytest.raises(ConfigurationError, match=where):
            cloud_from_metadata("https://management.azure.com", ca_bundle=options.get("ca_bundle"))
        assert len(azure.log) == 0

    @pytest.mark.parametrize("kind", CERTIFICATES)
    @pytest.mark.parametrize("where", ["ca_bundle", *CA_VARIABLES])
    def test_a_file_with_one(
        self,
        azure: Sandbox,
        ada: Person,
        kind: str,
        where: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Whatever stands around it."""
        path = tmp_path / "bundle.pem"
        path.write_bytes(CERTIFICATES[kind](azure.ca_bundle.read_bytes()))
        self._serves(azure, ada, where, path, monkeypatch)

    @pytest.mark.parametrize("where", ["ca_bundle", *CA_VARIABLES])
    def test_a_folder_with_one(
        self,
        azure: Sandbox,
        ada: Person,
        where: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """By the name that OpenSSL looks for."""
        command = ["openssl", "x509", "-noout", "-hash", "-in", str(azure.ca_bundle)]
        try:
            name = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except FileNotFoundError:
            pytest.skip("there is no openssl")
        (tmp_path / f"{name.strip()}.0").write_bytes(azure.ca_bundle.read_bytes())
        self._serves(azure, ada, where, tmp_path, monkeypatch)

    def _serves(
        self, azure: Sandbox, ada: Person, where: str, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in CA_VARIABLES:
            monkeypatch.delenv(name, raising=False)
        if where != "ca_bundle":
            monkeypatch.setenv(where, str(path))
        strategy = Password(
            username=ada.username,
            password=PASSWORD,
            tenant=CONTOSO,
            clock=azure.clock,
            ca_bundle=path if where == "ca_bundle" else None,
        )
        assert strategy.silent(MANAGEMENT)

    def test_a_file_that_is_repaired_serves(
        self, azure: Sandbox, ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The next call reads it again, and finds out if it is damaged later."""
        path = tmp_path / "bundle.pem"
        path.write_text("")
        for name in CA_VARIABLES:
            monkeypatch.setenv(name, str(path))
        options: Any = {"username": ada.username, "password": PASSWORD, "clock": azure.clock}
        strategy = Password(tenant=CONTOSO, **options)
        with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE"):
            strategy.silent(MANAGEMENT)
        path.write_bytes(azure.ca_bundle.read_bytes())
        assert strategy.silent(MANAGEMENT)
        path.write_text("<html>")
        with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE"):
            strategy.silent("https://datalake.azure.net/")
