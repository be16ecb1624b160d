"""Other clouds, Azure Stack, AD FS, and guests from other tenants."""

from __future__ import annotations

import ast
import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from adls_enduser import (
    AZURE_CLI_CLIENT_ID,
    CHINA,
    PUBLIC,
    US_GOVERNMENT,
    Browser,
    Cloud,
    ConfigurationError,
    ConsentRequired,
    DeviceCode,
    InvalidCredentials,
    Password,
    SignInCache,
    SignInDeclined,
    SignInExpired,
    WrongAccount,
    cloud_from_metadata,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Answer, SandboxClock
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID
from tests.conftest import PASSWORD
from tests.constants import MANAGEMENT, TOKEN_PATH

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from adls_enduser import AuthStrategy, BrowserPrompt, DeviceCodePrompt, Token
    from adls_enduser.sandbox import Person, Sandbox

ADFS = "adfs.contoso.example"
STACK = "management.local.stack.example"
AUDIENCE = f"https://{STACK}/4de154de-f8a8-4017-af41-df619da68155"
OTHER = "https://vault.local.stack.example/"
ON_PREMISES = replace(
    PUBLIC,
    name="on_premises",
    authority=f"https://{ADFS}/adfs",
    management=AUDIENCE,
    resource_manager=f"https://{STACK}/",
    data_lake=None,
    validate_authority=False,
)
FABRIKAM = "fabrikam.com"
FABRIKAM_ID = "fab00000-7e57-4c0a-9d0a-000000000002"


def _hosts(azure: Sandbox) -> set[str]:
    return {one.host for one in azure.log}


def _grants(azure: Sandbox) -> list[str]:
    return [one.request.form["grant_type"] for one in azure.log.to("/token") if one.request]


class Declining(SandboxClock):
    """A frozen clock: at wait number ``after`` the person declines."""

    def __init__(self, azure: Sandbox, *, after: int) -> None:
        super().__init__(frozen=True)
        self._azure, self._after = azure, after
        self.waits: list[float] = []

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        if len(self.waits) == self._after:
            self._azure.entra.decline(self._azure.entra.pending_codes()[0])
        self._azure.clock.advance(seconds)
        return super().wait(event, seconds)


@pytest.fixture(params=["password", "device_code", "browser"])
def signing_in(
    request: pytest.FixtureRequest, azure: Sandbox, library: str
) -> Callable[..., AuthStrategy]:
    """Make a strategy of each mode, for a person who signs in as soon as they are asked."""

    def make(username: str, **options: Any) -> AuthStrategy:
        options = {"library": library, "clock": azure.clock, "username": username, **options}
        if request.param == "password":
            return Password(password=PASSWORD, **options)
        if request.param == "browser":
            return Browser(prompt=lambda page: azure.entra.browse(page.url, by=username), **options)

        def approve(prompt: DeviceCodePrompt) -> None:
            azure.entra.approve(prompt.code, by=username)

        return DeviceCode(prompt=approve, **options)

    return make


# In a browser the page shows the error to the person, and the program waits for the next try.
WITHOUT_A_PAGE = pytest.mark.parametrize("signing_in", ["password", "device_code"], indirect=True)


def _signed_in(strategy: AuthStrategy, resource: str) -> Token:
    return strategy.silent(resource) or strategy.sign_in(resource)


def _renewed(strategy: Any, token: Token) -> Token:
    strategy.invalidate(token)
    again: Token | None = strategy.silent(token.resource)
    assert again is not None
    assert again.secret != token.secret
    return again


class TestSovereignClouds:
    """A sign-in in one cloud sends nothing to the hosts of another cloud."""

    @pytest.mark.parametrize(
        ("cloud", "place", "host"),
        [
            (CHINA, "china", "login.chinacloudapi.cn"),
            (US_GOVERNMENT, "usgovernment", "login.microsoftonline.us"),
            (PUBLIC, "public", "login.microsoftonline.com"),
        ],
        ids=lambda value: getattr(value, "name", None),
    )
    def test_a_sign_in_and_its_renewals_stay_in_their_cloud(
        self,
        azure: Sandbox,
        signing_in: Callable[..., AuthStrategy],
        cloud: Cloud,
        place: str,
        host: str,
    ) -> None:
        """Sign-in and renewal go to the cloud's own authority, for its own audience."""
        azure.entra.tenant("sovereign.example", cloud=place)
        azure.entra.person("ada@sovereign.example", password=PASSWORD)
        strategy = signing_in("ada@sovereign.example", tenant="sovereign.example", cloud=cloud)
        token = _renewed(strategy, _signed_in(strategy, cloud.management))
        assert _hosts(azure) == {host}
        assert _grants(azure)[-1] == "refresh_token"
        claims = azure.world.identity.check(f"Bearer {token.secret}", [cloud.management])
        assert claims["upn"] == "ada@sovereign.example"

    @pytest.mark.parametrize("cloud", [CHINA, US_GOVERNMENT, PUBLIC], ids=lambda one: one.name)
    def test_consent_is_given_at_the_clouds_own_authority(
        self, azure: Sandbox, library: str, cloud: Cloud
    ) -> None:
        """The page for the administrator is the cloud's, with the tenant and the client."""
        place = {"us_government": "usgovernment"}.get(cloud.name, cloud.name)
        azure.entra.tenant("sovereign.example", cloud=place)
        azure.entra.person("ada@sovereign.example", password=PASSWORD, refused_with=65001)
        strategy: Any = Password(
            username="ada@sovereign.example",
            password=PASSWORD,
            tenant="sovereign.example",
            cloud=cloud,
            library=library,
        )
        with pytest.raises(ConsentRequired) as caught:
            strategy.silent(cloud.management)
        query = f"client_id={AZURE_CLI_CLIENT_ID}"
        page = f"{cloud.authority}/sovereign.example/adminconsent?{query}"
        assert caught.value.consent_url == page


class TestAdfs:
    """An AD FS signs people in without tenants, without realms and without Entra ID."""

    @pytest.fixture
    def lin(self, azure: Sandbox) -> Person:
        azure.entra.add_adfs(ADFS, resources=[AUDIENCE, OTHER])
        return azure.entra.person("lin@contoso.example", password=PASSWORD)

    @pytest.mark.parametrize("tenant", [None, "ADFS"])
    def test_a_sign_in_sends_nothing_elsewhere(
        self,
        azure: Sandbox,
        lin: Person,
        signing_in: Callable[..., AuthStrategy],
        library: str,
        tenant: str | None,
    ) -> None:
        """Not to the public cloud's instance discovery, nor for a user realm; and it is renewed."""
        strategy = signing_in(lin.username, tenant=tenant, cloud=ON_PREMISES)
        token = _renewed(strategy, _signed_in(strategy, AUDIENCE))
        assert (token.account.username, token.account.tenant) == (lin.username, None)
        assert _hosts(azure) == {ADFS}
        paths = {one.path.partition("?")[0].rstrip("/") for one in azure.log}
        assert paths - {"/adfs/oauth2/devicecode"} == {"/adfs/oauth2/token"} | (
            {"/adfs/.well-known/openid-configuration"} if library == "msal" else set()
        )
        assert _grants(azure)[-1] == "refresh_token"

    def test_one_named_by_its_tenant_is_the_same(
        self, azure: Sandbox, lin: Person, signing_in: Callable[..., AuthStrategy]
    ) -> None:
        """As in msrestazure and azure-cli: ``tenant="adfs"`` at a host without a path."""
        bare = replace(ON_PREMISES, authority=f"https://{ADFS}")
        strategy = signing_in(lin.username, tenant="adfs", cloud=bare)
        assert _signed_in(strategy, AUDIENCE)
        assert _hosts(azure) == {ADFS}

    @pytest.mark.parametrize(
        "client_id",
        ["lake reader", "https://lake.example/client?a=b&c=%20", "urn:lake:reader", 'a "b" \\ ü'],
    )
    def test_its_client_ids_are_names_or_uris(
        self,
        azure: Sandbox,
        lin: Person,
        signing_in: Callable[..., AuthStrategy],
        client_id: str,
    ) -> None:
        """AD FS takes any text for a client's identifier."""
        azure.entra.application(client_id)
        strategy = signing_in(lin.username, cloud=ON_PREMISES, client_id=client_id)
        _renewed(strategy, _signed_in(strategy, AUDIENCE))
        assert {one.request.form["client_id"] for one in azure.log.to("/token") if one.request} == {
            client_id
        }
        settings: Any = strategy.settings  # type: ignore[attr-defined]
        assert ast.literal_eval(settings.as_source()["client_id"]) == client_id

    def test_a_client_id_that_is_none_is_refused(self, azure: Sandbox, library: str) -> None:
        """Nothing, blanks and what cannot be printed; elsewhere it is a GUID."""
        for client_id in ("", " ", "a\nb", 7, None):
            wrong: Any = client_id
            with pytest.raises(ConfigurationError, match="client_id="):
                DeviceCode(client_id=wrong, cloud=ON_PREMISES, library=library)
        with pytest.raises(ConfigurationError, match="client_id="):
            DeviceCode(client_id="lake reader", library=library)
        assert DeviceCode(client_id="lake reader", tenant="adfs", library=library)

    def test_one_refresh_token_serves_every_resource(
        self, azure: Sandbox, lin: Person, signing_in: Callable[..., AuthStrategy]
    ) -> None:
        """AD FS returns no new one with a renewal, so the first stays in use."""
        strategy = signing_in(lin.username, cloud=ON_PREMISES)
        _signed_in(strategy, AUDIENCE)
        azure.log.clear()
        for resource in (OTHER, AUDIENCE, OTHER):
            token = strategy.silent(resource)
            assert token is not None
            strategy.invalidate(token)
        used = {one.request.form["refresh_token"] for one in azure.log.to("/token") if one.request}
        assert len(used) == 1

    def test_without_refresh_tokens_the_person_is_asked_again(
        self, azure: Sandbox, library: str
    ) -> None:
        """Some AD FS issue none: a token for one resource then cannot be exchanged for the next."""
        azure.entra.add_adfs(ADFS, resources=[AUDIENCE, OTHER], gives_refresh_tokens=False)
        azure.entra.person("lin@contoso.example", password=PASSWORD)
        strategy = DeviceCode(
            cloud=ON_PREMISES,
            clock=azure.clock,
            library=library,
            prompt=lambda prompt: azure.entra.approve(prompt.code),
        )
        assert strategy.silent(AUDIENCE) is None
        assert strategy.sign_in(AUDIENCE)
        assert strategy.silent(OTHER) is None
        assert strategy.sign_in(OTHER)

    def test_a_wrong_password_is_reported_in_its_words(
        self, azure: Sandbox, lin: Person, library: str
    ) -> None:
        """And the password is sent once."""
        strategy: Any = Password(
            username=lin.username, password="wrong", cloud=ON_PREMISES, library=library
        )
        with pytest.raises(InvalidCredentials, match=r"AD FS refused .* MSIS9659: Invalid"):
            strategy.silent(AUDIENCE)
        assert _grants(azure) == ["password"]

    @WITHOUT_A_PAGE
    @pytest.mark.parametrize(
        ("options", "resource", "code"),
        [
            ({"client_id": CONTOSO_ID}, AUDIENCE, "MSIS9607"),
            ({}, "https://elsewhere.example/", "MSIS9602"),
        ],
    )
    def test_what_is_not_registered_there_is_a_configuration_error(
        self,
        azure: Sandbox,
        lin: Person,
        signing_in: Callable[..., AuthStrategy],
        options: dict[str, Any],
        resource: str,
        code: str,
    ) -> None:
        """The call must name a client and a resource that the AD FS knows."""
        strategy = signing_in(lin.username, cloud=ON_PREMISES, **options)
        with pytest.raises(ConfigurationError, match=code):
            _signed_in(strategy, resource)

    def test_the_page_gets_only_parameters_that_it_knows(
        self, azure: Sandbox, lin: Person, library: str
    ) -> None:
        """It cannot offer a choice of accounts, so none is requested; a login hint is sent."""
        prompts: list[BrowserPrompt] = []

        def surf(page: BrowserPrompt) -> None:
            prompts.append(page)
            azure.entra.browse(page.url, by=lin)

        options: Any = {"cloud": ON_PREMISES, "clock": azure.clock, "library": library}
        for username in (None, lin.username):
            Browser(prompt=surf, username=username, **options).sign_in(AUDIENCE)
        unhinted, hinted = (dict(parse_qsl(urlsplit(one.url).query)) for one in prompts)
        assert not {"prompt", "login_hint"} & unhinted.keys()
        assert hinted["login_hint"] == lin.username
        with pytest.raises(WrongAccount, match=lin.username):
            Browser(prompt=surf, username="max@contoso.example", **options).sign_in(AUDIENCE)

    def test_a_person_who_declines_on_its_page_has_declined(
        self, azure: Sandbox, lin: Person, library: str
    ) -> None:
        """Its error has no number."""
        strategy: Any = Browser(
            cloud=ON_PREMISES,
            clock=azure.clock,
            library=library,
            prompt=lambda page: azure.entra.browse(page.url, by=lin, accepts=False),
        )
        with pytest.raises(SignInDeclined, match="AD FS refused the browser sign-in"):
            strategy.sign_in(AUDIENCE)

    def test_an_expired_sign_in_says_so(self, azure: Sandbox, lin: Person, library: str) -> None:
        """AD FS refuses the refresh token with 401, and only the person can help."""
        strategy: Any = DeviceCode(
            cloud=ON_PREMISES,
            clock=azure.clock,
            library=library,
            prompt=lambda prompt: azure.entra.approve(prompt.code),
        )
        strategy.sign_in(AUDIENCE)
        azure.entra.revoke_refresh_tokens(lin)
        with pytest.raises(SignInExpired, match="MSIS9615"):
            strategy.silent(OTHER)
        assert azure.log.to("/token")[-1].status == 401

    def test_the_person_may_take_their_time_and_decline(
        self, azure: Sandbox, lin: Person, library: str
    ) -> None:
        """The polls go on until the person declines."""
        declining = Declining(azure, after=2)
        strategy: Any = DeviceCode(
            cloud=ON_PREMISES,
            clock=declining,
            library=library,
            prompt=lambda _: None,
        )
        with pytest.raises(SignInDeclined):
            strategy.sign_in(AUDIENCE)
        assert declining.waits == [5, 5]

    def test_somebody_else_is_the_wrong_account(
        self, azure: Sandbox, lin: Person, library: str
    ) -> None:
        """The id token's ``upn`` says who signed in, with either library."""
        strategy: Any = DeviceCode(
            username="max@contoso.example",
            cloud=ON_PREMISES,
            library=library,
            prompt=lambda prompt: azure.entra.approve(prompt.code, by=lin.username),
        )
        with pytest.raises(WrongAccount, match=r"max@contoso\.example' .* 'lin@contoso\.example"):
            strategy.sign_in(AUDIENCE)

    @pytest.mark.filterwarnings("ignore:Sign-ins are kept")
    def test_a_kept_sign_in_is_found_again(
        self, azure: Sandbox, lin: Person, library: str, tmp_path: Path
    ) -> None:
        """By the user name, because it has neither a tenant nor an object id."""
        cache = SignInCache(tmp_path / "cache", allow_unencrypted=True)
        options: Any = {"cloud": ON_PREMISES, "library": library, "clock": azure.clock}
        first = Password(username=lin.username, password=PASSWORD, cache=cache, **options)
        _signed_in(first, AUDIENCE)
        azure.log.clear()
        assert DeviceCode(cache=cache, **options).silent(OTHER)
        assert _grants(azure) == ["refresh_token"]
        (kept,) = cache.accounts()
        assert (kept.username, kept.authority) == (lin.username, ON_PREMISES.authority)

    def test_microsoft_does_not_know_one(
        self, azure: Sandbox, lin: Person, signing_in: Callable[..., AuthStrategy]
    ) -> None:
        """Unless the cloud has validate_authority=False, nothing is sent to it."""
        checked = replace(ON_PREMISES, validate_authority=True)
        strategy = signing_in(lin.username, cloud=checked)
        with pytest.raises(ConfigurationError, match="validate_authority=False"):
            _signed_in(strategy, AUDIENCE)
        assert ADFS not in _hosts(azure)

    @pytest.mark.parametrize("tenant", [CONTOSO_ID, CONTOSO, "common"])
    def test_it_has_no_tenants(self, azure: Sandbox, tenant: str, library: str) -> None:
        """A tenant is refused at the call, before any network."""
        with pytest.raises(ConfigurationError, match="AD FS, which has no tenants"):
            DeviceCode(tenant=tenant, cloud=ON_PREMISES, library=library)
        assert len(azure.log) == 0


@pytest.mark.parametrize("tenant", ["xn--mnchen-3ya.xn--p1ai", "münchen.рф"])
def test_an_internationalised_tenant(
    azure: Sandbox, signing_in: Callable[..., AuthStrategy], tenant: str
) -> None:
    """Entra ID has it in punycode, and the person may write it in either way."""
    azure.entra.person("ada@xn--mnchen-3ya.xn--p1ai", password=PASSWORD)
    strategy = signing_in("ada@xn--mnchen-3ya.xn--p1ai", tenant=tenant)
    assert _renewed(strategy, _signed_in(strategy, MANAGEMENT))
    # msal goes on by the tenant's id, which the first response names.
    assert "/xn--mnchen-3ya.xn--p1ai/" in "".join(one.path for one in azure.log)


class TestAzureStack:
    """From the address of its Resource Manager to a request that succeeds."""

    @pytest.mark.parametrize("kind", ["adfs", "entra"])
    def test_its_metadata_is_all_that_is_needed(
        self, azure: Sandbox, library: str, kind: str
    ) -> None:
        """Sign-in, renewal and the SDKs' session, without a request to the public cloud."""
        if kind == "adfs":
            azure.entra.add_adfs(ADFS, resources=[AUDIENCE])
            host, login, tenant = ADFS, f"https://{ADFS}/adfs", None
        else:
            host, tenant = "login.local.stack.example", CONTOSO_ID
            azure.entra.add_authority(host, known=False)
            azure.entra.applications.add_resource(AUDIENCE)
            login = f"https://{host}/"
        azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        azure.resource_manager.add_azure_stack(STACK, login_endpoint=login, audience=AUDIENCE)
        cloud = cloud_from_metadata(f"https://{STACK}")
        credentials: Any = management_credentials(
            "password",
            username=f"ada@{CONTOSO}",
            password=PASSWORD,
            tenant=tenant,
            cloud=cloud,
            clock=azure.clock,
            library=library,
        )
        session = credentials.refresh_session()
        url = f"https://{STACK}/subscriptions/{SUBSCRIPTION_ID}?api-version=2016-06-01"
        assert session.get(url).json()["subscriptionId"] == SUBSCRIPTION_ID
        assert credentials.get_token(f"https://{STACK}//.default").token
        assert f"ada@{CONTOSO}" in repr(credentials)
        assert _hosts(azure) == {STACK, host}
        assert _grants(azure) == ["password", "refresh_token"]


class TestGuests:
    """A guest stays in the tenant that the call names."""

    @pytest.fixture
    def bob(self, azure: Sandbox) -> Person:
        bob = azure.entra.person(f"bob@{FABRIKAM}", password=PASSWORD)
        azure.entra.invite(bob, CONTOSO)
        return bob

    @pytest.mark.parametrize("tenant", [CONTOSO_ID, CONTOSO])
    def test_the_tenant_is_kept_on_renewal(
        self, azure: Sandbox, bob: Person, library: str, tenant: str
    ) -> None:
        """Every request names the tenant, and every token belongs to it."""
        strategy: Any = DeviceCode(
            tenant=tenant,
            username=bob.username,
            clock=azure.clock,
            library=library,
            prompt=lambda prompt: azure.entra.approve(prompt.code, by=bob),
        )
        token = _renewed(strategy, strategy.sign_in(MANAGEMENT))
        assert token.account.tenant == CONTOSO_ID
        assert token.account.username == bob.username
        claims = azure.world.identity.check(f"Bearer {token.secret}", [MANAGEMENT])
        assert claims["tid"] == CONTOSO_ID
        spoken_to = {one.path.split("/")[1].lower() for one in azure.log.to("/oauth2/")}
        assert spoken_to <= {CONTOSO_ID, tenant}

    @pytest.mark.parametrize("tenant", [CONTOSO_ID, CONTOSO])
    def test_the_person_must_be_the_one_that_the_call_names(
        self, azure: Sandbox, ada: Person, bob: Person, library: str, tenant: str
    ) -> None:
        """A member of the tenant is not accepted instead of the guest."""
        strategy: Any = DeviceCode(
            tenant=tenant,
            username=bob.username,
            library=library,
            prompt=lambda prompt: azure.entra.approve(prompt.code, by=ada),
        )
        with pytest.raises(
            WrongAccount,
            match=f"username='{bob.username}' was asked for, but '{ada.username}' signed in",
        ):
            strategy.sign_in(MANAGEMENT)
        assert strategy.silent(MANAGEMENT) is None

    @WITHOUT_A_PAGE
    def test_a_person_without_invitation_is_the_wrong_account(
        self, azure: Sandbox, signing_in: Callable[..., AuthStrategy]
    ) -> None:
        """Entra ID says so, or says that the tenant has no such user."""
        azure.entra.person(f"eve@{FABRIKAM}", password=PASSWORD)
        strategy = signing_in(f"eve@{FABRIKAM}", tenant=CONTOSO_ID)
        with pytest.raises((WrongAccount, InvalidCredentials), match=r"AADSTS(50020|50034)"):
            _signed_in(strategy, MANAGEMENT)

    def test_a_token_of_another_tenant_is_the_wrong_account(
        self, azure: Sandbox, ada: Person, library: str
    ) -> None:
        """A tenant given by its id is compared with the tenant in the response."""
        azure.faults.add(Answer(200, _granting(ada, FABRIKAM_ID)), path=TOKEN_PATH)
        strategy: Any = Password(
            username=ada.username,
            password=PASSWORD,
            tenant=CONTOSO_ID,
            library=library,
        )
        with pytest.raises(WrongAccount, match=f"{CONTOSO_ID}' .* '{FABRIKAM_ID}"):
            strategy.silent(MANAGEMENT)

    @pytest.mark.parametrize("tenant", [CONTOSO_ID, CONTOSO, None])
    @pytest.mark.parametrize("changed", ["tenant", "person"])
    def test_a_renewal_never_changes_person_or_tenant(
        self, azure: Sandbox, ada: Person, library: str, tenant: str | None, changed: str
    ) -> None:
        """However the tenant was given, a renewal must match the account that signed in."""
        strategy: Any = DeviceCode(
            tenant=tenant,
            clock=azure.clock,
            library=library,
            prompt=lambda prompt: azure.entra.approve(prompt.code, by=ada),
        )
        first = strategy.sign_in(MANAGEMENT)
        if changed == "tenant":
            body = _granting(ada, FABRIKAM_ID)
        else:
            body = _granting(azure.entra.person(f"eve@{CONTOSO}", password="x"), CONTOSO_ID)
        azure.faults.add(Answer(200, body), path=TOKEN_PATH)
        with pytest.raises(WrongAccount):
            strategy.silent("https://datalake.azure.net/")
        assert strategy.account == first.account


def _granting(person: Person, tenant_id: str) -> str:
    """Return a token response whose id token names a person and a tenant."""
    claims = {
        "aud": AZURE_CLI_CLIENT_ID,
        "iss": f"https://sts.windows.net/{tenant_id}/",
        "iat": 0,
        "exp": 9_999_999_999,
        "oid": person.object_id,
        "sub": "x",
        "tid": tenant_id,
        "upn": person.username,
        "preferred_username": person.username,
    }
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    encoded = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    return json.dumps(
        {
            "access_token": "somebody-elses",
            "refresh_token": "another",
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": f"{encoded}.",
        }
    )
