"""The device login page, driven with requests."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
import requests

from adls_enduser.sandbox import CONTOSO, Person, Sandbox
from adls_enduser.sandbox.entra import AZURE_CLI

from ..conftest import PASSWORD

MANAGEMENT = "https://management.core.windows.net/"
AUTHORITY = f"https://login.microsoftonline.com/{CONTOSO}/oauth2"
ADA = f"ada@{CONTOSO}"


class Browser:
    """Follows the page's forms; ``shown`` is the last response."""

    def __init__(self, azure: Sandbox) -> None:
        self.url = f"{azure.url}/devicelogin"
        self.shown = requests.get(self.url, timeout=10)

    def send(self, action: str = "", **fields: str) -> str:
        """Fill in and send the form that is shown, and return the text of the next page."""
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.shown.text))
        self.shown = requests.post(self.url + action, {**hidden, **fields}, timeout=10)
        return self.text

    @property
    def text(self) -> str:
        """Return the visible text of the page."""
        markup = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", self.shown.text, flags=re.S)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())

    @property
    def title(self) -> str:
        """Return the page's title."""
        return self.shown.text.partition("<title>")[2].partition("</title>")[0]


@pytest.fixture
def browser(azure: Sandbox) -> Browser:
    """Open the page."""
    return Browser(azure)


def device_code(**changes: str) -> Any:
    """Request a device code."""
    form = {"client_id": AZURE_CLI, "resource": MANAGEMENT, **changes}
    return requests.post(f"{AUTHORITY}/devicecode", form, timeout=10).json()


def poll(code: dict[str, str]) -> Any:
    """Request the token of a device code."""
    form = {"grant_type": "device_code", "client_id": AZURE_CLI, "code": code["device_code"]}
    return requests.post(f"{AUTHORITY}/token", form, timeout=10).json()


def test_person_approves(azure: Sandbox, ada: Person, browser: Browser) -> None:
    """Code, user name and password sign the program in; the page names program and resource."""
    code = device_code()
    typed = code["user_code"].lower()
    assert "Microsoft Azure CLI" in browser.send(code=f" {typed[:4]}-{typed[4:]} ")
    assert poll(code)["error"] == "authorization_pending"
    text = browser.send("/signin", username=ADA.upper(), password=PASSWORD)
    assert f"{ADA} has signed in to Microsoft Azure CLI" in text
    assert (browser.title, MANAGEMENT in text) == ("You have signed in", True)
    token = poll(code)["access_token"]
    claims = azure.world.identity.check(f"Bearer {token}", [MANAGEMENT])
    assert (claims["upn"], claims["amr"]) == (ADA, ["pwd"])


def test_second_factor_is_asked_for(azure: Sandbox, browser: Browser) -> None:
    """A person with MFA must also enter a one-time code."""
    ada = azure.entra.person(ADA, password=PASSWORD, mfa=True)
    code = device_code()
    browser.send(code=code["user_code"])
    digits = azure.entra.one_time_code(ada)
    text = browser.send("/signin", username=ADA, password=PASSWORD)
    assert f"The authenticator app of {ADA} would show {digits} now." in text
    wrong = f"{(int(digits) + 1) % 1_000_000:06}"
    assert "That one-time code is not right." in browser.send("/verify", otc=wrong)
    assert browser.title == "Error: Verify your identity"
    assert poll(code)["error"] == "authorization_pending"
    browser.send("/verify", otc=digits)
    assert browser.title == "You have signed in"
    token = poll(code)["access_token"]
    claims = azure.world.identity.check(f"Bearer {token}", [MANAGEMENT])
    assert claims["amr"] == ["pwd", "mfa"]


def test_one_time_code_expires(azure: Sandbox, browser: Browser) -> None:
    """A one-time code that is a minute old is rejected; the current one is accepted."""
    ada = azure.entra.person(ADA, password=PASSWORD, mfa=True)
    browser.send(code=device_code()["user_code"])
    browser.send("/signin", username=ADA, password=PASSWORD)
    old = azure.entra.one_time_code(ada)
    azure.clock.advance(90)
    assert "not right" in browser.send("/verify", otc=old)
    browser.send("/verify", otc=azure.entra.one_time_code(ada))
    assert browser.title == "You have signed in"


def test_second_factor_cannot_be_skipped(azure: Sandbox, browser: Browser) -> None:
    """The second step without the first one leads back to the first."""
    ada = azure.entra.person(ADA, password=PASSWORD, mfa=True)
    code = device_code()
    browser.send(code=code["user_code"])
    browser.send("/verify", otc=azure.entra.one_time_code(ada))
    assert browser.title == "Sign in"
    assert poll(code)["error"] == "authorization_pending"


