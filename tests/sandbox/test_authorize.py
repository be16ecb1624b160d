"""The authorize endpoints of both versions, and the code for a token: by script and by form."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import webbrowser
from contextlib import contextmanager
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import adal
import jwt
import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import InteractiveBrowserCredential

from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Person, Sandbox
from adls_enduser.sandbox.entra import AZURE_CLI

from ..conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "https://login.microsoftonline.com"
MANAGEMENT = "https://management.core.windows.net/"
DATA_LAKE = "https://datalake.azure.net/"
SCOPE = f"{DATA_LAKE}/.default openid profile offline_access"
ADA = f"ada@{CONTOSO}"
OWN_CLIENT = "11111111-2222-3333-4444-555555555555"
REDIRECT = "http://localhost:8400"
VERIFIER = "a-code-verifier-of-a-sufficient-length-0123456789"


def challenge(verifier: str = VERIFIER) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def address(tenant: str = CONTOSO, version: str = "2.0", **changes: str) -> str:
    """Return a valid authorize address, with changes; an empty value is left out."""
    fields = {
        "client_id": AZURE_CLI,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "state": "a state & more",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
        **({"scope": SCOPE} if version == "2.0" else {"resource": DATA_LAKE}),
        **changes,
    }
    path = "oauth2/v2.0" if version == "2.0" else "oauth2"
    query = urlencode({name: value for name, value in fields.items() if value})
    return f"{HOST}/{tenant}/{path}/authorize?{query}"


def response_fields(location: str) -> dict[str, str]:
    """Return the fields that a redirect carries in its query or its fragment."""
    url = urlsplit(location)
    return dict(parse_qsl(url.query or url.fragment))


def redeem(
    code: str, tenant: str = CONTOSO, version: str = "2.0", host: str = HOST, **changes: str
) -> Any:
    """Request the token of a code."""
    form = {
        "grant_type": "authorization_code",
        "client_id": AZURE_CLI,
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        **({"scope": SCOPE} if version == "2.0" else {"resource": DATA_LAKE}),
        **changes,
    }
    path = "oauth2/v2.0" if version == "2.0" else "oauth2"
    sent = {name: value for name, value in form.items() if value}
    return requests.post(f"{host}/{tenant}/{path}/token", sent, timeout=10)


def error_of(response: requests.Response) -> tuple[int, str, int]:
    """Return the status, the OAuth error and the AADSTS number."""
    body = response.json()
    return response.status_code, body["error"], body["error_codes"][0]


class ScriptedBrowser(webbrowser.BaseBrowser):
    """A browser for programs that open one themselves: a person signs in in it at once."""

    def __init__(self, azure: Sandbox, by: Person, *, accepts: bool = True) -> None:
        super().__init__("scripted")
        self.azure, self.by, self.accepts = azure, by, accepts
        self.opened: list[str] = []
        self.shown: list[str] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        """Sign in in another thread, as a browser runs in another process."""
        self.opened.append(url)
        threading.Thread(target=self._go, args=(url,)).start()
        return True

    def _go(self, url: str) -> None:
        self.shown.append(self.azure.entra.browse(url, self.by, accepts=self.accepts))


@contextmanager
def as_default_browser(scripted: ScriptedBrowser) -> Iterator[ScriptedBrowser]:
    """Make it the browser that programs open."""
    webbrowser.register("scripted", None, scripted, preferred=True)
    yield scripted
    webbrowser._tryorder.remove("scripted")  # type: ignore[attr-defined]
    del webbrowser._browsers["scripted"]  # type: ignore[attr-defined]


@pytest.fixture
def browser(azure: Sandbox, ada: Person) -> Iterator[ScriptedBrowser]:
    """Let Ada sign in in the default browser."""
    with as_default_browser(ScriptedBrowser(azure, ada)) as scripted:
        yield scripted


# The real clients.


def test_msal_signs_in_interactively(azure: Sandbox, browser: ScriptedBrowser) -> None:
    """The real msal opens the browser, gets the code by form_post, and redeems it for a token."""
    client = msal.PublicClientApplication(AZURE_CLI, authority=f"{HOST}/{CONTOSO}")
    response = client.acquire_token_interactive([f"{DATA_LAKE}/.default"])
    claims = azure.world.identity.check(f"Bearer {response['access_token']}", [DATA_LAKE])
    assert claims["upn"] == ADA
    assert response["id_token_claims"]["preferred_username"] == ADA
    assert "response_mode=form_post" in browser.opened[0]
    [account] = client.get_accounts()
    assert client.acquire_token_silent([f"{MANAGEMENT}/.default"], account)


def test_msal_gets_access_denied_when_the_person_cancels(
    azure: Sandbox, browser: ScriptedBrowser
) -> None:
    """A person who cancels sends access_denied to the program."""
    browser.accepts = False
    client = msal.PublicClientApplication(AZURE_CLI, authority=f"{HOST}/{CONTOSO}")
    response = client.acquire_token_interactive([f"{DATA_LAKE}/.default"])
    assert response["error"] == "access_denied"


def test_browser_credential_serves_two_resources(azure: Sandbox, browser: ScriptedBrowser) -> None:
    """One sign-in with azure-identity is enough for both audiences."""
    with InteractiveBrowserCredential(tenant_id=CONTOSO, client_id=AZURE_CLI) as credential:
        for resource in (MANAGEMENT, DATA_LAKE):
            token = credential.get_token(f"{resource}/.default").token
            azure.world.identity.check(f"Bearer {token}", [resource])
    assert len(browser.opened) == 1
    assert "prompt=select_account" in browser.opened[0]


def test_browser_credential_raises_for_a_declined_consent(
    azure: Sandbox, browser: ScriptedBrowser
) -> None:
    """A declined consent is a ClientAuthenticationError with Entra ID's message."""
    azure.entra.application(OWN_CLIENT, consented=False)
    browser.accepts = False
    with (
        InteractiveBrowserCredential(tenant_id=CONTOSO, client_id=OWN_CLIENT) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS65004"),
    ):
        credential.get_token(f"{DATA_LAKE}/.default")


