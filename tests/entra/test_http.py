"""The transport: certificates, proxies, timeouts and redirects of every request."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as some

from adls_enduser import PUBLIC, ConfigurationError, Password, TransportError
from adls_enduser.entra.dates import retry_after
from adls_enduser.entra.exchange import Response
from adls_enduser.entra.http import Http
from adls_enduser.options import Settings
from adls_enduser.sandbox import CONTOSO, Sandbox, Stall

from ..conftest import PASSWORD
from ..constants import MANAGEMENT
from ..waiting import with_patience

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adls_enduser.sandbox import Person, SandboxClock

URL = "https://login.microsoftonline.com/common/discovery/instance"


@pytest.fixture
def standalone(clock: SandboxClock) -> Iterator[Sandbox]:
    """Start a sandbox that this process's environment does not point at."""
    with Sandbox(clock=clock, environ=None) as sandbox:
        sandbox.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        yield sandbox


def _ada(azure: Sandbox, **options: Any) -> Password:
    more = {"tenant": CONTOSO, "clock": azure.clock} | options
    return Password(username=f"ada@{CONTOSO}", password=PASSWORD, **more)


def _reach(azure: Sandbox) -> dict[str, Any]:
    return {
        "proxies": {"https": azure.environment["HTTPS_PROXY"]},
        "ca_bundle": azure.ca_bundle,
    }


def test_proxies_and_ca_bundle_serve_every_leg(standalone: Sandbox) -> None:
    """Options alone reach a proxy that inspects TLS: sign-in, federation and renewal."""
    strategy = _ada(standalone, **_reach(standalone))
    assert strategy.silent(MANAGEMENT)
    assert strategy.silent("https://datalake.azure.net/")
    standalone.entra.person("fay@fabrikam.com", password=PASSWORD)
    standalone.entra.federate("fabrikam.com")
    options: Any = {"tenant": "fabrikam.com", "clock": standalone.clock} | _reach(standalone)
    assert Password(username="fay@fabrikam.com", password=PASSWORD, **options).silent(MANAGEMENT)


