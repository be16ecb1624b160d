"""The listener on loopback, and the pages that it sends to a browser, over real sockets."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some

from adls_enduser import ConfigurationError, ConsentRequired, ProtocolError, SignInDeclined
from adls_enduser.entra.authorization_response import ResponseReceiver
from adls_enduser.entra.backend import AuthorizationFlow
from adls_enduser.errors import BlockedByPolicy, ConsentDeclined, EndUserError, TransportError
from adls_enduser.interaction.redirect_listener import RedirectListener, Reply
from adls_enduser.options import Settings
from adls_enduser.tokens import Secret

from ..waiting import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator

STATE, CODE = "the-state-of-this-sign-in", "0.AX-a.code_that-signs~in"
RESOURCE = "https://datalake.azure.net/"
SETTINGS = Settings(tenant="contoso.com", mode="browser")
SUCCESS = {"code": CODE, "state": STATE, "session_state": "x"}
# Microsoft, "Microsoft identity platform and OAuth 2.0 authorization code flow", error
# response, with the lines that Entra ID adds.
DECLINED = {
    "error": "access_denied",
    "error_subcode": "cancel",
    "state": STATE,
    "error_description": "AADSTS65004: User declined to consent to access the app.\r\n"
    "Trace ID: 0e0e0e0e-0000-0000-0000-000000000000\r\n"
    "Correlation ID: 1f1f1f1f-0000-0000-0000-000000000000\r\nTimestamp: 2026-01-02 03:04:05Z",
}


def flow() -> AuthorizationFlow:
    """Return a sign-in that waits for the browser."""
    verifier = Secret("the-verifier")
    return AuthorizationFlow("https://x", "http://localhost", Secret(STATE), verifier, RESOURCE)


class Page:
    """A page that a browser received: status, headers, text."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers = response.status, response.headers
        self.text = response.read().decode()


class Client:
    """A browser, or another program, that sends requests to the listener."""

    def __init__(self, listener: RedirectListener) -> None:
        self.address = listener.redirect_uri
        self.port = urlsplit(self.address).port or 0
        self.path = urlsplit(self.address).path or "/"

    def request(
        self, target: str | None = None, method: str = "GET", to: str = "localhost", **headers: str
    ) -> Page:
        """Send one request, and return the page."""
        connection = http.client.HTTPConnection(to, self.port, timeout=10)
        headers.setdefault("Host", f"localhost:{self.port}")
        connection.request(method, target or self.path, headers=headers)
        try:
            return Page(connection.getresponse())
        finally:
            connection.close()

    def redirect(self, parameters: dict[str, str] | str, to: str = "localhost") -> Page:
        """Send the request of a browser that Entra ID redirects here."""
        query = parameters if isinstance(parameters, str) else urlencode(parameters)
        return self.request(f"{self.path}?{query}", to=to)


@pytest.fixture
def receiver() -> ResponseReceiver:
    """A receiver that waits for one response."""
    return ResponseReceiver(flow(), SETTINGS)


@pytest.fixture
def client(receiver: ResponseReceiver) -> Iterator[Client]:
    """A client of a listener on a free port."""
    with RedirectListener("http://localhost") as listener:
        listener.serve(receiver.receive)
        yield Client(listener)


@pytest.mark.parametrize("to", ["127.0.0.1", "::1", "localhost"])
def test_the_response_arrives_at_either_address(
    client: Client, receiver: ResponseReceiver, to: str
) -> None:
    """The receiver has the code. The page says to go back, and does not show the code."""
    page = client.redirect(SUCCESS, to=to)
    assert page.status == 200
    assert receiver.arrived.is_set()
    assert receiver.code() == Secret(CODE)
    assert "Go back to the program" in page.text
    assert CODE not in page.text
    assert STATE not in page.text


def test_the_redirect_uri_is_one_that_microsoft_accepts(client: Client) -> None:
    """A free port and no path: http://localhost is registered, and its port is ignored."""
    assert client.address == f"http://localhost:{client.port}"
    assert client.port > 1024


def test_the_page_has_safe_headers(client: Client) -> None:
    """It is not stored, its address is not passed on, and no script in it runs."""
    for page in (client.redirect(SUCCESS), client.request("/favicon.ico")):
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "Server" not in page.headers
        assert '<html lang="en">' in page.text


