"""The identity endpoint: what programs get from it, and what nobody gets."""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from adls_enduser import (
    ConfigurationError,
    StaticToken,
    filesystem_token,
    management_credentials,
    storage_credential,
)
from adls_enduser.interop import identity_endpoint
from adls_enduser.sandbox import CONTOSO, Stall

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, KEY_VAULT, MANAGEMENT, STORAGE, TOKEN_PATH
from ..waiting import Stopwatch, wait_until
from .endpoint_client import APP_SERVICE, VIRTUAL_MACHINE, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adls_enduser import Credentials
    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

GO = "azsdk-go-azidentity/v1.14.0 (go1.26.9; linux)"
RESOURCE_MANAGER = "https://management.azure.com/"


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


def _check_expiry(told: str, expected: float) -> None:
    """A second may be lost, because responses of Entra ID count in whole ones."""
    assert told.isdecimal()
    assert abs(int(told) - expected) <= 1


@pytest.fixture
def credential(ada: Person, library: str, clock: SandboxClock) -> Credentials:
    """Ada's sign-in, by either library."""
    return storage_credential(
        "password",
        tenant=CONTOSO,
        username=ada.username,
        password=PASSWORD,
        library=library,
        clock=clock,
    )


@pytest.fixture
def program(credential: Credentials) -> Iterator[Program]:
    """A program with an endpoint for Ada's sign-in."""
    with identity_endpoint(credential) as environment:
        yield Program(environment)


@pytest.fixture
def opaque(clock: SandboxClock) -> Iterator[Program]:
    """A program with an endpoint for a token that needs no network."""
    credential = storage_credential(StaticToken("opaque", clock.time() + 3600, clock=clock))
    with identity_endpoint(credential) as environment:
        yield Program(environment)


class TestResponses:
    """What a program gets that has the variables."""

    def test_app_service(self, program: Program, ada: Person, clock: SandboxClock) -> None:
        """As on Microsoft's page: all values are str, the resource is the requested one."""
        reply = program.ask()
        assert reply.status == 200
        claims = _claims(reply.fields.pop("access_token"))
        assert claims["upn"] == ada.username
        _check_expiry(reply.fields.pop("expires_on"), claims["exp"])
        assert reply.fields == {"resource": STORAGE, "token_type": "Bearer"}

    def test_virtual_machine(self, program: Program, clock: SandboxClock) -> None:
        """The older version has three fields more."""
        clock.advance(60)
        reply = program.ask(version=VIRTUAL_MACHINE)
        claims = _claims(reply.fields.pop("access_token"))
        _check_expiry(reply.fields.pop("expires_on"), claims["exp"])
        _check_expiry(reply.fields.pop("expires_in"), claims["exp"] - clock.time())
        assert reply.fields == {
            "not_before": str(int(clock.time() - 60)),
            "resource": STORAGE,
            "refresh_token": "",
            "token_type": "Bearer",
        }

    def test_nothing_is_stored_and_no_page_may_read_it(self, opaque: Program) -> None:
        """Headers say so; there is none by which a web page could be allowed to read."""
        for reply in (opaque.ask(), opaque.ask(Origin="https://evil.example"), opaque.send("/")):
            assert reply.headers["Cache-Control"] == "no-store"
            assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
            assert reply.headers["Connection"] == "close"
            named = {name.lower() for name in reply.headers}
            assert not {"server", "location", "access-control-allow-origin"} & named

    @pytest.mark.parametrize(
        ("resource", "audience"),
        [
            (STORAGE, STORAGE),
            (STORAGE.rstrip("/"), STORAGE),
            (STORAGE.upper(), STORAGE),
            (f"{STORAGE}.default", STORAGE),
            (MANAGEMENT, MANAGEMENT),
            (RESOURCE_MANAGER, MANAGEMENT),
            (RESOURCE_MANAGER.rstrip("/"), MANAGEMENT),
        ],
    )
    def test_spellings_of_a_resource(
        self, program: Program, azure: Sandbox, resource: str, audience: str
    ) -> None:
        """With and without the final slash, and by the two names of Resource Manager."""
        reply = program.ask(resource)
        assert reply.fields["resource"] == resource
        azure.world.identity.check(f"Bearer {reply.fields['access_token']}", [audience])

    def test_the_absolute_form(self, opaque: Program) -> None:
        """DuckDB sends it to the endpoint itself (RFC 9112 section 3.2.2)."""
        query = f"?api-version={APP_SERVICE}&resource={quote(STORAGE)}"
        assert opaque.send(f"{opaque.url}{query}").status == 200
        for origin in ("http://evil.example", f"http://{opaque.host}.evil.example", "https://a"):
            assert opaque.send(f"{origin}{opaque.path}{query}").status == 404

    def test_every_factorys_credential_will_do(self, clock: SandboxClock) -> None:
        """One sign-in serves each audience that its tokens are for."""
        token = StaticToken("opaque", clock.time() + 3600, resource=STORAGE, clock=clock)
        for factory in (management_credentials, filesystem_token, storage_credential):
            if factory is not storage_credential:
                token = StaticToken("opaque", clock.time() + 3600, clock=clock)
            with identity_endpoint(factory(token)) as environment:
                assert environment["IDENTITY_ENDPOINT"].startswith("http://127.0.0.1:")


