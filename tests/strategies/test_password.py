"""Password: signs in where it may, sends the password once, and forgets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from adls_enduser import (
    BlockedByPolicy,
    ConfigurationError,
    ConsentRequired,
    InvalidCredentials,
    MfaRequired,
    Password,
    ProtocolError,
    SignInError,
    SignInExpired,
    SignInRequired,
    TransportError,
    WrongAccount,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO, HTML_502, Answer, Reset, redirect, throttled
from adls_enduser.testing import EntraStrategyContract

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, TOKEN_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

MINE = "6a1c0ffe-0000-4000-8000-000000000001"


@pytest.fixture
def password(clock: SandboxClock, library: str) -> Callable[..., Password]:
    """Make a Password strategy of the sandbox's tenant, with the sandbox's time."""

    def make(username: str = f"ada@{CONTOSO}", password: Any = PASSWORD, **more: Any) -> Password:
        options = {"tenant": CONTOSO, "clock": clock, "library": library} | more
        return Password(username=username, password=password, **options)

    return make


def _posted(azure: Sandbox) -> list[str]:
    """Every password that reached any host, in order."""
    return [
        one.request.form.get("password", "(in an envelope)")
        for one in azure.log
        if one.request is not None
        and ("password" in one.request.form or b"wsse:Password" in one.request.body)
    ]


class TestContract(EntraStrategyContract):
    """Password is a strategy."""

    @pytest.fixture
    def strategy(self, password: Callable[..., Password], ada: Person) -> Password:
        return password()


@pytest.mark.parametrize("library", ["adal"], indirect=True)
def test_a_password_at_hand_needs_nobody(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """Silent signs in with a password that was given; the requests are adal's own."""
    assert password().silent(MANAGEMENT)
    realm, token = azure.log
    assert realm.path == f"/common/UserRealm/{ada.username}"
    assert token.path == f"/{CONTOSO}/oauth2/token"
    form = token.request.form
    assert (form["grant_type"], form["resource"]) == ("password", MANAGEMENT)
    assert token.request.headers["x-client-SKU"] == "Python"


def test_every_character_of_a_password_arrives(
    password: Callable[..., Password], azure: Sandbox
) -> None:
    """Form encoding loses nothing, and the user name is quoted in the realm's URL."""
    strange = "a+b %41&c=d;e/f?g#h\u00e9\u4e2d'\"<>"
    azure.entra.person(f"o'hara+x@{CONTOSO}", password=strange)
    assert password(f"o'hara+x@{CONTOSO}", strange).silent(MANAGEMENT)