def test_adal_redeems_a_code(azure: Sandbox, ada: Person) -> None:
    """The real adal gets a version 1.0 token for a code, with its code verifier."""
    location = azure.entra.authorize(address(version="1.0"), by=ada)
    context = adal.AuthenticationContext(f"{HOST}/{CONTOSO}")
    token = context.acquire_token_with_authorization_code(
        response_fields(location)["code"], REDIRECT, DATA_LAKE, AZURE_CLI, None, VERIFIER
    )
    assert (token["userId"], token["resource"]) == (ADA, DATA_LAKE)
    azure.world.identity.check(f"Bearer {token['accessToken']}", [DATA_LAKE])


# By script: the response.


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_code_is_returned_and_redeemed(azure: Sandbox, ada: Person, version: str) -> None:
    """The redirect carries code and state; the code is redeemed for tokens of its version."""
    location = azure.entra.authorize(address(version=version, nonce="n"), by=ada)
    assert location.startswith(f"{REDIRECT}/?code=")
    fields = response_fields(location)
    assert set(fields) == {"code", "state", "session_state"}
    assert fields["state"] == "a state & more"
    response = redeem(fields["code"], version=version).json()
    azure.world.identity.check(f"Bearer {response['access_token']}", [DATA_LAKE])
    assert response["refresh_token"]
    id_claims = jwt.decode(response["id_token"], options={"verify_signature": False})
    assert (id_claims["nonce"], id_claims["ver"]) == ("n", version)


def test_version_1_may_name_the_resource_in_the_token_request(azure: Sandbox, ada: Person) -> None:
    """A version 1.0 program may name the resource only in the token request."""
    location = azure.entra.authorize(address(version="1.0", resource=""), by=ada)
    response = redeem(response_fields(location)["code"], version="1.0").json()
    assert response["resource"] == DATA_LAKE


