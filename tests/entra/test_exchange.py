"""One request and its response: bounded in time and in size, and each failure has its kind."""

from __future__ import annotations

import datetime
import gzip
import json
import socket
import ssl
import struct
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as some

from adls_enduser import (
    EndUserError,
    Password,
    ProtocolError,
    TransportError,
    cloud_from_metadata,
)
from adls_enduser.entra.addresses import UNREADABLE_HOST, host_of, parse_page_url
from adls_enduser.entra.exchange import MAX_BODY
from adls_enduser.entra.http import Http
from adls_enduser.options import Settings
from adls_enduser.sandbox import CONTOSO, Answer, Endless, Gzip, Informational

from ..conftest import PASSWORD
from ..constants import MANAGEMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox

URL = "https://login.microsoftonline.com/common/discovery/instance"


class Peer:
    """A server on loopback that treats each connection as it is told."""

    def __init__(self, treat: Callable[[socket.socket], None]) -> None:
        self._treat = treat
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}/"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(10)
                    self._treat(connection)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(15)


@contextmanager
def peer(treat: Callable[[socket.socket], None]) -> Iterator[Peer]:
    """Run a Peer."""
    server = Peer(treat)
    try:
        yield server
    finally:
        server.close()


def drip(connection: socket.socket, forever: bytes = b"x") -> None:
    """Send one byte after another until the client goes."""
    while True:
        connection.sendall(forever)
        time.sleep(0.02)


def _http(**options: Any) -> Http:
    return Http(Settings(**{"request_timeout": 0.5} | options))


def _through(proxy: Peer) -> Http:
    return _http(proxies={"https": f"http://127.0.0.1:{proxy.port}"})


def _wait_for_threads() -> None:
    """Fail unless the threads of requests end soon after their requests."""
    for thread in threading.enumerate():
        if thread.name == "adls_enduser-request":
            thread.join(5)
            assert not thread.is_alive()


