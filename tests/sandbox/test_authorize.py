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

from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Person, Sandbox, SandboxClock
from adls_enduser.sandbox.entra import AZURE_CLI

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "https://login.microsoftonline.com"
MANAGEMENT = "https://management.core.windows.net/"
DATA_LAKE = "https://datalake.azure.net/"
SCOPE = f"{DATA_LAKE}/.default openid profile offline_access"
PASSWORD = "<b>&\"' ü"
ADA = f"ada@{CONTOSO}"
OWN_CLIENT = "11111111-2222-3333-4444-555555555555"
REDIRECT = "http://localhost:8400"
VERIFIER = "a-code-verifier-of-a-sufficient-length-0123456789"


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox whose time stands still."""
    with Sandbox(clock=SandboxClock(frozen=True)) as sandbox:
        yield sandbox


@pytest.fixture
def ada(azure: Sandbox) -> Person:
    """Somebody with a password only."""
    return azure.entra.person(ADA, password=PASSWORD)


def challenge(verifier: str = VERIFIER) -> str:
    """Give the S256 challenge of a verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def address(tenant: str = CONTOSO, version: str = "2.0", **changes: str) -> str:
    """Give a good authorize address, with changes; an empty value is left out."""
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
    """Give what a redirect carries in its query or its fragment."""
    url = urlsplit(location)
    return dict(parse_qsl(url.query or url.fragment))


def redeem(
    code: str, tenant: str = CONTOSO, version: str = "2.0", host: str = HOST, **changes: str
) -> Any:
    """Ask for the token of a code."""
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
    """Give the status, the OAuth error and the AADSTS number."""
    body = response.json()
    return response.status_code, body["error"], body["error_codes"][0]


class ScriptedBrowser(webbrowser.BaseBrowser):
    """A browser for programs that open one themselves: somebody signs in in it at once."""

    def __init__(self, azure: Sandbox, by: Person, *, accepts: bool = True) -> None:
        super().__init__("scripted")
        self.azure, self.by, self.accepts = azure, by, accepts
        self.opened: list[str] = []
        self.shown: list[str] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        """Go in the background, as a browser does."""
        self.opened.append(url)
        threading.Thread(target=self._go, args=(url,)).start()
        return True

    def _go(self, url: str) -> None:
        self.shown.append(self.azure.entra.browse(url, self.by, accepts=self.accepts))


@contextmanager
def as_default_browser(scripted: ScriptedBrowser) -> Iterator[ScriptedBrowser]:
    """Make it the one that this machine opens."""
    webbrowser.register("scripted", None, scripted, preferred=True)
    yield scripted
    webbrowser._tryorder.remove("scripted")  # type: ignore[attr-defined]
    del webbrowser._browsers["scripted"]  # type: ignore[attr-defined]


@pytest.fixture
def browser(azure: Sandbox, ada: Person) -> Iterator[ScriptedBrowser]:
    """Let Ada sit in front of the machine's browser."""
    with as_default_browser(ScriptedBrowser(azure, ada)) as scripted:
        yield scripted


# The real clients.


def test_msal_signs_in_interactively(azure: Sandbox, browser: ScriptedBrowser) -> None:
    """The real msal opens the browser, gets the code by form_post, and a token for it."""
    client = msal.PublicClientApplication(AZURE_CLI, authority=f"{HOST}/{CONTOSO}")
    response = client.acquire_token_interactive([f"{DATA_LAKE}/.default"])
    claims = azure.world.identity.check(f"Bearer {response['access_token']}", [DATA_LAKE])
    assert claims["upn"] == ADA
    assert response["id_token_claims"]["preferred_username"] == ADA
    assert "response_mode=form_post" in browser.opened[0]
    [account] = client.get_accounts()
    assert client.acquire_token_silent([f"{MANAGEMENT}/.default"], account)