def test_consent_may_be_for_several_resources(azure: Sandbox, ada: Person) -> None:
    """An authorization request may name several resources; a token request only one of them."""
    both = f"{MANAGEMENT}/user_impersonation {DATA_LAKE}/user_impersonation"
    code = response_fields(azure.entra.authorize(address(scope=both), by=ada))["code"]
    assert error_of(redeem(code, scope=both)) == (400, "invalid_request", 28000)
    code = response_fields(azure.entra.authorize(address(scope=both), by=ada))["code"]
    response = redeem(code, scope=f"{DATA_LAKE}/user_impersonation").json()
    azure.world.identity.check(f"Bearer {response['access_token']}", [DATA_LAKE])


def test_client_info_contains_the_home_account(azure: Sandbox, ada: Person) -> None:
    """``client_info=1`` returns the person's home account together with the code."""
    fields = response_fields(azure.entra.authorize(address(client_info="1"), by=ada))
    known = base64.urlsafe_b64decode(fields["client_info"] + "==").decode()
    assert ada.object_id in known
    assert CONTOSO_ID in known


def test_fragment_carries_the_response(azure: Sandbox, ada: Person) -> None:
    """``response_mode=fragment`` keeps the code out of the query."""
    location = azure.entra.authorize(address(response_mode="fragment"), by=ada)
    assert location.startswith(f"{REDIRECT}/#code=")
    assert urlsplit(location).query == ""


def test_form_post_has_no_address(azure: Sandbox, ada: Person) -> None:
    """``response_mode=form_post`` returns a page with a form instead of a redirect."""
    with pytest.raises(ValueError, match="form_post"):
        azure.entra.authorize(address(response_mode="form_post"), by=ada)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://localhost",
        "http://localhost/",
        "http://localhost:65535/",
        "http://127.0.0.1:8400",
        "urn:ietf:wg:oauth:2.0:oob",
        "https://login.microsoftonline.com/common/oauth2/nativeclient",
    ],
)
def test_registered_redirect_uris(azure: Sandbox, ada: Person, redirect_uri: str) -> None:
    """A public client may use loopback at any port, and the two URIs that need no listener."""
    location = azure.entra.authorize(address(redirect_uri=redirect_uri), by=ada)
    assert location.startswith(f"{redirect_uri.rstrip('/')}")
    assert redeem(response_fields(location)["code"], redirect_uri=redirect_uri).ok


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/",
        "https://localhost:8400",
        "http://localhost:8400/else",
        "http://localhost.evil.example:8400",
        "http://localhost:8400@evil.example/",
        "http://localhost:8400#fragment",
        "http://localhost:8400#",
        "http://[::1]:8400",
        "http://localhost:port",
        "urn:ietf:wg:oauth:2.0:else",
    ],
)
def test_unregistered_redirect_uris_are_errors_on_the_page(
    azure: Sandbox, ada: Person, redirect_uri: str
) -> None:
    """An unregistered redirect URI gets no redirect: the error is shown to the person only."""
    url = address(redirect_uri=redirect_uri)
    response = requests.get(url, timeout=10, allow_redirects=False)
    assert (response.status_code, "Location" in response.headers) == (400, False)
    assert f"AADSTS50011: The redirect URI '{redirect_uri}'" in unescape(response.text)
    with pytest.raises(ValueError, match="AADSTS50011"):
        azure.entra.authorize(url, by=ada)