def test_person_declines(azure: Sandbox, ada: Person, browser: Browser) -> None:
    """Declining needs no password and ends the program's polling."""
    code = device_code()
    browser.send(code=code["user_code"])
    assert "You have declined" in browser.send("/decline", username="", password="")
    assert poll(code)["error"] == "authorization_declined"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("AAAAAAAAA", "That code is not right."),
        (" ", "Enter the code first."),
        ("<script>", "That code is not right."),
    ],
)
def test_wrong_code(ada: Person, browser: Browser, typed: str, message: str) -> None:
    """A wrong code is shown as an alert, and can be entered again."""
    assert message in browser.send(code=typed)
    assert 'role="alert"' in browser.shown.text
    assert browser.title == "Error: Enter the code"
    assert "<script>" not in browser.shown.text
    assert browser.send(code=device_code()["user_code"])
    assert browser.title == "Sign in"


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [
        (ADA, "guessed", "The user name or the password is wrong."),
        (f"<i>nobody</i>@{CONTOSO}", PASSWORD, "That account does not exist."),
        ("x@nowhere.example", PASSWORD, "That account does not exist."),
    ],
)
def test_wrong_sign_in(
    ada: Person, browser: Browser, username: str, password: str, message: str
) -> None:
    """A wrong user name or password is shown as an alert; only the user name stays in the form."""
    code = device_code()
    browser.send(code=code["user_code"])
    assert message in browser.send("/signin", username=username, password=password)
    assert browser.title == "Error: Sign in"
    assert "<i>" not in browser.shown.text
    assert password not in unescape(browser.shown.text)
    browser.send("/signin", username=ADA, password=PASSWORD)
    assert browser.title == "You have signed in"


def test_page_shows_the_persons_error(azure: Sandbox, ada: Person, browser: Browser) -> None:
    """The page shows an error with its number, and the code stays pending."""
    ada.refused_with = 53003
    code = device_code()
    browser.send(code=code["user_code"])
    text = browser.send("/signin", username=ADA, password=PASSWORD)
    assert "AADSTS53003: Access has been blocked by Conditional Access policies." in text
    assert azure.entra.pending_codes() == [code["user_code"]]


def test_federated_person_approves(azure: Sandbox, browser: Browser) -> None:
    """The page accepts a federated person's password too."""
    azure.entra.federate("fabrikam.com")
    azure.entra.person("bob@fabrikam.com", password=PASSWORD)
    form = {"client_id": AZURE_CLI, "resource": MANAGEMENT}
    url = "https://login.microsoftonline.com/common/oauth2/devicecode"
    code = requests.post(url, form, timeout=10).json()
    browser.send(code=code["user_code"])
    browser.send("/signin", username="bob@fabrikam.com", password=PASSWORD)
    assert browser.title == "You have signed in"


def test_code_expires_at_each_step(azure: Sandbox, ada: Person, browser: Browser) -> None:
    """The page says that a code has expired, when it is typed and at the sign-in."""
    first, second = device_code(), device_code()
    browser.send(code=first["user_code"])
    azure.clock.advance(900)
    browser.send("/signin", username=ADA, password=PASSWORD)
    assert browser.title == "The code has expired"
    late = Browser(azure)
    assert "That code has expired." in late.send(code=second["user_code"])


def test_code_is_decided_once(azure: Sandbox, ada: Person, browser: Browser) -> None:
    """A code that was declined in another browser cannot be approved or typed again."""
    code, other = device_code(), Browser(azure)
    browser.send(code=code["user_code"])
    other.send(code=code["user_code"])
    other.send("/decline")
    browser.send("/signin", username=ADA, password=PASSWORD)
    assert browser.title == "The code is no longer valid"
    assert "used already" in Browser(azure).send(code=code["user_code"])


def test_unknown_flow_is_rejected(ada: Person, browser: Browser) -> None:
    """Without a valid flow id no password is checked and no code is declined."""
    code = device_code()
    browser.send("/signin", flow="x", username=ADA, password=PASSWORD)
    assert browser.title == "The code is no longer valid"
    browser.send("/decline")
    assert poll(code)["error"] == "authorization_pending"


def test_locked_account_is_shown(ada: Person, browser: Browser) -> None:
    """The page counts wrong passwords as the token endpoint does."""
    browser.send(code=device_code()["user_code"])
    for _ in range(10):
        browser.send("/signin", username=ADA, password="wrong")
    assert "This account is locked" in browser.send("/signin", username=ADA, password=PASSWORD)


def test_headers_are_strict(browser: Browser) -> None:
    """The page loads nothing, cannot be framed, and is not cached."""
    headers, text = browser.shown.headers, browser.shown.text
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert not re.search(r"src=|https?://|<script|url\(", text)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "", {}, 200),
        ("GET", "", {"Host": "evil.example"}, 421),
        ("GET", "", {"Host": "localhost.evil.example:80"}, 421),
        ("GET", "", {"Host": "["}, 421),
        ("POST", "", {"Origin": "https://evil.example"}, 403),
        ("POST", "", {"Origin": "null"}, 403),
        ("POST", "", {"Origin": "OWN"}, 200),
        ("GET", "/signin", {}, 303),
        ("GET", "/else", {}, 404),
        ("DELETE", "", {}, 405),
    ],
)
def test_other_hosts_sites_and_methods_are_rejected(
    azure: Sandbox, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Other host names, other sites' forms, unknown paths and other methods are rejected."""
    sent = {name: value.replace("OWN", azure.url) for name, value in headers.items()}
    url = f"{azure.url}/devicelogin{path}"
    response = requests.request(method, url, headers=sent, timeout=10, allow_redirects=False)
    assert response.status_code == status


def test_root_leads_to_the_page(azure: Sandbox) -> None:
    """The root of the address shows the page."""
    assert "Enter the code" in requests.get(azure.url, timeout=10).text