class TestRenewal:
    """Programs get tokens with life left."""

    def test_one_request_for_all(self, program: Program, azure: Sandbox) -> None:
        """Programs that ask at once for the first token share one renewal."""
        azure.log.clear()
        with ThreadPoolExecutor(30) as pool:
            tokens = set(pool.map(program.token, [MANAGEMENT] * 30))
        assert len(tokens) == 1
        assert len(azure.log.to(TOKEN_PATH)) == 1

    def test_five_minutes_are_left(self, program: Program, clock: SandboxClock) -> None:
        """A token of an hour is renewed when no more is left; several times."""
        for _ in range(3):
            first = program.token()
            clock.advance(3600 - 301)
            clock.advance(2)
            second = program.token()
            assert second != first
            assert _claims(second)["exp"] - clock.time() > 3500

    def test_half_of_a_short_life_is_left(
        self, program: Program, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """OpenDAL takes no token that ends within 20 seconds."""
        azure.entra.token_lifetime = 60
        first = program.token(MANAGEMENT)
        clock.advance(29)
        assert program.token(MANAGEMENT) == first
        clock.advance(2)
        second = program.token(MANAGEMENT)
        assert second != first
        assert _claims(second)["exp"] - clock.time() > 58

    def test_a_short_life_costs_no_more_requests_than_renewals(
        self, program: Program, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """However often programs ask."""
        azure.entra.token_lifetime = 60
        program.token(MANAGEMENT)
        azure.log.clear()
        for _ in range(60):
            clock.advance(1)
            program.token(MANAGEMENT)
        assert len(azure.log.to(TOKEN_PATH)) in (1, 2)

    def test_go_is_told_a_little_less(self, program: Program) -> None:
        """It signs until the last moment, and AzCopy ends a job when one request is refused."""
        query = f"{program.path}?api-version={APP_SERVICE}&resource={quote(STORAGE)}"
        told = program.send(query, User_Agent=GO).fields
        _check_expiry(told["expires_on"], _claims(told["access_token"])["exp"] - 10)

    def test_a_token_that_cannot_be_renewed_serves_until_it_ends(self, opaque: Program) -> None:
        """A token that somebody brought has no other."""
        assert opaque.token() == "opaque"

    def test_a_refused_renewal(
        self, program: Program, azure: Sandbox, ada: Person, clock: SandboxClock
    ) -> None:
        """The body names our error and what to do, in the fields that each client reads."""
        azure.entra.revoke_refresh_tokens(ada)
        ada.refused_with = 50057
        clock.advance(3601)
        reply = program.ask()
        assert reply.status == 400
        assert reply.fields["statusCode"] == 400
        assert reply.fields["error"] in ("SignInExpired", "InvalidCredentials", "SignInRequired")
        assert reply.fields["message"] == reply.fields["error_description"]
        assert reply.fields["message"].startswith(f"{reply.fields['error']}: ")
        assert "storage_credential" in reply.fields["message"]
        assert PASSWORD not in reply.fields["message"]

    def test_an_outage(self, program: Program, azure: Sandbox, clock: SandboxClock) -> None:
        """It is an error that clients repeat; the token serves until it ends."""
        token = program.token()
        azure.faults.add(_throttled(), times=99, path=TOKEN_PATH)
        clock.advance(3550)
        assert program.token() == token
        clock.advance(3600)
        reply = program.ask()
        assert (reply.status, reply.fields["error"]) == (503, "TransportError")
        assert 1 <= int(reply.headers["Retry-After"]) <= 31
        azure.faults.clear()
        clock.advance(60)
        assert program.token() != token


def _throttled() -> Any:
    from adls_enduser.sandbox import throttled

    return throttled("30")


class TestRefusals:
    """What gets no token."""

    @pytest.mark.parametrize("secret", [None, "", "x", "ü", "a" * 43, "SECRET ", "secret"])
    def test_without_the_secret(self, opaque: Program, secret: str | None) -> None:
        """Nobody who cannot read the variables gets anything."""
        if secret in ("SECRET ", "secret"):
            secret = opaque.secret.swapcase() if secret == "secret" else opaque.secret[:-1]
        query = f"{opaque.path}?api-version={APP_SERVICE}&resource={quote(STORAGE)}"
        encoded = secret.encode().decode("latin-1") if secret else secret
        reply = opaque.send(query, X_IDENTITY_HEADER=encoded)
        assert reply.status == 403
        assert "opaque" not in str(reply.fields)
        assert opaque.secret not in str(reply.fields)

    def test_two_secrets(self, opaque: Program) -> None:
        """One of them right is not enough."""
        query = f"?api-version={APP_SERVICE}&resource={quote(STORAGE)}"
        header = f"X-IDENTITY-HEADER: {opaque.secret}\r\n"
        head = f"GET {opaque.path}{query} HTTP/1.1\r\nHost: {opaque.host}\r\n"
        assert b" 200 " in opaque.raw(f"{head}{header}\r\n".encode())
        for other in (header, "X-IDENTITY-HEADER: x\r\n"):
            assert b" 403 " in opaque.raw(f"{head}{header}{other}\r\n".encode())

    def test_the_secret_has_256_bits(self, credential: Credentials) -> None:
        """It is another one for each endpoint, as is the path."""
        with identity_endpoint(credential) as one, identity_endpoint(credential) as other:
            assert len(base64.urlsafe_b64decode(one["IDENTITY_HEADER"] + "=")) == 32
            first, second = Program(one), Program(other)
        assert first.secret != second.secret
        assert first.path != second.path

    def test_another_host(self, opaque: Program) -> None:
        """A name that was made to point here is refused (DNS rebinding)."""
        query = f"{opaque.path}?api-version={APP_SERVICE}&resource={quote(STORAGE)}"
        port = opaque.port
        for host in (f"localhost:{port}", "127.0.0.1", "127.0.0.1:1", f"[::1]:{port}", "", None):
            assert opaque.send(query, Host=host).status == 400
        assert opaque.send(opaque.url, Host=f"evil.example:{port}").status == 400

    def test_another_path(self, opaque: Program) -> None:
        """Not even by a slash more; nothing redirects."""
        query = f"?api-version={APP_SERVICE}&resource={quote(STORAGE)}"
        path = opaque.path
        for other in (f"{path}/", f"/{path}", path[:-1], path.upper(), "/", f"/./{path[1:]}", "/x"):
            assert opaque.send(f"{other}{query}").status == 404
        assert opaque.send(path.replace("msi", "%6dsi") + query).status == 404

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"])
    def test_another_method(self, opaque: Program, method: str) -> None:
        """Not even the preflight of a web page (Fetch, CORS-preflight)."""
        reply = opaque.send(f"{opaque.path}?api-version={APP_SERVICE}&resource=x", method)
        assert (reply.status, reply.headers["Allow"]) == (405, "GET")
        assert "Access-Control-Allow-Methods" not in reply.headers

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ("", "api-version"),
            (f"resource={STORAGE}", "api-version must be 2019-08-01 or 2018-02-01"),
            (f"api-version=2017-09-01&resource={STORAGE}", "api-version must be"),
            (f"api-version={APP_SERVICE}", "no resource"),
            (f"api-version={APP_SERVICE}&resource=", "no resource"),
            (f"api-version={APP_SERVICE}&resource={STORAGE}&resource={STORAGE}", "twice"),
            ("&".join(f"p{number}=1" for number in range(50)), "too many"),
            (f"api-version={APP_SERVICE}&resource={STORAGE}&client_id=x", "client_id"),
            (f"api-version={VIRTUAL_MACHINE}&resource={STORAGE}&msi_res_id=/x", "msi_res_id"),
        ],
    )
    def test_another_query(self, opaque: Program, query: str, told: str) -> None:
        """It says what is wrong."""
        reply = opaque.send(f"{opaque.path}?{query}")
        assert reply.status == 400
        assert told in reply.fields["message"]
        assert reply.fields["error"] == "invalid_request"

    def test_an_empty_identity_is_none(self, opaque: Program) -> None:
        """Some clients send the parameter always."""
        assert opaque.ask(client_id="").status == 200

    @pytest.mark.parametrize(
        "resource", [KEY_VAULT, DATA_LAKE, "https://graph.microsoft.com", "x", "\r\n", "ü" * 999]
    )
    def test_another_audience(self, program: Program, azure: Sandbox, resource: str) -> None:
        """Storage and Resource Manager only, and Entra ID is not asked."""
        azure.log.clear()
        reply = program.ask(resource)
        assert (reply.status, reply.fields["error"]) == (400, "invalid_resource")
        assert "resources=" in reply.fields["message"]
        assert len(reply.content) < 4000
        assert len(azure.log) == 0

    def test_resources_are_all_that_is_allowed(
        self, credential: Credentials, azure: Sandbox
    ) -> None:
        """They replace the default; the final slash does not matter."""
        with identity_endpoint(credential, resources=[DATA_LAKE.rstrip("/"), KEY_VAULT]) as told:
            program = Program(told)
            for resource in (DATA_LAKE, DATA_LAKE.rstrip("/")):
                token = program.token(resource)
                azure.world.identity.check(f"Bearer {token}", [DATA_LAKE])
            assert program.ask(STORAGE).fields["error"] == "invalid_resource"
            # The sandbox's Entra ID does not know it, and is asked.
            assert program.ask(KEY_VAULT.rstrip("/")).fields["error"] != "invalid_resource"

    def test_it_listens_on_loopback_only(self, opaque: Program) -> None:
        """A server on 0.0.0.0 would accept this, too."""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", opaque.port), timeout=5)

    def test_no_secret_is_logged(
        self, opaque: Program, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """What was given and refused is, with the audience."""
        with caplog.at_level(logging.DEBUG, "adls_enduser"):
            opaque.ask()
            opaque.ask(KEY_VAULT)
            opaque.send("/")
        assert STORAGE in caplog.text
        assert KEY_VAULT in caplog.text
        for secret in ("opaque", opaque.secret, opaque.path):
            assert secret not in caplog.text
        assert capfd.readouterr() == ("", "")


class TestBounds:
    """No client holds the endpoint, or the end of the ``with`` block."""

    @pytest.mark.parametrize(
        "raw",
        [
            b"\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
            b"GET / HTTP/1.1\r\nHost: " + b"x" * 100_000 + b"\r\n\r\n",
            b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
            b"x" * 1_000_000,
        ],
        ids=lambda raw: repr(raw[:30]),
    )
    def test_malformed_requests(
        self, opaque: Program, raw: bytes, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """They are refused; nothing is printed, and the next request is served."""
        received = opaque.raw(raw)
        assert b" 200 " not in received
        assert b"xxxx" not in received
        assert opaque.token() == "opaque"
        assert capfd.readouterr() == ("", "")

    def test_a_body_is_not_read(self, opaque: Program) -> None:
        """A request with one gets its response all the same."""
        query = f"?api-version={APP_SERVICE}&resource={quote(STORAGE)}"
        head = (
            f"GET {opaque.path}{query} HTTP/1.1\r\nHost: {opaque.host}\r\n"
            f"X-IDENTITY-HEADER: {opaque.secret}\r\nContent-Length: 100000\r\n\r\n"
        )
        assert b" 200 " in opaque.raw(head.encode() + b"x" * 100_000)

    def test_a_drip_ends(self, opaque: Program) -> None:
        """A request has a few seconds in all, and not for each byte."""
        with opaque.connect() as connection:
            ended = False
            for _ in range(300):
                try:
                    connection.sendall(b"x")
                except (BrokenPipeError, ConnectionResetError):
                    ended = True
                    break
                time.sleep(0.1)
            assert ended
        assert opaque.token() == "opaque"

    def test_many_connections(self, opaque: Program) -> None:
        """Connections that send nothing are closed in favour of newer ones."""
        with ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(closing(opaque.connect()))
            assert opaque.token() == "opaque"
            names = [thread.name for thread in threading.enumerate()]
            assert sum("process_request" in name for name in names) < 100

    def test_the_end_waits_for_no_client(self, clock: SandboxClock) -> None:
        """Neither for one that sends nothing, nor for one that does not close."""
        credential = storage_credential(StaticToken("opaque", clock.time() + 3600, clock=clock))
        since = Stopwatch()
        with ExitStack() as stack:
            with identity_endpoint(credential) as environment:
                program = Program(environment)
                for _ in range(10):
                    stack.enter_context(closing(program.connect())).sendall(b"GET ")
                program.token()
                since.start()
            assert since.seconds < 1
            with pytest.raises(ConnectionRefusedError):
                program.connect()
        since.stop()

    def test_the_end_waits_for_no_renewal(self, credential: Credentials, azure: Sandbox) -> None:
        """Who waits for a token then gets none."""
        azure.faults.add(Stall(), times=9, path=TOKEN_PATH)
        since = Stopwatch()
        with ThreadPoolExecutor(1) as pool:
            with identity_endpoint(credential) as environment:
                program = Program(environment)
                waiting = pool.submit(program.ask, MANAGEMENT)
                wait_until(lambda: len(azure.log.to(TOKEN_PATH)) > 1)
                since.start()
            assert since.seconds < 1
            with pytest.raises(ConnectionResetError):
                waiting.result(30)
        since.stop()

    def test_an_error_ends_it_too(self, credential: Credentials) -> None:
        """The error passes through."""
        context = identity_endpoint(credential)
        program = Program(context.__enter__())
        assert not context.__exit__(KeyError, KeyError(), None)
        with pytest.raises(ConnectionRefusedError):
            program.connect()


class TestEnvironment:
    """The variables."""

    def test_names(self, opaque: Program, credential: Credentials) -> None:
        """Those of App Service, of OpenDAL and AzCopy, and without a proxy."""
        with identity_endpoint(credential) as environment:
            assert set(environment) == {
                "IDENTITY_ENDPOINT",
                "IDENTITY_HEADER",
                "AZURE_IMDS_ENDPOINT",
                "AZURE_MSI_SECRET",
                "AZCOPY_AUTO_LOGIN_TYPE",
                "NO_PROXY",
                "no_proxy",
            }
            assert environment["AZURE_IMDS_ENDPOINT"] == environment["IDENTITY_ENDPOINT"]
            assert environment["AZURE_MSI_SECRET"] == environment["IDENTITY_HEADER"]
            assert all(isinstance(value, str) for value in environment.values())
            assert {**environment} == environment
            assert environment["IDENTITY_HEADER"] not in f"{environment!r} {environment}"
            assert "IDENTITY_HEADER" not in os.environ

    @pytest.mark.parametrize(
        ("upper", "lower", "expected"),
        [
            (None, None, ("127.0.0.1", "127.0.0.1")),
            ("", "", ("127.0.0.1", "127.0.0.1")),
            ("a.example", None, ("a.example,127.0.0.1", "a.example,127.0.0.1")),
            (None, "a.example", ("a.example,127.0.0.1", "a.example,127.0.0.1")),
            ("a,b", "c d", ("a,b,127.0.0.1", "c,d,127.0.0.1")),
            ("*", None, ("*", "*")),
            ("a,127.0.0.1", "x", ("a,127.0.0.1", "x,127.0.0.1")),
            ("localhost,127.0.0.0/8,", None, ("localhost,127.0.0.0/8,127.0.0.1",) * 2),
        ],
    )
    def test_loopback_is_added_to_no_proxy(
        self,
        clock: SandboxClock,
        monkeypatch: pytest.MonkeyPatch,
        upper: str | None,
        lower: str | None,
        expected: tuple[str, str],
    ) -> None:
        """To what is there: some programs read one name first, some the other."""
        for name, value in (("NO_PROXY", upper), ("no_proxy", lower)):
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        credential = storage_credential(StaticToken("opaque", clock.time() + 3600, clock=clock))
        with identity_endpoint(credential) as environment:
            assert (environment["NO_PROXY"], environment["no_proxy"]) == expected


class TestWrongCalls:
    """Each is an error at the call, before any network."""

    @pytest.mark.parametrize(
        "resources",
        ["https://storage.azure.com", b"x", [], [""], [None], [1], 5, ["/"], [["x"]], ["storage"]],
    )
    def test_resources(self, clock: SandboxClock, resources: Any) -> None:
        """A list of audiences is wanted; not even the ``with`` is needed for the error."""
        credential = storage_credential(StaticToken("opaque", clock.time() + 3600, clock=clock))
        with pytest.raises(ConfigurationError, match=r"^resources=") as caught:
            identity_endpoint(credential, resources=resources)
        assert STORAGE in caught.value.remedy

    def test_resources_may_be_any_iterable(self, clock: SandboxClock) -> None:
        """A generator, or a set."""
        credential = storage_credential(StaticToken("opaque", clock.time() + 3600, clock=clock))
        with identity_endpoint(credential, resources=(one for one in {STORAGE})) as environment:
            assert Program(environment).token() == "opaque"

    def test_no_port_is_free(self, clock: SandboxClock, monkeypatch: pytest.MonkeyPatch) -> None:
        """The reason is told."""
        import resource

        credential = storage_credential(StaticToken("opaque", clock.time() + 3600, clock=clock))
        context = identity_endpoint(credential)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = os.dup(0)
        os.close(used)
        resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
        try:
            with pytest.raises(ConfigurationError, match=r"cannot listen.*127\.0\.0\.1.*EMFILE"):
                context.__enter__()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
class TestFork:
    """A forked child serves nothing of its parent's."""

    def test_the_childs_call_is_an_error(self, clock: SandboxClock) -> None:
        """The parent's endpoint serves it; what is unpickled there is the child's own."""
        credential = storage_credential(StaticToken("opaque", clock.time() + 3600, clock=clock))
        before = identity_endpoint(credential)

        def in_child() -> bool:
            for act in (lambda: identity_endpoint(credential), before.__enter__):
                with pytest.raises(ConfigurationError, match=r"^credential was made by") as caught:
                    act()
                assert "before the fork" in caught.value.remedy
            unpickled = pickle.loads(pickle.dumps(credential))
            with identity_endpoint(unpickled) as environment:
                return Program(environment).token() == "opaque"

        assert _child_of(in_child) == 7

    def test_the_child_uses_the_parents_and_cannot_end_it(self, clock: SandboxClock) -> None:
        """Leaving the block in the child neither hangs nor closes the parent's port."""
        credential = storage_credential(StaticToken("opaque", clock.time() + 3600, clock=clock))
        with ExitStack() as stack:
            environment = stack.enter_context(identity_endpoint(credential))
            program = Program(environment)

            def in_child() -> bool:
                token = program.token()
                stack.close()
                return token == "opaque"

            assert _child_of(in_child) == 7
            assert program.token() == "opaque"

    def test_the_child_does_not_hold_the_port(self, clock: SandboxClock) -> None:
        """Nobody listens after the parent's block, though the child lives."""
        credential = storage_credential(StaticToken("opaque", clock.time() + 3600, clock=clock))
        with identity_endpoint(credential) as environment:
            program = Program(environment)
            there, end = os.pipe(), os.pipe()
            child = os.fork()
            if child == 0:
                os.close(end[1])
                os.write(there[1], b".")  # after a fork, the child first closes its copies
                os.read(end[0], 1)
                os._exit(0)
        os.read(there[0], 1)
        try:
            with pytest.raises(ConnectionRefusedError):
                program.connect()
        finally:
            for one in (*there, *end):
                os.close(one)
            os.waitpid(child, 0)


def _child_of(act: Any) -> int:
    child = os.fork()
    if child == 0:
        try:
            os._exit(7 if act() else 1)
        except BaseException:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