def test_msal_is_told_that_the_person_cancelled(azure: Sandbox, browser: ScriptedBrowser) -> None:
    """Somebody who cancels sends the program an access_denied."""
    browser.accepts = False
    client = msal.PublicClientApplication(AZURE_CLI, authority=f"{HOST}/{CONTOSO}")
    response = client.acquire_token_interactive([f"{DATA_LAKE}/.default"])
    assert response["error"] == "access_denied"


def test_browser_credential_serves_two_resources(azure: Sandbox, browser: ScriptedBrowser) -> None:
    """One sign-in with azure-identity is enough for both planes."""
    with InteractiveBrowserCredential(tenant_id=CONTOSO, client_id=AZURE_CLI) as credential:
        for resource in (MANAGEMENT, DATA_LAKE):
            token = credential.get_token(f"{resource}/.default").token
            azure.world.identity.check(f"Bearer {token}", [resource])
    assert len(browser.opened) == 1
    assert "prompt=select_account" in browser.opened[0]


def test_browser_credential_tells_of_a_declined_consent(
    azure: Sandbox, browser: ScriptedBrowser
) -> None:
    """Declining the consent is a ClientAuthenticationError with Entra's sentence."""
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


# The script: what comes back.


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_code_comes_back_and_is_good_for_a_token(azure: Sandbox, ada: Person, version: str) -> None:
    """Code and state come back to the redirect URI; the code buys tokens at its version."""
    location = azure.entra.authorize(address(version=version, nonce="n"), by=ada)
    assert location.startswith(f"{REDIRECT}/?code=")
    fields = response_fields(location)
    assert set(fields) == {"code", "state", "session_state"}
    assert fields["state"] == "a state & more"
    response = redeem(fields["code"], version=version).json()
    azure.world.identity.check(f"Bearer {response['access_token']}", [DATA_LAKE])
    assert response["refresh_token"]
    told = jwt.decode(response["id_token"], options={"verify_signature": False})
    assert (told["nonce"], told["ver"]) == ("n", version)


def test_version_one_may_name_the_resource_late(azure: Sandbox, ada: Person) -> None:
    """A version 1.0 program may say only with the code what it wants to reach."""
    location = azure.entra.authorize(address(version="1.0", resource=""), by=ada)
    response = redeem(response_fields(location)["code"], version="1.0").json()
    assert response["resource"] == DATA_LAKE


def test_consent_may_be_for_several_resources(azure: Sandbox, ada: Person) -> None:
    """An authorization request may name several resources; the code is for each in turn."""
    both = f"{MANAGEMENT}/user_impersonation {DATA_LAKE}/user_impersonation"
    code = response_fields(azure.entra.authorize(address(scope=both), by=ada))["code"]
    assert error_of(redeem(code, scope=both)) == (400, "invalid_request", 28000)
    code = response_fields(azure.entra.authorize(address(scope=both), by=ada))["code"]
    response = redeem(code, scope=f"{DATA_LAKE}/user_impersonation").json()
    azure.world.identity.check(f"Bearer {response['access_token']}", [DATA_LAKE])


def test_code_tells_who_signed_in_where_at_home(azure: Sandbox, ada: Person) -> None:
    """``client_info=1`` gives the person's home account with the code already."""
    fields = response_fields(azure.entra.authorize(address(client_info="1"), by=ada))
    known = base64.urlsafe_b64decode(fields["client_info"] + "==").decode()
    assert ada.object_id in known
    assert CONTOSO_ID in known


def test_fragment_carries_the_answer(azure: Sandbox, ada: Person) -> None:
    """``response_mode=fragment`` keeps the code out of the query."""
    location = azure.entra.authorize(address(response_mode="fragment"), by=ada)
    assert location.startswith(f"{REDIRECT}/#code=")
    assert urlsplit(location).query == ""


def test_form_post_has_no_address(azure: Sandbox, ada: Person) -> None:
    """``response_mode=form_post`` is a page that sends a form, and no redirect."""
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
    """A public client may use loopback at any port, and the two that need no listener."""
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
def test_other_redirect_uris_are_refused_on_the_page(
    azure: Sandbox, ada: Person, redirect_uri: str
) -> None:
    """An address that is not registered gets nothing: the person alone is told."""
    url = address(redirect_uri=redirect_uri)
    response = requests.get(url, timeout=10, allow_redirects=False)
    assert (response.status_code, "Location" in response.headers) == (400, False)
    assert f"AADSTS50011: The redirect URI '{redirect_uri}'" in unescape(response.text)
    with pytest.raises(ValueError, match="AADSTS50011"):
        azure.entra.authorize(url, by=ada)