FOREIGN_RESPONSES = {
    "no state": {"code": CODE},
    "an empty state": {"code": CODE, "state": ""},
    "another state": {"code": CODE, "state": "stale"},
    "the state in another case": {"code": CODE, "state": STATE.upper()},
    "a letter short": {"code": CODE, "state": STATE[:-1]},
    "not ASCII": {"code": CODE, "state": "ü"},
    "an error of another sign-in": {"error": "access_denied", "state": "stale"},
    "the state twice": f"code={CODE}&state={STATE}&state=stale",
    "the code twice": f"code={CODE}&code=other&state={STATE}",
    "nothing": "",
    "too much": "&".join(f"x{number}=1" for number in range(31)) + f"&state={STATE}",
}


@pytest.mark.parametrize("name", FOREIGN_RESPONSES)
def test_a_response_without_the_state_changes_nothing(
    client: Client, receiver: ResponseReceiver, name: str
) -> None:
    """It gets an error page, and the wait goes on: the right response still arrives."""
    page = client.redirect(FOREIGN_RESPONSES[name])
    assert page.status == 400
    assert "does not belong to the sign-in" in page.text
    assert not receiver.arrived.is_set()
    client.redirect(SUCCESS)
    assert receiver.code() == Secret(CODE)


class ComparedOnlySafely(str):
    """A state that fails if it is compared with ==, which stops at the first difference."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared in a time that depends on how much was right")

    __ne__ = __eq__


@pytest.mark.parametrize("state", [STATE, STATE[:-1] + "x", "stale"])
def test_the_state_is_compared_in_constant_time(state: str) -> None:
    """It is a secret as long as the sign-in lasts."""
    receiver = ResponseReceiver(replace(flow(), state=Secret(ComparedOnlySafely(STATE))), SETTINGS)
    assert (receiver.receive(urlencode({**SUCCESS, "state": state})).status == 200) is (
        state == STATE
    )


def test_other_requests_change_nothing(client: Client, receiver: ResponseReceiver) -> None:
    """Another path, method or host gets an error page, even with the right state."""
    right = f"/?{urlencode(SUCCESS)}"
    assert client.request("/favicon.ico").status == 404
    assert client.request(f"/other?{urlencode(SUCCESS)}").status == 404
    assert client.request(f"http://localhost:{client.port}{right}").status == 404
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD", "BREW"):
        page = client.request(right, method)
        assert (page.status, page.headers["Allow"]) == (405, "GET")
    for host in ("evil.example", f"evil.example:{client.port}", "localhost", "localhost:1", ""):
        assert client.request(right, Host=host).status == 400
    assert not receiver.arrived.is_set()
    assert client.request(right, Host=f"LOCALHOST:{client.port}").status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /?" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"h%d: 1\r\n" % number for number in range(200)) + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_malformed_requests_change_nothing(
    client: Client, receiver: ResponseReceiver, capfd: pytest.CaptureFixture[str], raw: bytes
) -> None:
    """They are refused. Nothing is printed, and the page does not repeat the request."""
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        try:
            received = connection.recv(100_000)
        except ConnectionResetError:  # the listener did not read all that was sent
            received = b""
    assert b" 200 " not in received
    assert b"xxxx" not in received
    client.redirect(SUCCESS)
    assert receiver.code() == Secret(CODE)
    assert capfd.readouterr() == ("", "")


def test_a_connection_that_is_reset_is_no_error(
    client: Client, receiver: ResponseReceiver, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed if a browser closes the connection in the middle of a request."""
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", client.port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost:")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.request("/favicon.ico")
    client.redirect(SUCCESS)
    assert receiver.code() == Secret(CODE)
    assert capfd.readouterr() == ("", "")


def test_only_the_first_response_counts(client: Client, receiver: ResponseReceiver) -> None:
    """A page that is loaded again, or a second response, gets another page."""
    assert client.redirect(SUCCESS).status == 200
    for later in (SUCCESS, {**SUCCESS, "code": "another"}, DECLINED):
        page = client.redirect(later)
        assert page.status == 409
        assert "has its response already" in page.text
    assert receiver.code() == Secret(CODE)


def test_one_of_many_simultaneous_responses_is_accepted(
    client: Client, receiver: ResponseReceiver
) -> None:
    """The others get the page for late ones."""
    responses = [{**SUCCESS, "code": f"code{number}"} for number in range(40)]
    with ThreadPoolExecutor(20) as pool:
        pages = list(pool.map(client.redirect, responses))
    assert sorted(page.status for page in pages) == [200] + [409] * 39
    (accepted,) = [
        response["code"]
        for response, page in zip(responses, pages, strict=True)
        if page.status == 200
    ]
    assert receiver.code() == Secret(accepted)


