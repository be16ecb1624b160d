"""How a request to Entra ID may be spelled: path, tenant, resource, body; each with a source."""

from __future__ import annotations

import base64
from typing import Any

import jwt
import pytest
import requests

from adls_enduser import management_credentials
from adls_enduser.entra.aadsts import AADSTS_TABLE
from adls_enduser.errors import ConfigurationError
from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Sandbox
from adls_enduser.sandbox.entra import AZURE_CLI

from ..conftest import PASSWORD
from .test_authorize import REDIRECT, VERIFIER, address, challenge, response_fields

HOST = "https://login.microsoftonline.com"
MANAGEMENT = "https://management.core.windows.net/"
ADA = f"ada@{CONTOSO}"
DISCOVERY = "v2.0/.well-known/openid-configuration"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
DEVICE_CODE = {"client_id": AZURE_CLI, "resource": MANAGEMENT}


def password_form(**changes: str) -> dict[str, str]:
    """Return a valid password request of version 1.0, with changes."""
    form = {"grant_type": "password", "client_id": AZURE_CLI, "resource": MANAGEMENT}
    return form | {"username": ADA, "password": PASSWORD} | changes


@pytest.fixture(autouse=True)
def _ada(azure: Sandbox) -> None:
    azure.entra.person(ADA, password=PASSWORD)


def get(path: str) -> requests.Response:
    """Send a path unchanged."""
    return requests.get(f"{HOST}/{path}", timeout=10)


def token(path: str = f"{CONTOSO}/oauth2/token", **options: Any) -> requests.Response:
    """Request a token."""
    return requests.post(f"{HOST}/{path}", timeout=10, **options)


# Paths.


@pytest.mark.parametrize(
    "path", [f"common//{DISCOVERY}", f"organizations//{DISCOVERY}", f"/{CONTOSO}//{DISCOVERY}/"]
)
def test_several_slashes_count_as_one(path: str) -> None:
    """Msal asks for ``common//v2.0/...`` by default: ``msal.authority``, and it is answered 200."""
    found = get(path)
    assert found.status_code == 200
    assert "//oauth2" not in found.json()["token_endpoint"]


def test_several_slashes_in_every_path() -> None:
    """The other endpoints are found as well, in any case."""
    assert token(f"{CONTOSO}//OAuth2//token", data=password_form()).ok
    assert get("common//discovery///keys").ok
    assert get(f"common//UserRealm//{ADA}?api-version=1.0").json()["account_type"] == "Managed"


# Tenants.

LABELS = ".".join(["a" * 61] * 4)  # 247 characters.
NO_TENANTS = ["authorize", "undefined", "azurecloud", "{{tenantid}}", "a b.com", "x..y", "-a.com"]
# AzureAD/azure-activedirectory-library-for-objc #653; RFC 1123 section 2.1 has no underscore, and
# RFC 1035 section 2.3.4 no more than 253 characters.
NO_TENANTS += ["swiftmeap_tst.onmicrosoft.com", "_a.example", f"{LABELS}.abcdef", "a.\u017f"]


@pytest.mark.parametrize("tenant", NO_TENANTS)
def test_what_is_no_name_of_a_tenant(tenant: str) -> None:
    """AADSTS900023 invalid_request: recorded in microsoft/Analysis-Services #194 and others."""
    for response in (
        token(f"{tenant}/oauth2/token", data=password_form()),
        token(f"{tenant}/oauth2/v2.0/devicecode", data=DEVICE_CODE),
        get(f"{tenant}/{DISCOVERY}"),
    ):
        body = response.json()
        assert (response.status_code, body["error"]) == (400, "invalid_request")
        assert body["error_codes"] == [900023]
        assert body["error_description"].startswith(
            f"AADSTS900023: Specified tenant identifier '{tenant}' is neither a valid DNS name, nor"
            " a valid external domain."
        )


@pytest.mark.parametrize(
    "tenant", ["nobody.example", "sub.a-b.cd.example", f"{LABELS}.abcde", CONTOSO_ID[:-1] + "9"]
)
def test_a_tenant_that_does_not_exist(tenant: str) -> None:
    """A DNS name and a GUID are names of tenants; AADSTS90002 where there is none."""
    body = token(f"{tenant}/oauth2/token", data=password_form()).json()
    assert (body["error"], body["error_codes"]) == ("invalid_tenant", [90002])


def test_the_library_knows_the_number() -> None:
    """Our table has AADSTS900023, with what to do next."""
    [entry] = [one for one in AADSTS_TABLE if 900023 in one.numbers]
    assert entry.error_class is ConfigurationError
    assert "tenant=" in entry.advice


@pytest.mark.parametrize("tenant", ["consumers", "Consumers", PERSONAL])
def test_discovery_for_personal_accounts(tenant: str) -> None:
    """It is described: Microsoft, "OpenID Connect on the Microsoft identity platform"."""
    found = get(f"{tenant}/{DISCOVERY}").json()
    assert found["issuer"] == f"{HOST}/{PERSONAL}/v2.0"
    assert found["token_endpoint"] == f"{HOST}/{PERSONAL}/oauth2/v2.0/token"
    body = token(f"{tenant}/oauth2/v2.0/token", data=password_form(scope="openid")).json()
    assert body["error_codes"] == [9001023]