def test_own_redirect_uris_are_compared_to_the_letter(azure: Sandbox, ada: Person) -> None:
    """What an application registers itself is its only redirect URI."""
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
def test_what_cannot_be_trusted_is_told_to_the_person(
    azure: Sandbox, ada: Person, changes: dict[str, str], number: int
) -> None:
    """Without a client and its redirect URI there is nobody else to tell."""
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
    ],
)
def test_other_mistakes_are_told_to_the_program(
    azure: Sandbox, ada: Person, changes: dict[str, str], error: str, number: int
) -> None:
    """A program that has said who it is hears of its mistakes at its redirect URI."""
    response = requests.get(address(**changes), timeout=10, allow_redirects=False)
    fields = response_fields(response.headers["Location"])
    assert (response.status_code, fields["error"]) == (302, error)
    assert fields["error_description"].startswith(f"AADSTS{number}: ")
    assert fields["state"] == "a state & more"


# PKCE, and the code for a token.


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize(
    ("asked", "redeemed", "expected"),
    [
        ({}, {}, None),
        ({}, {"code_verifier": VERIFIER + "x"}, (400, "invalid_grant", 501481)),
        ({}, {"code_verifier": "ü" * 43}, (400, "invalid_grant", 501481)),
        ({}, {"code_verifier": ""}, (400, "invalid_grant", 50148)),
        ({"code_challenge": ""}, {}, (400, "invalid_grant", 50148)),
        ({"code_challenge": ""}, {"code_verifier": ""}, None),
        ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, {}, None),
        ({"code_challenge": VERIFIER, "code_challenge_method": ""}, {}, None),
        ({"code_challenge_method": "plain"}, {}, (400, "invalid_grant", 501481)),
    ],
)
def test_code_verifier_must_fit(
    azure: Sandbox,
    ada: Person,
    version: str,
    asked: dict[str, str],
    redeemed: dict[str, str],
    expected: tuple[int, str, int] | None,
) -> None:
    """A code is for who can show what its challenge was made from (RFC 7636)."""
    code = response_fields(azure.entra.authorize(address(version=version, **asked), by=ada))["code"]
    response = redeem(code, version=version, **redeemed)
    assert (None if response.ok else error_of(response)) == expected


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_code_is_good_once_and_for_ten_minutes(azure: Sandbox, ada: Person, version: str) -> None:
    """A second use, and one after ten minutes, are refused."""
    url = address(version=version)
    first, second = (response_fields(azure.entra.authorize(url, by=ada))["code"] for _ in range(2))
    assert redeem(first, version=version).ok
    assert error_of(redeem(first, version=version)) == (400, "invalid_grant", 54005)
    azure.clock.advance(599)
    third = response_fields(azure.entra.authorize(url, by=ada))["code"]
    azure.clock.advance(1)
    assert error_of(redeem(second, version=version)) == (400, "invalid_grant", 70008)
    assert redeem(third, version=version).ok


def test_code_belongs_to_its_program(azure: Sandbox, ada: Person) -> None:
    """Another client, another redirect URI and another cloud get nothing for a code."""
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


def test_refused_person_gets_no_code(azure: Sandbox, ada: Person) -> None:
    """Who is refused stays on the page, and so does a script."""
    ada.refused_with = 53003
    with pytest.raises(ValueError, match="AADSTS53003"):
        azure.entra.authorize(address(), by=ada)


@pytest.mark.parametrize("url", ["https://evil.example/", f"{HOST}/{CONTOSO}/oauth2/token", "x"])
def test_only_authorize_addresses_can_be_scripted(azure: Sandbox, ada: Person, url: str) -> None:
    """A script that opens anything else is told so."""
    with pytest.raises(ValueError, match="no authorize endpoint"):
        azure.entra.authorize(url, by=ada)