def test_own_redirect_uris_must_match_exactly(azure: Sandbox, ada: Person) -> None:
    """An application's own redirect URIs replace the default ones, and must match exactly."""
    own = "https://app.example/Signed-In?from=entra"
    azure.entra.application(OWN_CLIENT, redirect_uris=[own])
    location = azure.entra.authorize(address(client_id=OWN_CLIENT, redirect_uri=own), by=ada)
    assert location.startswith(f"{own}&code=")
    for other in (own.lower(), own + "x", REDIRECT):
        with pytest.raises(ValueError, match="AADSTS50011"):
            azure.entra.authorize(address(client_id=OWN_CLIENT, redirect_uri=other), by=ada)


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"client_id": ""}, 900144),
        ({"client_id": OWN_CLIENT}, 700016),
        ({"redirect_uri": ""}, 900971),
        ({"response_mode": "smoke"}, 90023),
        ({"tenant": "nowhere.example"}, 90002),
    ],
)
def test_errors_of_the_target_are_shown_to_the_person(
    azure: Sandbox, ada: Person, changes: dict[str, str], number: int
) -> None:
    """Without a valid client and redirect URI the error is shown to the person."""
    response = requests.get(address(**changes), timeout=10, allow_redirects=False)
    assert (response.status_code, "Location" in response.headers) == (400, False)
    assert f"AADSTS{number}: " in response.text
    assert "Correlation ID: " in response.text


@pytest.mark.parametrize(
    ("changes", "error", "number"),
    [
        ({"response_type": ""}, "invalid_request", 900144),
        ({"response_type": "token"}, "unsupported_response_type", 700051),
        ({"response_type": "id_token"}, "unsupported_response_type", 700054),
        ({"scope": ""}, "invalid_request", 900144),
        ({"scope": "https://nobody.example/.default"}, "invalid_resource", 500011),
        ({"prompt": "please"}, "invalid_request", 90023),
        ({"code_challenge_method": "S512"}, "invalid_request", 50149),
        ({"code_challenge": "short"}, "invalid_request", 501491),
        ({"code_challenge": "a" * 128 + "b"}, "invalid_request", 501491),
    ],
)
def test_other_errors_are_sent_to_the_program(
    azure: Sandbox, ada: Person, changes: dict[str, str], error: str, number: int
) -> None:
    """With a valid client and redirect URI other errors are sent to the program."""
    response = requests.get(address(**changes), timeout=10, allow_redirects=False)
    fields = response_fields(response.headers["Location"])
    assert (response.status_code, fields["error"]) == (302, error)
    assert fields["error_description"].startswith(f"AADSTS{number}: ")
    assert fields["state"] == "a state & more"


# PKCE, and the code for a token.

