"""The likely wrong calls: each is told what to write instead, before any network."""

from __future__ import annotations

import ast
import asyncio
import inspect
import pickle
import re
import threading
import time
import traceback
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import adls_enduser
from adls_enduser import (
    PUBLIC,
    AzureCli,
    AzureCredential,
    Browser,
    Cloud,
    ConfigurationError,
    DeviceCode,
    Fallback,
    Password,
    SignInCache,
    SignInRequired,
    StaticToken,
    cloud_from_metadata,
    explain,
    filesystem_token,
    management_credentials,
    sign_in_async,
)
from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, SandboxClock
from adls_enduser.strategies.protocol import AuthStrategy

from .conftest import PASSWORD

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

CALLS = [management_credentials, filesystem_token, explain]


def _told(call: Any, *arguments: Any, **options: Any) -> str:
    """Return what the error of a wrong call says."""
    with pytest.raises(ConfigurationError) as caught:
        call(*arguments, **options)
    assert caught.value.remedy
    return str(caught.value)


class Synchronous:
    """A credential of azure-core's protocol."""

    def get_token(self, *scopes: str, **_: object) -> Any:
        """Return nothing."""


class WithInfo:
    """A credential of its newer protocol."""

    def get_token_info(self, *scopes: str, options: Any = None) -> Any:
        """Return nothing."""


class Asynchronous:
    """A credential of its asynchronous protocol."""

    async def get_token(self, *scopes: str, **_: object) -> Any:
        """Return nothing."""


@dataclass
class AccessToken:
    """As azure-core's, whose repr shows the token."""

    token: str
    expires_on: int


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("argument", ["mode", "fallback"])
class TestModes:
    """What is no mode."""

    @pytest.mark.parametrize(
        ("mode", "instead"),
        [
            (Synchronous(), r"{}=AzureCredential\(credential\)"),
            (WithInfo(), r"{}=AzureCredential\(credential\)"),
            (Synchronous, r"{}=AzureCredential\(Synchronous\(\.\.\.\)\)"),
            (Asynchronous(), r"{}=AzureCredential\(credential\).* synchronous class"),
            (Asynchronous, r"AzureCredential\(Asynchronous\(\.\.\.\)\).* synchronous class"),
            (DeviceCode, r"Call it, and write {}=DeviceCode\(\.\.\.\)\."),
            (Browser, r"Call it, and write {}=Browser\(\.\.\.\)\."),
            (AzureCli, r"Call it, and write {}=AzureCli\(\.\.\.\)\."),
            (Fallback, r"Call it, and write {}=Fallback\(\.\.\.\)\."),
            (AccessToken("secret", 1), r"{}=StaticToken\(token\.token, token\.expires_on\)"),
            (object(), r"silent and sign_in"),
            (print, r"silent and sign_in"),
            (b"browser", r"silent and sign_in"),
        ],
        ids=lambda value: getattr(value, "__name__", type(value).__name__),
    )
    def test_an_object_that_is_no_strategy(
        self, call: Any, argument: str, mode: Any, instead: str
    ) -> None:
        """The error says how it becomes one, and shows no token."""
        told = _told(call, **{argument: mode})
        assert re.search(instead.format(argument), told)
        assert f"{argument}= must be a mode's name or an AuthStrategy" in told
        assert "secret" not in told

    @pytest.mark.parametrize(
        ("mode", "instead"),
        [
            ("devicecode", "'device_code'"),
            ("device-code", "'device_code'"),
            ("Device_Code", "'device_code'"),
            ("decive_code", "'device_code'"),
            ("broswer", "'browser'"),
            ("interactive", "'browser'"),
            ("passwd", "'password'"),
            ("Password", "'password'"),
            ("username_password", "'password'"),
            ("cli", "'azure_cli'"),
            ("azure-cli", "'azure_cli'"),
            ("default", "'auto'"),
            ("MFA", "'mfa'"),
            (f"ada@{CONTOSO}", 'mode="password", username=..., password=...'),
            (r"CONTOSO\ada", 'mode="password", username=..., password=...'),
            (CONTOSO, "tenant=..."),
            (CONTOSO_ID, "tenant=..."),
            ("eyJ0eXAi.eyJhdWQi.c2ln", "StaticToken(token)"),
        ],
    )
    def test_a_name_that_is_none(self, call: Any, argument: str, mode: str, instead: str) -> None:
        """A slip, another library's name, or another argument's value."""
        told = _told(call, **{argument: mode})
        assert instead in told
        assert "'azure_cli', 'auto'" in told
        assert "eyJ" not in told