# ssl.py, SSLSocket._create, leaves a socket to the collector that was reset before a handshake.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestTime:
    """A request ends at its deadline, whatever the other side sends."""

    def test_a_proxy_whose_own_response_drips(self) -> None:
        """The response to CONNECT comes before there is any TLS."""

        def treat(connection: socket.socket) -> None:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 ")
            drip(connection)

        with peer(treat) as proxy:
            began = time.monotonic()
            with pytest.raises(TransportError, match="did not respond in time"):
                _through(proxy).get(URL, {})
            assert time.monotonic() - began < 3
            _wait_for_threads()

    def test_a_handshake_that_drips(self) -> None:
        """One TLS record of 16 kB, a byte at a time."""

        def treat(connection: socket.socket) -> None:
            connection.recv(4096)
            connection.sendall(b"\x16\x03\x03\x40\x00")
            drip(connection, b"\x02")

        with peer(treat) as server:
            began = time.monotonic()
            with pytest.raises(TransportError, match="timed out"):
                _http().get(server.url, {})
            assert time.monotonic() - began < 3
            _wait_for_threads()

    def test_nothing_is_sent_after_the_deadline(self) -> None:
        """A proxy that opens its tunnel too late gets no password through it."""
        received: list[bytes] = []

        def treat(connection: socket.socket) -> None:
            connection.recv(4096)
            time.sleep(1.2)
            with suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            received.append(connection.recv(4096))

        with peer(treat) as proxy:
            with pytest.raises(TransportError, match="timed out"):
                _through(proxy).get(URL, {})
            _wait_for_threads()
        assert received == [b""]

    @pytest.mark.parametrize("status", [102, 103])
    def test_interim_responses_are_no_response(self, azure: Sandbox, status: int) -> None:
        """http.client skips a 100 only, and takes any other for the final response."""
        azure.faults.add(Informational(status), times=3)
        with pytest.raises(TransportError):
            _http().get(URL, {})

    @pytest.mark.parametrize("stack", [0, 2**45], ids=["at exit", "without a thread"])
    def test_a_program_that_can_start_no_thread_can_send(
        self, azure: Sandbox, ada: Person, stack: int
    ) -> None:
        """No system gives a thread a stack of 32 TB; the request is sent all the same."""
        program = f"""
            import atexit, threading
            from adls_enduser import Password

            strategy = Password(username={ada.username!r}, password={PASSWORD!r},
                                tenant={CONTOSO!r})
            threading.stack_size({stack})
            atexit.register(lambda: print(strategy.silent({MANAGEMENT!r}) is not None))
        """
        command = [sys.executable, "-c", textwrap.dedent(program)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == "True\n", done.stderr


class TestSize:
    """A response has at most 1 MB, and what it costs to find that out is bounded."""

    @pytest.mark.parametrize("fault", [Gzip(), Endless()], ids=["gzip", "endless"])
    def test_memory_is_bounded(self, azure: Sandbox, fault: Any) -> None:
        """50 MB of spaces are never there all at once."""
        azure.faults.add(fault, times=3)
        http = _http(request_timeout=20.0)
        with pytest.raises(ProtocolError, match=f"larger than {MAX_BODY} bytes"):
            http.get(URL, {})  # once, so that only the response is measured
        tracemalloc.start()
        try:
            with pytest.raises(ProtocolError, match=f"larger than {MAX_BODY} bytes"):
                http.get(URL, {})
            assert tracemalloc.get_traced_memory()[1] < 12_000_000
        finally:
            tracemalloc.stop()

    def test_the_body_of_a_redirect_is_not_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Requests reads it whole, although it is told to follow no redirect."""
        authority, bundle = trustme.CA(), tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(bundle))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        sent: list[int] = []

        def treat(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(4096)
                tls.sendall(b"HTTP/1.1 307 x\r\nLocation: https://evil.example.com/\r\n\r\n")
                while True:
                    tls.sendall(b" " * 65_536)
                    sent.append(65_536)

        with peer(treat) as server:
            http = _http(ca_bundle=str(bundle), request_timeout=5.0)
            with pytest.raises((TransportError, ProtocolError)):
                http.get(server.url, {})
        assert sum(sent) < 20_000_000

    def test_a_body_of_just_so_many_bytes_is_read(self, azure: Sandbox) -> None:
        """The limit itself is no error; neither is gzip that nobody asked for."""
        whole = " " * MAX_BODY
        azure.faults.add(Answer(200, whole))
        azure.faults.add(Answer(200, gzip.compress(whole.encode()), {"Content-Encoding": "gzip"}))
        http = _http(request_timeout=20.0)
        assert http.get(URL, {}).text == whole
        assert http.get(URL, {}).text == whole
        sent = azure.log.to("/common/discovery/instance")[0]
        assert sent.request.headers["Accept-Encoding"] == "identity"

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [
            ("br", b"x"),
            ("deflate", zlib.compress(b"{}")),
            ("gzip, gzip", b"x"),
            ("gzip", b"{}"),
            ("gzip", gzip.compress(b"{}", mtime=0)[:-3]),
        ],
        ids=["br", "deflate", "twice", "not gzip", "cut off"],
    )
    def test_another_compression_is_our_error(
        self, azure: Sandbox, encoding: str, body: bytes
    ) -> None:
        """Only gzip is decompressed, and only if it is whole."""
        azure.faults.add(Answer(200, body, {"Content-Encoding": encoding}))
        with pytest.raises(ProtocolError, match="could not be read"):
            _http(request_timeout=20.0).get(URL, {})


class TestCharset:
    """The character sets that are in use are decoded, and no others."""

    @pytest.mark.parametrize(
        ("charset", "body"),
        [
            ("", "ü".encode()),
            ("; charset=utf-8", "ü".encode()),
            ('; CHARSET="UTF8"', "ü".encode()),
            ("; charset=iso-8859-1", b"\xfc"),
            ("; charset=utf-16", "ü".encode("utf-16")),
        ],
        ids=["none", "utf-8", "quoted", "latin-1", "utf-16"],
    )
    def test_it_is_decoded(self, azure: Sandbox, charset: str, body: bytes) -> None:
        """Without a name it is UTF-8."""
        azure.faults.add(Answer(200, body, {"Content-Type": f"text/xml{charset}"}))
        assert _http(request_timeout=20.0).get(URL, {}).text == "ü"

    @pytest.mark.parametrize(
        "name", ["undefined", "idna", "unicode_escape", "zlib", "utf-7", "no-such", "x" * 9_000]
    )
    def test_another_is_our_error(self, azure: Sandbox, name: str) -> None:
        """Whether Python has a codec of that name or not."""
        azure.faults.add(Answer(200, "{}", {"Content-Type": f"text/xml; charset={name}"}))
        with pytest.raises(ProtocolError, match="character set"):
            _http(request_timeout=20.0).get(URL, {})


def _reset(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class TestKind:
    """A network error is a TransportError by name, and says which kind it was."""

    def test_name_not_found(self) -> None:
        """RFC 6761 section 6.4: no name ends in .invalid."""
        with pytest.raises(TransportError, match=r"name\.invalid .*\(name not found\)") as caught:
            _http(request_timeout=20.0).get("https://name.invalid/", {})
        assert type(caught.value) is TransportError

    def test_refused(self) -> None:
        """Nobody listens at the port."""
        with peer(lambda _: None) as server:
            pass
        with pytest.raises(TransportError, match=r"\(refused\)") as caught:
            _http(request_timeout=5.0).get(server.url, {})
        assert type(caught.value) is TransportError

    def test_a_proxy_that_refuses(self) -> None:
        """The kind is told of the proxy too."""
        with peer(lambda _: None) as server:
            pass
        with pytest.raises(TransportError, match=r"proxy on the way .*\(refused\)"):
            _through(server).get(URL, {})

    def test_a_proxy_that_says_no(self, azure: Sandbox) -> None:
        """With the status of its response."""
        with pytest.raises(TransportError, match=r"proxy on the way .*\(HTTP 403\)"):
            _http(request_timeout=20.0).get("https://login.example.com/", {})

    def test_timed_out(self) -> None:
        """With the limit."""
        with (
            peer(lambda connection: time.sleep(1)) as server,
            pytest.raises(TransportError, match=r"timed out after 0\.5 seconds"),
        ):
            _http().get(server.url, {})

    def test_reset(self) -> None:
        """In the middle of the handshake."""
        with (
            peer(_reset) as server,
            pytest.raises(TransportError, match=r"\(reset\)") as caught,
        ):
            _http(request_timeout=5.0).get(server.url, {})
        assert type(caught.value) is TransportError

    def test_a_server_without_tls(self) -> None:
        """As a proxy that is asked by https, though it speaks http."""

        def treat(connection: socket.socket) -> None:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with (
            peer(treat) as server,
            pytest.raises(TransportError, match=r"\(TLS: [a-z0-9 ]+\)") as caught,
        ):
            _http(request_timeout=5.0).get(server.url, {})
        assert type(caught.value) is TransportError

    @pytest.mark.parametrize(
        ("name", "expired", "known", "why"),
        [
            ("127.0.0.1", True, True, "certificate expired"),
            ("login.example.com", False, True, "certificate for another address"),
            ("127.0.0.1", False, False, "unknown issuer"),
        ],
    )
    def test_a_bad_certificate(
        self, tmp_path: Path, name: str, expired: bool, known: bool, why: str
    ) -> None:
        """With the reason, and no word of the certificate."""
        authority, bundle = trustme.CA(), tmp_path / "ca.pem"
        (authority if known else trustme.CA()).cert_pem.write_to_path(str(bundle))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ended = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc) if expired else None
        authority.issue_cert(name, not_after=ended).configure_cert(context)

        def treat(connection: socket.socket) -> None:
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(1)

        with (
            peer(treat) as server,
            pytest.raises(TransportError, match=rf"certificate of .*\(TLS: .*{why}") as caught,
        ):
            _http(ca_bundle=str(bundle), request_timeout=5.0).get(server.url, {})
        assert type(caught.value) is TransportError


# What a federation document can hold in place of a host name.
HOSTS = {
    "newline": "sts.fabrikam.com\nTrust this",
    "C1": "sts.fabrikam.com\x85\x9b31m",
    "bidi": "sts.\u202efabrikam.com",
    "userinfo": "login.microsoftonline.com:s3cr3t@sts.fabrikam.com",
    "megabyte": "a" * 1_000_000,
    "brackets": "[::1",
    "port": "sts.fabrikam.com:99999999",
}


class TestAddresses:
    """What an address from the network may do: be requested, be linked, stand in a message."""

    @pytest.mark.parametrize("field", ["federation_metadata_url", "federation_active_auth_url"])
    @pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
    @pytest.mark.parametrize("scheme", ["https", "http"])
    def test_a_strange_federation_server_is_one_clean_error(
        self, azure: Sandbox, library: Any, host: str, field: str, scheme: str
    ) -> None:
        """No password is sent, and the message is printable and short."""
        realm = {
            "account_type": "Federated",
            "federation_protocol": "WSTrust",
            "federation_active_auth_url": "https:/",
            "domain_name": "fabrikam.com",
            field: f"{scheme}://{host}/adfs/services/trust/2005/usernamemixed",
        }
        azure.faults.add(Answer(200, json.dumps(realm)), path="/UserRealm/")
        options: Any = {"tenant": CONTOSO, "clock": azure.clock, "library": library}
        with pytest.raises(EndUserError) as caught:
            Password(username="fay@fabrikam.com", password=PASSWORD, **options).silent(MANAGEMENT)
        text = str(caught.value)
        assert text.isprintable()
        assert len(text) < 1000
        assert "s3cr3t" not in text
        assert not [one for one in azure.log if one.request and PASSWORD in str(one.request.body)]

    @pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
    def test_a_strange_authority_in_a_clouds_metadata(self, azure: Sandbox, host: str) -> None:
        """The error does not quote it."""
        authentication = {"loginEndpoint": f"https://{host}/x", "audiences": ["https://a.example/"]}
        document = json.dumps({"authentication": authentication})
        azure.faults.add(Answer(200, document), path="/metadata/endpoints")
        with pytest.raises(ProtocolError, match="could not be read") as caught:
            cloud_from_metadata("https://management.azure.com")
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500
        assert "s3cr3t" not in str(caught.value)

    @given(some.text() | some.text().map("https://{}".format))
    def test_any_address_has_a_printable_host(self, url: str) -> None:
        """Printable ASCII, and bounded."""
        host = host_of(url)
        assert host.isprintable()
        assert host.isascii()
        assert len(host) < 270

    def test_a_host_keeps_its_port(self) -> None:
        """And its brackets."""
        assert host_of("https://login.example.com:8443/x?y") == "login.example.com:8443"
        assert host_of("https://[::1]:8443/x") == "[::1]:8443"
        assert host_of("login.example.com") == UNREADABLE_HOST

    @pytest.mark.parametrize(
        "url",
        [
            "http://microsoft.com/devicelogin",
            "http://localhost.example.com/devicelogin",
            "http://localhost@example.com/devicelogin",
            "https://microsoft.com@example.com/devicelogin",
            "https://microsoft.com:x@example.com/devicelogin",
            "https:///devicelogin",
            "https://microsoft.com:x/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "//microsoft.com/devicelogin",
            "https://micro\u202esoft.com/",
            "https://microsoft.com/'",
            "",
        ],
    )
    def test_only_https_pages_are_opened(self, url: str) -> None:
        """And no page whose address could pass for another in the eyes of a person."""
        with pytest.raises(ValueError, match="not a page"):
            parse_page_url(url)

    @pytest.mark.parametrize(
        "url", ["https://microsoft.com/devicelogin", "http://127.0.0.1:8080/devicelogin"]
    )
    def test_a_page_on_loopback_may_be_http(self, url: str) -> None:
        """The sandbox's is."""
        assert parse_page_url(url) == url