# Resources.

APPLICATIONS = {
    "797f4846-ba00-4fd7-ba43-dac1f8f63013": 200,
    "E9F49C6B-5CE5-44C8-925D-015017E9F7AD": 200,
    "e406a681-f3d4-42a8-90b6-c2b029497af1": 200,
    "00000002-0000-0000-c000-000000000000": 200,
    "00000003-0000-0000-c000-000000000000": 200,
    "11111111-0000-0000-c000-000000000000": 400,
}


@pytest.mark.parametrize(("resource", "status"), APPLICATIONS.items())
def test_a_resource_by_its_application_id(azure: Sandbox, resource: str, status: int) -> None:
    """The audience is spelled as in the request: adal's samples name Azure AD Graph by its id."""
    response = token(data=password_form(resource=resource))
    second = {"scope": f"{resource}/.default"}
    newer = token(f"{CONTOSO}/oauth2/v2.0/token", data=password_form(**second))
    assert (response.status_code, newer.status_code) == (status, status)
    if status == 400:
        assert response.json()["error_codes"] == [500011]
        return
    for one in (response, newer):
        claims = jwt.decode(one.json()["access_token"], options={"verify_signature": False})
        assert claims["aud"] == resource


def test_registered_permissions_count_for_both_names(azure: Sandbox) -> None:
    """A permission for a resource allows its application id, and no other."""
    lake, own = "https://datalake.azure.net/", "11111111-2222-3333-4444-555555555555"
    azure.entra.application(own, permissions=[lake])
    by_id = password_form(client_id=own, resource="e9f49c6b-5ce5-44c8-925d-015017e9f7ad")
    assert token(data=by_id).ok
    other = by_id | {"resource": "797f4846-ba00-4fd7-ba43-dac1f8f63013"}
    assert token(data=other).json()["error_codes"] == [650057]


# The resource and the person that a message names.

NOWHERE = "https://nowhere.example"
SECOND_FACTOR = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'


@pytest.mark.parametrize("grant", ["password", "refresh_token", "authorization_code", ""])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_message_names_the_resource_of_the_scope(
    azure: Sandbox, version: str, grant: str
) -> None:
    """As recorded in Azure/azure-cli #29113 for ``--scope https://x/.default``.

    The field of the other version does not count; the empty grant is a request for a device code.
    """
    lake = "https://datalake.azure.net/"
    start = {"resource": lake, "scope": f"{lake}/.default offline_access"}
    path = f"{CONTOSO}/oauth2/" + ("v2.0/" if version == "2.0" else "")
    tokens = token(f"{path}token", data=password_form(**start)).json()
    code = response_fields(azure.entra.authorize(address(version=version), ADA))["code"]
    wrong = {"resource": NOWHERE, "scope": f"{lake}/.default"}
    if version == "2.0":
        wrong = {"resource": lake, "scope": f"{NOWHERE}/.default"}
    form = password_form(**wrong, grant_type=grant, redirect_uri=REDIRECT, code_verifier=VERIFIER)
    form |= {"code": code, "refresh_token": tokens["refresh_token"]}
    body = token(path + ("token" if grant else "devicecode"), data=form).json()
    assert body["error_description"].startswith(
        f"AADSTS500011: The resource principal named {NOWHERE} was not found in the tenant named"
        f" {CONTOSO}. "
    )


def test_a_message_names_a_resource_that_is_not_registered(azure: Sandbox) -> None:
    """AADSTS650057 ends with the "Resource value from request": Microsoft's list of errors."""
    own = "11111111-2222-3333-4444-555555555555"
    azure.entra.application(own, permissions=["https://datalake.azure.net/"])
    form = password_form(
        client_id=own, resource="https://x.example", scope=f"{MANAGEMENT}/.default"
    )
    text = token(f"{CONTOSO}/oauth2/v2.0/token", data=form).json()["error_description"]
    assert f"Resource value from request: {MANAGEMENT}." in text


def test_a_message_of_the_authorize_endpoint(azure: Sandbox) -> None:
    """As at the token endpoint, azure-cli #29113; the person who is signed in is in no field."""

    def described(url: str) -> str:
        return response_fields(azure.entra.authorize(url, ADA))["error_description"]

    unknown = address(scope=f"{NOWHERE}/.default", resource=MANAGEMENT)
    assert f"named {NOWHERE} was not found in the tenant named {CONTOSO}." in described(unknown)
    step_up = address(prompt="none", resource=NOWHERE, claims=SECOND_FACTOR)
    assert "to access 'https://datalake.azure.net/'." in described(step_up)
    fabrikam = azure.entra.tenant("fabrikam.com")
    assert f"User account '{ADA}' from" in described(address(fabrikam.tenant_id, prompt="none"))


