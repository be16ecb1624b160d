"""storage_credential: one sign-in for Azure Storage, and for the other two factories."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import TokenCredential
from azure.identity import DeviceCodeCredential

from adls_enduser import (
    CHINA,
    PUBLIC,
    US_GOVERNMENT,
    AzureCli,
    AzureCredential,
    Browser,
    ConfigurationError,
    DeviceCode,
    Fallback,
    InvalidCredentials,
    Password,
    SignInCache,
    SignInRequired,
    StaticToken,
    UnsupportedByCloud,
    filesystem_token,
    management_credentials,
    storage_credential,
)
from adls_enduser.credentials.credential import Credential
from adls_enduser.sandbox import CONTOSO
from adls_enduser.testing import CredentialContract
from adls_enduser.testing.strategies import CHALLENGE

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, STORAGE, TOKEN_PATH
from ..strategies.test_azure_cli import az, signed_in  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock


class Signer:
    """A person who answers each prompt, and counts them."""

    def __init__(self, azure: Sandbox, grace: Person) -> None:
        self.azure, self.grace, self.asked = azure, grace, 0

    def password(self) -> str:
        """Type the password."""
        self.asked += 1
        return PASSWORD

    def code(self, prompt: Any, *more: object) -> None:
        """Approve a device code; azure-identity gives URL, code and expiry instead of a prompt."""
        self.asked += 1
        self.azure.entra.approve(more[0] if more else prompt.code, by=self.grace)

    def page(self, prompt: Any) -> None:
        """Sign in on the page."""
        self.asked += 1
        self.azure.entra.browse(prompt.url, by=self.grace)


@pytest.fixture
def signer(azure: Sandbox, grace: Person) -> Signer:
    """Grace, who must show a second factor."""
    return Signer(azure, grace)


def _by_password(signer: Signer, **own: Any) -> Any:
    ada = signer.azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    return Password(username=ada.username, password=signer.password, **own)


def _by_code(signer: Signer, **own: Any) -> Any:
    return DeviceCode(prompt=signer.code, **own)


def _by_browser(signer: Signer, **own: Any) -> Any:
    return Browser(prompt=signer.page, **own)


def _by_fallback(signer: Signer, **own: Any) -> Any:
    refused = Password(username=signer.grace.username, password=PASSWORD, **own)
    return Fallback(refused, Browser(prompt=signer.page, **own))


STRATEGIES = [_by_password, _by_code, _by_browser, _by_fallback]


@pytest.fixture(params=STRATEGIES)
def strategy(
    request: pytest.FixtureRequest, signer: Signer, clock: SandboxClock, library: str
) -> Any:
    """Every mode that signs in at Entra ID, with either library."""
    return request.param(signer, tenant=CONTOSO, clock=clock, library=library)


@pytest.fixture
def credential(strategy: Any) -> Any:
    """What the factory gives for each of them."""
    return storage_credential(strategy)


class TestContract(CredentialContract):
    """It is a credential as the others are."""

    resource = STORAGE


def _audiences(azure: Sandbox) -> set[str]:
    """Return the audiences that Entra ID was asked for, by either version."""
    found = set()
    for one in azure.log:
        form = one.request.form if one.request else {}
        scopes = form.get("scope", "").split()
        found |= {form.get("resource", "")} | {scope for scope in scopes if "://" in scope}
    return {f"{one.removesuffix('.default').rstrip('/')}/" for one in found - {""}}


def test_no_other_audience_is_asked_for(credential: Any, azure: Sandbox) -> None:
    """So an application that is consented to Azure Storage alone is enough; also to renew."""
    assert credential.get_token(f"{STORAGE}.default").token
    azure.clock.advance(3601)
    token = credential.get_token("https://storage.azure.com//.default").token
    assert azure.world.identity.check(f"Bearer {token}", [STORAGE])
    assert _audiences(azure) == {STORAGE}


FACTORIES = [management_credentials, filesystem_token, storage_credential]


@pytest.mark.parametrize("first", range(3))
def test_one_strategy_asks_once_for_three_factories(
    strategy: Any, signer: Signer, azure: Sandbox, first: int
) -> None:
    """In whichever order they are called; and no renewal asks again."""
    factories = FACTORIES[first:] + FACTORIES[:first]
    credentials = [factory(strategy) for factory in factories]
    assert signer.asked == 1
    resources = {one.token_source.resource for one in credentials}
    assert resources == {MANAGEMENT, DATA_LAKE, STORAGE}
    assert len({one.whoami() for one in credentials}) == 1
    assert len({one.token_source.sign_in_id for one in credentials}) == 1
    azure.clock.advance(3601)
    for one in credentials:
        assert one.get_token(f"{one.token_source.resource}.default").token
    assert signer.asked == 1


def test_it_asks_once_with_the_modes_of_others(
    signer: Signer,
    clock: SandboxClock,
    signed_in: Any,  # noqa: F811
) -> None:
    """azure-identity's credential prompts once, and ``az`` never."""
    theirs = DeviceCodeCredential(
        client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        tenant_id=CONTOSO,
        prompt_callback=signer.code,
        disable_automatic_authentication=True,
    )
    strategy = AzureCredential(theirs)
    credentials = [factory(strategy, interactive=True) for factory in FACTORIES]
    assert signer.asked == 1
    assert {one.whoami().username for one in credentials} == {signer.grace.username}
    az_cli = AzureCli()
    assert [factory(az_cli, interactive=False).whoami() for factory in FACTORIES]