@pytest.mark.sdk
@pytest.mark.parametrize("name", ["DefaultAzureCredential", "AzureCliCredential"])
def test_real_credentials_of_azure_identity_are_told_apart(name: str) -> None:
    """The synchronous one becomes a mode; the asynchronous one never does."""
    identity = pytest.importorskip("azure.identity")
    aio = pytest.importorskip("azure.identity.aio")
    told = _told(management_credentials, mode=getattr(identity, name)())
    assert "Write mode=AzureCredential(credential)." in told
    for one in (getattr(aio, name), aio.AzureCliCredential()):  # the other needs aiohttp
        assert "synchronous class" in _told(management_credentials, mode=one)
    assert f"AzureCredential({name}(...))" in _told(
        management_credentials, mode=getattr(identity, name)
    )
    assert f"AzureCredential({name}(...))" in _told(AzureCredential, getattr(identity, name))


class TestOptions:
    """What is no option."""

    @pytest.mark.parametrize("call", [*CALLS, DeviceCode, Browser])
    @pytest.mark.parametrize(
        ("option", "instead"),
        [
            ("tenant_id", "Write tenant= instead"),
            ("tenantId", "Write tenant= instead"),
            ("Tenant", "Write tenant= instead"),
            ("tenent", "Did you mean tenant=?"),
            ("tennant", "Did you mean tenant=?"),
            ("user", "Write username= instead"),
            ("user_name", "Write username= instead"),
            ("login_hint", "Write username= instead"),
            ("usrname", "Did you mean username=?"),
            ("clientid", "Write client_id= instead"),
            ("client", "Did you mean client_id=?"),
            ("client_secret", "public client, which has no secret"),
            ("secret", "public client, which has no secret"),
            ("authority", "Set tenant= to the tenant, and cloud="),
            ("authority_host", "Set tenant= to the tenant, and cloud="),
            ("cloud_environment", "Write cloud= instead"),
            ("china", 'Write cloud="china"'),
            ("scopes", "call get_token(scope)"),
            ("resource", "call get_token(scope)"),
            ("verify", "Write ca_bundle= instead"),
            ("proxy", "Write proxies= instead"),
            ("prompt_callback", "Write prompt= instead"),
            ("token_cache", "Write cache= instead"),
            ("cache_persistence_options", "Write cache= instead"),
            ("disable_instance_discovery", "validate_authority=False"),
            ("subscription_id", "belongs to the SDK's client"),
            ("store_name", "belongs to the SDK's client"),
            ("credential", "mode=AzureCredential(credential)"),
            ("password", 'mode="password" takes password='),
            ("libary", "Did you mean library=?"),
            ("request_timout", "Did you mean request_timeout=?"),
        ],
    )
    def test_an_option_of_another_library_or_a_slip(
        self, call: Any, option: str, instead: str
    ) -> None:
        """And the value is not shown: it may be a secret."""
        told = _told(call, **{option: "hunter2"})
        assert instead in told
        assert "hunter2" not in told

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize(
        ("option", "instead"),
        [("tenant_id", "Write tenant="), ("usernme", "username="), ("client_secret", "no secret")],
    )
    def test_with_a_fallback_and_beside_an_object_too(
        self, call: Any, option: str, instead: str
    ) -> None:
        """The hint is the same."""
        assert instead in _told(call, "device_code", fallback="browser", **{option: "x"})
        assert instead in _told(call, DeviceCode(), **{option: "x"})

    def test_a_right_option_beside_an_object_belongs_to_it(self) -> None:
        """As before."""
        told = _told(management_credentials, DeviceCode(), tenant=CONTOSO)
        assert "DeviceCode(tenant=...)" in told

    @pytest.mark.parametrize("strategy", [Password, DeviceCode, Browser, AzureCli])
    @pytest.mark.parametrize("option", ["interactive", "fallback"])
    def test_an_argument_of_the_factory_is_none_of_the_strategy(
        self, strategy: Any, option: str
    ) -> None:
        """It goes beside the strategy."""
        assert f"management_credentials(mode=..., {option}=" in _told(strategy, **{option: False})

    def test_what_is_clear_to_nobody_lists_the_options(self) -> None:
        """Without a guess."""
        with pytest.raises(ConfigurationError) as caught:
            DeviceCode(zzz=1)  # type: ignore[call-arg]
        assert caught.value.remedy.startswith("It takes ca_bundle, cache,")

    @pytest.mark.parametrize("name", ["client_secret", "pasword", "api_key", "access_token"])
    def test_a_secret_under_another_name_is_in_no_traceback(self, name: str) -> None:
        """Though the frame of the factory is one of ours."""
        with pytest.raises(ConfigurationError) as caught:
            management_credentials("password", **{name: "hunter2"})
        ours = [
            frame
            for frame, _ in traceback.walk_tb(caught.value.__traceback__)
            if "/adls_enduser/" in frame.f_code.co_filename
        ]
        assert ours
        assert not any("hunter2" in repr(frame.f_locals) for frame in ours)


