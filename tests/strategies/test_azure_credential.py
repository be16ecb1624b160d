"""AzureCredential: anybody's azure-core credential behind both factories."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import subprocess
import threading
import time
import warnings
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import msal
import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseTimeoutError,
)
from azure.datalake.store import core
from azure.identity import (
    AuthenticationRequiredError,
    AzureCliCredential,
    ChainedTokenCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    ManagedIdentityCredential,
    UsernamePasswordCredential,
)
from azure.identity.aio import AzureCliCredential as AsyncAzureCliCredential
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import (
    AZURE_CLI_CLIENT_ID,
    Account,
    AzureCredential,
    ConfigurationError,
    ConsentRequired,
    EndUserError,
    InvalidCredentials,
    MfaRequired,
    ProtocolError,
    SignInDeclined,
    SignInError,
    SignInExpired,
    SignInRequired,
    SignInTimedOut,
    TransportError,
    WrongAccount,
    filesystem_token,
    management_credentials,
)
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.entra.claims import CP1, with_cp1
from adls_enduser.sandbox import CONTOSO, Answer, Reset
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID
from adls_enduser.testing import CredentialContract, EntraStrategyContract
from adls_enduser.testing.strategies import CHALLENGE

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, KEY_VAULT, MANAGEMENT, STORAGE, TOKEN_PATH
from ..planes import ask_from_both_planes
from ..sandbox.test_authorize import ScriptedBrowser, as_default_browser
from ..strangers import Giving, Strangers, StrangersInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

OPAQUE = "opaque-access-token"
FAR = 4_000_000_000


@pytest.fixture(params=[Strangers, StrangersInfo])
def theirs(request: pytest.FixtureRequest, ada: Person, clock: SandboxClock) -> Any:
    """Return a stranger's credential, with either verb of azure-core's."""
    return request.param(ada, clock)


@pytest.fixture
def strategy(theirs: Any, clock: SandboxClock) -> AzureCredential:
    """Return it as a strategy."""
    return AzureCredential(theirs, clock=clock)


# In the real clients, of whichever generation is installed here.


def test_old_and_new_clients_take_it(strategy: AzureCredential, azure: Sandbox) -> None:
    """Account management and the file system work, though nobody is there to be asked."""
    client = DataLakeStoreAccountManagementClient(
        management_credentials(strategy, interactive=False), SUBSCRIPTION_ID
    )
    assert [one.name for one in client.accounts.list()] == ["mystore"]
    token = filesystem_token(strategy, interactive=False)
    store = core.AzureDLFileSystem(token, store_name="mystore")
    with store.open("/hello", "wb") as file:
        file.write(b"hello")
    assert store.ls("/") == ["hello"]
    assert [one.request.form["grant_type"] for one in azure.log.to(TOKEN_PATH)] == [
        "password",
        "refresh_token",
    ]


def test_it_outlives_its_tokens(
    strategy: AzureCredential, azure: Sandbox, clock: SandboxClock
) -> None:
    """The credential is asked again when a token ends, and for each audience."""
    credentials = management_credentials(strategy, interactive=False)
    seen = set()
    for _ in range(3):
        seen.add(credentials.get_token(f"{MANAGEMENT}.default").token)
        seen.add(credentials.get_token(f"{STORAGE}.default").token)
        clock.advance(3601)
    assert len(seen) == 6
    assert len(azure.log.to(TOKEN_PATH)) == 6


def test_whose_it_is_stands_in_the_token(strategy: AzureCredential, ada: Person) -> None:
    """The account is read from the token, and shown."""
    credentials = management_credentials(strategy)
    account = Account(ada.username, ada.tenant_id, ada.object_id)
    assert credentials.whoami() == strategy.account == account
    assert ada.username in repr(credentials)


# What the credential is asked.


@pytest.mark.parametrize(
    ("resource", "scope"),
    [
        (DATA_LAKE, "https://datalake.azure.net//.default"),
        (MANAGEMENT, "https://management.core.windows.net//.default"),
        (STORAGE, "https://storage.azure.com/.default"),
        ("https://vault.azure.net", "https://vault.azure.net/.default"),
    ],
)
def test_the_scope_is_spelled_as_the_sdks_spell_it(
    clock: SandboxClock, resource: str, scope: str
) -> None:
    """With the audience's slash before ``/.default``, but for Azure Storage."""
    asked = []

    class Mine:
        def get_token(self, *scopes: str) -> AccessToken:
            asked.extend(scopes)
            return AccessToken(OPAQUE, FAR)

    token = AzureCredential(Mine()).silent(resource)
    assert asked == [scope]
    assert token is not None
    assert token.resource == resource