@pytest.mark.parametrize("mode", ["password", "device_code", "mfa", "browser", "auto"])
def test_it_takes_every_mode_by_name(
    signer: Signer, clock: SandboxClock, library: Any, mode: Any
) -> None:
    """With the options of the other factories; a name is a new sign-in each time."""
    options: dict[str, Any] = {"tenant": CONTOSO, "clock": clock, "library": library}
    if mode == "password":
        signer.azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        options |= {"username": f"ada@{CONTOSO}", "password": signer.password}
    else:
        options["prompt"] = signer.page if mode == "browser" else signer.code
    if mode == "auto":
        options["open_browser"] = False
    first, second = (storage_credential(mode, **options) for _ in range(2))
    assert signer.asked == 2
    assert first.get_token(f"{STORAGE}.default").token
    assert repr(first) != repr(second), "two sign-ins"


def test_fallback_and_cache(
    signer: Signer,
    clock: SandboxClock,
    library: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They work as in the other factories; the next program asks nobody."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    cache = SignInCache(tmp_path / "sign-ins", allow_unencrypted=True)
    options: Any = {
        "tenant": CONTOSO,
        "username": signer.grace.username,
        "cache": cache,
        "library": library,
        "clock": clock,
    }
    with pytest.warns(UserWarning, match="without encryption"):
        storage_credential(
            "password", fallback="mfa", password=PASSWORD, prompt=signer.code, **options
        )
    again = storage_credential("mfa", interactive=False, **options)
    assert again.get_token(f"{STORAGE}.default").token
    assert signer.asked == 1


def test_what_it_is(credential: Any) -> None:
    """azure-core's protocol, and no class of an older SDK."""
    assert isinstance(credential, TokenCredential)
    others = [one for one in type(credential).__mro__ if one not in (object, Credential)]
    assert {one.__module__ for one in others} == {"adls_enduser.credentials.storage"}
    token = asyncio.run(credential.aio().get_token(f"{STORAGE}.default"))
    assert token.token == credential.get_token(f"{STORAGE}.default").token


def test_claims_reach_entra_id(signer: Signer, clock: SandboxClock) -> None:
    """By msal; adal refuses them before any network."""
    options: Any = {"tenant": CONTOSO, "clock": clock, "prompt": signer.code}
    credential = storage_credential("mfa", library="msal", **options)
    first = credential.get_token(f"{STORAGE}.default").token
    assert credential.get_token(f"{STORAGE}.default", claims=CHALLENGE).token != first
    assert credential.get_token(f"{STORAGE}.default", enable_cae=True).token
    assert signer.asked == 1
    credential = storage_credential("mfa", library="adal", **options)
    signer.azure.log.clear()
    with pytest.raises(ConfigurationError, match="claims"):
        credential.get_token(f"{STORAGE}.default", claims=CHALLENGE)
    assert len(signer.azure.log) == 0


@pytest.mark.parametrize("cloud", ["china", "us_government"])
def test_the_clouds_without_gen1_have_it(azure: Sandbox, clock: SandboxClock, cloud: Any) -> None:
    """UnsupportedByCloud names it, and it signs in at that cloud's own authority."""
    with pytest.raises(UnsupportedByCloud) as caught:
        filesystem_token(DeviceCode(cloud=cloud))
    assert "storage_credential" in caught.value.remedy
    azure.entra.tenant("sovereign.example", cloud=cloud.replace("_", ""))
    azure.entra.person("ada@sovereign.example", password=PASSWORD)
    options: Any = {"tenant": "sovereign.example", "cloud": cloud, "clock": clock}
    credential = storage_credential(
        "password", username="ada@sovereign.example", password=PASSWORD, **options
    )
    assert credential.get_token(f"{STORAGE}.default").token
    hosts = {"china": "login.chinacloudapi.cn", "us_government": "login.microsoftonline.us"}
    assert {one.host for one in azure.log} == {hosts[cloud]}


@pytest.mark.parametrize("cloud", [PUBLIC, CHINA, US_GOVERNMENT])
def test_a_refusal_names_the_factory(azure: Sandbox, ada: Person, cloud: Any) -> None:
    """The next call in a remedy is this one's."""
    with pytest.raises(SignInRequired) as caught:
        storage_credential(DeviceCode(cloud=cloud, tenant="x.example"), interactive=False)
    assert "storage_credential(" in caught.value.remedy
    with pytest.raises(InvalidCredentials) as refused:
        storage_credential("password", username=ada.username, password="x", tenant=CONTOSO)
    assert "management_credentials" not in f"{refused.value} {refused.value.remedy}"


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        (["device-code"], {}, "mode='device-code'"),
        ([], {"scopes": ["x"]}, "scopes"),
        ([], {"interactive": "no"}, "interactive"),
        (["password"], {"fallback": "borwser"}, "fallback"),
        ([DeviceCode], {}, "mode"),
        ([DeviceCode()], {"tenant": CONTOSO}, "tenant"),
    ],
)
def test_a_wrong_call_is_refused_before_any_network(
    azure: Sandbox, arguments: Any, options: Any, named: str
) -> None:
    """In the words of the other factories."""
    with pytest.raises(ConfigurationError, match=named):
        storage_credential(*arguments, **options)
    assert len(azure.log) == 0