NO_CHALLENGE = {"code_challenge": "", "code_challenge_method": ""}


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"code_challenge": ""}, 50147),
        ({"code_challenge": "", "code_challenge_method": "plain"}, 50147),
        ({"code_challenge": "+" * 43, "code_challenge_method": "plain"}, 501491),
        ({"code_challenge": "\u017f" * 43, "code_challenge_method": ""}, 501491),
        ({"code_challenge": challenge() + "="}, 501491),
        ({"code_challenge": "a" * 43 + "\n"}, 501491),
    ],
)
def test_code_challenges_that_are_refused(
    azure: Sandbox, version: str, changes: dict[str, str], number: int
) -> None:
    """RFC 7636 section 4.2 has the characters and the length.

    "Required if ``code_challenge_method`` is included": Microsoft, ``v1-protocols-oauth-code`` and
    ``v2-oauth2-auth-code-flow``. ``=``: ifitzpat/org-outlook #6.
    """
    response = requests.get(address(version=version, **changes), timeout=10, allow_redirects=False)
    fields = response_fields(response.headers["Location"])
    assert (response.status_code, fields["error"]) == (302, "invalid_request")
    assert fields["error_description"].startswith(f"AADSTS{number}: Invalid size of ")


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize(
    ("requested", "redeemed", "expected"),
    [
        ({}, {}, None),
        ({}, {"code_verifier": VERIFIER + "x"}, (400, "invalid_grant", 501481)),
        ({}, {"code_verifier": "ü" * 43}, (400, "invalid_grant", 501481)),
        ({}, {"code_verifier": ""}, (400, "invalid_grant", 50148)),
        (NO_CHALLENGE, {}, (400, "invalid_grant", 50148)),
        (NO_CHALLENGE, {"code_verifier": ""}, None),
        ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, {}, None),
        ({"code_challenge": VERIFIER, "code_challenge_method": ""}, {}, None),
        ({"code_challenge_method": "plain"}, {}, (400, "invalid_grant", 501481)),
    ],
)
def test_code_verifier_must_match(
    azure: Sandbox,
    ada: Person,
    version: str,
    requested: dict[str, str],
    redeemed: dict[str, str],
    expected: tuple[int, str, int] | None,
) -> None:
    """A code is redeemed only with the verifier that its challenge was made from (RFC 7636)."""
    code = response_fields(azure.entra.authorize(address(version=version, **requested), by=ada))[
        "code"
    ]
    response = redeem(code, version=version, **redeemed)
    assert (None if response.ok else error_of(response)) == expected


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_code_works_once_and_for_ten_minutes(azure: Sandbox, ada: Person, version: str) -> None:
    """A second use of a code, and a use after ten minutes, are rejected."""
    url = address(version=version)
    first, second = (response_fields(azure.entra.authorize(url, by=ada))["code"] for _ in range(2))
    assert redeem(first, version=version).ok
    assert error_of(redeem(first, version=version)) == (400, "invalid_grant", 54005)
    azure.clock.advance(599)
    third = response_fields(azure.entra.authorize(url, by=ada))["code"]
    azure.clock.advance(1)
    assert error_of(redeem(second, version=version)) == (400, "invalid_grant", 70008)
    assert redeem(third, version=version).ok


def test_code_belongs_to_its_client(azure: Sandbox, ada: Person) -> None:
    """A code is rejected for another client, another redirect URI and another cloud."""
    azure.entra.application(OWN_CLIENT)
    code = response_fields(azure.entra.authorize(address(), by=ada))["code"]
    assert error_of(redeem("made up")) == (400, "invalid_grant", 70000)
    assert error_of(redeem(code, client_id=OWN_CLIENT)) == (400, "invalid_grant", 70000)
    other = redeem(code, redirect_uri=REDIRECT + "/")
    assert error_of(other) == (401, "invalid_client", 500112)
    assert error_of(redeem(code, redirect_uri="")) == (400, "invalid_request", 900144)
    elsewhere = redeem(code, "common", host="https://login.microsoftonline.us")
    assert error_of(elsewhere) == (400, "invalid_grant", 70000)
    assert redeem(code).ok


def test_person_with_an_error_gets_no_code(azure: Sandbox, ada: Person) -> None:
    """A person whose sign-in ends with an error gets no code, also in a script."""
    ada.refused_with = 53003
    with pytest.raises(ValueError, match="AADSTS53003"):
        azure.entra.authorize(address(), by=ada)


@pytest.mark.parametrize("url", ["https://evil.example/", f"{HOST}/{CONTOSO}/oauth2/token", "x"])
def test_only_authorize_addresses_can_be_scripted(azure: Sandbox, ada: Person, url: str) -> None:
    """A script that opens another address gets a ValueError."""
    with pytest.raises(ValueError, match="no authorize endpoint"):
        azure.entra.authorize(url, by=ada)


def test_browse_opens_loopback_only(azure: Sandbox, ada: Person) -> None:
    """``browse`` opens loopback addresses only, so nothing leaves the machine."""
    azure.entra.application(OWN_CLIENT, redirect_uris=["https://app.example/"])
    url = address(client_id=OWN_CLIENT, redirect_uri="https://app.example/")
    with pytest.raises(ValueError, match=r"https://app\.example/ is not on loopback"):
        azure.entra.browse(url, by=ada)


# Consent and prompt=none, by script.


