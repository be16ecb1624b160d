"""Azure Storage as a resource of the sandbox's Entra ID: its own name, and its accounts' hosts."""

from __future__ import annotations

import jwt
import pytest
import requests

from adls_enduser import management_credentials
from adls_enduser.sandbox import CONTOSO, Person, Sandbox
from adls_enduser.sandbox.entra import AZURE_CLI

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, STORAGE

OWN_CLIENT = "11111111-2222-3333-4444-555555555555"
PUBLIC, CHINA, US = (
    ("login.microsoftonline.com", "public", "core.windows.net"),
    ("login.chinacloudapi.cn", "china", "core.chinacloudapi.cn"),
    ("login.microsoftonline.us", "usgovernment", "core.usgovcloudapi.net"),
)


def sign_in(host: str, version: str, resource: str, client: str = AZURE_CLI) -> requests.Response:
    """Request a token of a resource by password, at version 1.0 or 2.0."""
    path, asked = {
        "1.0": ("token", {"resource": resource}),
        "2.0": ("v2.0/token", {"scope": f"{resource}/.default openid"}),
    }[version]
    person = {"username": "li@lake.example", "password": PASSWORD}
    form = {"grant_type": "password", "client_id": client, **person, **asked}
    return requests.post(f"https://{host}/lake.example/oauth2/{path}", data=form, timeout=10)


def number(response: requests.Response) -> int:
    """Return the AADSTS number of a refusal."""
    code: int = response.json()["error_codes"][0]
    return code


@pytest.fixture(params=[PUBLIC, CHINA, US], ids=["public", "china", "usgovernment"])
def cloud(azure: Sandbox, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return the authority of a cloud, with a person in it, and the suffix of its accounts."""
    host, name, suffix = request.param
    azure.entra.tenant("lake.example", cloud=name)
    azure.entra.person("li@lake.example", password=PASSWORD)
    return host, suffix


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_audiences(cloud: tuple[str, str], version: str) -> None:
    """In every cloud: one name for all accounts, and each account's hosts; spelled as asked."""
    host, suffix = cloud
    audiences = [STORAGE, STORAGE.rstrip("/")]
    audiences += [f"https://mylake.{service}.{suffix}" for service in ("dfs", "blob", "queue")]
    audiences += [f"https://other1.blob.{suffix}/"]
    for audience in audiences:
        token = sign_in(host, version, audience).json()["access_token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["aud"] == audience


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_hosts_that_are_no_account(cloud: tuple[str, str], version: str) -> None:
    """Another cloud's, another service's, and names that no account can have."""
    host, suffix = cloud
    others = {"core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net"} - {suffix}
    wrong = [f"https://mylake.dfs.{other}" for other in sorted(others)]
    wrong += [f"https://{name}.{suffix}" for name in ("mylake.web", "my-lake.dfs", "ab.dfs", "dfs")]
    wrong += [f"https://mylake.dfs.{suffix}/box", f"http://mylake.dfs.{suffix}"]
    wrong += [f"https://mylake.dfs.{suffix}.evil.example"]
    assert [number(sign_in(host, version, one)) for one in wrong] == [500011] * len(wrong)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_application_for_storage_alone(
    azure: Sandbox, cloud: tuple[str, str], version: str
) -> None:
    """Its permission holds for the accounts' hosts too; one for Data Lake does not."""
    host, suffix = cloud
    account = f"https://mylake.blob.{suffix}"
    azure.entra.application(OWN_CLIENT, permissions=[STORAGE])
    assert sign_in(host, version, STORAGE, OWN_CLIENT).ok
    assert sign_in(host, version, account, OWN_CLIENT).ok
    azure.entra.application(OWN_CLIENT, permissions=[DATA_LAKE])
    assert number(sign_in(host, version, account, OWN_CLIENT)) == 650057


def test_our_credential(azure: Sandbox, ada: Person, library: str) -> None:
    """An SDK's scope for one account is answered without another sign-in."""
    credential = management_credentials(
        "password", tenant=CONTOSO, username=ada.username, password=PASSWORD, library=library
    )
    for scope in (
        "https://mylake.dfs.core.windows.net/.default",
        "https://mylake.blob.core.windows.net/.default",
    ):
        token = credential.get_token(scope).token
        azure.world.identity.check(f"Bearer {token}", [scope.removesuffix("/.default")])