LOADED = """
import sys, time
from adls_enduser import StaticToken, storage_credential
credential = storage_credential(StaticToken("opaque", time.time() + 3600))
print(repr(credential)[:9], credential.whoami(), bool(credential.aio()))
print(sorted({one.split(".")[0] for one in sys.modules} & set(sys.argv[1:])))
assert credential.get_token("https://storage.azure.com/.default").token == "opaque"
names = {"msrestazure", "msrest", "azure.datalake", "adal", "requests", "azure.identity"}
print(sorted(names & set(sys.modules)))
"""


def test_it_loads_no_package_before_it_is_needed() -> None:
    """Neither the older SDKs at any time, nor azure-core before an SDK asks for a token."""
    foreign = ["azure", "requests", "msrestazure", "msrest", "adal", "msal", "cryptography"]
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *foreign], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[1:] == ["[]", "[]"], done.stdout


def test_it_loads_only_what_a_sign_in_needs(azure: Sandbox, ada: Person) -> None:
    """A sign-in by password loads adal, or msal, and no SDK of the other two factories."""
    program = (
        "import sys; from adls_enduser import storage_credential;"
        f"storage_credential('password', username={ada.username!r}, password={PASSWORD!r},"
        f" tenant={CONTOSO!r}, library=sys.argv[1]).get_token('{STORAGE}.default');"
        "print(sorted({'msrestazure', 'msrest', 'azure.datalake', 'adal', 'msal'}"
        " & set(sys.modules)))"
    )
    for library in ("adal", "msal"):
        done = subprocess.run(
            [sys.executable, "-c", program, library],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | azure.environment,
        )
        assert done.stdout.strip() == f"['{library}']"


def test_a_token_of_ones_own_serves(clock: SandboxClock) -> None:
    """StaticToken works, and its audience is checked."""
    credential = storage_credential(StaticToken("opaque", clock.time() + 60, clock=clock))
    assert credential.get_token(f"{STORAGE}.default").token == "opaque"
    elsewhere = StaticToken("opaque", clock.time() + 60, clock=clock, resource=MANAGEMENT)
    with pytest.raises(ConfigurationError, match=r"not for https://storage"):
        storage_credential(elsewhere)


def test_the_pickled_one_works_without_a_request(credential: Any, azure: Sandbox) -> None:
    """It has its token since it was made."""
    azure.log.clear()
    there = pickle.loads(pickle.dumps(credential))
    assert there.get_token(f"{STORAGE}.default") == credential.get_token(f"{STORAGE}.default")
    assert [one for one in azure.log if TOKEN_PATH in one.path] == []