def test_consent_is_needed_once(azure: Sandbox, ada: Person) -> None:
    """An application without consent gets a code after the person accepts, and then silently."""
    azure.entra.application(OWN_CLIENT, consented=False)
    silent = address(client_id=OWN_CLIENT, prompt="none")
    assert response_fields(azure.entra.authorize(silent, by=ada))["error"] == "consent_required"
    url = address(client_id=OWN_CLIENT)
    declined = response_fields(azure.entra.authorize(url, by=ada, accepts=False))
    assert declined["error"] == "access_denied"
    assert declined["error_description"].startswith("AADSTS65004: ")
    code = response_fields(azure.entra.authorize(url, by=ada))["code"]
    assert redeem(code, client_id=OWN_CLIENT).ok
    assert "code" in response_fields(azure.entra.authorize(silent, by=ada))


def test_prompt_none_shows_no_page(azure: Sandbox, ada: Person) -> None:
    """``prompt=none`` returns a code for a signed-in person, and otherwise an error."""
    url = address(prompt="none")
    assert "code" in response_fields(azure.entra.authorize(url, by=ada))
    nobody = response_fields(azure.entra.authorize(url))
    assert nobody["error"] == "login_required"
    assert nobody["error_description"].startswith("AADSTS50058: ")
    ada.refused_with = 50079
    assert response_fields(azure.entra.authorize(url, by=ada))["error"] == "interaction_required"


# The page, as forms.


class Browser:
    """Follows the page's forms, with cookies; ``shown`` is the last response."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.host = HOST
        self.shown = requests.Response()

    def open(self, url: str) -> str:
        """Open an address, and return the title of the page."""
        self.shown = self.session.get(url, timeout=10, allow_redirects=False)
        return self.title

    def send(self, step: str = "", **fields: str) -> str:
        """Fill in and send the form that is shown, and return the title of the next page."""
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.shown.text))
        [action] = re.findall(r'<form method="post" action="([^"]*)"', self.shown.text)
        path = f"{action.rpartition('/')[0]}/{step}" if step else action
        self.shown = self.session.post(
            self.host + path, {**hidden, **fields}, timeout=10, allow_redirects=False
        )
        return self.title

    @property
    def title(self) -> str:
        """Return the page's title."""
        return unescape(self.shown.text.partition("<title>")[2].partition("</title>")[0])

    @property
    def text(self) -> str:
        """Return the visible text of the page."""
        markup = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", self.shown.text, flags=re.S)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())

    @property
    def sent_back(self) -> dict[str, str]:
        """Return the fields that the browser carries back to the program."""
        return response_fields(self.shown.headers["Location"])


@pytest.fixture
def person(azure: Sandbox) -> Browser:
    """A browser without a signed-in account."""
    return Browser()


def test_person_signs_in_with_a_second_factor(azure: Sandbox, person: Browser) -> None:
    """User name, password and one-time code lead back to the program with a code."""
    grace = azure.entra.person(ADA, password=PASSWORD, mfa=True)
    assert person.open(address()) == "Sign in"
    assert "Microsoft Azure CLI" in person.text
    assert person.send(username=ADA.upper(), password="wrong") == "Error: Sign in"
    assert "The user name or the password is wrong." in person.text
    assert "wrong" not in re.findall(r'name="password"[^>]*value="([^"]*)"', person.shown.text)
    assert person.send(username=ADA, password=PASSWORD) == "Verify your identity"
    assert person.send(otc="abc") == "Error: Verify your identity"
    person.send(otc=azure.entra.one_time_code(grace))
    token = redeem(person.sent_back["code"]).json()["access_token"]
    claims = azure.world.identity.check(f"Bearer {token}", [DATA_LAKE])
    assert claims["amr"] == ["pwd", "mfa"]