class TestByPosition:
    """The way of ``UserPassCredentials(username, password)``."""

    @pytest.mark.parametrize(
        ("call", "example"),
        [
            (management_credentials, 'management_credentials("password", username=..., password='),
            (filesystem_token, 'filesystem_token("password", username=..., password=...)'),
            (explain, 'explain("auto", tenant=...)'),
            (Password, "Password(username=..., password=...)"),
            (DeviceCode, "DeviceCode(tenant=...)"),
            (Browser, "Browser(tenant=...)"),
            (AzureCli, "AzureCli(tenant=...)"),
        ],
    )
    def test_options_are_given_by_name(self, call: Any, example: str) -> None:
        """And neither the error nor one of our frames shows the password."""
        with pytest.raises(ConfigurationError, match="by name") as caught:
            call("ada@contoso.com", "hunter2")
        assert example in caught.value.remedy
        shown = [frame.f_locals for frame, _ in traceback.walk_tb(caught.value.__traceback__)][1:]
        assert "hunter2" not in f"{caught.value} {shown}"

    def test_a_strategy_takes_no_argument_by_position(self) -> None:
        """Not one either."""
        for strategy in (Password, DeviceCode, Browser, AzureCli):
            assert "by name" in _told(strategy, "contoso.com")

    def test_the_signatures_are_the_same(self) -> None:
        """For help() and for editors."""
        signature = inspect.signature(management_credentials)
        assert list(signature.parameters) == ["mode", "interactive", "fallback", "options"]
        assert list(inspect.signature(Password).parameters) == ["options"]


@pytest.mark.parametrize("call", [*CALLS, DeviceCode, AzureCli])
@pytest.mark.parametrize(
    ("cloud", "instead"),
    [
        *((name, "'public'") for name in ("AzureCloud", "AzurePublicCloud", "azure", "Public")),
        *((name, "'public'") for name in ("AZURE_PUBLIC_CLOUD", "global", "pubilc")),
        *((name, "'public'") for name in ("https://login.microsoftonline.com",)),
        *((name, "'us_government'") for name in ("usgov", "AzureUSGovernment", "US-Gov", "gov")),
        *((name, "'us_government'") for name in ("AZURE_US_GOVERNMENT", "us_goverment")),
        *((name, "'us_government'") for name in ("login.microsoftonline.us", "usgovernment")),
        *((name, "'china'") for name in ("AzureChinaCloud", "AZURE_CHINA_CLOUD", "China", "chian")),
        *((name, "'china'") for name in ("https://login.chinacloudapi.cn", "mooncake")),
        *((name, "closed in 2021") for name in ("germany", "AzureGermanCloud")),
    ],
)
def test_a_cloud_by_another_name(call: Any, cloud: str, instead: str) -> None:
    """That of azure-cli, msrestazure, azure-core or azure-identity, or a slip."""
    told = _told(call, cloud=cloud)
    assert instead in told.partition("Use one of")[0]