def test_claims_and_cae_are_passed_on(theirs: Any, clock: SandboxClock) -> None:
    """A challenge by itself, and the capability only for those who declare it."""
    strategy = AzureCredential(theirs, clock=clock)
    for claims in (None, CHALLENGE, CP1, with_cp1(CHALLENGE)):
        strategy.silent(MANAGEMENT, claims=claims)
    told = [(one.get("claims"), one.get("enable_cae", False)) for _, one in theirs.asked]
    assert [(claims and json.loads(claims), cae) for claims, cae in told] == [
        (None, False),
        (json.loads(CHALLENGE), False),
        (None, True),
        (json.loads(CHALLENGE), True),
    ]


def test_a_claims_challenge_reaches_it_through_get_token(theirs: Any, clock: SandboxClock) -> None:
    """The adapter's claims are the credential's, and bring another token."""
    credentials = management_credentials(AzureCredential(theirs, clock=clock))
    first = credentials.get_token(f"{MANAGEMENT}.default")
    second = credentials.get_token(f"{MANAGEMENT}.default", claims=CHALLENGE)
    assert second.token != first.token
    assert theirs.asked[-1][1]["claims"] == CHALLENGE


def test_the_wish_for_an_early_renewal_is_heard(clock: SandboxClock) -> None:
    """``refresh_on`` moves the renewal in the background forward; one in the past does not."""

    def margin(refresh_on: float | None) -> float:
        end = int(clock.time()) + 86400

        class Mine:
            def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
                return AccessTokenInfo(OPAQUE, end, refresh_on=refresh_on)  # type: ignore[arg-type]

        token = AzureCredential(Mine(), clock=clock).silent(MANAGEMENT)
        assert token is not None
        assert token.mandatory_margin == 300
        return token.expires_on - token.advisory_margin - clock.time()

    assert margin(None) == pytest.approx(86400 - 900, abs=2)
    assert margin(int(clock.time()) + 40000) == pytest.approx(40000, abs=2)
    assert margin(int(clock.time()) - 10) == pytest.approx(86400 - 900, abs=2)
    assert margin(int(clock.time()) + 86399) == pytest.approx(86400 - 300, abs=2)


@pytest.mark.parametrize("secret", [OPAQUE, "a.b.c", "e30.e30.", "a.b.c.d.e", "." * 9, "e30.W10.x"])
def test_an_opaque_token_is_nobodys(secret: str) -> None:
    """What cannot be read is not known, and no error."""
    token = AzureCredential(Giving(AccessToken(secret, FAR))).silent(MANAGEMENT)
    assert token is not None
    assert token.account == Account()


# Who asks the person.


def _record(**more: Any) -> Any:
    from azure.identity import AuthenticationRecord

    return AuthenticationRecord(
        tenant_id="c0ffee00-7e57-4c0a-9d0a-000000000001",
        client_id="c",
        authority="login.microsoftonline.com",
        home_account_id="o.t",
        username="ada@contoso.com",
    )


class Interactive:
    """Signs in as azure-identity's InteractiveCredential does, automatically or not."""

    def __init__(self, *, disable_automatic_authentication: bool) -> None:
        self._disable_automatic_authentication = disable_automatic_authentication
        self.asked: list[dict[str, Any]] = []
        self._signed_in: set[str] = set()
        self._lock = threading.Lock()

    def get_token(self, *scopes: str, claims: str | None = None, **options: Any) -> AccessToken:
        if claims is not None or not self._signed_in:
            if self._disable_automatic_authentication:
                raise AuthenticationRequiredError(scopes, claims=claims)
            self.authenticate(scopes=scopes, claims=claims)
        return AccessToken(f"{OPAQUE}-{len(self.asked)}", FAR)

    def authenticate(self, **options: Any) -> Any:
        if not self._signed_in or options.get("claims"):
            time.sleep(0.05)  # a person is slow; two questions at once would overlap
            self.asked.append(options)
        self._signed_in.update(options["scopes"])
        return _record()


def test_a_credential_that_says_so_is_signed_in_by_its_own_verb() -> None:
    """AuthenticationRequiredError is None to ``silent``, and ``authenticate`` asks."""
    theirs = Interactive(disable_automatic_authentication=True)
    strategy = AzureCredential(theirs)
    assert strategy.silent(DATA_LAKE) is None
    token = strategy.sign_in(DATA_LAKE)
    assert token.account == Account("ada@contoso.com", _record().tenant_id)
    (asked,) = theirs.asked
    assert asked["scopes"] == ["https://datalake.azure.net//.default"]
    assert asked["claims"] is None
    assert strategy.silent(MANAGEMENT) is not None


def test_claims_are_answered_by_the_person() -> None:
    """What a challenge wants goes to ``authenticate``, and the token after it is given."""
    theirs = Interactive(disable_automatic_authentication=True)
    strategy = AzureCredential(theirs)
    strategy.sign_in(MANAGEMENT)
    assert strategy.silent(MANAGEMENT, claims=CHALLENGE) is None
    assert strategy.sign_in(MANAGEMENT, claims=CHALLENGE).secret == f"{OPAQUE}-2"
    assert theirs.asked[-1]["claims"] == CHALLENGE


