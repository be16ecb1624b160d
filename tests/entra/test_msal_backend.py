"""library="msal": its requests, and which of msal's own habits the caller does not see."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jwt
import pytest

from adls_enduser import (
    AZURE_CLI_CLIENT_ID,
    PUBLIC,
    BrowserPrompt,
    ConfigurationError,
    DeviceCode,
    Password,
    ProtocolError,
    TransportError,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Answer, throttled

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, STORAGE, TOKEN_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

DISCOVERY = "/.well-known/openid-configuration"
OWN = replace(PUBLIC, name="own", authority="https://login.example.com", validate_authority=False)


@pytest.fixture
def password(clock: SandboxClock) -> Callable[..., Password]:
    """Make a Password strategy through msal, of the sandbox's tenant and time."""

    def make(username: str = f"ada@{CONTOSO}", **more: Any) -> Password:
        own: Any = {"tenant": CONTOSO, "clock": clock, "library": "msal", "password": PASSWORD}
        return Password(username=username, **(own | more))

    return make


def test_the_requests_are_msals_own(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """For the endpoints, the user's realm and the token; each names msal and the same id."""
    assert password().silent(MANAGEMENT)
    configuration, realm, token = azure.log
    assert configuration.path == f"/{CONTOSO}/v2.0{DISCOVERY}"
    assert realm.path == f"/common/userrealm/{ada.username}"
    assert token.path == f"/{CONTOSO_ID}/oauth2/v2.0/token"
    assert token.request.headers["x-client-SKU"] == "MSAL.Python"
    form = token.request.form
    assert (form["grant_type"], form["username"]) == ("password", ada.username)
    assert form["scope"].split() == [
        f"{MANAGEMENT}/.default",
        "offline_access",
        "openid",
        "profile",
    ]
    assert "claims" not in form
    assert len({one.request.headers["client-request-id"] for one in azure.log}) == 1


@pytest.mark.parametrize(
    "resource", [DATA_LAKE, STORAGE, MANAGEMENT, "https://graph.microsoft.com"]
)
def test_an_audience_keeps_its_spelling(
    password: Callable[..., Password], ada: Person, azure: Sandbox, resource: str
) -> None:
    """An audience with a slash at its end has two in its scope; the token is for that audience."""
    token = password().silent(resource)
    assert token is not None
    assert f"{resource}/.default" in azure.log.to(TOKEN_PATH)[0].request.form["scope"].split()
    claims = jwt.decode(token.secret, options={"verify_signature": False})
    assert claims["aud"] == resource


def test_the_endpoints_are_requested_once(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """Although each request has its own msal application."""
    strategy = password()
    for resource in (MANAGEMENT, DATA_LAKE, STORAGE):
        strategy.silent(resource)
    assert len(azure.log.to(DISCOVERY)) == 1
    assert len(azure.log.to(TOKEN_PATH)) == 3


def test_a_failed_discovery_is_not_kept(ada: Person, azure: Sandbox) -> None:
    """A document that msal could not read is requested again."""
    own: Any = {"tenant": CONTOSO, "library": "msal", "clock": azure.clock}
    strategy = DeviceCode(prompt=lambda prompt: azure.entra.approve(prompt.code), **own)
    azure.faults.add(Answer(200, '{"token_endpoint": "https://x.example"}'), path=DISCOVERY)
    with pytest.raises(ProtocolError):
        strategy.sign_in(MANAGEMENT)
    assert strategy.sign_in(MANAGEMENT)


@pytest.mark.parametrize(
    "fault", [throttled("3600"), Answer(400, '{"error": "invalid_request"}'), Answer(503)]
)
def test_a_failure_is_not_replayed(
    password: Callable[..., Password], ada: Person, azure: Sandbox, fault: Any
) -> None:
    """Msal returns an earlier failure again without a request; here every call sends one."""
    strategy = password()
    strategy.silent(MANAGEMENT)
    azure.faults.add(fault, path=TOKEN_PATH, times=3)
    with pytest.raises((TransportError, ConfigurationError)):
        strategy.silent(DATA_LAKE)
    azure.faults.clear()
    assert strategy.silent(DATA_LAKE)


def test_a_response_is_not_replayed_either(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """Msal returns a response with Retry-After again for that time, whatever its status."""
    strategy = password()
    strategy.silent(MANAGEMENT)
    body = '{"access_token": "first", "token_type": "Bearer", "expires_in": 3600}'
    azure.faults.add(Answer(200, body, {"Retry-After": "60"}), path=TOKEN_PATH)
    first = strategy.silent(DATA_LAKE)
    assert first is not None
    strategy.invalidate(first)
    again = strategy.silent(DATA_LAKE)
    assert again is not None
    assert again.secret != first.secret


@pytest.mark.parametrize("mode", ["password", "device_code", "browser"])
def test_no_mode_brings_a_warning(azure: Sandbox, ada: Person, library: Any, mode: str) -> None:
    """Msal warns of its method for passwords, and of response modes other than form_post."""

    def show(prompt: Any) -> None:
        if isinstance(prompt, BrowserPrompt):
            azure.entra.browse(prompt.url, by=ada)
        else:
            azure.entra.approve(prompt.code, by=ada)

    own: Any = {"tenant": CONTOSO, "clock": azure.clock, "library": library}
    own |= {"username": ada.username, "password": PASSWORD} if mode == "password" else {}
    own |= {} if mode == "password" else {"prompt": show}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        credentials = management_credentials(mode, **own)
        assert credentials.refresh_session()


@pytest.mark.parametrize("name", ["a#b", "a?b=c", "a/b", "a%41", "zo\u00eb", "\u4e2d"])
def test_every_user_name_arrives(
    password: Callable[..., Password], azure: Sandbox, name: str
) -> None:
    """In the realm's path, which msal does not quote, and not in a header that cannot hold it."""
    username = f"{name}@{CONTOSO}"
    azure.entra.person(username, password=PASSWORD)
    assert password(username).silent(MANAGEMENT)
    assert azure.log.to("/userrealm/")[0].request.target.startswith(
        f"/common/userrealm/{quote(username, safe='')}?"
    )
    assert azure.log.to(TOKEN_PATH)[0].request.form["username"] == username


def test_an_authority_without_realms_gets_the_password(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """Such an authority responds with 404; msal remembers that for the whole process, we do not."""
    azure.faults.add(Answer(404), path="/userrealm/")
    assert password().silent(MANAGEMENT)
    assert password().silent(MANAGEMENT)
    assert len(azure.log.to("/userrealm/")) == 2


def test_a_federation_document_with_a_doctype_is_refused(
    password: Callable[..., Password], azure: Sandbox
) -> None:
    """Before the password is sent."""
    azure.entra.federate("fabrikam.com")
    azure.entra.person("fay@fabrikam.com", password=PASSWORD)
    bomb = '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'
    azure.faults.add(Answer(200, bomb), path="/mex")
    with pytest.raises(ProtocolError):
        password("fay@fabrikam.com", tenant="fabrikam.com").silent(MANAGEMENT)
    assert azure.log.to("/mex")
    assert not azure.log.to("usernamemixed")


def test_our_own_errors_pass_through_msals_constructor(
    password: Callable[..., Password], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sends requests, and turns every ValueError into one of its own."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE"):
        password().silent(MANAGEMENT)


class TestAdfs:
    """An AD FS by tenant="adfs": no request goes to the public cloud."""

    def test_every_request_goes_to_it(
        self, password: Callable[..., Password], azure: Sandbox, library: str
    ) -> None:
        """To its endpoints, without a realm; the upn is the user name (AD FS 2019)."""
        azure.entra.add_authority("login.example.com")
        base = "https://login.example.com/adfs"
        endpoints = {"authorization_endpoint": f"{base}/oauth2/authorize"}
        endpoints["token_endpoint"] = f"{base}/oauth2/token"
        azure.faults.add(Answer(200, json.dumps(endpoints)), path=f"/adfs{DISCOVERY}")
        body = {"access_token": "x", "token_type": "bearer", "expires_in": 3600}
        who = {"upn": "ada@example.com", "sub": "s", "aud": AZURE_CLI_CLIENT_ID, "iss": base}
        body["id_token"] = azure.world.identity.sign(who)
        azure.faults.add(Answer(200, json.dumps(body)), path="/adfs/oauth2/token")
        own: Any = {"tenant": "adfs", "cloud": OWN, "library": library}
        token = password("ada@example.com", **own).silent(MANAGEMENT)
        assert token is not None
        assert token.account.username == "ada@example.com"
        discovery = [f"/adfs{DISCOVERY}"] if library == "msal" else []
        assert [one.path for one in azure.log] == [*discovery, "/adfs/oauth2/token"]
        assert {one.host for one in azure.log} == {"login.example.com"}

    def test_microsoft_does_not_know_it(
        self, password: Callable[..., Password], azure: Sandbox
    ) -> None:
        """Msal accepts any AD FS; here the cloud must say validate_authority=False."""
        cloud = replace(OWN, validate_authority=True)
        with pytest.raises(ConfigurationError, match="validate_authority=False"):
            password(tenant="adfs", cloud=cloud).silent(MANAGEMENT)
        assert len(azure.log) == 0


LOADED = """
import sys
from adls_enduser import DeviceCode, EndUserError, Password
loaded = lambda: sorted({{"adal", "msal", "requests"}} & set(sys.modules))
DeviceCode(library={0!r})
strategy = Password(
    username="a@b.com", password="x", library={0!r}, proxies={{"https": "http://127.0.0.1:9"}}
)
print(loaded())
try:
    strategy.silent("https://storage.azure.com/")
except EndUserError:
    print(loaded())
"""


@pytest.mark.parametrize("library", ["adal", "msal"])
def test_only_the_library_that_was_chosen_loads(library: str) -> None:
    """With the first request, in a new process: neither library needs the other."""
    command = [sys.executable, "-c", LOADED.format(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", repr([library, "requests"])]


def test_without_msal_the_error_says_how_to_install_it() -> None:
    """When the strategy is made, before any request."""
    program = (
        "import sys; sys.modules['msal'] = None\n"
        "from adls_enduser import DeviceCode\n"
        "DeviceCode(library='msal')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert "MissingDependency" in last
    assert "pip install 'adls-enduser[msal]'" in last


def test_a_device_code_asks_for_work_accounts(azure: Sandbox, grace: Person) -> None:
    """Without a tenant it asks at /organizations: no other account can use Data Lake."""
    strategy = DeviceCode(
        library="msal", clock=azure.clock, prompt=lambda prompt: azure.entra.approve(prompt.code)
    )
    token = strategy.sign_in(DATA_LAKE)
    assert token.account.username == grace.username
    assert {one.path.split("/")[1] for one in azure.log} == {"organizations"}