@pytest.mark.sdk
def test_a_cloud_of_msrestazure_is_told_by_its_name() -> None:
    """It is an object of another class."""
    clouds = pytest.importorskip("msrestazure.azure_cloud")
    for name, ours in [("US_GOV", "us_government"), ("CHINA", "china"), ("PUBLIC", "public")]:
        told = _told(DeviceCode, cloud=getattr(clouds, f"AZURE_{name}_CLOUD"))
        assert f"Write cloud={ours!r}" in told


@pytest.mark.parametrize("call", [*CALLS, DeviceCode, Password, Browser])
def test_tls_checks_are_not_switched_off(call: Any) -> None:
    """The habit of requests, ``verify=False``, is told what to write, under each of its names."""
    for option in ("verify", "connection_verify", "verify_ssl"):
        told = _told(call, **{option: False})
        assert "Write ca_bundle=" in told
        assert "PEM file" in told
        assert "cannot be switched off" in told
    assert "cannot be switched off" in _told(call, ca_bundle=False)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("cancel", asyncio.Event(), "not asyncio.locks.Event."),
        ("cancel", threading.Event, "not the class threading.Event. Call it: cancel=Event(...)."),
        ("cancel", True, "not bool."),
        ("cache", SignInCache, "not the class SignInCache. Call it: cache=SignInCache(...)."),
        ("cache", "sign-ins", "not str."),
        ("clock", SandboxClock, "not the class SandboxClock. Call it: clock=SandboxClock(...)."),
        ("clock", time, "not module."),
    ],
)
@pytest.mark.parametrize("mode", ["device_code", "browser"])
def test_an_object_of_another_kind(mode: str, option: str, value: Any, told: str) -> None:
    """Its module is named, since many have the same name; a class is to be called."""
    assert told in _told(management_credentials, mode, **{option: value})


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: SignInCache(name="mine"), "SignInCache.*'name'.*allow_unencrypted"),  # type: ignore[call-arg]
        (lambda: SignInCache("a", True), "SignInCache.*positional.*allow_unencrypted"),  # type: ignore[misc]
        (lambda: Cloud("mine"), r"Cloud.*'authority'.*dataclasses\.replace"),  # type: ignore[call-arg]
        (lambda: Cloud(), r"Cloud.*'name'.*dataclasses\.replace"),  # type: ignore[call-arg]
        (lambda: replace(PUBLIC, authorty="x"), r"Cloud.*'authorty'.*dataclasses\.replace"),
    ],
)
def test_a_call_with_other_arguments(call: Any, told: str) -> None:
    """Is no bare TypeError, and names a call that is right."""
    assert re.search(told, _told(call))


def test_a_right_call_is_as_before() -> None:
    """The constructors keep their signatures, copies and pickles."""
    assert list(inspect.signature(SignInCache).parameters) == ["path", "allow_unencrypted"]
    assert next(iter(inspect.signature(Cloud).parameters)) == "name"
    assert pickle.loads(pickle.dumps(PUBLIC)) == replace(PUBLIC) == PUBLIC