def test_two_resources_at_once_ask_once() -> None:
    """Two threads sign in one after the other, and the second finds the person signed in."""
    theirs = Interactive(disable_automatic_authentication=True)
    strategy = AzureCredential(theirs)
    threads = [
        threading.Thread(target=strategy.sign_in, args=(resource,))
        for resource in (MANAGEMENT, DATA_LAKE, STORAGE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(theirs.asked) == 1


class Absent(Interactive):
    """Nobody comes, in the words of azure-identity."""

    def __init__(self) -> None:
        super().__init__(disable_automatic_authentication=True)
        self.asking: Callable[[], object] = lambda: None

    def authenticate(self, **options: Any) -> Any:
        self.asked.append(options)
        self.asking()
        raise ClientAuthenticationError(message="Timed out waiting for user to authenticate")


def test_cold_threads_of_two_credentials_share_one_answer() -> None:
    """64 threads, both planes: who did not come is not asked once more."""
    theirs = Absent()
    strategy = AzureCredential(theirs)
    errors = ask_from_both_planes(strategy, theirs, "asking")
    assert ({type(one) for one in errors}, len(errors)) == ({SignInTimedOut}, 64)
    assert len(theirs.asked) == 1
    with pytest.raises(SignInTimedOut):
        strategy.sign_in(MANAGEMENT)
    assert len(theirs.asked) == 2, "the next question is a new one"


def test_behind_interactive_false_nobody_is_asked() -> None:
    """Neither credential asks; the one that would ask inside of get_token is not called."""
    for automatic in (True, False):
        theirs = Interactive(disable_automatic_authentication=not automatic)
        with pytest.raises(SignInRequired) as caught:
            management_credentials(AzureCredential(theirs), interactive=False)
        assert theirs.asked == []
        assert ("disable_automatic_authentication" in caught.value.remedy) == automatic


def test_a_credential_that_asks_by_itself_signs_in_where_somebody_may_be_asked() -> None:
    """Its first call is ``sign_in``, and so is the renewal."""
    theirs = Interactive(disable_automatic_authentication=False)
    credentials = management_credentials(AzureCredential(theirs), interactive=True)
    assert len(theirs.asked) == 1
    assert credentials.whoami().username == "ada@contoso.com"


CLI = AZURE_CLI_CLIENT_ID
CLIENT = "c0ffee00-7e57-4c0a-9d0a-0000000000c1"


@pytest.mark.parametrize(
    ("make", "prompts"),
    [
        (lambda: DeviceCodeCredential(CLIENT, timeout=1), True),
        (lambda: InteractiveBrowserCredential(), True),
        (
            lambda: ChainedTokenCredential(AzureCliCredential(), DeviceCodeCredential(timeout=1)),
            True,
        ),
        (lambda: DefaultAzureCredential(exclude_interactive_browser_credential=False), True),
        (lambda: DeviceCodeCredential(CLIENT, disable_automatic_authentication=True), False),
        (lambda: InteractiveBrowserCredential(disable_automatic_authentication=True), False),
        (lambda: ChainedTokenCredential(AzureCliCredential()), False),
        (lambda: AzureCliCredential(), False),
        (lambda: UsernamePasswordCredential(CLIENT, "ada@contoso.com", "x"), False),
    ],
)
@pytest.mark.filterwarnings("ignore:UsernamePasswordCredential is deprecated")
def test_azure_identitys_are_known(
    azure: Sandbox, monkeypatch: pytest.MonkeyPatch, make: Any, prompts: bool
) -> None:
    """Those of azure-identity's that may prompt are never called by ``silent``."""
    monkeypatch.setenv("PATH", "")  # no az
    strategy = AzureCredential(make())
    outcome: object = None
    try:
        outcome = strategy.silent(MANAGEMENT)
    except EndUserError as error:
        outcome = error
    assert ("may prompt a person" in str(outcome)) == prompts
    if prompts:
        assert len(azure.log) == 0


def test_real_silent_ones_say_none(azure: Sandbox) -> None:
    """azure-identity's own AuthenticationRequiredError is None, without any network."""
    theirs = DeviceCodeCredential(CLIENT, disable_automatic_authentication=True)
    assert AzureCredential(theirs).silent(DATA_LAKE) is None
    assert len(azure.log) == 0


def test_the_caller_has_the_last_word() -> None:
    """``prompts=`` says what nothing tells."""
    asks = Giving(AccessToken(OPAQUE, FAR))
    with pytest.raises(SignInRequired, match="Giving may prompt a person"):
        AzureCredential(asks, prompts=True).silent(MANAGEMENT)
    assert asks.calls == 0
    quiet = Interactive(disable_automatic_authentication=False)
    quiet.authenticate(scopes=["x"])
    assert AzureCredential(quiet, prompts=False).silent(MANAGEMENT) is not None


# What it raises.

TRAILER = (
    " Trace ID: 7c1e40a1-73b0-4dd0-9b6d-25dc2d5b5e00"
    " Correlation ID: 0a5f3b51-2f9f-4d8f-8f5b-6f2d4d9b9a11 Timestamp: 2026-01-02 03:04:05Z"
)


class Response:
    """What azure-core's errors hold of an answer."""

    reason = "Bad Request"

    def __init__(self, status_code: int, body: object, headers: dict[str, str]) -> None:
        self.status_code, self._body, self.headers = status_code, body, headers

    def text(self, encoding: str | None = None) -> str:
        return json.dumps(self._body)


def _answered(status: int, body: object, **headers: str) -> ClientAuthenticationError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: Any = Response(status, body, named)
    return ClientAuthenticationError("Authentication failed", response=response)


def _because(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


ERRORS = [
    (ClientAuthenticationError(f"Failed: AADSTS50076: MFA.{TRAILER}"), MfaRequired),
    (ClientAuthenticationError(f"AADSTS700082: Expired.{TRAILER}"), SignInExpired),
    (ClientAuthenticationError(f"AADSTS65001: Not consented.{TRAILER}"), ConsentRequired),
    (ClientAuthenticationError("AADSTS50126: Wrong."), InvalidCredentials),
    (ClientAuthenticationError("AADSTS90033: Transient."), TransportError),
    (ClientAuthenticationError("AADSTS700016: Unknown application."), ConfigurationError),
    (_answered(400, {"error": "interaction_required", "suberror": "basic_action"}), MfaRequired),
    (_answered(400, {"error": "invalid_grant", "error_codes": [700082]}), SignInExpired),
    (_answered(503, {"error": "temporarily_unavailable"}), TransportError),
    (_answered(502, "<html>"), TransportError),
    (_answered(400, ["no", "object"]), SignInError),
    (ClientAuthenticationError("Authentication failed"), SignInError),
    (CredentialUnavailableError("No managed identity endpoint found"), SignInError),
    (ClientAuthenticationError("Timed out waiting for user to authenticate"), SignInTimedOut),
    (
        CredentialUnavailableError(
            "Timed out after waiting 300 seconds for the user to authenticate"
        ),
        SignInTimedOut,
    ),
    (_because(ClientAuthenticationError("x"), ServiceRequestError("y")), TransportError),
    (_because(ClientAuthenticationError("x"), ConnectionResetError()), TransportError),
    (_because(CredentialUnavailableError("x"), subprocess.TimeoutExpired("az", 1)), TransportError),
    (_because(CredentialUnavailableError("x"), PermissionError()), SignInError),
    (ServiceRequestError("no route"), TransportError),
    (ServiceResponseTimeoutError("late"), TransportError),
    (HttpResponseError("odd"), SignInError),
    (TimeoutError("late"), TransportError),
    (TypeError("get_token() got an unexpected keyword argument"), ProtocolError),
    (RuntimeError("bug"), ProtocolError),
    (SignInExpired("one of ours"), SignInExpired),
]


def test_a_refusal_names_the_call_with_their_credential_again() -> None:
    """Where no other mode would help: after what an administrator must do."""
    refused = _answered(400, {"error": "invalid_grant", "error_codes": [50057]})
    with pytest.raises(InvalidCredentials) as caught:
        AzureCredential(Giving(refused), cloud="china").silent(MANAGEMENT)
    spelled = 'management_credentials(mode=AzureCredential(Giving(...), cloud="china"))'
    assert caught.value.remedy.endswith(f"The next call, after that: {spelled}.")


@pytest.mark.parametrize(("raised", "kind"), ERRORS, ids=lambda value: str(value)[:40])
def test_what_it_raises_is_one_of_ours(raised: Exception, kind: type[EndUserError]) -> None:
    """By Entra ID's number and words where they are there, by the causes where not."""
    theirs = Giving(raised)
    with pytest.raises(kind) as caught:
        AzureCredential(theirs).silent(MANAGEMENT)
    assert type(caught.value) is kind
    assert str(caught.value)
    if kind is not ProtocolError:
        assert caught.value.__context__ is None, "azure-core's errors hold the exchange"


def test_particulars_are_read_from_a_sentence() -> None:
    """The number, the correlation id and the time, which an administrator needs."""
    theirs = Giving(ClientAuthenticationError(f"Failed: AADSTS50076: MFA.{TRAILER}"))
    with pytest.raises(MfaRequired) as caught:
        AzureCredential(theirs).silent(MANAGEMENT)
    assert caught.value.code == "AADSTS50076"
    assert caught.value.correlation_id == "0a5f3b51-2f9f-4d8f-8f5b-6f2d4d9b9a11"
    assert caught.value.timestamp == "2026-01-02 03:04:05Z"
    assert caught.value.message == "Entra ID refused the credential a token: MFA."


def test_a_pause_that_was_asked_for_is_told() -> None:
    """Retry-After in seconds."""
    theirs = Giving(_answered(429, {"error": "slow_down"}, Retry_After="17"))
    with pytest.raises(TransportError) as caught:
        AzureCredential(theirs).silent(MANAGEMENT)
    assert caught.value.retry_after == 17


def test_why_a_person_is_needed_is_told() -> None:
    """If Entra ID refused to renew, ``silent`` raises that refusal instead of giving None."""
    answer = _answered(400, {"error": "invalid_grant", "error_codes": [50173]})
    raised = AuthenticationRequiredError(["x"], response=answer.response)
    with pytest.raises(SignInExpired) as caught:
        AzureCredential(Giving(raised)).silent(MANAGEMENT)
    assert caught.value.code == "AADSTS50173"


def test_a_refusal_is_not_asked_for_twice() -> None:
    """Where somebody may be asked too, one call of the factory is one call of the credential."""
    theirs = Giving(ClientAuthenticationError("AADSTS50126: Wrong."))
    strategy = AzureCredential(theirs)
    for calls in (1, 2):
        with pytest.raises(InvalidCredentials):
            management_credentials(strategy, interactive=True)
        assert theirs.calls == calls
    theirs.given = AccessToken(OPAQUE, FAR)
    assert strategy.sign_in(MANAGEMENT), "a refusal is forgotten once it was told"


def test_messages_are_safe_to_print() -> None:
    """Control characters, and what could be a token, are left out of a stranger's words."""
    theirs = Giving(ClientAuthenticationError("bad \x1b[31m\nthing " + "x" * 80))
    with pytest.raises(SignInError) as caught:
        AzureCredential(theirs).silent(MANAGEMENT)
    assert caught.value.message == "Giving returned no token: bad [31m thing [...]."


def test_a_refusal_of_the_service_is_told(
    theirs: Any, azure: Sandbox, clock: SandboxClock, ada: Person
) -> None:
    """From Entra ID's answer, through the stranger's credential, to ours, at the call."""
    ada.refused_with = 50057
    with pytest.raises(InvalidCredentials, match="AADSTS50057"):
        management_credentials(AzureCredential(theirs, clock=clock))


def test_a_dropped_connection_may_be_tried_again(strategy: AzureCredential, azure: Sandbox) -> None:
    """The credential's ServiceRequestError is a TransportError; the next call works."""
    azure.faults.add(Reset(), path=TOKEN_PATH)
    with pytest.raises(TransportError, match="got no response"):
        management_credentials(strategy)
    assert management_credentials(strategy).whoami().username


def test_a_failed_renewal_leaves_the_token_that_lives(
    strategy: AzureCredential, azure: Sandbox, clock: SandboxClock
) -> None:
    """As with every other strategy."""
    credentials = management_credentials(strategy, interactive=False)
    before = credentials.get_token(f"{MANAGEMENT}.default").token
    clock.advance(3400)
    azure.faults.add(Reset(), path=TOKEN_PATH)
    assert credentials.get_token(f"{MANAGEMENT}.default").token == before


@pytest.mark.parametrize(
    "given",
    [
        None,
        "a token",
        AccessToken("", FAR),
        AccessToken("two words", FAR),
        AccessToken(OPAQUE, None),  # type: ignore[arg-type]
        AccessToken(OPAQUE, "2030-01-01"),  # type: ignore[arg-type]
        AccessToken(OPAQUE, FAR * 1000),
        AccessToken(OPAQUE, True),
        AccessToken(OPAQUE, float("nan")),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_token_is_refused(given: object) -> None:
    """Without showing it."""
    with pytest.raises(ProtocolError, match="Giving returned") as caught:
        AzureCredential(Giving(given)).silent(MANAGEMENT)
    assert OPAQUE not in str(caught.value)


def test_a_token_that_is_over_is_refused(clock: SandboxClock) -> None:
    """By the clock of this package."""
    strategy = AzureCredential(Giving(AccessToken(OPAQUE, 1000)))
    with pytest.raises(ProtocolError, match="expired already"):
        management_credentials(strategy)


# What it is made from.


class Later:
    """A credential that turns out to be asynchronous only when it is called."""

    def get_token(self, *scopes: str) -> Any:
        async def given() -> AccessToken:
            return AccessToken(OPAQUE, FAR)

        return given()


@pytest.mark.parametrize("make", [AsyncAzureCliCredential, Later])
def test_an_asynchronous_credential_is_refused(make: Any) -> None:
    """At the call, and what to give instead is said."""
    with pytest.raises(ConfigurationError, match="asynchronous") as caught:
        AzureCredential(make()).silent(MANAGEMENT)
    assert "azure.identity" in caught.value.remedy
    if make is AsyncAzureCliCredential:
        with pytest.raises(ConfigurationError, match="AzureCliCredential is asynchronous"):
            AzureCredential(make())


@pytest.mark.parametrize(
    "credential", [None, "token", AzureCliCredential, object(), {"get_token": 1}, Strangers]
)
def test_what_is_no_credential_is_refused(credential: Any) -> None:
    """At the call; a class in place of an object too."""
    with pytest.raises(ConfigurationError, match="not an azure-core credential"):
        AzureCredential(credential)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"tenant": "contoso"}, "tenant"),
        ({"tenant": CONTOSO}, "names its tenant by id"),
        ({"cloud": "germany"}, "cloud"),
        ({"username": 7}, "username"),
        ({"prompts": "no"}, "prompts"),
        ({"library": "msal"}, "library"),
        ({"cache": None}, "cache"),
        ({"client_id": "x"}, "client_id"),
    ],
)
def test_bad_options_are_refused(options: Any, named: str) -> None:
    """Naming the option."""
    with pytest.raises(ConfigurationError, match=named):
        AzureCredential(Giving(None), **options)


def test_somebody_elses_token_is_refused(theirs: Any, ada: Person, clock: SandboxClock) -> None:
    """``username`` and ``tenant`` are compared with what the token says."""
    other = "c0ffee00-7e57-4c0a-9d0a-00000000dead"
    options: list[dict[str, Any]] = [{"username": f"grace@{CONTOSO}"}, {"tenant": other}]
    for asked in options:
        with pytest.raises(WrongAccount, match=next(iter(asked.values()))):
            management_credentials(AzureCredential(theirs, clock=clock, **asked))
    management_credentials(
        AzureCredential(theirs, clock=clock, username=ada.username, tenant=ada.tenant_id)
    )


def test_the_cloud_decides_the_audience(clock: SandboxClock) -> None:
    """Resource Manager's is the chosen cloud's own."""
    theirs = Giving(AccessToken(OPAQUE, FAR))
    credentials = management_credentials(AzureCredential(theirs, cloud="china"))
    assert "https://management.core.chinacloudapi.cn/" in repr(credentials)


# In other processes.


def test_only_the_access_token_travels(strategy: AzureCredential, ada: Person) -> None:
    """Elsewhere the token serves as long as it lives, and then nobody can be asked."""
    credentials = management_credentials(strategy)
    held = credentials.get_token(f"{MANAGEMENT}.default").token
    there = pickle.loads(pickle.dumps(credentials))
    assert there.get_token(f"{MANAGEMENT}.default").token == held
    with pytest.raises(SignInRequired, match="another process"):
        there.get_token(f"{KEY_VAULT}.default")


def test_the_strategy_is_copied_but_not_pickled(strategy: AzureCredential) -> None:
    """A copy in this process is the same sign-in."""
    assert copy.copy(strategy) is copy.deepcopy(strategy) is strategy
    with pytest.raises(ConfigurationError, match="cannot be pickled"):
        pickle.dumps(strategy)


def test_the_repr_says_whose_credential_it_is(strategy: AzureCredential) -> None:
    """And nothing else."""
    assert repr(strategy) in (
        "<AzureCredential of Strangers>",
        "<AzureCredential of StrangersInfo>",
    )


def test_the_source_shares_one_call(strategy: AzureCredential, theirs: Any, azure: Sandbox) -> None:
    """Many threads that come at once call the credential once."""
    source = TokenSource(strategy, MANAGEMENT)
    threads = [threading.Thread(target=source.token) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(theirs.asked) == 1


def test_azure_identity_takes_what_is_passed_on() -> None:
    """The names that ``authenticate`` and ``get_token`` are called with are its own."""
    taken = inspect.signature(DeviceCodeCredential.authenticate).parameters
    assert {"scopes", "claims"} <= set(taken)
    assert {"enable_cae", "kwargs"} & set(taken), "older versions pass it on as a keyword"
    made = DeviceCodeCredential(disable_automatic_authentication=True)
    assert made._disable_automatic_authentication is True


def test_an_answer_of_html_is_a_transport_error(strategy: AzureCredential, azure: Sandbox) -> None:
    """A stranger's parser may raise what it likes, here requests' own, which is an OSError."""
    azure.faults.add(Answer(200, "<html>"), path=TOKEN_PATH)
    with pytest.raises(TransportError, match="Strangers"):
        management_credentials(strategy)


# The contracts, less what is about this package's own requests to Entra ID: its retries,
# the tokens that it keeps, and adal's lack of claims.


class TestStrategy(EntraStrategyContract):
    """A stranger's credential is as good a strategy as ours."""

    # It holds no token: the credential does, or not, and is asked.
    test_a_fresh_token_is_returned_again = None
    test_a_second_credential_works_while_entra_id_is_down = None
    test_a_dropped_connection_is_a_transport_error = None
    test_an_unreadable_response_is_a_protocol_error = None
    test_claims_are_sent_or_refused = None


class Plane(CredentialContract):
    test_it_outlives_its_token = None


class TestManagement(Plane):
    resource = MANAGEMENT

    @pytest.fixture
    def credential(self, strategy: AzureCredential) -> Any:
        """Return what the factory makes of it."""
        return management_credentials(strategy, interactive=False)


class TestFilesystem(Plane):
    resource = DATA_LAKE

    @pytest.fixture
    def credential(self, strategy: AzureCredential) -> Any:
        """Return what the factory makes of it."""
        return filesystem_token(strategy, interactive=False)


# The real azure-identity, signed in at the sandbox.


@pytest.mark.parametrize("silently", [True, False])
def test_a_real_device_code_credential_serves_both_planes(
    azure: Sandbox, grace: Person, silently: bool
) -> None:
    """One code for account management, of either generation, and for the file system."""
    codes = []

    def approve(url: str, code: str, until: object) -> None:
        codes.append(code)
        azure.entra.approve(code, by=grace)

    azure.entra.device_code_interval = 0.1
    theirs = DeviceCodeCredential(
        CLI, tenant_id=CONTOSO, prompt_callback=approve, disable_automatic_authentication=silently
    )
    strategy = AzureCredential(theirs, username=grace.username)
    credentials = management_credentials(strategy, interactive=True)
    token = filesystem_token(strategy, interactive=not silently)
    client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
    assert [one.name for one in client.accounts.list()] == ["mystore"]
    assert core.AzureDLFileSystem(token, store_name="mystore").ls("/") == []
    assert credentials.get_token(f"{MANAGEMENT}.default", enable_cae=silently).token
    assert credentials.whoami() == Account(grace.username, grace.tenant_id, grace.object_id)
    assert len(codes) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, "Too Many Requests", TransportError),
        (429, "", TransportError),
        (200, "<html>", TransportError),
        (502, "<html>", TransportError),
        (403, "<html>Blocked.", EndUserError),
    ],
)
@pytest.mark.parametrize("path", ["/token", "/devicecode", "openid-configuration"])
def test_a_real_outage_is_told(
    azure: Sandbox, grace: Person, path: str, status: int, body: str, kind: type[EndUserError]
) -> None:
    """Msal decodes a response before it looks at its status, and names no response then.

    The body of the 429: AzureAD/microsoft-authentication-library-for-dotnet, issue 2855.
    """
    azure.entra.device_code_interval = 0.1
    theirs = DeviceCodeCredential(
        CLI, tenant_id=CONTOSO, prompt_callback=lambda *_: None, retry_total=0
    )
    azure.faults.add(Answer(status, body, {"Retry-After": "1"}), path=path, times=20)
    with pytest.raises(kind) as caught:
        AzureCredential(theirs).sign_in(MANAGEMENT)
    assert "Fix what the message reports" not in caught.value.remedy
    assert "Expecting value" not in str(caught.value)
    if kind is TransportError and "not JSON" not in str(caught.value):
        assert f"HTTP {status}" in caught.value.message