# Bodies and headers.


@pytest.mark.parametrize("version", ["", "v2.0/"])
def test_a_device_code_by_get(azure: Sandbox, version: str) -> None:
    """As Java asks: azure-data-lake-store-java ``getDeviceCodeInfo``; msal4j before its #241."""
    query = DEVICE_CODE | {"scope": f"{MANAGEMENT}/.default"}
    response = requests.get(f"{HOST}/common/oauth2/{version}devicecode", query, timeout=10)
    code = response.json()
    azure.entra.approve(code["user_code"], ADA)
    redeemed = {"grant_type": "device_code", "code": code["device_code"], "client_id": AZURE_CLI}
    assert token(f"common/oauth2/{version}token", data=redeemed | {"resource": MANAGEMENT}).ok
    missing = requests.get(f"{HOST}/common/oauth2/{version}devicecode", timeout=10).json()
    assert missing["error_codes"] == [900144]


def test_a_token_is_not_had_by_get() -> None:
    """Only the device code endpoint accepts GET; a password belongs into a body."""
    response = requests.get(f"{HOST}/{CONTOSO}/oauth2/token", password_form(), timeout=10)
    assert response.json()["error_codes"] == [900561]


@pytest.mark.parametrize("version", ["", "v2.0/"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_a_device_code_by_another_method(version: str, method: str) -> None:
    """As at the token endpoint: Microsoft's list of errors has AADSTS900561 for all endpoints."""
    url = f"{HOST}/common/oauth2/{version}devicecode"
    body = requests.request(method, url, params=DEVICE_CODE, timeout=10).json()
    assert body["error_codes"] == [900561]
    assert (
        f"only accepts GET, POST requests. Received a {method} request."
        in (body["error_description"])
    )


def test_multipart_bodies() -> None:
    """As ``curl -F`` in Microsoft's "Service-to-service authentication ... using REST API"."""
    fields = {name: (None, value) for name, value in password_form().items()}
    assert token(files=fields).ok
    assert requests.post(f"{HOST}/common/oauth2/devicecode", files=fields, timeout=10).ok
    wrong = fields | {"password": (None, "wrong")}
    assert token(files=wrong).json()["error_codes"] == [50126]


@pytest.mark.parametrize("cut", [b"", b"--x\r\nnothing", b"--other--"])
def test_a_multipart_body_that_is_none(cut: bytes) -> None:
    """A body without its boundary has no fields, and is no crash."""
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        response = token(data=cut, headers={"Content-Type": kind})
        assert response.json()["error_codes"] == [900144]


def test_a_public_client_in_http_basic() -> None:
    """RFC 6749 section 2.3.1, as oauthlib sends an id without a secret, url-encoded."""
    form = password_form()
    del form["client_id"]
    assert token(data=form, auth=(AZURE_CLI, "")).ok
    encoded = AZURE_CLI.replace("-", "%2D")
    assert token(data=form, auth=(encoded, "")).ok
    assert token(data=form, auth=(AZURE_CLI, "secret")).json()["error_codes"] == [700025]
    for value in ("Basic !", "Basic " + base64.b64encode(b"\xff").decode(), "Bearer x", "Basic"):
        response = token(data=form, headers={"Authorization": value})
        assert response.json()["error_codes"] == [900144]


# PKCE at version 1.0.


@pytest.mark.parametrize("method", ["S256", "plain", None])
def test_pkce_at_version_1(azure: Sandbox, method: str | None) -> None:
    """With plain where no method is named: Microsoft, ``v1-protocols-oauth-code``.

    docs/sandbox.md says what is not known.
    """
    redirect = "http://localhost"
    query = {"client_id": AZURE_CLI, "response_type": "code", "redirect_uri": redirect}
    query |= {"resource": MANAGEMENT}
    query["code_challenge"] = challenge() if method == "S256" else VERIFIER
    query |= {"code_challenge_method": method} if method else {}
    url = requests.Request("GET", f"{HOST}/{CONTOSO}/oauth2/authorize", params=query).prepare().url
    assert url is not None
    code = azure.entra.authorize(url, ADA).partition("code=")[2].partition("&")[0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
    form |= {"client_id": AZURE_CLI, "resource": MANAGEMENT}
    assert token(data=form).json()["error_codes"] == [50148]
    assert token(data=form | {"code_verifier": VERIFIER[::-1]}).json()["error_codes"] == [501481]
    assert token(data=form | {"code_verifier": VERIFIER}).ok


def test_the_library_says_what_to_do(azure: Sandbox, library: str) -> None:
    """With either library; most such tenants are refused before anything is sent."""
    bob = azure.entra.person(f"bob@{CONTOSO}", password=PASSWORD, refused_with=900023)
    with pytest.raises(ConfigurationError, match="Pass tenant=") as caught:
        management_credentials(
            "password", tenant=CONTOSO, username=bob.username, password=PASSWORD, library=library
        )
    assert caught.value.code == "AADSTS900023"