@pytest.mark.parametrize("step", ["verify", "consent", "account"])
def test_steps_cannot_be_skipped(azure: Sandbox, person: Browser, step: str) -> None:
    """Later steps show the sign-in form until a password was entered."""
    ada = azure.entra.person(ADA, password=PASSWORD, mfa=True)
    azure.entra.application(OWN_CLIENT, consented=False)
    person.open(address(client_id=OWN_CLIENT))
    title = person.send(step, otc=azure.entra.one_time_code(ada), account=ada.object_id)
    assert title == "Sign in"


def test_consent_does_not_replace_the_second_factor(azure: Sandbox, person: Browser) -> None:
    """A person who has shown only a password cannot accept the consent."""
    azure.entra.person(ADA, password=PASSWORD, mfa=True)
    azure.entra.application(OWN_CLIENT, consented=False)
    person.open(address(client_id=OWN_CLIENT))
    person.send(username=ADA, password=PASSWORD)
    assert person.send("consent") == "Verify your identity"
    person.open(address(client_id=OWN_CLIENT, prompt="none"))
    assert person.sent_back["error"] == "login_required"


def test_consent_page_names_application_person_and_resource(
    azure: Sandbox, ada: Person, person: Browser
) -> None:
    """The consent names application, person and resource; cancelling it is sent to the program."""
    azure.entra.application(OWN_CLIENT, name="A <b>good</b> app", consented=False)
    person.open(address(client_id=OWN_CLIENT))
    assert person.send(username=ADA, password=PASSWORD) == "Permissions requested"
    assert f"A <b>good</b> app asks {ADA} to let it:" in person.text
    assert DATA_LAKE in person.text
    person.send("cancel")
    assert person.sent_back["error"] == "access_denied"
    assert person.sent_back["error_description"].startswith("AADSTS65004: ")
    person.open(address(client_id=OWN_CLIENT))
    assert person.title == "Permissions requested"
    person.send()
    assert redeem(person.sent_back["code"], client_id=OWN_CLIENT).ok


def test_cancelled_sign_in(ada: Person, person: Browser) -> None:
    """Cancelling the sign-in sends access_denied, cancel to the program."""
    person.open(address())
    person.send("cancel")
    assert person.sent_back == {
        "error": "access_denied",
        "error_subcode": "cancel",
        "state": "a state & more",
    }


def test_single_sign_on(ada: Person, person: Browser) -> None:
    """A signed-in browser needs no page for the next request: single sign-on, and prompt=none."""
    person.open(address())
    person.send(username=ADA, password=PASSWORD)
    for changes in ({}, {"prompt": "none"}, {"login_hint": ADA.upper()}):
        person.open(address(**changes))
        assert redeem(person.sent_back["code"]).ok
    person.open(address(prompt="none", login_hint="bob@fabrikam.com"))
    assert person.sent_back["error"] == "login_required"


def test_prompt_login_asks_again(ada: Person, person: Browser) -> None:
    """``prompt=login``, and a hint at another person, ask for a password again."""
    person.open(address())
    person.send(username=ADA, password=PASSWORD)
    assert person.open(address(prompt="login")) == "Sign in"
    assert person.open(address(login_hint="bob@fabrikam.com")) == "Sign in"
    assert 'value="bob@fabrikam.com"' in person.shown.text
    assert person.open(address(prompt="consent")) == "Permissions requested"


def test_person_picks_an_account(azure: Sandbox, ada: Person, person: Browser) -> None:
    """With select_account, or two signed-in accounts, the person picks an account."""
    bob = azure.entra.person(f"bob@{CONTOSO}", password=PASSWORD)
    assert person.open(address(prompt="select_account")) == "Sign in"
    person.send(username=ADA, password=PASSWORD)
    assert person.open(address(prompt="select_account")) == "Pick an account"
    assert ADA in person.text
    assert person.send(account="") == "Sign in"
    person.send(username=bob.username, password=PASSWORD)
    assert person.open(address()) == "Pick an account"
    person.send(account=ada.object_id)
    token = redeem(person.sent_back["code"]).json()["access_token"]
    assert azure.world.identity.check(f"Bearer {token}", [DATA_LAKE])["upn"] == ADA


