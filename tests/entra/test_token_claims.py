"""Whose name it is: any name of the account will do, and no odd name costs a good token."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some

from adls_enduser import (
    Browser,
    DeviceCode,
    DeviceCodePrompt,
    InvalidCredentials,
    Password,
    SignInCache,
    StaticToken,
    WrongAccount,
    management_credentials,
)
from adls_enduser.entra.token_claims import account_in, decode_claims, is_named, names_in
from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Answer

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, TOKEN_PATH
from .test_authorities import ADFS, AUDIENCE, ON_PREMISES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adls_enduser import Token
    from adls_enduser.sandbox import Person, Sandbox

HOME = "bob@fabrikam.com"
GUEST = f"bob_fabrikam.com#EXT#@{CONTOSO}"
ODD: list[Any] = [
    ["x"],
    [],
    [None],
    {"a": 1},
    7,
    0,
    True,
    None,
    "",
    " ",
    "a\u00a0b",
    "\u200e\u200f",
    "\u202eada",
    "ada\n",
    "\x1b[2J",
    "\x00",
    "x" * 5000,
    "\ud800",
]


def _encoded(claims: Any) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.sig"


def _grant(id_token: Any) -> Answer:
    """Return a token response with this id token; a dict becomes the claims of one."""
    body = {"access_token": "good", "refresh_token": "r", "token_type": "Bearer"}
    token = _encoded(id_token) if isinstance(id_token, dict) else id_token
    return Answer(200, json.dumps(body | {"expires_in": 3600, "id_token": token}))


@pytest.fixture(params=["password", "device_code", "browser", "refresh"])
def signing_in(
    request: pytest.FixtureRequest, azure: Sandbox, ada: Person, library: str
) -> Callable[..., Token]:
    """Sign in, in each mode and at a renewal, at an authority that sends this id token."""

    def sign_in(id_token: Any, **options: Any) -> Token:
        def answer(nonce: str = "") -> None:
            token = {**id_token, "nonce": nonce} if isinstance(id_token, dict) else id_token
            azure.faults.add(_grant(token), path=TOKEN_PATH, method="POST")

        def show(prompt: Any) -> None:
            if isinstance(prompt, DeviceCodePrompt):
                azure.entra.approve(prompt.code, by=ada)
            else:
                answer(dict(parse_qsl(urlsplit(prompt.url).query)).get("nonce", ""))
                azure.entra.browse(prompt.url, by=ada)

        mode = request.param
        options = {"library": library, "clock": azure.clock, "tenant": CONTOSO, **options}
        strategy: Any
        if mode == "password":
            strategy = Password(password=PASSWORD, **{"username": ada.username, **options})
        else:
            strategy = (Browser if mode == "browser" else DeviceCode)(prompt=show, **options)
        if mode == "refresh":
            strategy.sign_in(DATA_LAKE)
        if mode != "browser":
            answer()
        token: Token = strategy.silent(MANAGEMENT) or strategy.sign_in(MANAGEMENT)
        return token

    return sign_in


PROMPTED = pytest.mark.parametrize("signing_in", ["device_code", "browser"], indirect=True)


@pytest.mark.parametrize(
    "name", ["upn", "unique_name", "preferred_username", "email", "tid", "oid"]
)
def test_no_odd_claim_costs_a_token(
    signing_in: Callable[..., Token], ada: Person, name: str
) -> None:
    """Whatever the form of a claim that only names somebody, in each mode."""
    claims: dict[str, Any] = {"upn": ada.username, "oid": ada.object_id, "tid": CONTOSO_ID}
    claims |= {name: ["x", 7, None]}
    assert signing_in(claims).secret == "good"


@pytest.mark.parametrize("claim", ODD, ids=lambda value: repr(value)[:20])
def test_no_odd_form_costs_a_token(azure: Sandbox, ada: Person, library: str, claim: Any) -> None:
    """All claims at once; what is shown of them is a line of text or nothing."""
    claims = dict.fromkeys(("upn", "unique_name", "preferred_username", "email", "tid"), claim)
    azure.faults.add(_grant(claims), path=TOKEN_PATH)
    credentials: Any = management_credentials(
        "password", username=ada.username, password=PASSWORD, tenant=CONTOSO, library=library
    )
    account = credentials.whoami()
    assert all(one is None or one.isprintable() for one in vars(account).values())
    assert repr(credentials).isprintable()


@pytest.mark.parametrize(
    "id_token",
    [None, "", 7, ["a"], "a", "a.b", "a.b.c.d.e", "a.!.c", "a.W10.c", "a.MQ.c", "..", {}],
)
def test_no_odd_id_token_costs_a_token(signing_in: Callable[..., Token], id_token: Any) -> None:
    """It names the person, and nothing else here needs it."""
    assert signing_in(id_token).secret == "good"


@PROMPTED
@pytest.mark.parametrize(
    ("asked", "claims"),
    [
        (HOME, {"upn": GUEST, "email": HOME}),
        (HOME, {"upn": GUEST, "preferred_username": HOME}),
        (HOME, {"upn": GUEST}),
        (GUEST, {"preferred_username": HOME}),
        (GUEST.upper(), {"unique_name": HOME, "email": HOME}),
        (HOME, {"unique_name": f"live.com#{HOME}", "upn": GUEST}),
        ("bob_b@fabrikam.com", {"upn": f"bob_b_fabrikam.com#EXT#@{CONTOSO}"}),
        ("alias@contoso.com", {"upn": f"ada@{CONTOSO}", "email": "alias@contoso.com"}),
        (r"CONTOSO\ada", {"upn": "ada@contoso.example", "unique_name": r"contoso\Ada"}),
        ("ada@contoso.com", {"upn": ["other@contoso.com", "ada@contoso.com"]}),
        ("ada@contoso.com", {"upn": "\u200eada@contoso.com\u200f"}),
        ("ada l@contoso.com", {"upn": "ada\u00a0l@contoso.com"}),
        ("ada@contoso.com", {"upn": 7, "email": "Ada@Contoso.com"}),
        ("ada@contoso.com", {}),
    ],
)
def test_any_name_of_the_account_will_do(
    signing_in: Callable[..., Token], asked: str, claims: dict[str, Any]
) -> None:
    """A guest has two; a directory adds what cannot be seen; an AD FS names a Windows account."""
    assert signing_in(claims, username=asked).secret == "good"


@PROMPTED
@pytest.mark.parametrize(
    ("asked", "claims"),
    [
        (HOME, {"upn": f"bob_other.com#EXT#@{CONTOSO}", "email": "bob@other.com"}),
        (HOME, {"upn": "eve@fabrikam.com"}),
        ("ada@contoso.com", {"upn": "x#ada@contoso.com"}),
        (GUEST, {"upn": f"eve_fabrikam.com#EXT#@{CONTOSO}"}),
        ("ada", {"upn": "ada@contoso.com"}),
        (r"FABRIKAM\ada", {"unique_name": r"CONTOSO\ada"}),
    ],
)
def test_another_name_is_another_person(
    signing_in: Callable[..., Token], asked: str, claims: dict[str, Any]
) -> None:
    """However alike it looks."""
    with pytest.raises(WrongAccount, match="was asked for"):
        signing_in(claims, username=asked)


@pytest.mark.parametrize(
    "asked", ["alias@contoso.com", r"CONTOSO\ada", "ada", "4711", "login@elsewhere.example"]
)
def test_in_password_mode_the_grant_says_who_it_is(
    azure: Sandbox, ada: Person, library: str, asked: str
) -> None:
    """The password proves whose name it is: an alias, or an alternate login id."""
    azure.faults.add(_grant({"upn": ada.username, "oid": "o"}), path=TOKEN_PATH)
    credentials: Any = management_credentials(
        "password", username=asked, password=PASSWORD, tenant=CONTOSO, library=library
    )
    assert credentials.whoami().username == ada.username


@pytest.mark.parametrize("asked", [r"CONTOSO\lin", "lin", "lin@elsewhere.example"])
def test_at_an_adfs_any_login_id_is_right(azure: Sandbox, library: str, asked: str) -> None:
    """Its id token names the person by the user principal name."""
    azure.entra.add_adfs(ADFS, resources=[AUDIENCE])
    claims = {"upn": "lin@contoso.example", "unique_name": r"CONTOSO\lin"}
    azure.faults.add(_grant(claims), path=TOKEN_PATH)
    strategy: Any = Password(
        username=asked, password=PASSWORD, cloud=ON_PREMISES, library=library, clock=azure.clock
    )
    assert strategy.silent(AUDIENCE).account.username == "lin@contoso.example"


def test_in_password_mode_another_tenant_is_still_refused(
    azure: Sandbox, ada: Person, library: str
) -> None:
    """Only the user name is the grant's to say."""
    azure.faults.add(_grant({"upn": ada.username, "tid": "t"}), path=TOKEN_PATH)
    strategy: Any = Password(
        username="alias@contoso.com", password=PASSWORD, tenant=CONTOSO_ID, library=library
    )
    with pytest.raises(WrongAccount, match="tenant"):
        strategy.silent(MANAGEMENT)


@pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption")
@pytest.mark.parametrize("mode", ["password", "device_code"])
def test_the_next_process_finds_the_sign_in_by_the_name_that_was_asked_for(
    azure: Sandbox, ada: Person, library: str, tmp_path: Path, mode: str
) -> None:
    """It is kept under the account's own name, and found by the alias as well."""
    cache = SignInCache(tmp_path / "kept.json", allow_unencrypted=True)
    alias = "alias@contoso.com"
    options: Any = {"username": alias, "tenant": CONTOSO, "library": library, "cache": cache}
    options |= {"clock": azure.clock}
    if mode == "password":
        options |= {"password": PASSWORD}
    else:
        options |= {"prompt": lambda prompt: azure.entra.approve(prompt.code, by=ada)}
    claims = {"upn": ada.username, "oid": ada.object_id, "tid": CONTOSO_ID, "email": alias}
    azure.faults.add(_grant(claims), path=TOKEN_PATH)
    management_credentials(mode, **options)
    azure.log.clear()
    again: Any = management_credentials(mode, **options)
    assert again.get_token(f"{MANAGEMENT}.default").token == "good"
    assert len(azure.log) == 0
    [removed] = cache.sign_out(alias)
    assert removed.username == ada.username


@pytest.mark.parametrize("tenant", [CONTOSO, CONTOSO_ID])
@pytest.mark.parametrize("name", [HOME, GUEST, "bob@outlook.com"])
def test_a_guests_password_is_refused_with_the_reason(
    azure: Sandbox, library: str, tenant: str, name: str
) -> None:
    """Only the home tenant has it; the remedy names a mode in which a guest signs in."""
    azure.entra.invite(azure.entra.person(HOME, password=PASSWORD), CONTOSO)
    with pytest.raises(InvalidCredentials, match="guest cannot use a password here") as caught:
        management_credentials(
            "password", username=name, password=PASSWORD, tenant=tenant, library=library
        )
    assert 'mode="device_code"' in caught.value.remedy
    if name != HOME:  # nothing but a guest, so a password is no way at all
        assert "administrator of the tenant to invite" not in caught.value.remedy
        assert 'The next call: management_credentials(mode="device_code"' in caught.value.remedy


