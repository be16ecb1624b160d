"""The sandbox and its proxy: environment, hosts, faults, failures, clock, pytest plugin."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

from adls_enduser.sandbox import (
    CONTOSO,
    Answer,
    HalfBody,
    Reset,
    Sandbox,
    SandboxClock,
    Stall,
    redirect,
)
from adls_enduser.sandbox.http import Request, Response

from ..waiting import with_patience

if TYPE_CHECKING:
    from pathlib import Path

DISCOVERY = (
    "https://login.microsoftonline.com/common/discovery/instance?api-version=1.0"
    "&authorization_endpoint=https://login.microsoftonline.com/common/oauth2/authorize"
)


class Echo:
    """A service that returns the request that it got."""

    def serves(self, host: str) -> bool:
        return host == "echo.example.com"

    def respond(self, request: Request) -> Response:
        if request.path == "/bug":
            raise ZeroDivisionError
        text = f"{request.method} {request.path} {request.args.get('q')} {len(request.body)}"
        return Response(text, 200)


def test_environment_is_restored(azure: Sandbox) -> None:
    """Within the sandbox the environment points at it; afterwards it is restored."""
    before = {"HTTPS_PROXY": "http://company.example:3128", "OTHER": "x"}
    environ = dict(before)
    with Sandbox(environ=environ) as inner:
        assert environ["HTTPS_PROXY"] == inner.environment["HTTPS_PROXY"]
        assert environ["REQUESTS_CA_BUNDLE"] == str(inner.ca_bundle)
        assert environ["OTHER"] == "x"
    assert environ == before


def test_serves_azure_host_names_only(azure: Sandbox) -> None:
    """Azure's host names are served; others are refused, by CONNECT and in plain HTTP."""
    assert requests.get(DISCOVERY).status_code == 200
    for url in ("https://pypi.example.org/", "https://login.microsoftonline.com:8443/"):
        with pytest.raises(requests.exceptions.ProxyError, match="403"):
            requests.get(url)
    response = requests.get("http://login.microsoftonline.com/")
    assert response.status_code == 403
    assert "nothing leaves this machine" in response.text
    refused = [one for one in azure.log if one.request is None]
    assert [one.status for one in refused] == [403, 403, 403]


def test_certificates_need_the_own_ca_bundle(azure: Sandbox) -> None:
    """A client with another CA bundle does not connect."""
    with Sandbox(environ=None) as other, pytest.raises(requests.exceptions.SSLError):
        requests.get(DISCOVERY, verify=str(other.ca_bundle))
    assert requests.get(DISCOVERY).ok


def test_listens_on_loopback_only(azure: Sandbox) -> None:
    """The proxy does not listen on the machine's other addresses."""
    port = int(azure.url.rpartition(":")[2])
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_a_connection_serves_many_requests(azure: Sandbox) -> None:
    """HEAD, chunked bodies, large ones, and an Expect header work on one connection."""
    azure._proxy.services = [*azure._proxy.services, Echo()]
    with requests.Session() as session:
        url = "https://echo.example.com/a%20b?q=%C3%A9"
        assert session.get(url).text == "GET /a b é 0"
        assert session.head(url).text == ""
        assert session.post(url, data=iter([b"x" * 10, b"y"])).text == "POST /a b é 11"
        assert session.put(url, data=b"z" * 5_000_000).text.endswith(" 5000000")
        response = session.post(url, data=b"abc", headers={"Expect": "100-continue"})
        assert response.text.endswith(" 3")
        assert "GMT" in response.headers["Date"]


def test_each_fault_has_its_effect(azure: Sandbox) -> None:
    """Each fault has its effect, on as many of the matching requests as it was added for."""
    azure.faults.add(Answer(418, "teapot"), times=2, path="/discovery/", method="GET")
    assert requests.get(azure.url + "/devicelogin").status_code == 200
    assert [requests.get(DISCOVERY).status_code for _ in range(3)] == [418, 418, 200]
    errors: list[tuple[Any, type[Exception]]] = [
        (Reset(), requests.exceptions.ConnectionError),
        (Reset(during_answer=True), requests.exceptions.ConnectionError),
        (HalfBody(), requests.exceptions.ChunkedEncodingError),
        (Stall(0.1), requests.exceptions.ConnectionError),
    ]
    for fault, error in errors:
        azure.faults.add(fault)
        with pytest.raises((error, requests.exceptions.ChunkedEncodingError)):
            requests.get(DISCOVERY, timeout=30)
        assert list(azure.log)[-1].fault == fault

    def meets_silence(patience: float) -> bool:
        azure.faults.clear()
        azure.faults.add(Stall())
        with pytest.raises(requests.exceptions.Timeout):
            requests.get(DISCOVERY, timeout=patience)
        return list(azure.log)[-1].fault == Stall()

    with_patience(meets_silence)
    azure.faults.add(redirect("https://elsewhere.example.com/"))
    assert requests.get(DISCOVERY, allow_redirects=False).is_redirect
    azure.faults.add(Answer(500))
    azure.faults.clear()
    assert requests.get(DISCOVERY).ok