def test_a_wrong_password_is_sent_once(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """A refusal is final for that password: asking again raises the same, and sends nothing."""
    strategy = password(password="wrong")
    for _ in range(3):
        with pytest.raises(InvalidCredentials) as caught:
            strategy.silent(MANAGEMENT)
    assert caught.value.code == "AADSTS50126"
    assert caught.value.error == "invalid_grant"
    assert caught.value.correlation_id
    assert _posted(azure) == ["wrong"]


def test_the_right_password_after_a_wrong_one_works(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """A callable is asked again; what it gave before is not sent again, a new one is."""
    given = iter(["wrong", "wrong", PASSWORD])
    strategy = password(password=lambda: next(given))
    for _ in range(2):
        with pytest.raises(InvalidCredentials):
            strategy.silent(MANAGEMENT)
    assert strategy.silent(MANAGEMENT)
    assert _posted(azure) == ["wrong", PASSWORD]


def test_a_given_password_is_forgotten(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """After the sign-in the refresh token serves; when that dies, so does the sign-in."""
    strategy = password()
    strategy.silent(MANAGEMENT)
    azure.entra.revoke_refresh_tokens(ada)
    with pytest.raises(SignInExpired) as caught:
        strategy.silent(DATA_LAKE)
    assert caught.value.code == "AADSTS50173"
    with pytest.raises(SignInExpired, match="Call the factory again"):
        strategy.sign_in(MANAGEMENT)
    assert _posted(azure) == [PASSWORD]


def test_a_callable_signs_in_again(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """Where the password can be had again, a dead refresh token is no end."""
    strategy = password(password=lambda: PASSWORD)
    strategy.silent(MANAGEMENT)
    azure.entra.revoke_refresh_tokens(ada)
    assert strategy.silent(DATA_LAKE)
    assert _posted(azure) == [PASSWORD, PASSWORD]


def test_a_user_of_a_domain_that_nobody_has_is_told_so(
    password: Callable[..., Password], azure: Sandbox
) -> None:
    """A slip in the domain is a wrong user name, in Entra ID's words, and no broken answer."""
    with pytest.raises(InvalidCredentials, match="Check the user name for a typo") as caught:
        password("ada@contosso.example").silent(MANAGEMENT)
    assert caught.value.code == "AADSTS50034"
    assert caught.value.correlation_id
    assert len(_posted(azure)) == 1


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (50055, InvalidCredentials),
        (50057, InvalidCredentials),
        (50053, InvalidCredentials),
        (50079, MfaRequired),
        (50158, MfaRequired),
        (53003, BlockedByPolicy),
        (50105, BlockedByPolicy),
        (65001, ConsentRequired),
        (50020, WrongAccount),
        (50087, TransportError),
        (7000218, ConfigurationError),
    ],
)
def test_each_refusal_has_its_type(
    password: Callable[..., Password],
    azure: Sandbox,
    number: int,
    error: type[Exception],
) -> None:
    """What Entra ID says decides the class; number and correlation id come along."""
    azure.entra.person(f"eve@{CONTOSO}", password=PASSWORD, refused_with=number)
    with pytest.raises(error) as caught:
        password(f"eve@{CONTOSO}").silent(MANAGEMENT)
    assert f"AADSTS{number}" in str(caught.value)
    assert caught.value.correlation_id in str(caught.value)  # type: ignore[attr-defined]
    assert len(_posted(azure)) == 1


def test_mfa_names_the_next_call(password: Callable[..., Password], grace: Person) -> None:
    """A person with a second factor is told which call takes it."""
    with pytest.raises(MfaRequired, match='mode="device_code"') as caught:
        password(grace.username).silent(MANAGEMENT)
    assert f'tenant="{CONTOSO}"' in caught.value.remedy
    assert (caught.value.error, caught.value.suberror) == ("interaction_required", "basic_action")


@pytest.mark.parametrize("status", [307, 308, 302])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_password_does_not_follow_a_redirect(
    password: Callable[..., Password], ada: Person, azure: Sandbox, status: int, scheme: str
) -> None:
    """Whoever answers with a redirect does not get the password sent to its target."""
    target = f"{scheme}://login.windows.net/{CONTOSO}/oauth2/token"
    azure.faults.add(redirect(target, status), path=TOKEN_PATH)
    strategy = password()
    with pytest.raises(TransportError, match="redirect"):
        strategy.silent(MANAGEMENT)
    assert len(_posted(azure)) == 1
    assert {one.host for one in azure.log} == {"login.microsoftonline.com"}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Answer(503), TransportError),
        (Answer(500, b"oops"), TransportError),
        (HTML_502, TransportError),
        (throttled("17"), TransportError),
        (Reset(), TransportError),
        (Reset(during_answer=True), TransportError),
        (Answer(200, b""), ProtocolError),
        (Answer(200, b"{}"), ProtocolError),
        (Answer(200, b"[1, 2]"), ProtocolError),
        (Answer(200, b'{"access_token": 3, "token_type": "Bearer"}'), ProtocolError),
        (
            Answer(200, b'{"access_token": "x", "token_type": "mac", "expires_in": 9}'),
            ProtocolError,
        ),
        (
            Answer(200, b'{"access_token": "x\\ny", "token_type": "Bearer", "expires_in": 9}'),
            ProtocolError,
        ),
        (Answer(200, b'{"access_token": "x", "token_type": "Bearer"}'), ProtocolError),
        (
            Answer(200, b'{"access_token": "x", "token_type": "Bearer", "expires_in": -1}'),
            ProtocolError,
        ),
        (Answer(400, b"not json"), ProtocolError),
        (Answer(400, b'"text"'), ProtocolError),
    ],
)
def test_no_usable_answer_is_our_error_and_may_be_tried_again(
    password: Callable[..., Password], ada: Person, azure: Sandbox, fault: Any, error: Any
) -> None:
    """What is no refusal is TransportError or ProtocolError, after one request."""
    azure.faults.add(fault, path=TOKEN_PATH)
    strategy = password(password=lambda: PASSWORD)
    with pytest.raises(error):
        strategy.silent(MANAGEMENT)
    assert len(azure.log.to(TOKEN_PATH)) == 1
    if error is TransportError:
        assert strategy.silent(MANAGEMENT)


