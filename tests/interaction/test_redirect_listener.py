"""The listener on loopback, and what it makes of what a browser brings: over real sockets."""

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
from adls_enduser.entra.error_response import RequestContext
from adls_enduser.errors import BlockedByPolicy, ConsentDeclined, EndUserError, TransportError
from adls_enduser.interaction.redirect_listener import RedirectListener, Reply
from adls_enduser.tokens import Secret

from ..waiting import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator

STATE, CODE = "the-state-of-this-sign-in", "0.AX-a.code_that-signs~in"
AUTHORITY = "https://login.microsoftonline.com/contoso.com"
ATTEMPT = RequestContext(
    "browser", AUTHORITY, "contoso.com", "client", "https://datalake.azure.net/"
)
ANSWER = {"code": CODE, "state": STATE, "session_state": "x"}
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
    """Make a sign-in under way."""
    verifier = Secret("the-verifier")
    return AuthorizationFlow("https://x", "http://localhost", Secret(STATE), verifier, ATTEMPT)


class Page:
    """What a browser got: status, headers, text."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status, self.headers = answer.status, answer.headers
        self.text = answer.read().decode()


class Visitor:
    """Something that sends requests to the listener."""

    def __init__(self, listener: RedirectListener) -> None:
        self.address = listener.redirect_uri
        self.port = urlsplit(self.address).port or 0
        self.path = urlsplit(self.address).path or "/"

    def ask(
        self, target: str | None = None, method: str = "GET", to: str = "localhost", **headers: str
    ) -> Page:
        """Send one request."""
        connection = http.client.HTTPConnection(to, self.port, timeout=10)
        headers.setdefault("Host", f"localhost:{self.port}")
        connection.request(method, target or self.path, headers=headers)
        try:
            return Page(connection.getresponse())
        finally:
            connection.close()

    def bring(self, answer: dict[str, str] | str, to: str = "localhost") -> Page:
        """Come back from Entra ID."""
        query = answer if isinstance(answer, str) else urlencode(answer)
        return self.ask(f"{self.path}?{query}", to=to)


@pytest.fixture
def inbox() -> ResponseReceiver:
    """Wait for one answer."""
    return ResponseReceiver(flow())


@pytest.fixture
def visitor(inbox: ResponseReceiver) -> Iterator[Visitor]:
    """Listen, with somebody who can reach the listener."""
    with RedirectListener("http://localhost") as listener:
        listener.serve(inbox.receive)
        yield Visitor(listener)


@pytest.mark.parametrize("to", ["127.0.0.1", "::1", "localhost"])
def test_the_answer_arrives_at_either_address(
    visitor: Visitor, inbox: ResponseReceiver, to: str
) -> None:
    """The code is there, and the person is told to go back; the code is not on the page."""
    page = visitor.bring(ANSWER, to=to)
    assert page.status == 200
    assert inbox.arrived.is_set()
    assert inbox.code() == Secret(CODE)
    assert "Go back to the program" in page.text
    assert CODE not in page.text
    assert STATE not in page.text


def test_the_redirect_uri_is_as_microsoft_matches_it(visitor: Visitor) -> None:
    """A free port and no path: http://localhost is registered, and its port is ignored."""
    assert visitor.address == f"http://localhost:{visitor.port}"
    assert visitor.port > 1024


def test_the_page_is_kept_by_nobody(visitor: Visitor) -> None:
    """Not stored, sent no further, with nothing in it that runs."""
    for page in (visitor.bring(ANSWER), visitor.ask("/favicon.ico")):
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "Server" not in page.headers
        assert '<html lang="en">' in page.text


STRANGERS = {
    "no state": {"code": CODE},
    "an empty state": {"code": CODE, "state": ""},
    "another state": {"code": CODE, "state": "stale"},
    "the state in another case": {"code": CODE, "state": STATE.upper()},
    "a letter short": {"code": CODE, "state": STATE[:-1]},
    "not ASCII": {"code": CODE, "state": "ü"},
    "an error of somebody else": {"error": "access_denied", "state": "stale"},
    "the state twice": f"code={CODE}&state={STATE}&state=stale",
    "the code twice": f"code={CODE}&code=other&state={STATE}",
    "nothing": "",
    "too much": "&".join(f"x{number}=1" for number in range(31)) + f"&state={STATE}",
}


@pytest.mark.parametrize("name", STRANGERS)
def test_who_does_not_know_the_state_changes_nothing(
    visitor: Visitor, inbox: ResponseReceiver, name: str
) -> None:
    """An error page, and the wait goes on: the right answer still arrives."""
    page = visitor.bring(STRANGERS[name])
    assert page.status == 400
    assert "does not belong to the sign-in" in page.text
    assert not inbox.arrived.is_set()
    visitor.bring(ANSWER)
    assert inbox.code() == Secret(CODE)