def test_guests_must_be_invited(azure: Sandbox, person: Browser) -> None:
    """A person of another tenant must be invited; the token is of the tenant they visit."""
    bob = azure.entra.person("bob@fabrikam.com", password=PASSWORD)
    person.open(address())
    assert person.send(username=bob.username, password=PASSWORD) == "Error: Sign in"
    assert "AADSTS50020" in person.text
    azure.entra.invite(bob, CONTOSO)
    person.send(username=bob.username, password=PASSWORD)
    token = redeem(person.sent_back["code"]).json()["access_token"]
    assert azure.world.identity.check(f"Bearer {token}", [DATA_LAKE])["tid"] == CONTOSO_ID


def test_page_shows_the_persons_error(azure: Sandbox, ada: Person, person: Browser) -> None:
    """The page shows an error with its number, also to a person who was signed in already."""
    person.open(address())
    person.send(username=ADA, password=PASSWORD)
    ada.refused_with = 53003
    assert person.open(address()) == "Error: Sign in"
    assert "AADSTS53003: Access has been blocked" in person.text


def test_finished_sign_in_cannot_be_repeated(ada: Person, person: Browser) -> None:
    """Sending a form again after its code was issued shows an error."""
    person.open(address())
    form = person.shown
    person.send(username=ADA, password=PASSWORD)
    person.shown = form
    person.send(username=ADA, password=PASSWORD)
    assert person.shown.status_code == 400
    assert "AADSTS50089" in person.text


def test_page_accepts_only_its_own_forms(ada: Person, person: Browser) -> None:
    """Another site's form, an unknown step and a GET are rejected."""
    person.open(address())
    flow = re.findall(r'name="flow" value="([^"]*)"', person.shown.text)[0]
    url, form = f"{HOST}/{CONTOSO}/login", {"flow": flow, "username": ADA, "password": PASSWORD}
    evil = {"Origin": "https://evil.example"}
    assert requests.post(f"{url}/signin", form, headers=evil, timeout=10).status_code == 403
    assert requests.post(f"{url}/else", form, timeout=10).status_code == 404
    assert requests.get(f"{url}/signin", timeout=10).status_code == 404
    own = {"Origin": HOST}
    response = requests.post(f"{url}/signin", form, headers=own, timeout=10, allow_redirects=False)
    assert response.status_code == 302


def test_headers_are_strict(ada: Person, person: Browser) -> None:
    """The page loads nothing, cannot be framed, and leads only to itself and the program."""
    person.open(address())
    headers = person.shown.headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert f"form-action 'self' {REDIRECT};" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    person.send(username=ADA, password=PASSWORD)
    cookie = person.shown.headers["Set-Cookie"]
    assert all(word in cookie for word in ("Secure", "HttpOnly"))


def test_form_post_submits_itself(ada: Person, person: Browser) -> None:
    """With form_post the response is a form for the program, which its own script sends."""
    person.open(address(response_mode="form_post", state="</script>&'\""))
    person.send(username=ADA, password=PASSWORD)
    text = person.shown.text
    assert f'<form method="post" action="{REDIRECT}">' in text
    fields = {
        name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', text)
    }
    assert fields["state"] == "</script>&'\""
    assert redeem(fields["code"]).ok
    script = re.findall(r"<script>(.*?)</script>", text)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in person.shown.headers["Content-Security-Policy"]


def test_native_client_is_a_page(azure: Sandbox, ada: Person) -> None:
    """The redirect URI for programs without a listener shows a page with the outcome."""
    url = "https://login.microsoftonline.com/common/oauth2/nativeclient"
    location = azure.entra.authorize(address(redirect_uri=url), by=ada)
    assert "You have signed in" in requests.get(location, timeout=10).text
    assert "You have not signed in" in requests.get(f"{url}?error=x", timeout=10).text
