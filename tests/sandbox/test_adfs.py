"""The sandbox's AD FS: its responses, and sign-ins with the real adal and msal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import adal
import jwt
import msal
import pytest
import requests

from adls_enduser.sandbox import Sandbox, SandboxClock
from adls_enduser.sandbox.entra import AZURE_CLI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adls_enduser.sandbox import Person

HOST = "adfs.contoso.example"
RESOURCE = "https://management.stack.example/4de154de"
PASSWORD = "pass word"


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Run a sandbox with an AD FS and a frozen clock."""
    with Sandbox(clock=SandboxClock(frozen=True)) as sandbox:
        sandbox.entra.add_adfs(HOST, resources=[RESOURCE])
        yield sandbox


@pytest.fixture
def lin(azure: Sandbox) -> Person:
    """A person who signs in with a password."""
    return azure.entra.person("lin@contoso.example", password=PASSWORD)


def _post(path: str, **form: str) -> requests.Response:
    form = {"client_id": AZURE_CLI, "resource": RESOURCE, **form}
    return requests.post(f"https://{HOST}/adfs/oauth2/{path}", data=form, timeout=10)


def _sign_in(**form: str) -> requests.Response:
    form = {"username": "lin@contoso.example", "password": PASSWORD, "scope": "openid", **form}
    return _post("token", grant_type="password", **form)


def test_token_response_has_neither_resource_nor_family(lin: Person) -> None:
    """Numbers are JSON numbers, the type is in lower case, and the id token names no tenant."""
    response = _sign_in().json()
    assert (response["token_type"], response["expires_in"]) == ("bearer", 3600)
    assert response["refresh_token_expires_in"] == 28800
    assert not {"resource", "foci", "expires_on", "client_info"} & response.keys()
    claims = jwt.decode(response["id_token"], options={"verify_signature": False})
    assert (claims["upn"], claims["iss"]) == (lin.username, f"https://{HOST}/adfs")
    assert not {"tid", "oid", "preferred_username"} & claims.keys()
    assert "id_token" not in _sign_in(scope="").json()


def test_refresh_returns_no_refresh_token(lin: Person) -> None:
    """A refresh returns no refresh token; Entra ID rejects a refresh token of an AD FS."""
    token = _sign_in().json()["refresh_token"]
    response = _post("token", grant_type="refresh_token", refresh_token=token).json()
    assert "refresh_token" not in response
    assert response["access_token"]
    refused = requests.post(
        "https://login.microsoftonline.com/common/oauth2/token",
        data={"grant_type": "refresh_token", "refresh_token": token, "client_id": AZURE_CLI},
        timeout=10,
    )
    assert refused.json()["error_codes"] == [70000]


def test_resource_may_be_part_of_the_scope(azure: Sandbox, lin: Person) -> None:
    """AD FS 2019 accepts the resource as part of the scope."""
    response = _sign_in(resource="", scope=f"{RESOURCE}/user_impersonation openid").json()
    azure.world.identity.check(f"Bearer {response['access_token']}", [RESOURCE])


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({"password": "wrong"}, 400, "invalid_grant", "MSIS9659"),
        ({"username": "nobody@contoso.example"}, 400, "invalid_grant", "MSIS9659"),
        ({"client_id": "unknown"}, 400, "invalid_client", "MSIS9607"),
        ({"resource": "https://elsewhere.example"}, 400, "invalid_resource", "MSIS9602"),
    ],
)
def test_errors_have_msis_numbers(
    lin: Person, form: dict[str, str], status: int, error: str, number: str
) -> None:
    """An error has two fields, and its message begins with an MSIS number."""
    response = _sign_in(**form)
    assert response.status_code == status
    assert response.json().keys() == {"error", "error_description"}
    assert response.json()["error"] == error
    assert response.json()["error_description"].startswith(f"{number}: ")


def test_other_errors(azure: Sandbox, lin: Person) -> None:
    """An unknown grant, a missing client, a revoked refresh token and another path are rejected."""
    assert _post("token", grant_type="magic").json()["error"] == "unsupported_grant_type"
    assert _post("devicecode", client_id="").json()["error"] == "invalid_request"
    token = _sign_in().json()["refresh_token"]
    azure.entra.revoke_refresh_tokens(lin)
    dead = _post("token", grant_type="refresh_token", refresh_token=token)
    assert (dead.status_code, dead.json()["error"]) == (401, "invalid_grant")
    realm = f"https://{HOST}/common/UserRealm/lin@contoso.example?api-version=1.0"
    assert requests.get(realm, timeout=10).status_code == 404


def test_device_code(azure: Sandbox, lin: Person) -> None:
    """A device code is requested as in RFC 8628, and redeemed under both parameter names."""
    flow = _post("devicecode", scope="openid").json()
    assert "verification_url" not in flow
    assert flow["verification_uri_complete"].endswith(flow["user_code"])
    poll: dict[str, str] = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    poll["device_code"] = flow["device_code"]
    assert _post("token", **poll).json()["error"] == "authorization_pending"
    assert _post("token", **poll).json()["error"] == "slow_down"
    azure.entra.approve(flow["user_code"])
    response = _post("token", grant_type="device_code", code=flow["device_code"])
    assert response.json()["id_token"]