def test_retry_after_is_passed_on(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """The caller can see how long the service wants to be left alone."""
    azure.faults.add(throttled("17"), path=TOKEN_PATH)
    with pytest.raises(TransportError) as caught:
        password().silent(MANAGEMENT)
    assert caught.value.retry_after == 17


def test_the_user_realm_may_fail_too(
    password: Callable[..., Password], ada: Person, azure: Sandbox
) -> None:
    """Before a password leaves, the realm must have answered sensibly."""
    for body in (b"", b"{}", b"[]", b'{"account_type": 3}', b'{"account_type": "Federated"}'):
        azure.faults.add(Answer(200, body), path="/UserRealm/")
        with pytest.raises(ProtocolError):
            password().silent(MANAGEMENT)
    azure.faults.add(HTML_502, times=3, path="/UserRealm/")
    with pytest.raises(TransportError):
        password().silent(MANAGEMENT)
    assert _posted(azure) == []


def _answered_again(exchange: Any) -> str:
    """Send a request once more, and give what is answered."""
    sent = exchange.request
    headers = {name: sent.headers[name] for name in ("Content-Type", "SOAPAction")}
    url = f"https://{exchange.host}{sent.target}"
    return requests.post(url, data=sent.body, headers=headers, timeout=10).text


class TestFederated:
    """Persons of a federated domain sign in at their own server, over https only."""

    @pytest.fixture
    def fay(self, azure: Sandbox) -> Person:
        return azure.entra.person("f&y@fabrikam.com", password=PASSWORD)

    @pytest.mark.parametrize("versions", [("1.3",), ("2005",), ("1.3", "2005")])
    @pytest.mark.parametrize("saml", ["1.1", "2.0"])
    def test_they_sign_in_by_ws_trust(
        self,
        password: Callable[..., Password],
        azure: Sandbox,
        fay: Person,
        versions: Any,
        saml: str,
    ) -> None:
        """User name and password arrive whole, though both hold XML's own characters."""
        azure.entra.federate("fabrikam.com", versions=versions, saml=saml)
        token = password(fay.username, tenant="fabrikam.com").silent(MANAGEMENT)
        assert token is not None
        assert token.account.username == fay.username
        assert _posted(azure) == ["(in an envelope)"]

    def test_the_password_never_goes_over_plain_http(
        self, password: Callable[..., Password], azure: Sandbox, fay: Person
    ) -> None:
        """An http federation endpoint is refused before anything is sent to it."""
        azure.entra.federate("fabrikam.com", scheme="http")
        with pytest.raises(SignInError, match="plain http"):
            password(fay.username, tenant="fabrikam.com").silent(MANAGEMENT)
        assert _posted(azure) == []
        assert not [one for one in azure.log if one.host.startswith("http:")]

    def test_an_http_endpoint_in_the_metadata_is_passed_over(
        self, password: Callable[..., Password], azure: Sandbox, fay: Person
    ) -> None:
        """If Entra ID itself knows an https endpoint of the server, that one is used."""
        azure.entra.federate("fabrikam.com", scheme="https", endpoint_scheme="http")
        assert password(fay.username, tenant="fabrikam.com").silent(MANAGEMENT)
        assert not [one for one in azure.log if one.host.startswith("http:")]

    def test_a_wrong_password_is_invalid_credentials(
        self, password: Callable[..., Password], azure: Sandbox, fay: Person
    ) -> None:
        """The federation server's fault is told in its own words, and sent once."""
        azure.entra.federate("fabrikam.com")
        strategy = password(fay.username, "wrong", tenant="fabrikam.com")
        for _ in range(2):
            with pytest.raises(InvalidCredentials, match="ID3242") as caught:
                strategy.silent(MANAGEMENT)
        assert "sts.fabrikam.com" in str(caught.value)
        assert _posted(azure) == ["(in an envelope)"]

    def test_a_server_that_talks_nonsense_is_our_error(
        self, password: Callable[..., Password], azure: Sandbox, fay: Person
    ) -> None:
        """Half a document, a DTD or HTML from the federation server do not get out."""
        azure.entra.federate("fabrikam.com")
        bomb = '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'
        for body in ("<s:Envelope", bomb, "<!DOCTYPE x><x/>", "<html/>", ""):
            azure.faults.add(Answer(200, body), path="usernamemixed")
            with pytest.raises(ProtocolError):
                password(fay.username, tenant="fabrikam.com").silent(MANAGEMENT)

    def test_a_document_type_is_refused_in_an_answer_that_is_right_but_for_it(
        self, password: Callable[..., Password], azure: Sandbox, fay: Person
    ) -> None:
        """Entities can blow a document up; the same answer without the declaration serves."""
        azure.entra.federate("fabrikam.com")
        password(fay.username, tenant="fabrikam.com").silent(MANAGEMENT)
        right = _answered_again(azure.log.to("usernamemixed")[0])
        declared = right.replace("<s:Envelope", '<!DOCTYPE x [<!ENTITY a "b">]><s:Envelope', 1)
        azure.faults.add(Answer(200, right), path="usernamemixed")
        assert password(fay.username, tenant="fabrikam.com").silent(MANAGEMENT)
        azure.faults.add(Answer(200, declared), path="usernamemixed")
        with pytest.raises(ProtocolError, match="ValueError"):
            password(fay.username, tenant="fabrikam.com").silent(MANAGEMENT)

    @pytest.mark.parametrize("page", ["", "<html>busy", "<!DOCTYPE html><html></html>"])
    def test_a_server_that_is_down_is_a_transport_error(
        self, password: Callable[..., Password], azure: Sandbox, fay: Person, page: str
    ) -> None:
        """Nobody judged the password, which was sent once and may be sent again."""
        azure.entra.federate("fabrikam.com")
        azure.faults.add(Answer(503, page), path="usernamemixed")
        strategy = password(fay.username, tenant="fabrikam.com")
        with pytest.raises(TransportError):
            strategy.silent(MANAGEMENT)
        assert len(azure.log.to("usernamemixed")) == 1
        assert strategy.silent(MANAGEMENT)


class TestAsking:
    """What is missing is asked for on a terminal only."""

    def test_a_user_name_must_be_given_without_a_terminal(self, azure: Sandbox) -> None:
        """Before any network, naming the argument."""
        with pytest.raises(ConfigurationError, match="username is missing"):
            management_credentials("password", password=PASSWORD)
        assert len(azure.log) == 0

    def test_a_password_must_be_given_without_a_terminal(self, azure: Sandbox, ada: Person) -> None:
        """Nobody can type it, so SignInRequired comes at once."""
        with pytest.raises(SignInRequired):
            management_credentials("password", username=ada.username)
        with pytest.raises(SignInRequired, match="no terminal"):
            Password(username=ada.username).sign_in(MANAGEMENT)
        assert len(azure.log) == 0

    @pytest.mark.parametrize("wrong", [3, b"bytes", ["x"], ""])
    def test_a_callable_must_give_a_password(
        self, password: Callable[..., Password], ada: Person, azure: Sandbox, wrong: Any
    ) -> None:
        """What it gave instead is told, and nothing is sent."""
        with pytest.raises(ConfigurationError, match="password"):
            password(password=lambda: wrong).silent(MANAGEMENT)
        assert _posted(azure) == []


def test_an_unreadable_answer_is_no_refusal(azure: Sandbox, ada: Person, clock: Any) -> None:
    """A page of HTML on the way says nothing about the password, which may be tried again."""
    options: Any = {"tenant": CONTOSO, "username": ada.username, "clock": clock}
    strategy = Password(password=PASSWORD, **options)
    azure.faults.add(Answer(200, "<html>"), path="/userrealm/")
    with pytest.raises(ProtocolError):
        strategy.silent(MANAGEMENT)
    assert strategy.silent(MANAGEMENT) is not None


@pytest.mark.parametrize("given", ["a\ud800b", lambda: "a\ud800b"])
def test_characters_that_cannot_be_sent_are_refused(
    azure: Sandbox, ada: Person, clock: Any, given: Any
) -> None:
    """Half a surrogate pair is a mistake of the caller's, told before any network."""
    options: Any = {"tenant": CONTOSO, "username": ada.username, "clock": clock}
    with pytest.raises(ConfigurationError, match="cannot be sent"):
        Password(password=given, **options).silent(MANAGEMENT)
    assert not azure.log.to(TOKEN_PATH)


LINE_ENDS = ["\n", "\r", "\r\n", "\n\n", "\x85", "\u2028", "\x0b", "\x1c"]


@pytest.mark.parametrize("end", LINE_ENDS, ids=ascii)
@pytest.mark.parametrize("form", ["str", "callable", "first"])
def test_a_password_with_a_line_end_is_never_sent(
    password: Callable[..., Password], ada: Person, azure: Sandbox, end: str, form: str
) -> None:
    """A file or a command adds one; it would be counted as a wrong password."""
    given = end + PASSWORD if form == "first" else PASSWORD + end
    with pytest.raises(ConfigurationError, match="line end") as caught:
        password(password=(lambda: given) if form == "callable" else given).silent(MANAGEMENT)
    assert "''.join(password.splitlines())" in caught.value.remedy
    assert "".join(given.splitlines()) == PASSWORD, "the remedy helps"
    assert PASSWORD not in str(caught.value)
    assert len(azure.log) == 0


@pytest.mark.parametrize(
    ("given", "named"),
    [("\ufeffsecret", "byte order mark"), ("se\tcret", "control"), ("se\x00cret", "control")],
)
def test_a_password_that_nobody_can_type_is_never_sent(
    password: Callable[..., Password], ada: Person, azure: Sandbox, given: str, named: str
) -> None:
    """Whether it is given or returned; blanks are a part of a password."""
    for one in (given, lambda: given):
        with pytest.raises(ConfigurationError, match=named):
            password(password=one).silent(MANAGEMENT)
    assert len(azure.log) == 0
    azure.entra.person(f"ada@{CONTOSO}", password="  with \u00a0blanks\u3000 ")
    assert password(password="  with \u00a0blanks\u3000 ").silent(MANAGEMENT)


def test_a_callable_may_return_the_right_password_the_next_time(
    password: Callable[..., Password], ada: Person
) -> None:
    """A line end was not a refusal."""
    given = iter([f"{PASSWORD}\n", PASSWORD])
    strategy = password(password=lambda: next(given))
    with pytest.raises(ConfigurationError, match="line end"):
        strategy.silent(MANAGEMENT)
    assert strategy.silent(MANAGEMENT)
