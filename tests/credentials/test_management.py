"""management_credentials in the real clients of both generations."""

from __future__ import annotations

import inspect
import io
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.core.exceptions import ServiceRequestError
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from msrestazure.azure_active_directory import AADTokenCredentials, UserPassCredentials
from msrestazure.azure_cloud import AZURE_CHINA_CLOUD, AZURE_PUBLIC_CLOUD

from adls_enduser import (
    ConfigurationError,
    DeviceCode,
    EndUserError,
    Password,
    SignInExpired,
    StaticToken,
    TransportError,
    filesystem_token,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO, Answer, redirect
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID
from adls_enduser.testing import CredentialContract

from ..conftest import PASSWORD
from ..constants import MANAGEMENT, TOKEN_PATH
from ..sandbox.test_resource_manager import without_pauses

if TYPE_CHECKING:
    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

OLD = "credentials" in inspect.signature(DataLakeStoreAccountManagementClient).parameters


SUBSCRIPTIONS = "https://management.azure.com/subscriptions?api-version=2022-12-01"


@pytest.fixture
def by_password(azure: Sandbox, ada: Person, clock: SandboxClock, library: str) -> Any:
    """What the article calls UserPassCredentials."""
    options: Any = {"tenant": CONTOSO, "username": ada.username, "clock": clock}
    options["library"] = library
    return management_credentials("password", password=PASSWORD, **options)


@pytest.fixture
def by_device_code(azure: Sandbox, grace: Person, clock: SandboxClock, library: Any) -> Any:
    """What the article calls AADTokenCredentials."""

    def approve(prompt: Any) -> None:
        azure.entra.approve(prompt.code, by=grace)

    options: Any = {"tenant": CONTOSO, "clock": clock, "library": library}
    return management_credentials("mfa", prompt=approve, **options)


@pytest.fixture(params=["by_password", "by_device_code"])
def credential(request: pytest.FixtureRequest, library: str) -> Any:
    """Either of them, with either library."""
    return request.getfixturevalue(request.param)


def _accounts(credential: Any, **options: Any) -> Any:
    return DataLakeStoreAccountManagementClient(credential, SUBSCRIPTION_ID, **options).accounts


class TestContract(CredentialContract):
    """Both are credentials."""

    resource = MANAGEMENT


def test_isinstance_holds_for_the_documented_classes(by_password: Any, by_device_code: Any) -> None:
    """As the article's own code, and code that checks, expects."""
    assert isinstance(by_password, UserPassCredentials)
    assert isinstance(by_device_code, AADTokenCredentials)
    assert not isinstance(by_password, AADTokenCredentials)


def test_what_others_read_of_msrestazure_is_there(by_password: Any, ada: Person) -> None:
    """Cloud, resource, client id, scheme and token form; the password is not."""
    assert by_password.cloud_environment is AZURE_PUBLIC_CLOUD
    assert by_password.resource == MANAGEMENT
    assert by_password.id == "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    assert by_password.username == ada.username
    assert by_password.password is None
    token = by_password.token
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == pytest.approx(3600, abs=5)
    assert by_password.construct_auth() == f"Bearer {token['access_token']}"
    by_password.set_token()
    assert by_password.token == token


@pytest.mark.parametrize("factory", [management_credentials, filesystem_token])
def test_a_tenant_that_nobody_knows_is_not_named(factory: Any, clock: SandboxClock) -> None:
    """A token that tells nothing is of no tenant, not even of msrestazure's own default."""
    credentials = factory(StaticToken("opaque", clock.time() + 3600, clock=clock))
    assert " in " not in repr(credentials)
    with pytest.raises(ConfigurationError, match="tenant_id='common'"):
        credentials.get_token("https://storage.azure.com/.default", tenant_id="common")


def test_a_sovereign_cloud_is_msrestazures_too(azure: Sandbox, clock: SandboxClock) -> None:
    """The cloud environment that other code reads is the one that signed in."""
    azure.entra.tenant("sovereign.example", cloud="china")
    azure.entra.person("ada@sovereign.example", password=PASSWORD)
    credentials: Any = management_credentials(
        "password",
        username="ada@sovereign.example",
        password=PASSWORD,
        tenant="sovereign.example",
        cloud="china",
        clock=clock,
    )
    assert credentials.cloud_environment is AZURE_CHINA_CLOUD
    assert credentials.resource == "https://management.core.chinacloudapi.cn/"
    scope = "https://management.chinacloudapi.cn/.default"
    assert credentials.get_token(scope).token == credentials.token["access_token"]


def test_accounts_are_listed(credential: Any) -> None:
    """The article's client works, positionally, in both generations."""
    assert [account.name for account in _accounts(credential).list()] == ["mystore"]


def test_resource_groups_are_listed(credential: Any) -> None:
    """The same object serves any Resource Manager client, of either generation."""
    client = ResourceManagementClient(credential, SUBSCRIPTION_ID)
    assert [group.name for group in client.resource_groups.list()] == ["analytics"]


def test_a_long_running_operation_outlives_the_token(
    credential: Any, azure: Sandbox, clock: SandboxClock
) -> None:
    """An account is created and deleted though the token ends in between."""
    from azure.mgmt.datalake.store.models import CreateDataLakeStoreAccountParameters

    client = DataLakeStoreAccountManagementClient(credential, SUBSCRIPTION_ID)
    accounts = without_pauses(client).accounts
    create = accounts.create if OLD else accounts.begin_create
    parameters = CreateDataLakeStoreAccountParameters(location="eastus2")
    poller = create("analytics", "freshstore", parameters)
    if OLD:
        clock.advance(3600 * 2)
    assert poller.result().name == "freshstore"
    delete = accounts.delete if OLD else accounts.begin_delete
    delete("analytics", "freshstore").result()
    assert [account.name for account in accounts.list()] == ["mystore"]


@pytest.mark.skipif(not OLD, reason="the newer generation caches the token by its own clock")
def test_the_session_of_an_old_client_is_signed_anew(
    credential: Any, azure: Sandbox, clock: SandboxClock
) -> None:
    """A client made in the morning works in the evening, without a prompt."""
    accounts = _accounts(credential)
    list(accounts.list())
    azure.log.clear()
    clock.advance(3600 * 8)
    assert list(accounts.list())
    assert [one.request.form["grant_type"] for one in azure.log.to(TOKEN_PATH)] == ["refresh_token"]


def test_an_error_keeps_its_shape_through_the_client(
    credential: Any, azure: Sandbox, clock: SandboxClock
) -> None:
    """No SDK rewrites or retries what we raise."""
    azure.entra.revoke_refresh_tokens(azure.world.directory.persons()[0])
    clock.advance(3601)
    if type(credential).__name__ == "TokenCredentials":
        azure.faults.add(Answer(503), times=9, path="/devicecode")
        expected: type[EndUserError] = TransportError
    else:
        expected = SignInExpired
    azure.log.clear()
    with pytest.raises(expected):
        list(_accounts(credential).list())
    assert len(azure.log.to("/oauth2/")) <= 4


def test_an_http_endpoint_never_gets_the_token(credential: Any, azure: Sandbox) -> None:
    """Nothing is sent there, whatever the client makes of it."""
    once: dict[str, Any] = {} if OLD else {"retry_total": 0}
    accounts = _accounts(credential, base_url="http://management.azure.com", **once)
    azure.log.clear()
    # azure-core refuses on its own account, before it asks the credential.
    expected = ConfigurationError if OLD else ServiceRequestError
    with pytest.raises(expected):
        list(accounts.list())
    assert len(azure.log) == 0


@pytest.mark.skipif(not OLD, reason="track-2 clients read netrc after the credential")
def test_netrc_does_not_replace_the_token_in_the_old_client(
    credential: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Requests prefers netrc to a header; session.auth keeps it out."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login x password y\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert list(_accounts(credential).list())
    plain = requests.get("https://management.azure.com/subscriptions?api-version=2016-06-01")
    assert plain.request.headers["Authorization"].startswith("Basic "), "a control"


def test_a_signed_in_strategy_is_reused(azure: Sandbox, ada: Person, clock: SandboxClock) -> None:
    """One Password object in two calls sends the password once."""
    strategy = Password(username=ada.username, password=PASSWORD, tenant=CONTOSO, clock=clock)
    first, second = (management_credentials(mode=strategy) for _ in range(2))
    assert list(_accounts(first).list())
    assert list(_accounts(second).list())
    sent = [one.request.form["grant_type"] for one in azure.log.to(TOKEN_PATH)]
    assert sent == ["password"], "the token is fresh, so the second call costs nothing"
    assert strategy.account == first.whoami()


class TestStrangers:
    """A stranger's strategy is as good as ours."""

    def test_it_serves_the_real_client(self, azure: Sandbox, ada: Person) -> None:
        """Two methods are enough; it is AADTokenCredentials to isinstance."""
        inner = Password(username=ada.username, password=PASSWORD, tenant=CONTOSO)

        class Theirs:
            def silent(self, resource: str, *, claims: str | None = None) -> Any:
                return inner.silent(resource)

            def sign_in(self, resource: str, *, claims: str | None = None) -> Any:
                raise AssertionError("nobody needs to be asked")

        credential: Any = management_credentials(mode=Theirs())
        assert isinstance(credential, AADTokenCredentials)
        assert list(_accounts(credential).list())


class TestAsync:
    """aio() is the async view of the same sign-in."""

    def test_it_is_an_async_credential(self, credential: Any) -> None:
        """Both methods, as a context manager, in any event loop."""
        import asyncio

        async def ask() -> tuple[str, str]:
            async with credential.aio() as mine:
                token = await mine.get_token(f"{MANAGEMENT}.default")
                info = await mine.get_token_info(f"{MANAGEMENT}.default")
                return token.token, info.token

        expected = credential.get_token(f"{MANAGEMENT}.default").token
        assert asyncio.run(ask()) == (expected, expected)
        assert asyncio.run(ask()) == (expected, expected)
        assert expected not in repr(credential.aio())

    def test_its_errors_are_ours(
        self, credential: Any, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """What the sync view raises, the async view raises."""
        import asyncio

        with pytest.raises(ConfigurationError, match="needs a scope"):
            asyncio.run(credential.aio().get_token())


def test_device_code_is_the_default_mode(
    azure: Sandbox, grace: Person, clock: SandboxClock
) -> None:
    """No mode means the one that works with a second factor."""
    credential = management_credentials(
        tenant=CONTOSO, prompt=lambda prompt: azure.entra.approve(prompt.code), clock=clock
    )
    assert isinstance(credential, AADTokenCredentials)
    assert DeviceCode(tenant=CONTOSO).account is None


class TestRevoked:
    """A token that the service no longer accepts is renewed once, silently."""

    def test_a_401_is_answered_with_a_new_token(
        self, credential: Any, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """The old client, which gives its session, does not notice; the newer one says so."""
        accounts = _accounts(credential)
        list(accounts.list())
        person = azure.world.directory.by_username(credential.whoami().username)
        azure.log.clear()
        azure.world.identity.revoke_issued_tokens(person)
        if OLD:
            assert list(accounts.list())
            statuses = [one.status for one in azure.log.to("/accounts")]
            assert statuses == [401, 200]
            assert len(azure.log.to(TOKEN_PATH)) == 1
        else:
            with pytest.raises(Exception, match=r"[Cc]laims|revoked"):
                list(accounts.list())
        session = credential.signed_session()
        assert session.get(SUBSCRIPTIONS).status_code == 200

    def test_a_body_is_sent_again_whole(self, credential: Any, azure: Sandbox) -> None:
        """Whether it is bytes, or a file that must be rewound."""
        session = credential.signed_session()
        url = f"https://management.azure.com/subscriptions/{SUBSCRIPTION_ID}/resourcegroups/"
        query = "?api-version=2021-04-01"
        body = b'{"location": "eastus2"}'
        person = azure.world.directory.by_username(credential.whoami().username)
        for name, data in (("one", body), ("two", io.BytesIO(body)), ("three", body.decode())):
            azure.world.identity.revoke_issued_tokens(person)
            headers = {"Content-Type": "application/json"}
            answer = session.put(f"{url}{name}{query}", data=data, headers=headers)
            assert answer.status_code == 201, answer.text
            assert [one.status_code for one in answer.history] == [401]

    def test_a_body_that_is_gone_is_not_sent_again(self, credential: Any, azure: Sandbox) -> None:
        """A generator cannot be rewound, so the 401 comes out."""
        person = azure.world.directory.by_username(credential.whoami().username)
        azure.world.identity.revoke_issued_tokens(person)
        answer = credential.signed_session().post(SUBSCRIPTIONS, data=iter([b"x"]))
        assert answer.status_code == 401
        assert answer.history == []

    def test_a_401_of_another_host_is_not_answered(self, credential: Any, azure: Sandbox) -> None:
        """A redirect that leaves the host leaves the token behind; so does the repeat."""
        there = "https://mystore.azuredatalakestore.net/webhdfs/v1/?op=LISTSTATUS"
        azure.faults.add(redirect(there), path="/subscriptions")
        azure.log.clear()
        answer = credential.signed_session().get(SUBSCRIPTIONS)
        assert answer.status_code == 401
        sent = [(one.host, "Authorization" in one.request.headers) for one in azure.log]
        assert sent == [
            ("management.azure.com", True),
            ("mystore.azuredatalakestore.net", False),
        ]

    def test_a_401_that_stays_comes_out(self, credential: Any, azure: Sandbox) -> None:
        """One renewal and one repeat, no more."""
        person = azure.world.directory.by_username(credential.whoami().username)
        azure.world.identity.revoke(person)
        azure.log.clear()
        answer = credential.signed_session().get(SUBSCRIPTIONS)
        assert answer.status_code == 401
        assert len(azure.log.to("/subscriptions")) == 2
        assert len(azure.log.to(TOKEN_PATH)) == 1

    def test_a_401_that_stays_costs_a_token_a_minute(
        self, credential: Any, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """Not one for each request: a newer token would be refused just the same."""
        person = azure.world.directory.by_username(credential.whoami().username)
        azure.world.identity.revoke(person)
        azure.log.clear()
        session = credential.signed_session()
        for renewals in (1, 2):
            for _ in range(5):
                assert session.get(SUBSCRIPTIONS).status_code == 401
            assert len(azure.log.to(TOKEN_PATH)) == renewals
            assert len(azure.log.to("/subscriptions")) == 6 * renewals
            clock.advance(61)