class Watched(str):
    """A state that notices when it is compared as text, which stops at the first difference."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared in a time that tells how much was right")

    __ne__ = __eq__


@pytest.mark.parametrize("state", [STATE, STATE[:-1] + "x", "stale"])
def test_the_state_is_not_found_out_by_the_time_it_takes(state: str) -> None:
    """It is a secret as long as the sign-in lasts, and compared in constant time."""
    inbox = ResponseReceiver(replace(flow(), state=Secret(Watched(STATE))))
    assert (inbox.receive(urlencode({**ANSWER, "state": state})).status == 200) is (state == STATE)


def test_a_request_of_another_kind_changes_nothing(
    visitor: Visitor, inbox: ResponseReceiver
) -> None:
    """Another path, method or host: an error page, even with the right state."""
    right = f"/?{urlencode(ANSWER)}"
    assert visitor.ask("/favicon.ico").status == 404
    assert visitor.ask(f"/other?{urlencode(ANSWER)}").status == 404
    assert visitor.ask(f"http://localhost:{visitor.port}{right}").status == 404
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD", "BREW"):
        page = visitor.ask(right, method)
        assert (page.status, page.headers["Allow"]) == (405, "GET")
    for host in ("evil.example", f"evil.example:{visitor.port}", "localhost", "localhost:1", ""):
        assert visitor.ask(right, Host=host).status == 400
    assert not inbox.arrived.is_set()
    assert visitor.ask(right, Host=f"LOCALHOST:{visitor.port}").status == 200


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
def test_nonsense_changes_nothing(
    visitor: Visitor, inbox: ResponseReceiver, capfd: pytest.CaptureFixture[str], raw: bytes
) -> None:
    """What is no request is refused without a word on standard error, nor an echo."""
    with socket.create_connection(("127.0.0.1", visitor.port), timeout=10) as stranger:
        stranger.sendall(raw)
        stranger.shutdown(socket.SHUT_WR)
        try:
            told = stranger.recv(100_000)
        except ConnectionResetError:  # it did not read all that was sent
            told = b""
    assert b" 200 " not in told
    assert b"xxxx" not in told
    visitor.bring(ANSWER)
    assert inbox.code() == Secret(CODE)
    assert capfd.readouterr() == ("", "")


def test_a_browser_that_goes_away_is_no_news(
    visitor: Visitor, inbox: ResponseReceiver, capfd: pytest.CaptureFixture[str]
) -> None:
    """A connection that is reset in the middle of a request says nothing on standard error."""
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", visitor.port), timeout=10) as gone:
            gone.sendall(b"GET / HTTP/1.1\r\nHost:")
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        visitor.ask("/favicon.ico")
    visitor.bring(ANSWER)
    assert inbox.code() == Secret(CODE)
    assert capfd.readouterr() == ("", "")


def test_only_the_first_answer_counts(visitor: Visitor, inbox: ResponseReceiver) -> None:
    """A page that is loaded again, or a second answer, is told that it is late."""
    assert visitor.bring(ANSWER).status == 200
    for later in (ANSWER, {**ANSWER, "code": "another"}, DECLINED):
        page = visitor.bring(later)
        assert page.status == 409
        assert "had its answer already" in page.text
    assert inbox.code() == Secret(CODE)


def test_of_many_at_once_one_is_taken(visitor: Visitor, inbox: ResponseReceiver) -> None:
    """However many come at the same time."""
    answers = [{**ANSWER, "code": f"code{number}"} for number in range(40)]
    with ThreadPoolExecutor(20) as pool:
        pages = list(pool.map(visitor.bring, answers))
    assert sorted(page.status for page in pages) == [200] + [409] * 39
    (won,) = [
        answer["code"] for answer, page in zip(answers, pages, strict=True) if page.status == 200
    ]
    assert inbox.code() == Secret(won)


def test_what_went_wrong_is_told_on_the_page(visitor: Visitor, inbox: ResponseReceiver) -> None:
    """The person reads there what the program raises: no more, and nothing that runs."""
    page = visitor.bring({**DECLINED, "error_description": "<script>alert(1)</script> & so."})
    assert page.status == 200
    assert "You have not been signed in" in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; so." in page.text
    assert "<script>" not in page.text
    assert STATE not in page.text
    with pytest.raises(SignInDeclined):
        inbox.code()


@pytest.mark.parametrize(
    ("answer", "error", "number"),
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
def test_an_error_is_typed(
    inbox: ResponseReceiver, answer: dict[str, str], error: type[EndUserError], number: str | None
) -> None:
    """RFC 6749 section 4.1.2.1's codes and Microsoft's numbers choose the class."""
    inbox.receive(urlencode({**answer, "state": STATE}))
    assert inbox.arrived.is_set()
    with pytest.raises(error) as caught:
        inbox.code()
    assert type(caught.value) is error
    assert caught.value.code == number
    assert CODE not in str(caught.value)


def test_the_correlation_id_gets_out(inbox: ResponseReceiver) -> None:
    """An administrator finds the attempt by it."""
    inbox.receive(urlencode(DECLINED))
    with pytest.raises(SignInDeclined) as caught:
        inbox.code()
    assert caught.value.correlation_id == "1f1f1f1f-0000-0000-0000-000000000000"
    assert caught.value.timestamp == "2026-01-02 03:04:05Z"


@given(some.text())
def test_no_query_but_ours_is_an_answer(query: str) -> None:
    """Whatever comes without the state is turned away, and never raises."""
    inbox = ResponseReceiver(flow())
    assert inbox.receive(query).status == 400
    assert not inbox.arrived.is_set()


def test_nothing_shows_the_secrets(inbox: ResponseReceiver) -> None:
    """The flow's repr has neither state nor verifier in it."""
    assert STATE not in repr(flow())
    assert "the-verifier" not in repr(flow())