def test_a_token_cache_that_is_not_json_is_no_response() -> None:
    """Msal decodes that too; waiting would not help."""
    with pytest.raises(SignInError) as caught:
        AzureCredential(_OwnCache()).silent(MANAGEMENT)
    assert "Fix what the message reports" in caught.value.remedy


class _OwnCache:
    """A credential that reads its cache before each token, as azure-identity's may."""

    def get_token(self, *_: str, **__: object) -> AccessToken:
        try:
            msal.SerializableTokenCache().deserialize("{")
        except ValueError as error:
            raise ClientAuthenticationError(f"Authentication failed: {error}") from error
        raise AssertionError


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_living_token_that_msal_hides_is_used(
    azure: Sandbox, grace: Person, clock: SandboxClock, status: int
) -> None:
    """A renewal that gets a 503 is an error of azure-identity; we have the token still.

    msal 1.39, application.py: a token with less than five minutes left counts as expired, and
    where one is old (``refresh_on``) only requests' own exceptions leave it in use.
    """
    azure.entra.token_lifetime, azure.entra.device_code_interval = 250, 0.1
    theirs = DeviceCodeCredential(
        CLI,
        tenant_id=CONTOSO,
        prompt_callback=lambda url, code, until: azure.entra.approve(code, by=grace),
        disable_automatic_authentication=True,
        retry_total=0,
    )
    credentials = management_credentials(AzureCredential(theirs, clock=clock), interactive=True)
    scope = f"{MANAGEMENT}.default"
    before = credentials.get_token(scope).token
    clock.advance(205)  # 45 seconds are left
    azure.faults.add(Answer(status), path=TOKEN_PATH, times=99)
    with pytest.raises(AzureError):
        theirs.get_token(scope)
    assert credentials.get_token(scope).token == before
    assert azure.log.to(TOKEN_PATH)[-1].status == status