def test_the_page_shows_the_error(client: Client, receiver: ResponseReceiver) -> None:
    """The person reads the text of the error that the program raises, escaped."""
    page = client.redirect({**DECLINED, "error_description": "<script>alert(1)</script> & so."})
    assert page.status == 200
    assert "You have not been signed in" in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; so." in page.text
    assert "<script>" not in page.text
    assert STATE not in page.text
    with pytest.raises(SignInDeclined):
        receiver.code()


@pytest.mark.parametrize(
    ("response", "error", "number"),
    [
        (DECLINED, ConsentDeclined, "AADSTS65004"),
        ({"error": "access_denied"}, SignInDeclined, None),
        ({"error": "consent_required"}, ConsentRequired, None),
        (
            {"error": "access_denied", "error_description": "AADSTS90094: An admin must consent."},
            ConsentRequired,
            "AADSTS90094",
        ),
        (
            {"error": "access_denied", "error_description": "AADSTS53003: Blocked by policy."},
            BlockedByPolicy,
            "AADSTS53003",
        ),
        ({"error": "server_error"}, TransportError, None),
        ({"error": "temporarily_unavailable"}, TransportError, None),
        ({"error": "invalid_resource"}, ConfigurationError, None),
        ({"error": "invalid_request", "code": CODE}, ConfigurationError, None),
        ({}, ProtocolError, None),
        ({"code": ""}, ProtocolError, None),
        ({"code": "\n"}, ProtocolError, None),
        ({"code": "ü"}, ProtocolError, None),
    ],
    ids=str,
)
def test_the_error_code_selects_the_class(
    receiver: ResponseReceiver,
    response: dict[str, str],
    error: type[EndUserError],
    number: str | None,
) -> None:
    """Codes of RFC 6749 section 4.1.2.1, and Microsoft's numbers."""
    receiver.receive(urlencode({**response, "state": STATE}))
    assert receiver.arrived.is_set()
    with pytest.raises(error) as caught:
        receiver.code()
    assert type(caught.value) is error
    assert caught.value.code == number
    assert CODE not in str(caught.value)


def test_the_error_has_the_correlation_id(receiver: ResponseReceiver) -> None:
    """With it an administrator finds the sign-in in the log."""
    receiver.receive(urlencode(DECLINED))
    with pytest.raises(SignInDeclined) as caught:
        receiver.code()
    assert caught.value.correlation_id == "1f1f1f1f-0000-0000-0000-000000000000"
    assert caught.value.timestamp == "2026-01-02 03:04:05Z"


@given(some.text())
def test_a_random_query_is_refused(query: str) -> None:
    """Any query without the state gets an error page, and raises nothing."""
    receiver = ResponseReceiver(flow(), SETTINGS)
    assert receiver.receive(query).status == 400
    assert not receiver.arrived.is_set()


def test_nothing_shows_the_secrets(receiver: ResponseReceiver) -> None:
    """The repr of the flow shows neither state nor verifier."""
    assert STATE not in repr(flow())
    assert "the-verifier" not in repr(flow())