def _authorize(azure: Sandbox, lin: Person, accepts: bool = True, **more: str) -> dict[str, str]:
    form = {"client_id": AZURE_CLI, "response_type": "code", "resource": RESOURCE}
    form |= {"redirect_uri": "http://localhost:5", "state": "s", "scope": "openid", **more}
    page = f"https://{HOST}/adfs/oauth2/authorize?{urlencode(form)}"
    arrived = urlsplit(azure.entra.authorize(page, by=lin, accepts=accepts))
    assert arrived.netloc == "localhost:5"
    return dict(parse_qsl(arrived.query))


def test_authorization_code_works_once(azure: Sandbox, lin: Person) -> None:
    """An authorization code works once, with its own redirect URI, and returns an id token."""
    response = _authorize(azure, lin)
    assert response.keys() == {"code", "state"}
    form = {"grant_type": "authorization_code", "code": response["code"]}
    wrong = _post("token", **form, redirect_uri="http://localhost:6")
    assert wrong.json()["error_description"].startswith("MSIS9612: ")
    good = _post("token", **form, redirect_uri="http://localhost:5")
    azure.world.identity.check(f"Bearer {good.json()['access_token']}", [RESOURCE])
    assert good.json()["id_token"]
    again = _post("token", **form, redirect_uri="http://localhost:5")
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_authorize_checks_prompt_and_target(azure: Sandbox, lin: Person) -> None:
    """AD FS accepts two prompt values; an untrusted request is an error without a redirect."""
    for prompt in ("login", "none"):
        assert "code" in _authorize(azure, lin, prompt=prompt)
    assert _authorize(azure, lin, prompt="select_account")["error"] == "invalid_request"
    assert _authorize(azure, lin, accepts=False)["error"] == "access_denied"
    assert _authorize(azure, lin, resource="https://x")["error"] == "invalid_resource"
    for more in ({"redirect_uri": "https://evil.example"}, {"client_id": "unknown"}):
        with pytest.raises(ValueError, match="shows AADSTS"):
            _authorize(azure, lin, **more)
    with pytest.raises(ValueError, match="no authorize endpoint"):
        azure.entra.authorize(f"https://{HOST}/adfs/oauth2/token", by=lin)


def test_real_adal(azure: Sandbox, lin: Person) -> None:
    """The real adal signs in by password, device code, refresh token and code."""
    context: Any = adal.AuthenticationContext(f"https://{HOST}/adfs", validate_authority=False)
    token = context.acquire_token_with_username_password(
        RESOURCE, lin.username, PASSWORD, AZURE_CLI
    )
    assert (token["userId"], "tenantId" in token) == (lin.username, False)
    assert context.acquire_token_with_refresh_token(token["refreshToken"], AZURE_CLI, RESOURCE)
    flow = context.acquire_user_code(RESOURCE, AZURE_CLI)
    azure.entra.approve(flow["user_code"])
    assert context.acquire_token_with_device_code(RESOURCE, flow, AZURE_CLI)["accessToken"]
    code = _authorize(azure, lin)["code"]
    back = "http://localhost:5"
    token = context.acquire_token_with_authorization_code(code, back, RESOURCE, AZURE_CLI)
    assert token["userId"] == lin.username
    assert {one.host for one in azure.log} == {HOST}


def test_real_msal(azure: Sandbox, lin: Person) -> None:
    """Msal does the same, with the endpoints of the configuration document."""
    app = msal.PublicClientApplication(AZURE_CLI, authority=f"https://{HOST}/adfs")
    scopes = [f"{RESOURCE}/.default"]
    with pytest.warns(DeprecationWarning, match="deprecated"):
        response = app.acquire_token_by_username_password(lin.username, PASSWORD, scopes)
    assert response["id_token_claims"]["upn"] == lin.username
    flow = app.initiate_device_flow(scopes)
    azure.entra.approve(flow["user_code"])
    assert app.acquire_token_by_device_flow(flow)["access_token"]
    flow = app.initiate_auth_code_flow(scopes, "http://localhost:5", response_mode="form_post")
    page = flow["auth_uri"].replace("form_post", "query")
    response = dict(parse_qsl(urlsplit(azure.entra.authorize(page, by=lin)).query))
    assert app.acquire_token_by_auth_code_flow(flow, response)["id_token_claims"]["nonce"]
    (account, *_) = app.get_accounts()
    assert app.acquire_token_silent(scopes, account, force_refresh=True)["access_token"]
    assert {one.host for one in azure.log} == {HOST}


def test_client_and_form_in_other_places(lin: Person) -> None:
    """The id by HTTP Basic, as the configuration document lists it, and a multipart form."""
    fields = {"grant_type": "password", "resource": RESOURCE, "username": lin.username}
    fields["password"] = PASSWORD
    url = f"https://{HOST}/adfs/oauth2/token"
    assert requests.post(url, fields, auth=(AZURE_CLI, ""), timeout=10).ok
    parts = {name: (None, value) for name, value in {**fields, "client_id": AZURE_CLI}.items()}
    assert requests.post(url, files=parts, timeout=10).ok
