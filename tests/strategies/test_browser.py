"""Browser: opens a page, waits for what the browser brings, and asks once."""

from __future__ import annotations

import base64
import copy
import hashlib
import pickle
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests

from adls_enduser import (
    PUBLIC,
    Browser,
    BrowserPrompt,
    ConfigurationError,
    ConsentRequired,
    EndUserError,
    ProtocolError,
    SignInCache,
    SignInCancelled,
    SignInDeclined,
    SignInError,
    SignInRequired,
    SignInTimedOut,
    TransportError,
    WrongAccount,
    filesystem_token,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, HTML_502, Answer, Reset, SandboxClock, Stall
from adls_enduser.testing import EntraStrategyContract
from adls_enduser.testing.strategies import CHALLENGE

from ..constants import DATA_LAKE, MANAGEMENT, TOKEN_PATH
from ..waiting import Stopwatch, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox

REGISTERED = "c0ffee00-7e57-4c0a-9d0a-00000000a991"


class Surfer:
    """A person who opens the page that is shown, signs in, and goes where that leads."""

    def __init__(self, azure: Sandbox) -> None:
        self.azure = azure
        self.prompts: list[BrowserPrompt] = []
        self.pages: list[requests.Response] = []
        self.by: str | None = None
        self.act: Callable[[BrowserPrompt], None] = self.sign_in

    def __call__(self, prompt: BrowserPrompt) -> None:
        self.prompts.append(prompt)
        self.act(prompt)

    def sign_in(self, prompt: BrowserPrompt) -> None:
        self.go(self.azure.entra.authorize(prompt.url, by=self.by))

    def cancel(self, prompt: BrowserPrompt) -> None:
        self.go(self.azure.entra.authorize(prompt.url, by=self.by, accepts=False))

    def close_the_window(self, prompt: BrowserPrompt) -> None:
        """Do nothing more."""

    def go(self, url: str) -> None:
        """Follow a redirect to this machine, as a browser does: not by the proxy."""
        with requests.Session() as session:
            session.trust_env = False
            self.pages.append(session.get(url, timeout=10))

    def asked(self) -> dict[str, str]:
        """Return the parameters of the last page."""
        return dict(parse_qsl(urlsplit(self.prompts[-1].url).query))


@pytest.fixture
def surfer(azure: Sandbox, grace: Person) -> Surfer:
    """Grace, at a browser."""
    return Surfer(azure)


@pytest.fixture
def browser(clock: SandboxClock, surfer: Surfer, library: str) -> Callable[..., Browser]:
    """Make a Browser strategy of the sandbox's tenant, with the sandbox's time."""

    def make(**more: Any) -> Browser:
        own = {"tenant": CONTOSO, "prompt": surfer, "clock": clock, "library": library}
        return Browser(**own | more)

    return make


class TestContract(EntraStrategyContract):
    """Browser is a strategy."""

    @pytest.fixture
    def strategy(self, browser: Callable[..., Browser]) -> Browser:
        return browser()


class TestRequest:
    """What the browser is sent to ask for."""

    def test_a_code_with_pkce_and_state(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox, library: str
    ) -> None:
        """RFC 7636's S256 of a verifier that only the token request shows, and new secrets."""
        seen = []
        for _ in range(2):
            browser().sign_in(MANAGEMENT)
            asked, sent = surfer.asked(), azure.log.to(TOKEN_PATH)[-1].request.form
            assert (asked["response_type"], asked["response_mode"]) == ("code", "query")
            assert asked["code_challenge_method"] == "S256"
            digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
            assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
            assert 43 <= len(sent["code_verifier"]) <= 128
            assert len(asked["state"]) >= 22, "128 bits"
            assert sent["redirect_uri"] == asked["redirect_uri"]
            assert sent["grant_type"] == "authorization_code"
            assert "client_secret" not in sent
            seen += [asked["state"], asked["code_challenge"]]
        assert len(set(seen)) == 4

    def test_it_goes_to_the_librarys_version(
        self, browser: Callable[..., Browser], surfer: Surfer, library: str
    ) -> None:
        """v1.0 takes a resource, v2.0 a scope with what an id token and a renewal need."""
        browser().sign_in(MANAGEMENT)
        asked = surfer.asked()
        path = urlsplit(surfer.prompts[0].url).path
        if library == "adal":
            assert path == f"/{CONTOSO}/oauth2/authorize"
            assert asked["resource"] == MANAGEMENT
        else:
            assert path.endswith("/oauth2/v2.0/authorize")
            assert set(asked["scope"].split()) == {
                f"{MANAGEMENT}/.default",
                *("openid", "profile", "offline_access"),
            }

    def test_the_account_is_chosen_unless_it_is_known(
        self, browser: Callable[..., Browser], surfer: Surfer
    ) -> None:
        """username= is filled in; without it the person chooses, whoever is signed in there."""
        browser().sign_in(MANAGEMENT)
        assert surfer.asked()["prompt"] == "select_account"
        assert "login_hint" not in surfer.asked()
        browser(username=f"grace@{CONTOSO}").sign_in(MANAGEMENT)
        assert surfer.asked()["login_hint"] == f"grace@{CONTOSO}"
        assert "prompt" not in surfer.asked()

    def test_the_redirect_uri_is_the_registered_one(
        self, browser: Callable[..., Browser], surfer: Surfer
    ) -> None:
        """http://localhost at a free port, as Azure CLI's client id has it."""
        browser().sign_in(MANAGEMENT)
        uri = urlsplit(surfer.asked()["redirect_uri"])
        assert (uri.scheme, uri.hostname, uri.path) == ("http", "localhost", "")

    def test_a_path_and_port_of_ones_own(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
    ) -> None:
        """redirect_uri= as the application is registered."""
        azure.entra.application(REGISTERED, redirect_uris=["http://127.0.0.1/signed/in"])
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        for uri in ("http://127.0.0.1/signed/in", f"http://127.0.0.1:{port}/signed/in"):
            assert browser(client_id=REGISTERED, redirect_uri=uri).sign_in(MANAGEMENT)
        assert surfer.asked()["redirect_uri"] == uri
        assert urlsplit(surfer.pages[-1].url).path == "/signed/in"

    def test_the_prompt_is_data(
        self, browser: Callable[..., Browser], surfer: Surfer, clock: SandboxClock
    ) -> None:
        """The callback gets the page, until when, and a sentence; no verifier in either."""
        began = clock.time()
        browser(timeout=70).sign_in(MANAGEMENT)
        (prompt,) = surfer.prompts
        assert prompt.url.startswith("https://login.microsoftonline.com/")
        assert prompt.expires_on == pytest.approx(began + 70, abs=1)
        assert prompt.message == "To sign in, open this page in a browser on this machine."
        assert "verifier" not in repr(prompt)

    def test_claims_go_along(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox, library: str
    ) -> None:
        """To the page and to the token, where the library has a way to send them."""
        if library == "adal":
            pytest.skip("adal has none, which the contract tests")
        assert browser().sign_in(MANAGEMENT, claims=CHALLENGE)
        assert surfer.asked()["claims"] == CHALLENGE
        assert azure.log.to(TOKEN_PATH)[-1].request.form["claims"] == CHALLENGE


def test_nobody_signed_in_yet_is_none(browser: Callable[..., Browser], azure: Sandbox) -> None:
    """Silent never asks, and without a sign-in it has nothing to send either."""
    assert browser().silent(MANAGEMENT) is None
    assert len(azure.log) == 0


def test_one_object_signs_in_once(
    browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
) -> None:
    """Both factories, one strategy: one page, then one refresh request."""
    strategy = browser()
    credentials = management_credentials(mode=strategy)
    filesystem_token(mode=strategy)
    assert credentials.whoami().username == f"grace@{CONTOSO}"
    assert len(surfer.prompts) == 1
    grants = [one.request.form["grant_type"] for one in azure.log.to(TOKEN_PATH)]
    assert grants == ["authorization_code", "refresh_token"]


def test_it_has_a_mode_by_name(
    surfer: Surfer, azure: Sandbox, clock: SandboxClock, library: Any
) -> None:
    """A factory makes it, with its options."""
    credentials = management_credentials(
        "browser", tenant=CONTOSO, prompt=surfer, clock=clock, library=library
    )
    assert credentials.whoami().username == f"grace@{CONTOSO}"
    assert type(credentials).__name__ == "TokenCredentials"


def test_the_person_is_told_to_go_back(browser: Callable[..., Browser], surfer: Surfer) -> None:
    """The last thing in the browser is a page, and it has no secret in it."""
    browser().sign_in(MANAGEMENT)
    (page,) = surfer.pages
    assert page.status_code == 200
    assert "Go back to the program that you started" in page.text
    for secret in parse_qs(urlsplit(page.url).query)["code"]:
        assert secret not in page.text


class TestEnd:
    """How the wait ends otherwise."""

    def test_a_closed_window_ends_with_the_timeout(
        self, browser: Callable[..., Browser], surfer: Surfer, clock: SandboxClock
    ) -> None:
        """Nobody tells a program that a window was closed; it waits 300 seconds, no more."""
        surfer.act = surfer.close_the_window
        began = clock.time()
        with pytest.raises(SignInTimedOut, match="timeout passed") as caught:
            browser().sign_in(MANAGEMENT)
        assert clock.time() == pytest.approx(began + 300, abs=1)
        assert "Sign in again" in caught.value.remedy

    def test_the_timeout_is_in_seconds(
        self, browser: Callable[..., Browser], surfer: Surfer, clock: SandboxClock
    ) -> None:
        """timeout= of ones own; None is the default."""
        surfer.act = surfer.close_the_window
        for timeout, lasts in ((12, 12), (None, 300)):
            began = clock.time()
            with pytest.raises(SignInTimedOut):
                browser(timeout=timeout).sign_in(MANAGEMENT)
            assert clock.time() == pytest.approx(began + lasts, abs=1)

    @pytest.mark.parametrize("how", [SignInTimedOut, SignInCancelled])
    def test_a_page_that_does_not_come_ends_in_time(
        self,
        browser: Callable[..., Browser],
        surfer: Surfer,
        azure: Sandbox,
        how: type[SignInError],
    ) -> None:
        """The time counts from the call, not from when the page is there (real time here)."""
        azure.faults.add(Stall(), path="/common/discovery/instance")
        mine = replace(PUBLIC, name="mine", authority="https://login.mine.example")
        own: dict[str, Any] = {"cloud": mine, "clock": SandboxClock()}
        if how is SignInCancelled:
            own["cancel"] = threading.Event()
            threading.Timer(0.5, own["cancel"].set).start()
        else:
            own["timeout"] = 0.5
        with Stopwatch() as since, pytest.raises(how):
            browser(**own).sign_in(MANAGEMENT)
        assert since.seconds < 1.5
        assert surfer.prompts == []

    @pytest.mark.parametrize("where", ["on the page", "in a request that hangs"])
    def test_a_cancel_ends_it_within_a_second(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox, where: str
    ) -> None:
        """Whether the person is at it or Entra ID does not answer (real time here)."""
        cancel, since = threading.Event(), Stopwatch()
        hangs = where != "on the page"

        def press() -> None:
            wait_until(lambda: azure.log.to(TOKEN_PATH) if hangs else surfer.prompts)
            since.start()
            cancel.set()

        def soon(prompt: BrowserPrompt) -> None:
            pressing.start()
            if hangs:
                azure.faults.add(Stall(), path=TOKEN_PATH)
                surfer.sign_in(prompt)

        surfer.act, pressing = soon, threading.Thread(target=press)
        with pytest.raises(SignInCancelled):
            browser(cancel=cancel, clock=SandboxClock()).sign_in(MANAGEMENT)
        assert since.seconds < 1
        since.stop()
        pressing.join()

    def test_cancelled_beforehand_opens_nothing(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
    ) -> None:
        """An event that is set already is heeded before anybody is asked."""
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(SignInCancelled):
            browser(cancel=cancel).sign_in(MANAGEMENT)
        assert surfer.prompts == []
        assert len(azure.log) == 0

    def test_the_port_is_closed_afterwards(
        self, browser: Callable[..., Browser], surfer: Surfer
    ) -> None:
        """A page that is loaded again finds nobody, whichever way it ended."""
        browser().sign_in(MANAGEMENT)
        surfer.act = surfer.close_the_window
        with pytest.raises(SignInTimedOut):
            browser().sign_in(MANAGEMENT)
        for prompt in surfer.prompts:
            uri = dict(parse_qsl(urlsplit(prompt.url).query))["redirect_uri"]
            with pytest.raises(requests.ConnectionError):
                surfer.go(uri)

    def test_a_prompt_that_fails_closes_it_too(
        self, browser: Callable[..., Browser], surfer: Surfer
    ) -> None:
        """What the callback raises is the cause, and nothing listens any more."""

        def fail(prompt: BrowserPrompt) -> None:
            raise LookupError("no window")

        surfer.act = fail
        with pytest.raises(ConfigurationError, match="prompt= raised LookupError") as caught:
            browser().sign_in(MANAGEMENT)
        assert isinstance(caught.value.__cause__, LookupError)
        with pytest.raises(requests.ConnectionError):
            surfer.go(surfer.asked()["redirect_uri"])
        surfer.act = surfer.sign_in
        assert browser().sign_in(MANAGEMENT), "a control"


class TestRefusal:
    """What Entra ID, or the person, has against it."""

    def test_a_person_who_cancels_has_declined(
        self, browser: Callable[..., Browser], surfer: Surfer
    ) -> None:
        """The program knows at once, and the page says so too."""
        surfer.act = surfer.cancel
        with pytest.raises(SignInDeclined) as caught:
            browser().sign_in(MANAGEMENT)
        assert caught.value.error == "access_denied"
        assert "You have not been signed in" in surfer.pages[0].text

    def test_declined_consent(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
    ) -> None:
        """As the page asks for it; who accepts is signed in."""
        azure.entra.application(REGISTERED, name="Report", consented=False)
        strategy = browser(client_id=REGISTERED)
        surfer.act = surfer.cancel
        with pytest.raises(SignInDeclined) as caught:
            strategy.sign_in(MANAGEMENT)
        assert caught.value.code == "AADSTS65004"
        assert caught.value.correlation_id
        surfer.act = surfer.sign_in
        assert strategy.sign_in(MANAGEMENT)

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"error": "consent_required"}, ConsentRequired),
            ({"error": "server_error"}, TransportError),
            ({"error": "invalid_resource"}, ConfigurationError),
            ({}, ProtocolError),
        ],
        ids=str,
    )
    def test_errors_of_the_redirect_are_typed(
        self,
        browser: Callable[..., Browser],
        surfer: Surfer,
        azure: Sandbox,
        fields: dict[str, str],
        error: type[EndUserError],
    ) -> None:
        """As those of every other answer; no token is asked for."""

        def bring(prompt: BrowserPrompt) -> None:
            asked = surfer.asked()
            answer = urlencode({**fields, "state": asked["state"]})
            surfer.go(f"{asked['redirect_uri']}/?{answer}")

        surfer.act = bring
        with pytest.raises(error):
            browser().sign_in(MANAGEMENT)
        assert azure.log.to(TOKEN_PATH) == []

    def test_a_stale_state_changes_nothing(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
    ) -> None:
        """The page of an earlier try, left open, is turned away; then the right one counts."""

        def both(prompt: BrowserPrompt) -> None:
            here, earlier = surfer.asked()["redirect_uri"], parse_qs(urlsplit(old).query)
            surfer.go(f"{here}/?{urlencode(earlier, doseq=True)}")
            surfer.sign_in(prompt)

        leads: list[str] = []

        def look(prompt: BrowserPrompt) -> None:
            leads.append(azure.entra.authorize(prompt.url))

        surfer.act = look
        with pytest.raises(SignInTimedOut):
            browser().sign_in(MANAGEMENT)
        (old,) = leads
        surfer.act = both
        assert browser().sign_in(MANAGEMENT)
        assert [page.status_code for page in surfer.pages] == [400, 200]
        assert len(azure.log.to(TOKEN_PATH)) == 1

    def test_a_second_answer_changes_nothing(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
    ) -> None:
        """Somebody else's code, even with the right state, comes too late."""
        azure.entra.person(f"eve@{CONTOSO}", password="x")

        def twice(prompt: BrowserPrompt) -> None:
            surfer.sign_in(prompt)
            surfer.go(azure.entra.authorize(prompt.url, by=f"eve@{CONTOSO}"))

        surfer.act = twice
        token = browser().sign_in(MANAGEMENT)
        assert token.account.username == f"grace@{CONTOSO}"
        assert [page.status_code for page in surfer.pages] == [200, 409]

    def test_a_code_of_another_request_is_refused(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
    ) -> None:
        """A code that was slipped in is not redeemed: PKCE binds it (RFC 7636)."""

        def slip_in(prompt: BrowserPrompt) -> None:
            asked = surfer.asked()
            theirs = prompt.url.replace(asked["code_challenge"], "A" * 43)
            surfer.go(azure.entra.authorize(theirs))

        surfer.act = slip_in
        with pytest.raises(SignInError) as caught:
            browser().sign_in(MANAGEMENT)
        assert type(caught.value) is SignInError
        assert caught.value.error == "invalid_grant"

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (Reset(), TransportError),
            (HTML_502, TransportError),
            (Answer(200, b"{}"), ProtocolError),
            (Answer(200, b"<html>hotel</html>"), ProtocolError),
        ],
        ids=repr,
    )
    def test_a_code_is_sent_once(
        self,
        browser: Callable[..., Browser],
        surfer: Surfer,
        azure: Sandbox,
        fault: Any,
        error: type[EndUserError],
    ) -> None:
        """It is good for one request (RFC 6749 section 4.1.2); the next try is a new one."""
        azure.faults.add(fault, path=TOKEN_PATH)
        strategy = browser()
        with pytest.raises(error):
            strategy.sign_in(MANAGEMENT)
        assert len(azure.log.to(TOKEN_PATH)) == 1
        assert strategy.sign_in(MANAGEMENT)
        assert len(surfer.prompts) == 2

    def test_another_person_is_refused(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
    ) -> None:
        """The hint only fills in the name, so who signed in is checked afterwards."""
        azure.entra.person(f"eve@{CONTOSO}", password="x")
        surfer.by = f"eve@{CONTOSO}"
        strategy = browser(username=f"grace@{CONTOSO}")
        with pytest.raises(WrongAccount, match="eve"):
            strategy.sign_in(MANAGEMENT)
        assert strategy.silent(MANAGEMENT) is None

    def test_an_unknown_authority_is_not_opened(
        self, browser: Callable[..., Browser], surfer: Surfer
    ) -> None:
        """Nobody is sent to a page that Microsoft does not vouch for."""
        evil = replace(PUBLIC, name="mine", authority="https://login.evil.example/")
        with pytest.raises(ConfigurationError, match="does not know the authority"):
            browser(cloud=evil).sign_in(MANAGEMENT)
        assert surfer.prompts == []