class TestPort:
    """The port and the addresses that it listens on."""

    def test_it_accepts_connections_before_it_serves(self, receiver: ResponseReceiver) -> None:
        """A browser that is faster than the program waits, and is not refused."""
        with RedirectListener("http://localhost") as listener, ThreadPoolExecutor(1) as pool:
            page = pool.submit(Client(listener).redirect, SUCCESS)
            listener.serve(receiver.receive)
            assert page.result(10).status == 200

    def test_port_path_and_host_can_be_chosen(self, receiver: ResponseReceiver) -> None:
        """The redirect URI is sent unchanged, and the listener uses its port, path and host."""
        with RedirectListener("http://localhost") as free:
            port = Client(free).port
        with RedirectListener(f"http://127.0.0.1:{port}/sign/in") as listener:
            listener.serve(receiver.receive)
            client = Client(listener)
            assert listener.redirect_uri == f"http://127.0.0.1:{port}/sign/in"
            assert client.request(f"/?{urlencode(SUCCESS)}").status == 400, (
                "localhost is another host"
            )
            own = f"127.0.0.1:{port}"
            assert client.request(f"/sign?{urlencode(SUCCESS)}", Host=own).status == 404
            assert client.request(f"/sign/in/?{urlencode(SUCCESS)}", Host=own).status == 404
            assert client.request(f"/sign/in?{urlencode(SUCCESS)}", Host=own).status == 200

    def test_ipv6_only(self, receiver: ResponseReceiver) -> None:
        """With the redirect URI http://[::1] it listens on no other address."""
        with RedirectListener("http://[::1]") as listener:
            port = urlsplit(listener.redirect_uri).port
            assert listener.redirect_uri == f"http://[::1]:{port}"
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))  # so that no other program listens there
            port = held.getsockname()[1]
            with RedirectListener(f"http://[::1]:{port}") as listener:
                listener.serve(receiver.receive)
                client = Client(listener)
                page = client.request(f"/?{urlencode(SUCCESS)}", to="::1", Host=f"[::1]:{port}")
                assert page.status == 200
                with pytest.raises(ConnectionRefusedError):
                    client.request(to="127.0.0.1")

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    def test_a_port_that_is_in_use_is_an_error(self, address: str) -> None:
        """At either address: a browser might bring the code to the other program."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as taken:
            taken.bind((address, 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(ConfigurationError, match=f"port {port} .*EADDRINUSE"):
                RedirectListener(f"http://localhost:{port}")

    def test_it_listens_on_loopback_only(self, client: Client) -> None:
        """No other machine can reach it (RFC 8252 section 8.3)."""
        with pytest.raises(ConnectionRefusedError):  # a listener on 0.0.0.0 would accept this, too
            socket.create_connection(("127.0.0.2", client.port), timeout=5)

    def test_the_port_is_closed_afterwards(self, receiver: ResponseReceiver) -> None:
        """Nothing listens any more, and the next sign-in can use the same port at once."""
        with RedirectListener("http://localhost") as listener:
            listener.serve(receiver.receive)
            client = Client(listener)
            client.redirect(SUCCESS)
        with pytest.raises(ConnectionRefusedError):
            client.request()
        with RedirectListener(client.address):
            pass

    def test_a_silent_connection_blocks_nothing(self, receiver: ResponseReceiver) -> None:
        """Browsers connect before they need to; neither the response nor the end waits for that."""
        since = Stopwatch()
        with RedirectListener("http://localhost") as listener:
            listener.serve(receiver.receive)
            client = Client(listener)
            silent = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(5)]
            assert client.redirect(SUCCESS).status == 200
            since.start()
        assert since.seconds < 1
        since.stop()
        for one in silent:
            one.close()

    def test_a_connection_that_drips_ends_with_the_sign_in(
        self, receiver: ResponseReceiver
    ) -> None:
        """A byte now and then never meets the limit for an idle connection."""
        ended = threading.Event()

        def drip(port: int) -> None:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET /")
                try:
                    while True:
                        time.sleep(0.05)
                        connection.sendall(b"x")
                except OSError:
                    ended.set()

        with RedirectListener("http://localhost") as listener:
            listener.serve(receiver.receive)
            client = Client(listener)
            thread = threading.Thread(target=drip, args=(client.port,), daemon=True)
            thread.start()
            time.sleep(0.3)
            assert client.redirect(SUCCESS).status == 200
            assert not ended.is_set()
        assert ended.wait(3)
        thread.join(5)

    def test_the_page_is_sent_before_the_end(self) -> None:
        """A browser that is being served when the wait ends still gets its page."""
        called, sent = threading.Event(), threading.Event()

        def receive(query: str) -> Reply:
            called.set()
            time.sleep(0.3)  # as a browser that is slow to take it
            sent.set()
            return Reply(200, "Done", query)

        with ThreadPoolExecutor(1) as pool:
            with RedirectListener("http://localhost") as listener:
                listener.serve(receive)
                page = pool.submit(Client(listener).redirect, "x")
                assert called.wait(30)
                since = Stopwatch()
                since.start()
            assert sent.is_set()
            assert since.seconds < 1.5
            since.stop()
            assert page.result(30).status == 200

    def test_a_listener_that_never_served_closes_its_port(self) -> None:
        """As after an error before the prompt."""
        with RedirectListener("http://localhost") as listener:
            client = Client(listener)
        with pytest.raises(ConnectionRefusedError):
            client.request()