class Own:
    """A service of another maker, which has taken over one host of the sandbox's."""

    def serves(self, host: str) -> bool:
        return host in ("api.mine.example", "othermine.azuredatalakestore.net")

    def respond(self, request: Request) -> Response:
        return Response(f"{request.hostname} is mine")


@pytest.mark.parametrize("host", ["api.mine.example", "othermine.azuredatalakestore.net"])
def test_own_services_come_first(azure: Sandbox, host: str) -> None:
    """They respond for their hosts, also for one that would be the sandbox's."""
    azure.add_service(Own())
    assert requests.get(f"https://{host}/", timeout=10).text == f"{host} is mine"
    gen1 = requests.get("https://mystore.azuredatalakestore.net/webhdfs/v1/", timeout=10)
    assert gen1.status_code == 401


def test_stop_raises_after_an_exception_in_a_service() -> None:
    """An exception in a service is a 500, and stop() raises with the traceback."""
    azure = Sandbox(environ=None).start()
    azure._proxy.services = [Echo()]
    response = requests.get(
        "https://echo.example.com/bug",
        proxies={"https": azure.environment["HTTPS_PROXY"]},
        verify=str(azure.ca_bundle),
    )
    assert response.status_code == 500
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        azure.stop()


def test_stop_does_not_wait_for_clients() -> None:
    """Open connections and stalled requests do not delay stop()."""
    with Sandbox(environ=None) as azure:
        port = int(azure.url.rpartition(":")[2])
        idle = socket.create_connection(("127.0.0.1", port))
        azure.faults.add(Stall())
        asking = socket.create_connection(("127.0.0.1", port))
        asking.sendall(b"GET /devicelogin HTTP/1.1\r\nHost: localhost\r\n\r\n")
    before = {one.name for one in threading.enumerate()}
    assert "sandbox" not in before
    idle.close()
    asking.close()


def test_invalid_bytes_end_their_connection_only(azure: Sandbox) -> None:
    """Bytes that are not HTTP, or not TLS, end only their own connection."""
    port = int(azure.url.rpartition(":")[2])
    connect = b"CONNECT login.microsoftonline.com:443 HTTP/1.1\r\nHost: x\r\n\r\n"
    for invalid in (b"\x16\x03\x01 not http\r\n\r\n", connect + b"not tls at all" * 50, b"\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            raw.sendall(invalid)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass
    assert requests.get(DISCOVERY).ok


class TestClock:
    """The clock that a test moves."""

    def test_frozen_clock(self) -> None:
        """Only advance and wait move a frozen clock; wait returns at once."""
        clock = SandboxClock(frozen=True)
        began = clock.time()
        clock.advance(10)
        assert clock.wait(threading.Event(), 5) is False
        assert clock.time() - began == 15
        assert clock.monotonic() - began == 15

    def test_jump(self) -> None:
        """A jump changes the client's time, not the monotonic time or the services' time."""
        clock = SandboxClock(frozen=True)
        wall, ticks, theirs = clock.time(), clock.monotonic(), clock.service_time()
        clock.jump(-100)
        assert clock.time() == wall - 100
        assert clock.monotonic() == ticks
        assert clock.service_time() == theirs

    def test_running_clock_waits(self) -> None:
        """A running clock really waits, until the event is set."""
        event = threading.Event()
        threading.Timer(0.05, event.set).start()
        assert SandboxClock().wait(event, 10) is True


def test_the_pytest_fixture_works(tmp_path: Path) -> None:
    """The pytest plugin works as the README describes."""
    (tmp_path / "conftest.py").write_text(
        'pytest_plugins = ["adls_enduser.sandbox.pytest_plugin"]\n'
    )
    program = f"""
        from adls_enduser import management_credentials

        def test_it(azure_sandbox):
            azure_sandbox.entra.person("ada@{CONTOSO}", password="x")
            credentials = management_credentials(
                "password", username="ada@{CONTOSO}", password="x")
            assert credentials.whoami().username == "ada@{CONTOSO}"
    """
    (tmp_path / "test_user.py").write_text(textwrap.dedent(program))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=dict(os.environ)
    )
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("package", ["trustme", "h11", "werkzeug"])
def test_missing_extra_is_named(package: str) -> None:
    """The error of a missing package names the extra to install."""
    program = f"import sys; sys.modules[{package!r}] = None; import adls_enduser.sandbox"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert "MissingDependency" in last
    assert "pip install 'adls-enduser[sandbox]'" in last