class TestPort:
    """Where it listens."""

    def test_it_listens_before_it_answers(self, inbox: ResponseReceiver) -> None:
        """A browser that is faster than the program waits, and is not refused."""
        with RedirectListener("http://localhost") as listener, ThreadPoolExecutor(1) as pool:
            page = pool.submit(Visitor(listener).bring, ANSWER)
            listener.serve(inbox.receive)
            assert page.result(10).status == 200

    def test_a_port_path_and_host_of_ones_own(self, inbox: ResponseReceiver) -> None:
        """What the application is registered with is sent as it is, and listened to."""
        with RedirectListener("http://localhost") as free:
            port = Visitor(free).port
        with RedirectListener(f"http://127.0.0.1:{port}/sign/in") as listener:
            listener.serve(inbox.receive)
            visitor = Visitor(listener)
            assert listener.redirect_uri == f"http://127.0.0.1:{port}/sign/in"
            assert visitor.ask(f"/?{urlencode(ANSWER)}").status == 400, "localhost is another host"
            own = f"127.0.0.1:{port}"
            assert visitor.ask(f"/sign?{urlencode(ANSWER)}", Host=own).status == 404
            assert visitor.ask(f"/sign/in/?{urlencode(ANSWER)}", Host=own).status == 404
            assert visitor.ask(f"/sign/in?{urlencode(ANSWER)}", Host=own).status == 200

    def test_the_sixth_version_alone(self, inbox: ResponseReceiver) -> None:
        """[::1] is listened to if that is what was registered."""
        with RedirectListener("http://[::1]") as listener:
            listener.serve(inbox.receive)
            port = urlsplit(listener.redirect_uri).port
            assert listener.redirect_uri == f"http://[::1]:{port}"
            visitor = Visitor(listener)
            page = visitor.ask(f"/?{urlencode(ANSWER)}", to="::1", Host=f"[::1]:{port}")
            assert page.status == 200
            with pytest.raises(ConnectionRefusedError):
                visitor.ask(to="127.0.0.1")

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    def test_a_port_that_somebody_has_is_not_shared(self, address: str) -> None:
        """At neither address: a browser might go to the stranger with the code."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as taken:
            taken.bind((address, 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(ConfigurationError, match=f"port {port} .*EADDRINUSE"):
                RedirectListener(f"http://localhost:{port}")

    def test_it_listens_at_no_other_address(self, visitor: Visitor) -> None:
        """Nobody else in the network can reach it (RFC 8252 section 8.3)."""
        with pytest.raises(ConnectionRefusedError):  # 0.0.0.0 would take this one, too
            socket.create_connection(("127.0.0.2", visitor.port), timeout=5)

    def test_the_port_is_free_afterwards(self, inbox: ResponseReceiver) -> None:
        """Nothing listens any more, and the next sign-in may have the same port at once."""
        with RedirectListener("http://localhost") as listener:
            listener.serve(inbox.receive)
            visitor = Visitor(listener)
            visitor.bring(ANSWER)
        with pytest.raises(ConnectionRefusedError):
            visitor.ask()
        with RedirectListener(visitor.address):
            pass

    def test_a_silent_connection_holds_nobody_up(self, inbox: ResponseReceiver) -> None:
        """Browsers connect ahead of time: the answer passes them, and so does the end."""
        since = Stopwatch()
        with RedirectListener("http://localhost") as listener:
            listener.serve(inbox.receive)
            visitor = Visitor(listener)
            silent = [socket.create_connection(("127.0.0.1", visitor.port)) for _ in range(5)]
            assert visitor.bring(ANSWER).status == 200
            since.start()
        assert since.seconds < 1
        since.stop()
        for one in silent:
            one.close()

    def test_the_page_gets_out_before_the_end(self) -> None:
        """Whoever is served when the wait is over still sees the page."""
        brought, sent = threading.Event(), threading.Event()

        def receive(query: str) -> Reply:
            brought.set()
            time.sleep(0.3)  # as a browser that is slow to take it
            sent.set()
            return Reply(200, "Done", query)

        with ThreadPoolExecutor(1) as pool:
            with RedirectListener("http://localhost") as listener:
                listener.serve(receive)
                page = pool.submit(Visitor(listener).bring, "x")
                assert brought.wait(30)
                since = Stopwatch()
                since.start()
            assert sent.is_set()
            assert since.seconds < 1.5
            since.stop()
            assert page.result(30).status == 200

    def test_a_listener_that_never_served_closes(self) -> None:
        """An error before the page opened leaves no port open."""
        with RedirectListener("http://localhost") as listener:
            visitor = Visitor(listener)
        with pytest.raises(ConnectionRefusedError):
            visitor.ask()