def test_answers_are_delivered_on_loopback_only(azure: Sandbox, ada: Person) -> None:
    """Nothing leaves the machine: ``browse`` opens loopback addresses only."""
    azure.entra.application(OWN_CLIENT, redirect_uris=["https://app.example/"])
    url = address(client_id=OWN_CLIENT, redirect_uri="https://app.example/")
    with pytest.raises(ValueError, match=r"https://app\.example/ is not on loopback"):
        azure.entra.browse(url, by=ada)


# Consent and prompt=none, by script.


def test_consent_is_asked_for_once(azure: Sandbox, ada: Person) -> None:
    """An application without consent gets a code after the person accepts, and then no page."""
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


def test_nobody_is_asked_with_prompt_none(azure: Sandbox, ada: Person) -> None:
    """``prompt=none`` gives a code to who has signed in before, and else an error."""
    url = address(prompt="none")
    assert "code" in response_fields(azure.entra.authorize(url, by=ada))
    nobody = response_fields(azure.entra.authorize(url))
    assert nobody["error"] == "login_required"
    assert nobody["error_description"].startswith("AADSTS50058: ")
    ada.refused_with = 50079
    assert response_fields(azure.entra.authorize(url, by=ada))["error"] == "interaction_required"


# The page, as forms.


class Browser:
    """Follows the page's forms, with cookies; knows what it was shown last."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.host = HOST
        self.shown = requests.Response()

    def open(self, url: str) -> str:
        """Open an address, and give the title of what comes."""
        self.shown = self.session.get(url, timeout=10, allow_redirects=False)
        return self.title

    def send(self, step: str = "", **fields: str) -> str:
        """Fill in the form shown, send it, and give the title of what comes."""
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.shown.text))
        [action] = re.findall(r'<form method="post" action="([^"]*)"', self.shown.text)
        path = f"{action.rpartition('/')[0]}/{step}" if step else action
        self.shown = self.session.post(
            self.host + path, {**hidden, **fields}, timeout=10, allow_redirects=False
        )
        return self.title

    @property
    def title(self) -> str:
        """Give the page's title."""
        return unescape(self.shown.text.partition("<title>")[2].partition("</title>")[0])

    @property
    def text(self) -> str:
        """Give the words on the page."""
        markup = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", self.shown.text, flags=re.S)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())

    @property
    def sent_back(self) -> dict[str, str]:
        """Give what the browser carries back to the program."""
        return response_fields(self.shown.headers["Location"])


@pytest.fixture
def person(azure: Sandbox) -> Browser:
    """A browser that nobody has signed in in."""
    return Browser()


def test_person_signs_in_with_a_second_factor(azure: Sandbox, person: Browser) -> None:
    """User name, password and what the authenticator shows lead back with a code."""
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
    """No later step does anything for who has not shown a password."""
    ada = azure.entra.person(ADA, password=PASSWORD, mfa=True)
    azure.entra.application(OWN_CLIENT, consented=False)
    person.open(address(client_id=OWN_CLIENT))
    title = person.send(step, otc=azure.entra.one_time_code(ada), account=ada.object_id)
    assert title == "Sign in"


def test_consent_does_not_replace_the_second_factor(azure: Sandbox, person: Browser) -> None:
    """Who has shown a password only cannot go on to accept."""
    azure.entra.person(ADA, password=PASSWORD, mfa=True)
    azure.entra.application(OWN_CLIENT, consented=False)
    person.open(address(client_id=OWN_CLIENT))
    person.send(username=ADA, password=PASSWORD)
    assert person.send("consent") == "Verify your identity"
    person.open(address(client_id=OWN_CLIENT, prompt="none"))
    assert person.sent_back["error"] == "login_required"


def test_consent_page_tells_who_asks_for_what(azure: Sandbox, ada: Person, person: Browser) -> None:
    """The consent names the application, the person and the resource; cancelling is told."""
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