@pytest.mark.parametrize("module", ["adls_enduser.sandbox", "adls_enduser.sandbox.demo"])
def test_missing_extra_is_one_sentence_for_a_command(module: str, tmp_path: Path) -> None:
    """Whoever types ``python -m`` gets the remedy and nothing else."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['trustme'] = None")
    search = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", module],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": search},
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "pip install 'adls-enduser[sandbox]'" in line


def exchange(azure: Sandbox, target: str, method: str = "GET", host: str = "x") -> tuple[str, str]:
    """Send a request line to the proxy itself; return the status line and the body."""
    port = int(azure.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return head.partition("\r\n")[0], body


@pytest.mark.parametrize(
    "address",
    [
        DISCOVERY,
        DISCOVERY.replace(
            "https://login.microsoftonline.com/", "HTTPS://Login.Microsoftonline.com:443/"
        ),
    ],
)
def test_https_in_absolute_form(azure: Sandbox, address: str) -> None:
    """A client may leave TLS to the proxy (RFC 9112 section 3.2.2), as axios 0.x does."""
    status, body = exchange(azure, address)
    assert status == "HTTP/1.1 200 OK"
    assert "tenant_discovery_endpoint" in body
    [found] = azure.log.to("/discovery/instance")
    assert (found.host, found.path) == ("login.microsoftonline.com", "/common/discovery/instance")
    assert found.request is not None
    assert found.request.target.startswith("/common/discovery/instance?api-version=1.0")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("https://pypi.example.org/", "403 Forbidden"),
        ("https://login.microsoftonline.com:8443/common", "403 Forbidden"),
        ("http://login.microsoftonline.com/common", "403 Forbidden"),
        ("https://nostore.azuredatalakestore.net/webhdfs/v1/", "502 Bad Gateway"),
        ("https://nolake.dfs.core.windows.net/box", "502 Bad Gateway"),
        ("ftp://login.microsoftonline.com/", "403 Forbidden"),
        ("https://[::1", "403 Forbidden"),
        ("https:///common", "403 Forbidden"),
    ],
)
def test_other_absolute_forms_are_refused(azure: Sandbox, target: str, status: str) -> None:
    """What no CONNECT would reach is not reached in this form either."""
    assert exchange(azure, target)[0] == f"HTTP/1.1 {status}"


def test_absolute_form_without_a_path(azure: Sandbox) -> None:
    """An address that ends with its host is that host's root."""
    assert exchange(azure, "https://management.azure.com")[0] == "HTTP/1.1 401 Unauthorized"
    assert exchange(azure, "https://management.azure.com?a=b")[0] == "HTTP/1.1 401 Unauthorized"


def test_absolute_form_inside_of_a_tunnel(azure: Sandbox) -> None:
    """A server accepts it as well (RFC 9112 section 3.2.2)."""
    proxy = int(azure.url.rpartition(":")[2])
    context = ssl.create_default_context(cafile=str(azure.ca_bundle))
    connection = http.client.HTTPSConnection("127.0.0.1", proxy, context=context)
    connection.set_tunnel("login.microsoftonline.com", 443)
    connection.request("GET", DISCOVERY)
    assert connection.getresponse().status == 200
    connection.close()


def test_page_through_the_proxy(azure: Sandbox) -> None:
    """A client that sends loopback through the proxy, too, gets the device login page."""
    address = f"{azure.url}/devicelogin"
    status, body = exchange(azure, address, host=azure.url.removeprefix("http://"))
    assert status == "HTTP/1.1 200 OK"
    assert "<form" in body
    assert exchange(azure, "http://localhost:1/devicelogin")[0] == "HTTP/1.1 403 Forbidden"


def test_connect_has_a_phrase(azure: Sandbox) -> None:
    """The proxy's own answers have reason phrases."""
    status, _ = exchange(azure, "login.microsoftonline.com:8443", "CONNECT")
    assert status == "HTTP/1.1 403 Forbidden"
