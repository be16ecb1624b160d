"""The sandbox itself: what it plays, what it refuses, how it fails and how it ends."""

from __future__ import annotations

import os
import socket
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
    """A service that says what it was asked."""

    def serves(self, host: str) -> bool:
        return host == "echo.example.com"

    def answer(self, request: Request) -> Response:
        if request.path == "/bug":
            raise ZeroDivisionError
        text = f"{request.method} {request.path} {request.args.get('q')} {len(request.body)}"
        return Response(text, 200)


def test_the_environment_is_put_back(azure: Sandbox) -> None:
    """Within, every client is pointed at the sandbox; afterwards all is as it was."""
    before = {"HTTPS_PROXY": "http://company.example:3128", "OTHER": "x"}
    mine = dict(before)
    with Sandbox(environ=mine) as inner:
        assert mine["HTTPS_PROXY"] == inner.environment["HTTPS_PROXY"]
        assert mine["REQUESTS_CA_BUNDLE"] == str(inner.ca_bundle)
        assert mine["OTHER"] == "x"
    assert mine == before


def test_it_plays_the_real_names_and_refuses_all_others(azure: Sandbox) -> None:
    """By CONNECT and in plain HTTP, whatever the port; nothing leaves the machine."""
    assert requests.get(DISCOVERY).status_code == 200
    for url in ("https://pypi.example.org/", "https://login.microsoftonline.com:8443/"):
        with pytest.raises(requests.exceptions.ProxyError, match="403"):
            requests.get(url)
    answer = requests.get("http://login.microsoftonline.com/")
    assert answer.status_code == 403
    assert "nothing leaves this machine" in answer.text
    refused = [one for one in azure.log if one.request is None]
    assert [one.status for one in refused] == [403, 403, 403]


def test_its_certificates_are_trusted_only_by_its_own_bundle(azure: Sandbox) -> None:
    """A client that is not told of the bundle refuses to speak."""
    with Sandbox(environ=None) as other, pytest.raises(requests.exceptions.SSLError):
        requests.get(DISCOVERY, verify=str(other.ca_bundle))
    assert requests.get(DISCOVERY).ok


def test_it_listens_on_loopback_only(azure: Sandbox) -> None:
    """Not on the addresses under which others can reach this machine."""
    port = int(azure.url.rpartition(":")[2])
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_a_connection_serves_many_requests(azure: Sandbox) -> None:
    """HEAD, chunked bodies, large ones, and an Expect header, one after the other."""
    azure._wire.services = [*azure._wire.services, Echo()]
    with requests.Session() as session:
        url = "https://echo.example.com/a%20b?q=%C3%A9"
        assert session.get(url).text == "GET /a b é 0"
        assert session.head(url).text == ""
        assert session.post(url, data=iter([b"x" * 10, b"y"])).text == "POST /a b é 11"
        assert session.put(url, data=b"z" * 5_000_000).text.endswith(" 5000000")
        answer = session.post(url, data=b"abc", headers={"Expect": "100-continue"})
        assert answer.text.endswith(" 3")
        assert "GMT" in answer.headers["Date"]


def test_each_fault_is_what_it_says(azure: Sandbox) -> None:
    """And meets as many of the requests that it fits as it was told to, no other."""
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


def test_a_bug_of_a_service_is_told_at_the_end() -> None:
    """It answers 500, and stop() raises with the traceback."""
    azure = Sandbox(environ=None).start()
    azure._wire.services = [Echo()]
    answer = requests.get(
        "https://echo.example.com/bug",
        proxies={"https": azure.environment["HTTPS_PROXY"]},
        verify=str(azure.ca_bundle),
    )
    assert answer.status_code == 500
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        azure.stop()


def test_it_ends_though_clients_hold_on() -> None:
    """Open connections and stalled requests do not keep it."""
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


def test_nonsense_on_the_wire_hurts_nobody(azure: Sandbox) -> None:
    """What is not HTTP, or not TLS, only ends its own connection."""
    port = int(azure.url.rpartition(":")[2])
    connect = b"CONNECT login.microsoftonline.com:443 HTTP/1.1\r\nHost: x\r\n\r\n"
    for nonsense in (b"\x16\x03\x01 not http\r\n\r\n", connect + b"not tls at all" * 50, b"\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            raw.sendall(nonsense)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass
    assert requests.get(DISCOVERY).ok


class TestClock:
    """Time that a test holds in its hand."""

    def test_a_frozen_clock_moves_by_hand(self) -> None:
        """By advance and by wait, which returns at once."""
        clock = SandboxClock(frozen=True)
        began = clock.time()
        clock.advance(10)
        assert clock.wait(threading.Event(), 5) is False
        assert clock.time() - began == 15
        assert clock.monotonic() - began == 15

    def test_a_jump_is_no_time(self) -> None:
        """The clock on the wall is set; the monotonic one and the services do not follow."""
        clock = SandboxClock(frozen=True)
        wall, ticks, theirs = clock.time(), clock.monotonic(), clock.service_time()
        clock.jump(-100)
        assert clock.time() == wall - 100
        assert clock.monotonic() == ticks
        assert clock.service_time() == theirs

    def test_a_running_clock_waits_for_real(self) -> None:
        """And hears the event."""
        event = threading.Event()
        threading.Timer(0.05, event.set).start()
        assert SandboxClock().wait(event, 10) is True


def test_the_pytest_fixture_works(tmp_path: Path) -> None:
    """As the README tells a user to use it."""
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
def test_a_missing_extra_is_one_clear_sentence(package: str) -> None:
    """It names the extra to install."""
    program = f"import sys; sys.modules[{package!r}] = None; import adls_enduser.sandbox"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert "MissingDependency" in last
    assert "pip install 'adls-enduser[sandbox]'" in last