def test_the_option_wins_over_the_environment(
    standalone: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """ca_bundle= is used although REQUESTS_CA_BUNDLE names another file."""
    other = tmp_path / "other.pem"
    with Sandbox(environ=None) as stranger:
        other.write_bytes(stranger.ca_bundle.read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    assert _ada(standalone, **_reach(standalone)).silent(MANAGEMENT)
    with pytest.raises(TransportError, match="certificate"):
        _ada(standalone, proxies=_reach(standalone)["proxies"]).silent(MANAGEMENT)


@pytest.mark.parametrize("value", ["", "0", "1"])
def test_no_environment_variable_switches_verification_off(
    standalone: Sandbox, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Adal lets ADAL_PYTHON_SSL_NO_VERIFY do so; here the request fails, with no password sent."""
    monkeypatch.setenv("ADAL_PYTHON_SSL_NO_VERIFY", value)
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    monkeypatch.setenv("HTTPS_PROXY", standalone.environment["HTTPS_PROXY"])
    with pytest.raises(TransportError, match="REQUESTS_CA_BUNDLE"):
        _ada(standalone).silent(MANAGEMENT)
    assert not [one for one in standalone.log if one.request]


def test_a_missing_bundle_in_the_environment_is_our_error(
    standalone: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests raises a bare OSError for it."""
    monkeypatch.setenv("HTTPS_PROXY", standalone.environment["HTTPS_PROXY"])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE"):
        _ada(standalone).silent(MANAGEMENT)


@pytest.mark.parametrize("where", ["proxies=", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_is_not_there_is_our_error(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The remedy names the option, or the variable, that the proxy is in, and no other one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    if where != "proxies=":
        monkeypatch.setenv(where, proxy)
    settings = Settings(proxies={"https": proxy}) if where == "proxies=" else Settings()
    with pytest.raises(TransportError) as caught:
        Http(settings).get(URL, {})
    names = ("proxies=", "HTTPS_PROXY", "ALL_PROXY")
    assert [name for name in names if name in caught.value.remedy] == [where]


def test_a_proxy_that_refuses_the_host_is_our_error(azure: Sandbox) -> None:
    """Company proxies do so, and so does the sandbox's for every host that it does not imitate."""
    with pytest.raises(TransportError, match=r"proxy on the way to login\.example\.com"):
        Http(Settings()).get("https://login.example.com/", {})


def test_a_request_without_a_response_ends_after_the_timeout(azure: Sandbox) -> None:
    """Every request has a timeout, also those that have none in adal."""
    azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    for path in ("/UserRealm/", "/oauth2/token"):

        def meets_silence(patience: float, path: str = path) -> bool:
            azure.faults.clear()
            azure.faults.add(Stall(), path=path)
            with pytest.raises(TransportError, match="did not respond in time"):
                _ada(azure, request_timeout=patience).silent(MANAGEMENT)
            return bool(azure.log.to(path))

        with_patience(meets_silence)


def test_a_connection_that_is_closed_is_our_error() -> None:
    """A server that hangs up is a TransportError without requests' own text."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        port = server.getsockname()[1]
        with pytest.raises(TransportError, match=f"127.0.0.1:{port}"):
            Http(Settings()).get(f"https://127.0.0.1:{port}/", {})


def test_nothing_is_sent_over_plain_http() -> None:
    """Not even if a caller within this package makes a mistake."""
    with pytest.raises(ConfigurationError, match="plain http"):
        Http(Settings()).get("http://login.microsoftonline.com/", {})


def test_netrc_adds_nothing(
    azure: Sandbox, ada: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A netrc entry for the authority does not put an Authorization header on it."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login x password y\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert _ada(azure).silent(MANAGEMENT)
    assert not [one for one in azure.log if "Authorization" in one.request.headers]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthorityServer]:
    """Start an authority at a port that is not 443."""
    authority, certificates = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(certificates))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    monkeypatch.setenv("NO_PROXY", "localhost")
    with AuthorityServer(certificates) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class AuthorityServer(ThreadingHTTPServer):
    """An authority that responds to each request of a password sign-in."""

    def __init__(self, certificates: Path) -> None:
        super().__init__(("localhost", 0), _Responder)
        self.certificates = certificates
        self.authority = f"https://localhost:{self.server_port}"
        self.paths: list[str] = []

    def document(self, path: str) -> dict[str, object]:
        """Return the JSON document for a path."""
        self.paths.append(path.partition("?")[0])
        if "userrealm" in path.lower():
            return {"account_type": "Managed", "ver": "1.0", "domain_name": CONTOSO}
        if "openid-configuration" in path:
            base = f"{self.authority}/{CONTOSO}/oauth2/v2.0"
            return {f"{name}_endpoint": f"{base}/{name}" for name in ("authorization", "token")}
        return {"access_token": "x", "token_type": "Bearer", "expires_in": 3600}


class _Responder(BaseHTTPRequestHandler):
    server: AuthorityServer

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(self.server.document(self.path)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Write nothing."""


def test_an_authority_keeps_its_port(server: AuthorityServer, library: Any) -> None:
    """Msal itself drops the port in the request for a user's realm."""
    cloud = replace(PUBLIC, authority=server.authority, validate_authority=False)
    strategy = Password(
        username=f"ada@{CONTOSO}",
        password=PASSWORD,
        tenant=CONTOSO,
        cloud=cloud,
        library=library,
        ca_bundle=server.certificates,
    )
    assert strategy.silent(MANAGEMENT)
    paths = [path.lower().split("/")[1:3] for path in server.paths]
    assert paths[-2:] == [["common", "userrealm"], [CONTOSO, "oauth2"]]


class TestAuthority:
    """An authority that is not Microsoft's is checked, unless the cloud says otherwise."""

    # adal by itself trusts any host with ".dsts." in its name.
    @pytest.mark.parametrize("host", ["login.example.com", "login.dsts.example.com"])
    def test_an_unknown_authority_is_refused(
        self, azure: Sandbox, ada: Person, library: str, host: str
    ) -> None:
        """Microsoft's instance discovery is asked, and no password is sent."""
        mine = replace(PUBLIC, name="mine", authority=f"https://{host}")
        with pytest.raises(ConfigurationError, match=f"not know the authority {host}"):
            _ada(azure, cloud=mine, library=library).silent(MANAGEMENT)
        assert [one.path for one in azure.log] == ["/common/discovery/instance"]

    def test_one_that_microsoft_knows_is_used(
        self, azure: Sandbox, ada: Person, library: str
    ) -> None:
        """And instance discovery is asked only once."""
        azure.entra.add_authority("login.example.com")
        mine = replace(PUBLIC, name="mine", authority="https://login.example.com/")
        strategy = _ada(azure, cloud=mine, library=library)
        assert strategy.silent(MANAGEMENT)
        assert strategy.silent("https://datalake.azure.net/")
        assert len(azure.log.to("/common/discovery/instance")) == 1
        assert {one.host for one in azure.log.to("/token")} == {"login.example.com"}

    def test_validation_can_be_left_out(self, azure: Sandbox, ada: Person, library: str) -> None:
        """A network without the Internet makes no call to the public cloud."""
        azure.entra.add_authority("login.example.com")
        mine = replace(
            PUBLIC, name="mine", authority="https://login.example.com", validate_authority=False
        )
        assert _ada(azure, cloud=mine, library=library).silent(MANAGEMENT)
        assert {one.host for one in azure.log} == {"login.example.com"}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        ("0", 0),
        (" 3 ", 3),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 100),
        ("Wed, 31 Dec 1969 00:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("99999999999999999999", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """RFC 9110 section 10.2.3; anything else counts as no header."""
    assert retry_after(Response(429, "", {"Retry-After": value}), now=0.0) == seconds


@pytest.mark.parametrize("skew", [600, -600])
def test_a_date_is_compared_with_the_responses_own(skew: float) -> None:
    """A clock that is wrong here makes a pause neither longer nor shorter."""
    headers = {
        "Date": "Thu, 01 Jan 1970 01:00:00 GMT",
        "Retry-After": "Thu, 01 Jan 1970 01:00:05 GMT",
    }
    assert retry_after(Response(429, "", headers), now=3600.0 + skew) == 5


@given(some.text())
def test_no_retry_after_raises(value: str) -> None:
    """For any header the result is a number of seconds or None."""
    seconds = retry_after(Response(429, "", {"Retry-After": value}), now=0.0)
    assert seconds is None or seconds >= 0