STRATEGIES = [
    lambda: DeviceCode(),
    lambda: Browser(),
    lambda: Password(username=f"ada@{CONTOSO}", password="x"),
    lambda: Fallback(DeviceCode(), Browser()),
    lambda: StaticToken("x", 9e9),
    lambda: AzureCredential(Synchronous()),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("make", STRATEGIES)
class TestStrategyAsCredential:
    """A strategy that is given to an SDK."""

    @pytest.mark.parametrize(
        "attribute", ["get_token", "get_token_info", "signed_session", "refresh_session"]
    )
    def test_what_an_sdk_asks_for_says_what_to_give_it(self, make: Any, attribute: str) -> None:
        """Also by hasattr, after which azure-storage-blob says only "Unsupported credential"."""
        for ask in (getattr, hasattr):
            told = _told(ask, make(), attribute)
            assert "management_credentials(mode=strategy)" in told
            assert "filesystem_token(mode=strategy)" in told

    def test_any_other_name_is_an_attribute_error(self, make: Any) -> None:
        """So that hasattr, copy, pickle and a debugger work."""
        strategy = make()
        assert not hasattr(strategy, "no_such_name")
        with pytest.raises(AttributeError, match=type(strategy).__name__):
            strategy.no_such_name  # noqa: B018
        assert isinstance(strategy, AuthStrategy)

    def test_as_an_azure_credential_it_is_refused_too(self, make: Any) -> None:
        """It is a mode already."""
        assert "management_credentials(mode=strategy)" in _told(AzureCredential, make())


@pytest.mark.sdk
def test_real_clients_pass_it_on(azure: Sandbox) -> None:
    """The error comes out of them as it is, and nothing is sent."""
    management = pytest.importorskip("azure.mgmt.datalake.store")
    core = pytest.importorskip("azure.datalake.store.core")
    client = management.DataLakeStoreAccountManagementClient(DeviceCode(), "subscription")
    told = _told(lambda: list(client.accounts.list()))
    assert "Give the SDK what a factory returns" in told

    def read() -> None:
        core.AzureDLFileSystem(DeviceCode(), store_name="mystore").ls("/")

    assert "Give the SDK what a factory returns" in _told(read)
    assert len(azure.log) == 0


class TestPersonalAccounts:
    """They have no tenant of their own."""

    @pytest.mark.parametrize(
        "username", ["ada@outlook.com", "ada@Hotmail.com", "ada@live.nl", "a@outlook.co.uk"]
    )
    @pytest.mark.parametrize("tenant", [None, "common", "organizations"])
    @pytest.mark.parametrize("mode", ["device_code", "browser", "password", "auto"])
    def test_without_a_tenant_it_is_told_so(
        self, azure: Sandbox, mode: Any, username: str, tenant: str | None, library: str
    ) -> None:
        """Before any network."""
        options: Any = {"username": username, "tenant": tenant, "library": library}
        if mode == "password":
            options["password"] = "x"
        told = _told(management_credentials, mode, **options)
        assert "personal account" in told
        assert "Set tenant=" in told
        assert len(azure.log) == 0

    def test_a_guest_of_a_tenant_may_sign_in(self, azure: Sandbox, library: str) -> None:
        """With a code, as any guest."""
        bob = azure.entra.person("bob@outlook.com", password=PASSWORD)
        azure.entra.invite(bob, CONTOSO)
        credentials: Any = management_credentials(
            tenant=CONTOSO,
            username="bob@outlook.com",
            library=library,
            clock=azure.clock,
            prompt=lambda prompt: azure.entra.approve(prompt.code, by=bob),
        )
        assert credentials.whoami().username == "bob@outlook.com"

    @pytest.mark.parametrize(
        "username", ["ada@outlook.example.com", "ada@notoutlook.com", "outlook.com", "ada@live"]
    )
    def test_no_other_name_is_taken_for_one(self, username: str) -> None:
        """A company may well be called so."""
        assert DeviceCode(username=username)

    def test_an_adfs_has_no_tenants_and_takes_any_login_id(self) -> None:
        """An alternate login id may be any e-mail address."""
        adfs = replace(PUBLIC, name="mine", authority="https://sts.example/adfs")
        assert DeviceCode(username="ada@outlook.com", cloud=adfs)


class TestExplain:
    """It is called as a factory is."""

    def test_it_has_the_arguments_and_defaults_of_the_factories(self) -> None:
        """So that only the name of the function is changed."""
        for factory in (management_credentials, filesystem_token):
            theirs = inspect.signature(factory).parameters
            ours = inspect.signature(explain).parameters
            assert [(one.name, one.default, one.kind) for one in ours.values()] == [
                (one.name, one.default, one.kind) for one in theirs.values()
            ]
        assert explain().mode == "device_code"

    def test_it_names_the_fallback(self) -> None:
        """And takes the options of each mode."""
        told = explain(
            "password",
            fallback=["browser", DeviceCode()],
            username="ada@contoso.com",
            password="x",
            open_browser=True,
        )
        assert told.mode == "password"
        assert "next is: 'browser', DeviceCode." in str(told)
        assert "fallback" in _told(explain, fallback="x")

    @pytest.mark.parametrize("interactive", ["yes", 0, 1])
    def test_a_wrong_flag_is_refused_as_by_a_factory(self, interactive: Any) -> None:
        """Naming it."""
        for call in CALLS:
            assert "interactive" in _told(call, interactive=interactive)

    def test_it_says_that_nobody_may_be_prompted(self) -> None:
        """As the factory would."""
        assert "interactive=False" in str(explain(interactive=False))
        assert "interactive" not in str(explain(interactive=True))
        with pytest.raises(SignInRequired):
            management_credentials(interactive=False)


@pytest.mark.usefixtures("azure")
class TestNobodyCanBePrompted:
    """The error says why, and what helps against that."""

    def test_in_ci(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where a terminal would not help."""
        monkeypatch.setenv("CI", "true")
        with pytest.raises(SignInRequired, match="the environment variable CI is set") as caught:
            management_credentials()
        assert "interactive=True" in caught.value.remedy

    def test_because_the_call_says_so(self) -> None:
        """Also with a prompt, which is not the reason then."""
        with pytest.raises(SignInRequired, match="interactive=False") as caught:
            management_credentials(prompt=print, interactive=False)
        assert "leave interactive=False out" in caught.value.remedy


@pytest.mark.parametrize("slip", ["interactiv", "interactve", "falback", "fallbacks"])
def test_a_slip_in_a_name_of_the_factorys_own(slip: str) -> None:
    """Though the strategy, which refuses it, does not take it."""
    meant = "interactive" if slip.startswith("i") else "fallback"
    for call in (management_credentials, Password):
        assert f"Did you mean {meant}=?" in _told(call, username="ada@contoso.com", **{slip: False})


@pytest.mark.parametrize("first", ["device_code", DeviceCode(), None])
def test_sign_in_async_wants_a_factory(first: Any) -> None:
    """And says how it is called."""
    with pytest.raises(ConfigurationError, match="takes a factory first") as caught:
        asyncio.run(sign_in_async(first))
    assert "sign_in_async(storage_credential, " in caught.value.remedy


# Every ConfigurationError has a remedy.

CLASSES = {"ConfigurationError", "UnsupportedByCloud", "MissingDependency"}


def test_every_configuration_error_is_made_with_a_remedy() -> None:
    """In the whole package; that of a response comes from the table of remedies."""
    package = Path(adls_enduser.__file__).parent
    without = [
        f"{path.relative_to(package)}:{node.lineno}"
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in CLASSES
        and "remedy" not in {keyword.arg for keyword in node.keywords}
    ]
    assert without == []


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (Fallback, (DeviceCode(),)),
        (Fallback, ()),
        (Fallback, (DeviceCode, Browser)),
        (Fallback, (DeviceCode(), "browser")),
        (Fallback, (DeviceCode(), DeviceCode(cloud="china"))),
        (StaticToken, ("a b",)),
        (partial(cloud_from_metadata, name=7), ("https://management.example",)),
    ],
)
def test_it_is_not_empty(call: Any, arguments: Any) -> None:
    """Also where no option is wrong."""
    assert _told(call, *arguments)


def test_an_awaited_call_is_told_the_same() -> None:
    """In the thread of its own."""
    import asyncio

    async def sign_in() -> None:
        await sign_in_async(management_credentials, tenant_id=CONTOSO)  # type: ignore[call-arg]

    assert "Write tenant= instead" in _told(lambda: asyncio.run(sign_in()))


def test_an_awaited_function_of_the_callers_own_gets_its_arguments_as_they_are() -> None:
    """Whatever they are called: only our own factories refuse options."""
    import asyncio

    given: list[object] = []

    def factory(*, access_token: str, api_key: str) -> Any:
        given.extend((access_token, api_key))

    asyncio.run(sign_in_async(factory, access_token="a", api_key="b"))
    assert given == ["a", "b"]
