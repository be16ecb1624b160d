"""The proxy on the way: what it refuses, and what cannot be a proxy at all."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import (
    ConfigurationError,
    DeviceCode,
    Password,
    TransportError,
    management_credentials,
)
from adls_enduser.entra.http import Http
from adls_enduser.options import settings
from adls_enduser.sandbox import CONTOSO, Answer, Reset

from ..conftest import PASSWORD
from ..constants import MANAGEMENT
from ..waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox

URL = "https://login.microsoftonline.com/common/discovery/instance"
VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
S3CRET = "s3cr3t"

UNUSABLE = [
    "socks://127.0.0.1:1080",
    "socks6://127.0.0.1:1080",
    f"htp://ada:{S3CRET}@127.0.0.1:8080",
    "ftp://127.0.0.1:8080",
    "file:///etc/proxy",
    "://127.0.0.1",
    "//127.0.0.1:8080",
    "http:/127.0.0.1:8080",
    "http:///8080",
    "http://@:8080",
    "127.0.0.1:0",
    "http://127.0.0.1:65536",
    "http://127.0.0.1:-1",
    "http://127.0.0.1:http",
    "http://127.0.0.1:80:80",
    "http://[::1:8080",
    f"http://ada:{S3CRET}/@127.0.0.1:8080",
    f"http://ada:{S3CRET}#@127.0.0.1:8080",
    "http://a..example:8080",
    f"http://{'a' * 64}.example:8080",
    "http://127.0.0.1:8080\n",
    "http://\u202e127.0.0.1:8080",
]
BEYOND_LATIN_1 = [
    f"http://żółw:{S3CRET}@127.0.0.1:8080",
    "http://ada:%C5%BC@127.0.0.1:8080",
    f"https://ada:{S3CRET}%F0%9F%94%91@127.0.0.1:8080",
    f"ada:{S3CRET}%FC@127.0.0.1:8080",
]


@pytest.fixture
def nowhere() -> Iterator[list[object]]:
    """Record what this process connects to, or looks up."""
    used: list[object] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if recording and event in ("socket.connect", "socket.getaddrinfo"):
            used.append(arguments)

    recording = [True]
    sys.addaudithook(hook)  # cannot be removed
    yield used
    recording.clear()


class TestUnusable:
    """A proxy that cannot be used is a ConfigurationError before anything is sent."""

    @pytest.mark.parametrize(
        ("key", "proxy"),
        [
            *(("https", proxy) for proxy in UNUSABLE + BEYOND_LATIN_1),
            ("all", "socks://127.0.0.1:1080"),
            ("https://login.microsoftonline.com", "http://127.0.0.1:http"),
        ],
        ids=ascii,
    )
    def test_from_the_option(
        self, library: Any, key: str, proxy: str, nowhere: list[object]
    ) -> None:
        """It names the option, and holds no password."""
        with pytest.raises(ConfigurationError, match="proxies=") as caught:
            Password(
                username=f"ada@{CONTOSO}",
                password=PASSWORD,
                proxies={key: proxy},
                library=library,
            ).silent(MANAGEMENT)
        assert S3CRET not in str(caught.value)
        assert caught.value.remedy
        assert nowhere == []

    @pytest.mark.parametrize(
        ("name", "proxy"),
        [
            *(("HTTPS_PROXY", proxy) for proxy in UNUSABLE + BEYOND_LATIN_1),
            *((name, "socks://127.0.0.1:1080") for name in VARIABLES[1:]),
        ],
        ids=ascii,
    )
    def test_from_the_environment(
        self,
        library: Any,
        name: str,
        proxy: str,
        monkeypatch: pytest.MonkeyPatch,
        nowhere: list[object],
    ) -> None:
        """It names the variable."""
        monkeypatch.setenv(name, proxy)
        with pytest.raises(ConfigurationError, match=f"variable {name}") as caught:
            management_credentials(
                "password", username=f"ada@{CONTOSO}", password=PASSWORD, library=library
            )
        assert S3CRET not in str(caught.value)
        assert nowhere == []

    def test_one_that_is_not_used_is_not_judged(
        self, azure: Sandbox, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """NO_PROXY, a better variable, or the option itself leaves it out."""
        monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1080")
        monkeypatch.setenv("HTTP_PROXY", "htp://x")
        options: Any = {"username": ada.username, "password": PASSWORD, "clock": azure.clock}
        assert Password(tenant=CONTOSO, **options).silent(MANAGEMENT)
        proxies = {"https": azure.environment["HTTPS_PROXY"], "ftp": "x:y", "no": "a,b,::1"}
        monkeypatch.setenv("HTTPS_PROXY", "htp://x")
        monkeypatch.setenv("https_proxy", "htp://x")
        assert Password(tenant=CONTOSO, proxies=proxies, **options).silent(MANAGEMENT)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(TransportError, match="refused"):
            Http(settings({})).get(f"https://127.0.0.1:{port}/", {})

    @pytest.mark.parametrize("where", ["option", "environment"])
    @pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h", "SOCKS5"])
    def test_socks_without_pysocks(self, where: str, scheme: str) -> None:
        """The package is named before anything is sent (in a process without it)."""
        proxy = f"{scheme}://ada:{S3CRET}@127.0.0.1:1"
        options = {"option": f"proxies={{'https': {proxy!r}}}", "environment": ""}[where]
        program = f"""
            import sys
            sys.modules["socks"] = None
            from adls_enduser import MissingDependency, management_credentials
            try:
                management_credentials("password", username="a@b.example", password="x", {options})
            except MissingDependency as error:
                print(error)
        """
        environ = dict(os.environ) | ({} if options else {"all_proxy": proxy})
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            env=environ,
            capture_output=True,
            text=True,
        )
        assert "pip install 'requests[socks]'" in done.stdout, done.stderr
        assert ("proxies=" if options else "variable all_proxy") in done.stdout
        assert S3CRET not in done.stdout + done.stderr

    def test_socks_with_pysocks_is_used(self) -> None:
        """A SOCKS proxy that refuses the credentials is asked once, and says so (RFC 1929)."""
        pytest.importorskip("socks")
        connections: list[bytes] = []

        def treat(connection: socket.socket) -> None:
            connection.recv(100)
            connection.sendall(b"\x05\x02")
            connections.append(connection.recv(100))
            connection.sendall(b"\x01\x01")

        with _server(treat) as port:
            proxies = {"https": f"socks5h://ada:{S3CRET}@127.0.0.1:{port}"}
            with pytest.raises(TransportError, match=r"other credentials .* proxies=") as caught:
                Http(settings({"proxies": proxies, "request_timeout": 10})).get(URL, {})
        assert connections == [b"\x01\x03ada\x06" + S3CRET.encode()]
        assert S3CRET not in str(caught.value)


class TestNoProxy:
    """NO_PROXY is the likely reason where a host is called without the proxy, or with it."""

    @pytest.fixture
    def port(self) -> int:
        """Return a port at which nothing listens."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            found: int = server.getsockname()[1]
        return found

    @pytest.fixture
    def plain(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        """Return an environment without any proxy."""
        for name in (*VARIABLES, "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        return monkeypatch

    @pytest.mark.parametrize("exception", ["NO_PROXY", "no_proxy"])
    @pytest.mark.parametrize("proxy", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
    def test_the_exception_is_named(
        self, plain: pytest.MonkeyPatch, port: int, proxy: str, exception: str
    ) -> None:
        """With the proxy that it keeps the request from, and without the proxy's address."""
        plain.setenv(proxy, f"http://ada:{S3CRET}@127.0.0.1:1")
        plain.setenv(exception, "example.com, 127.0.0.1")
        with pytest.raises(TransportError) as caught:
            Http(settings({})).get(f"https://127.0.0.1:{port}/", {})
        told = caught.value.remedy
        variable = "the environment variable"
        assert (
            f"without the proxy in {variable} {proxy}, because of {variable} {exception}." in told
        )
        assert S3CRET not in str(caught.value)

    def test_the_exception_may_be_an_option(self, plain: pytest.MonkeyPatch, port: int) -> None:
        """Requests takes one in ``proxies``."""
        plain.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        own = settings({"proxies": {"no_proxy": "127.0.0.1"}})
        with pytest.raises(TransportError, match="because of the no_proxy of proxies="):
            Http(own).get(f"https://127.0.0.1:{port}/", {})

    def test_a_proxy_that_fails_may_be_the_wrong_way(
        self, plain: pytest.MonkeyPatch, port: int
    ) -> None:
        """Where a variable names the proxy, an exception in NO_PROXY may be missing."""
        plain.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(TransportError, match="name it in the environment variable NO_PROXY"):
            Http(settings({})).get("https://login.example.com/", {})
        own = settings({"proxies": {"https": f"http://127.0.0.1:{port}"}})
        with pytest.raises(TransportError) as caught:
            Http(own).get("https://login.example.com/", {})
        assert "NO_PROXY" not in str(caught.value)

    def test_without_a_proxy_nothing_is_said_of_it(
        self, plain: pytest.MonkeyPatch, port: int
    ) -> None:
        """An exception alone is no reason."""
        plain.setenv("NO_PROXY", "127.0.0.1")
        plain.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        with pytest.raises(TransportError) as caught:
            Http(settings({})).get(f"https://127.0.0.1:{port}/", {})
        assert "NO_PROXY" not in str(caught.value)


@contextmanager
def _server(treat: Any) -> Iterator[int]:
    """Treat each connection to a port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        treat(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


class Guard:
    """A proxy that asks for credentials, and passes what has the right ones to the sandbox."""

    def __init__(self, azure: Sandbox) -> None:
        self.port = 0
        self.password: str | None = S3CRET
        self.asked: list[str] = []
        self._target = int(azure.environment["HTTPS_PROXY"].rpartition(":")[2])

    @property
    def _right(self) -> str:
        return "Basic " + base64.b64encode(f"ada:{self.password}".encode("latin-1")).decode()

    def treat(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            received = connection.recv(4096)
            if not received:
                return
            head += received
        lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        self.asked.append(lines[0])
        if fields.get("Proxy-Authorization") != self._right:
            connection.sendall(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                b'Proxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'
            )
            return
        with socket.create_connection(("127.0.0.1", self._target)) as upstream:
            upstream.sendall(head)
            other = threading.Thread(target=_copy, args=(upstream, connection), daemon=True)
            other.start()
            _copy(connection, upstream)
            other.join(10)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def guard(azure: Sandbox) -> Iterator[Guard]:
    """Run a proxy that wants a password in front of the sandbox."""
    guard = Guard(azure)
    with _server(guard.treat) as guard.port:
        yield guard


def _proxy(port: int, credentials: str) -> str:
    return f"http://{credentials}127.0.0.1:{port}"


class TestCredentials:
    """A proxy that wants other credentials is asked once."""

    @pytest.mark.parametrize("mode", ["password", "device_code"])
    def test_the_right_ones_serve(
        self, azure: Sandbox, ada: Person, guard: Guard, library: Any, mode: str
    ) -> None:
        """Also from outside of ASCII, as requests sends them."""
        guard.password = "pässwort/@"
        proxies = {"https": _proxy(guard.port, "ada:p%C3%A4sswort%2F%40@")}
        options: Any = {"tenant": CONTOSO, "library": library, "proxies": proxies}
        if mode == "password":
            options |= {"username": ada.username, "password": PASSWORD}
        else:
            options |= {"prompt": lambda prompt: azure.entra.approve(prompt.code, by=ada)}
        assert management_credentials(mode, clock=azure.clock, **options)
        assert guard.asked

    @pytest.mark.parametrize("credentials", ["", "ada@", "ada:wrong@"])
    @pytest.mark.parametrize("mode", ["password", "device_code"])
    def test_others_are_refused_once(
        self, azure: Sandbox, guard: Guard, library: Any, mode: str, credentials: str
    ) -> None:
        """The error says what the proxy wants, and where to write it."""
        proxies = {"https": _proxy(guard.port, credentials)}
        options: Any = {"tenant": CONTOSO, "library": library, "proxies": proxies}
        if mode == "password":
            options |= {"username": f"ada@{CONTOSO}", "password": PASSWORD}
        else:
            options |= {"interactive": True}
        with pytest.raises(TransportError, match=r"credentials.* proxies= \(HTTP 407\)") as caught:
            management_credentials(mode, clock=azure.clock, **options)
        assert len(guard.asked) == 1
        assert len(azure.log) == 0
        assert "wrong" not in str(caught.value)
        assert ("other credentials" in str(caught.value)) == (":" in credentials)

    @pytest.mark.parametrize("name", VARIABLES)
    def test_the_variable_is_named(
        self, azure: Sandbox, guard: Guard, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        """Where the credentials are to be corrected."""
        for other in VARIABLES:
            monkeypatch.delenv(other, raising=False)
        monkeypatch.setenv(name, _proxy(guard.port, "ada:wrong@"))
        with pytest.raises(TransportError, match=f"other credentials .* variable {name} "):
            Http(settings({})).get(URL, {})
        assert len(guard.asked) == 1

    def test_the_wait_for_the_person_ends(
        self, azure: Sandbox, guard: Guard, library: Any, ada: Person
    ) -> None:
        """A proxy whose password changed meanwhile is not asked at each poll."""

        def prompt(shown: object) -> None:
            guard.password = "another"
            guard.asked.clear()
            azure.faults.add(Reset())  # the connection, which the proxy has let through

        strategy = DeviceCode(
            tenant=CONTOSO,
            prompt=prompt,
            proxies={"https": _proxy(guard.port, f"ada:{S3CRET}@")},
            library=library,
            clock=azure.clock,
        )
        with pytest.raises(TransportError, match="407"):
            strategy.sign_in(MANAGEMENT)
        assert len(guard.asked) == 1

    def test_a_refusal_for_good_is_not_repeated(self, azure: Sandbox) -> None:
        """403 is the proxy's last word; a 503 is not."""
        asked: list[bytes] = []

        def treat(connection: socket.socket) -> None:
            asked.append(connection.recv(4096))
            connection.sendall(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode())

        for status, times in ((403, 1), (503, 3)):
            asked.clear()
            with _server(treat) as port:
                options: Any = {"proxies": {"https": _proxy(port, "")}, "clock": azure.clock}
                with pytest.raises(TransportError, match=rf"\(HTTP {status}\)"):
                    Http(settings(options)).get(URL, {})
            assert len(asked) == times

    def test_a_407_inside_of_the_tunnel(self, azure: Sandbox) -> None:
        """A proxy that inspects TLS can send it there."""
        azure.faults.add(Answer(407))
        with pytest.raises(TransportError, match=r"\(HTTP 407\)"):
            Http(settings({})).get(URL, {})
        assert len(azure.log) == 1


def test_a_real_proxy(azure: Sandbox, ada: Person, library: Any, tmp_path: Path) -> None:
    """proxy.py, with Basic credentials, in front of the sandbox's own."""
    pytest.importorskip("proxy")
    port_file = tmp_path / "port"
    command = [
        *(sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0"),
        *("--port-file", str(port_file), "--basic-auth", f"ada:{S3CRET}", "--num-workers", "1"),
        *("--num-acceptors", "1", "--plugins", "proxy.plugin.ProxyPoolPlugin"),
        *("--proxy-pool", azure.environment["HTTPS_PROXY"].removeprefix("http://")),
        *("--data-dir", str(tmp_path / "data")),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            wait_until(lambda: port_file.exists() and port_file.read_text().strip())
            port = int(port_file.read_text())
            options: Any = {"username": ada.username, "password": PASSWORD, "library": library}
            options |= {"tenant": CONTOSO, "clock": azure.clock}
            wrong = {"https": _proxy(port, "ada:wrong@")}
            with pytest.raises(TransportError, match=r"other credentials .*407"):
                Password(proxies=wrong, **options).silent(MANAGEMENT)
            assert len(azure.log) == 0
            right = {"https": _proxy(port, f"ada:{S3CRET}@")}
            assert Password(proxies=right, **options).silent(MANAGEMENT)
        finally:
            server.terminate()


def test_a_proxy_by_tls_that_speaks_none(azure: Sandbox) -> None:
    """https:// in the proxy's address is the usual mistake, and the remedy says so."""

    def treat(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with _server(treat) as port:
        http = Http(settings({"proxies": {"https": f"https://127.0.0.1:{port}"}}))
        with pytest.raises(TransportError, match="write http:// in proxies="):
            http.get(URL, {})