@pytest.fixture
def browser(azure: Sandbox, grace: Person) -> Iterator[ScriptedBrowser]:
    """Let Grace sit in front of the machine's browser."""
    with as_default_browser(ScriptedBrowser(azure, grace)) as scripted:
        yield scripted


@pytest.mark.parametrize("silently", [True, False])
def test_a_real_browser_credential_serves_both_planes(
    azure: Sandbox, grace: Person, browser: ScriptedBrowser, silently: bool
) -> None:
    """The page opens once, for clients of either generation; elsewhere nobody is asked."""
    theirs = InteractiveBrowserCredential(
        client_id=CLI, tenant_id=CONTOSO, disable_automatic_authentication=silently
    )
    strategy = AzureCredential(theirs, username=grace.username)
    with pytest.raises(SignInRequired):
        management_credentials(strategy, interactive=False)
    assert browser.opened == []
    credentials = management_credentials(strategy, interactive=True)
    token = filesystem_token(strategy, interactive=not silently)
    client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
    assert [one.name for one in client.accounts.list()] == ["mystore"]
    assert core.AzureDLFileSystem(token, store_name="mystore").ls("/") == []
    assert len(browser.opened) == 1


def test_a_real_managed_identity_serves(
    azure: Sandbox, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As App Service gives it to a program that runs there, for the audience with its slash."""
    asked: list[str] = []

    class Here(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(parse_qs(urlsplit(self.path).query)["resource"][0])
            token = azure.world.identity.access_token(
                ada, asked[-1], client_id=CLIENT, lifetime=3600
            )
            told = {"access_token": token, "expires_on": str(int(azure.clock.time()) + 3600)}
            body = json.dumps({**told, "resource": asked[-1], "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Write nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Here) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "x")
        strategy = AzureCredential(ManagedIdentityCredential(), clock=azure.clock)
        credentials = management_credentials(strategy, interactive=False)
        client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
        assert [one.name for one in client.accounts.list()] == ["mystore"]
        token = filesystem_token(strategy, interactive=False)
        assert core.AzureDLFileSystem(token, store_name="mystore").ls("/") == []
        server.shutdown()
    assert asked == [MANAGEMENT, DATA_LAKE]


def test_cold_threads_share_what_a_real_one_was_told(azure: Sandbox, grace: Person) -> None:
    """Who declined on the page is not asked by the other credential's threads."""
    asked = Asked(lambda code: azure.entra.decline(code))
    azure.entra.device_code_interval = 0.1
    theirs = DeviceCodeCredential(
        CLI, tenant_id=CONTOSO, prompt_callback=asked, disable_automatic_authentication=True
    )
    strategy = AzureCredential(theirs)
    errors = ask_from_both_planes(strategy, asked, "asking")
    assert ({type(one) for one in errors}, len(errors)) == ({SignInDeclined}, 64)
    assert len(asked.codes) == 1


class Asked:
    """What a person does who is shown a code by azure-identity."""

    def __init__(self, act: Callable[[str], object]) -> None:
        self.act = act
        self.codes: list[str] = []
        self.asking: Callable[[], object] = lambda: None

    def __call__(self, url: str, code: str, until: object) -> None:
        self.codes.append(code)
        self.asking()
        self.act(code)


@contextmanager
def _without_deprecation() -> Iterator[None]:
    """Newer versions of azure-identity say that UsernamePasswordCredential is deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def test_a_real_refusal_is_told(azure: Sandbox, ada: Person) -> None:
    """azure-identity's error holds Entra ID's answer, and ours is read from it."""
    ada.refused_with = 50057
    with _without_deprecation():
        theirs = UsernamePasswordCredential(CLI, ada.username, PASSWORD, tenant_id=CONTOSO)
    with pytest.raises(InvalidCredentials, match="disabled") as caught:
        management_credentials(AzureCredential(theirs), interactive=True)
    assert caught.value.code == "AADSTS50057"
    assert caught.value.error == "invalid_grant"
    assert caught.value.correlation_id is not None


def test_a_real_dropped_connection_may_be_tried_again(azure: Sandbox, ada: Person) -> None:
    """azure-identity wraps it into a ClientAuthenticationError; ours says what it was."""
    with _without_deprecation():
        theirs = UsernamePasswordCredential(
            CLI, ada.username, PASSWORD, tenant_id=CONTOSO, retry_total=0
        )
    azure.faults.add(Reset(), times=9)
    with pytest.raises(TransportError):
        management_credentials(AzureCredential(theirs))
    azure.faults.clear()
    assert management_credentials(AzureCredential(theirs)).whoami().username == ada.username