def test_cancel_at_the_sign_in_goes_back(ada: Person, person: Browser) -> None:
    """Who cancels instead of signing in sends the program access_denied, cancel."""
    person.open(address())
    person.send("cancel")
    assert person.sent_back == {
        "error": "access_denied",
        "error_subcode": "cancel",
        "state": "a state & more",
    }


def test_second_program_needs_no_page(ada: Person, person: Browser) -> None:
    """Who has signed in once in a browser is known to it: single sign-on, and prompt=none."""
    person.open(address())
    person.send(username=ADA, password=PASSWORD)
    for changes in ({}, {"prompt": "none"}, {"login_hint": ADA.upper()}):
        person.open(address(**changes))
        assert redeem(person.sent_back["code"]).ok
    person.open(address(prompt="none", login_hint="bob@fabrikam.com"))
    assert person.sent_back["error"] == "login_required"


def test_prompt_login_asks_again(ada: Person, person: Browser) -> None:
    """``prompt=login`` and a hint at somebody else ask for a password again."""
    person.open(address())
    person.send(username=ADA, password=PASSWORD)
    assert person.open(address(prompt="login")) == "Sign in"
    assert person.open(address(login_hint="bob@fabrikam.com")) == "Sign in"
    assert 'value="bob@fabrikam.com"' in person.shown.text
    assert person.open(address(prompt="consent")) == "Permissions requested"


def test_person_picks_an_account(azure: Sandbox, ada: Person, person: Browser) -> None:
    """With select_account, or two people known, the person says who they are."""
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


def test_guest_signs_in_and_a_stranger_does_not(azure: Sandbox, person: Browser) -> None:
    """A person of another tenant comes in when invited, and the token is of that tenant."""
    bob = azure.entra.person("bob@fabrikam.com", password=PASSWORD)
    person.open(address())
    assert person.send(username=bob.username, password=PASSWORD) == "Error: Sign in"
    assert "AADSTS50020" in person.text
    azure.entra.invite(bob, CONTOSO)
    person.send(username=bob.username, password=PASSWORD)
    token = redeem(person.sent_back["code"]).json()["access_token"]
    assert azure.world.identity.check(f"Bearer {token}", [DATA_LAKE])["tid"] == CONTOSO_ID


def test_refused_person_is_told_why(azure: Sandbox, ada: Person, person: Browser) -> None:
    """A refusal is shown with its number, also to who was known already."""
    person.open(address())
    person.send(username=ADA, password=PASSWORD)
    ada.refused_with = 53003
    assert person.open(address()) == "Error: Sign in"
    assert "AADSTS53003: Access has been blocked" in person.text


def test_finished_sign_in_cannot_be_used_again(ada: Person, person: Browser) -> None:
    """Going back to a form whose code is out already shows that it is over."""
    person.open(address())
    form = person.shown
    person.send(username=ADA, password=PASSWORD)
    person.shown = form
    person.send(username=ADA, password=PASSWORD)
    assert person.shown.status_code == 400
    assert "AADSTS50089" in person.text


def test_page_takes_forms_of_its_own_only(ada: Person, person: Browser) -> None:
    """Another site's form, a made-up step and a GET do nothing."""
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
    """The page loads nothing, is framed by nobody, and leads to itself and the program."""
    person.open(address())
    headers = person.shown.headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert f"form-action 'self' {REDIRECT};" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    person.send(username=ADA, password=PASSWORD)
    cookie = person.shown.headers["Set-Cookie"]
    assert all(word in cookie for word in ("Secure", "HttpOnly"))


def test_form_post_sends_itself(ada: Person, person: Browser) -> None:
    """With form_post the answer is a form to the program, which its own script sends."""
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
    """The redirect URI for programs without a listener shows a page that says what happened."""
    url = "https://login.microsoftonline.com/common/oauth2/nativeclient"
    location = azure.entra.authorize(address(redirect_uri=url), by=ada)
    assert "You have signed in" in requests.get(location, timeout=10).text
    assert "You have not signed in" in requests.get(f"{url}?error=x", timeout=10).text