@pytest.mark.parametrize("library", ["msal"], indirect=True)
@pytest.mark.parametrize(
    "endpoint",
    [
        "http://login.microsoftonline.com/x",
        "file:///etc/passwd",
        "https://x\\u001b[2J",
        "https://x/';calc;'",
    ],
)
def test_a_page_that_nobody_should_see_is_not_opened(
    browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox, endpoint: str
) -> None:
    """The address comes from the network, and goes to a terminal and a browser."""
    document = _document().replace(
        f"https://login.microsoftonline.com/{CONTOSO_ID}/oauth2/v2.0/authorize", endpoint
    )
    assert endpoint in document
    azure.faults.add(Answer(200, document), path="/.well-known/")
    with pytest.raises(EndUserError) as caught:
        browser().sign_in(MANAGEMENT)
    assert type(caught.value) in (ProtocolError, ConfigurationError)
    assert surfer.prompts == []


def _document() -> str:
    """Return what version 2.0 says of itself."""
    authority = f"https://login.microsoftonline.com/{CONTOSO}"
    return requests.get(f"{authority}/v2.0/.well-known/openid-configuration", timeout=10).text


class TestTogether:
    """Threads, processes, the cache."""

    def test_many_cold_threads_share_one_page(
        self, browser: Callable[..., Browser], surfer: Surfer
    ) -> None:
        """64 credentials made at once from one strategy ask the person once."""
        strategy = browser()
        with ThreadPoolExecutor(64) as pool:
            made = [pool.submit(management_credentials, mode=strategy) for _ in range(64)]
            assert {one.result(60).whoami().username for one in made} == {f"grace@{CONTOSO}"}
        assert len(surfer.prompts) == 1

    def test_two_sign_ins_at_once_do_not_meet(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
    ) -> None:
        """A server that signs in two people listens at two ports, and mixes nothing up."""
        azure.entra.person(f"eve@{CONTOSO}", password="x")
        people = {f"grace@{CONTOSO}": browser(), f"eve@{CONTOSO}": browser()}
        both = threading.Barrier(2, timeout=10)
        who = iter(people)

        def wait_for_the_other(prompt: BrowserPrompt) -> None:
            both.wait()
            surfer.go(azure.entra.authorize(prompt.url, by=prompt_of[prompt.url]))

        prompt_of: dict[str, str] = {}
        lock = threading.Lock()

        def named(prompt: BrowserPrompt) -> None:
            with lock:
                prompt_of[prompt.url] = next(who)
            wait_for_the_other(prompt)

        surfer.act = named
        with ThreadPoolExecutor(2) as pool:
            got = list(pool.map(lambda one: one.sign_in(MANAGEMENT), people.values()))
        assert {token.account.username for token in got} == set(people)

    @pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption:UserWarning")
    def test_the_next_morning_opens_nothing(
        self, browser: Callable[..., Browser], surfer: Surfer, tmp_path: Path
    ) -> None:
        """With a cache the second strategy is silent."""
        cache = SignInCache(tmp_path / "cache", allow_unencrypted=True)
        browser(cache=cache).sign_in(MANAGEMENT)
        assert browser(cache=cache).silent(DATA_LAKE) is not None
        assert len(surfer.prompts) == 1

    def test_it_is_never_pickled_but_copied(self, browser: Callable[..., Browser]) -> None:
        """A copy is the same sign-in; a pickle would carry it away."""
        strategy = browser()
        assert copy.copy(strategy) is strategy
        assert copy.deepcopy(strategy) is strategy
        with pytest.raises(ConfigurationError, match="Browser cannot be pickled"):
            pickle.dumps(strategy)

    def test_a_credential_is_pickled(self, browser: Callable[..., Browser]) -> None:
        """It carries the access token, and no refresh token."""
        credentials = management_credentials(mode=browser())
        copied = pickle.loads(pickle.dumps(credentials))
        scope = f"{MANAGEMENT}.default"
        assert copied.get_token(scope).token == credentials.get_token(scope).token

    def test_nobody_is_asked_where_nobody_may_be(
        self, browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
    ) -> None:
        """interactive=False ends before any network."""
        with pytest.raises(SignInRequired, match="interactive=False"):
            management_credentials(mode=browser(), interactive=False)
        assert surfer.prompts == []
        assert len(azure.log) == 0


def test_where_nobody_can_paste_a_foreign_redirect_is_refused(
    browser: Callable[..., Browser], surfer: Surfer, azure: Sandbox
) -> None:
    """The answer could never come back, so nobody is asked."""
    with pytest.raises(SignInRequired, match="no terminal here to paste"):
        browser(redirect_uri="urn:ietf:wg:oauth:2.0:oob").sign_in(MANAGEMENT)
    assert surfer.prompts == []
    assert len(azure.log) == 0


def test_the_repr_has_no_secret(browser: Callable[..., Browser]) -> None:
    """It says where."""
    assert repr(browser()) == f"<Browser at https://login.microsoftonline.com/{CONTOSO}>"