@pytest.mark.parametrize("tenant", [CONTOSO, None])
def test_a_members_wrong_password_says_nothing_of_guests(
    azure: Sandbox, ada: Person, library: str, tenant: str | None
) -> None:
    """The user name is of the tenant itself."""
    tenant = tenant if tenant or library == "adal" else "organizations"
    with pytest.raises(InvalidCredentials) as caught:
        management_credentials(
            "password", username=ada.username, password="wrong", tenant=tenant, library=library
        )
    assert "guest" not in caught.value.remedy


def test_a_renewal_that_says_less_changes_no_account(
    azure: Sandbox, ada: Person, library: str
) -> None:
    """What the sign-in said stays known."""
    strategy: Any = Password(
        username=ada.username, password=PASSWORD, tenant=CONTOSO, library=library
    )
    first = strategy.silent(MANAGEMENT).account
    azure.faults.add(_grant({"upn": [7], "tid": 7}), path=TOKEN_PATH)
    assert strategy.silent(DATA_LAKE).account == first == strategy.account


def test_a_token_of_the_callers_own_is_compared_in_the_same_way() -> None:
    """By any of its names."""
    claims = {"upn": GUEST, "email": HOME, "exp": 9_999_999_999}
    for name in (HOME, GUEST):
        assert StaticToken(_encoded(claims), username=name)
    with pytest.raises(WrongAccount):
        StaticToken(_encoded(claims), username="eve@fabrikam.com")


@given(
    some.dictionaries(
        some.sampled_from(["upn", "email", "tid", "oid"]), some.text() | some.lists(some.text())
    )
)
def test_whatever_the_claims_say_names_are_lines_of_text(claims: dict[str, Any]) -> None:
    """So that each can be shown, kept and compared."""
    decoded = decode_claims(_encoded(claims))
    names = names_in(decoded)
    assert all(name.isprintable() and name.strip() for name in names)
    assert account_in(decoded).username == (names[0] if names else None)
    assert all(is_named(name, names) for name in names)


# What is shown of a device code.

MESSAGES: list[Any] = [
    *(None, "", 7, 0, True, [], ["Open it"], {"a": 1}, "x" * 5000, "\x1b[2Jgo", "two\nlines"),
    *("Go to https://evil.example and enter 1234.", "\u202eedoc eht retne", "\ud800"),
]


@pytest.mark.parametrize("message", [*MESSAGES, "missing"], ids=lambda value: repr(value)[:20])
def test_a_message_of_any_form_is_replaced_by_a_sentence_of_ours(
    azure: Sandbox, ada: Person, library: str, message: Any
) -> None:
    """It has the page and the code, and the sign-in goes on."""
    body = {"user_code": "ABCD1234", "device_code": "d", "interval": 5, "expires_in": 900}
    page = "https://microsoft.com/devicelogin"
    body |= {"verification_url": page, "verification_uri": page}
    body |= {} if message == "missing" else {"message": message}
    azure.faults.add(Answer(200, json.dumps(body)), path="/devicecode")
    azure.faults.add(_grant({"upn": ada.username}), path=TOKEN_PATH)
    shown: list[Any] = []
    strategy: Any = DeviceCode(
        tenant=CONTOSO, library=library, clock=azure.clock, prompt=shown.append
    )
    assert strategy.sign_in(MANAGEMENT).secret == "good"
    [prompt] = shown
    assert prompt.message == f"To sign in, open {page} in a browser and enter the code ABCD1234."


def test_a_message_in_the_persons_language_is_kept(azure: Sandbox, ada: Person) -> None:
    """If it has both, which a person needs."""
    shown: list[Any] = []

    def show(prompt: Any) -> None:
        shown.append(prompt)
        azure.entra.approve(prompt.code, by=ada)

    DeviceCode(tenant=CONTOSO, clock=azure.clock, prompt=show).sign_in(MANAGEMENT)
    assert shown[0].message.startswith("To sign in, use a web browser to open the page")
