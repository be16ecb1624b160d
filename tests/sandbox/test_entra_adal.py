"""The sandbox's Entra ID with the real adal."""

from __future__ import annotations

from typing import Any

import adal
import pytest

from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Person, Sandbox
from adls_enduser.sandbox.entra import AZURE_CLI

MANAGEMENT = "https://management.core.windows.net/"
DATA_LAKE = "https://datalake.azure.net/"
PASSWORD = "p&<a>\"s's;=+% wörd"  # characters that XML and forms must escape
ADA = f"ada@{CONTOSO}"
BOB = "bob@fabrikam.com"


@pytest.fixture
def ada(azure: Sandbox) -> Person:
    """A person who signs in with a password."""
    return azure.entra.person(ADA, password=PASSWORD)


def context(tenant: str = CONTOSO) -> adal.AuthenticationContext:
    """Return a new context, with an empty cache."""
    return adal.AuthenticationContext(f"https://login.microsoftonline.com/{tenant}")


def sign_in(username: str = ADA, password: str = PASSWORD, tenant: str = CONTOSO) -> Any:
    """Sign in by password."""
    return context(tenant).acquire_token_with_username_password(
        MANAGEMENT, username, password, AZURE_CLI
    )


def error_of(caught: pytest.ExceptionInfo[adal.AdalError]) -> tuple[str, int]:
    """Return the OAuth error and the AADSTS number."""
    body = caught.value.error_response
    return body["error"], body["error_codes"][0]


def test_password_signs_in(azure: Sandbox, ada: Person) -> None:
    """The right password returns a token that the sandbox's services accept."""
    token = sign_in()
    claims = azure.world.identity.check(f"Bearer {token['accessToken']}", [MANAGEMENT])
    assert (token["userId"], token["tenantId"], token["oid"]) == (ADA, CONTOSO_ID, ada.object_id)
    assert (token["resource"], token["tokenType"]) == (MANAGEMENT, "Bearer")
    assert (claims["upn"], claims["amr"]) == (ADA, ["pwd"])


@pytest.mark.parametrize("tenant", ["common", "organizations", CONTOSO_ID, CONTOSO.upper()])
def test_password_signs_in_by_every_name_of_the_tenant(ada: Person, tenant: str) -> None:
    """The tenant may be common, organizations, or an id or domain in any case."""
    assert sign_in(ADA.upper(), tenant=tenant)["tenantId"] == CONTOSO_ID


def test_wrong_password_is_refused(ada: Person) -> None:
    """A wrong password is invalid_grant, AADSTS50126, with Entra ID's message."""
    with pytest.raises(adal.AdalError) as caught:
        sign_in(password="wrong")
    assert error_of(caught) == ("invalid_grant", 50126)
    description = caught.value.error_response["error_description"]
    assert description.startswith(
        "AADSTS50126: Error validating credentials due to invalid username or password.\r\n"
        "Trace ID: "
    )


def test_password_of_a_person_with_mfa_is_refused(azure: Sandbox) -> None:
    """A person who needs a second factor cannot sign in by password."""
    azure.entra.person(ADA, password=PASSWORD, mfa=True)
    with pytest.raises(adal.AdalError) as caught:
        sign_in()
    assert error_of(caught) == ("interaction_required", 50076)
    assert caught.value.error_response["suberror"] == "basic_action"


def test_approved_device_code_signs_in(azure: Sandbox) -> None:
    """An approved device code returns a token with the person's authentication methods."""
    azure.entra.person(ADA, password=PASSWORD, mfa=True)
    adal_context = context("common")
    info = adal_context.acquire_user_code(MANAGEMENT, AZURE_CLI)
    assert azure.entra.pending_codes() == [info["user_code"]]
    azure.entra.approve(info["user_code"], by=ADA)
    token = adal_context.acquire_token_with_device_code(MANAGEMENT, info, AZURE_CLI)
    claims = azure.world.identity.check(f"Bearer {token['accessToken']}", [MANAGEMENT])
    assert (token["userId"], claims["amr"]) == (ADA, ["pwd", "mfa"])
    assert azure.entra.pending_codes() == []


def test_device_code_names_the_page(azure: Sandbox, ada: Person) -> None:
    """The response names the page, and has the message that a program prints."""
    info = context().acquire_user_code(MANAGEMENT, AZURE_CLI)
    assert info["verification_url"] == f"{azure.url}/devicelogin"
    assert (info["expires_in"], info["interval"], len(info["user_code"])) == (900, 5, 9)
    assert info["message"] == (
        f"To sign in, use a web browser to open the page {info['verification_url']}"
        f" and enter the code {info['user_code']} to authenticate."
    )


def test_approver_approves_every_code(azure: Sandbox) -> None:
    """``approves_device_codes`` approves every code at once."""
    azure.entra.person(ADA, password=PASSWORD, approves_device_codes=True)
    adal_context = context()
    info = adal_context.acquire_user_code(DATA_LAKE, AZURE_CLI)
    token = adal_context.acquire_token_with_device_code(DATA_LAKE, info, AZURE_CLI)
    assert (token["userId"], token["resource"]) == (ADA, DATA_LAKE)


def test_declined_device_code_is_refused(azure: Sandbox, ada: Person) -> None:
    """A declined device code ends the polling with authorization_declined."""
    adal_context = context()
    info = adal_context.acquire_user_code(MANAGEMENT, AZURE_CLI)
    azure.entra.decline(info["user_code"])
    with pytest.raises(adal.AdalError, match="polling state authorization_declined"):
        adal_context.acquire_token_with_device_code(MANAGEMENT, info, AZURE_CLI)


def test_expired_device_code_is_refused(azure: Sandbox, ada: Person) -> None:
    """An expired device code ends the polling with version 1.0's code_expired."""
    adal_context = context()
    info = adal_context.acquire_user_code(MANAGEMENT, AZURE_CLI)
    azure.clock.advance(900)
    with pytest.raises(adal.AdalError, match="polling state code_expired") as caught:
        adal_context.acquire_token_with_device_code(MANAGEMENT, info, AZURE_CLI)
    assert error_of(caught) == ("code_expired", 70019)


def test_second_resource_is_a_refresh(azure: Sandbox, ada: Person) -> None:
    """One sign-in returns tokens for other resources too, without a password."""
    adal_context = context()
    adal_context.acquire_token_with_username_password(MANAGEMENT, ADA, PASSWORD, AZURE_CLI)
    azure.log.clear()
    token = adal_context.acquire_token(DATA_LAKE, ADA, AZURE_CLI)
    azure.world.identity.check(f"Bearer {token['accessToken']}", [DATA_LAKE])
    assert [one.request.form["grant_type"] for one in azure.log if one.request] == ["refresh_token"]


def test_refresh_tokens_rotate(ada: Person) -> None:
    """Each refresh returns a new refresh token; the old one still works, as at Entra ID."""
    adal_context = context()
    first = sign_in()["refreshToken"]
    tokens = [
        adal_context.acquire_token_with_refresh_token(first, AZURE_CLI, DATA_LAKE)["refreshToken"]
        for _ in range(2)
    ]
    assert len({first, *tokens}) == 3


def test_unknown_authority_is_refused(azure: Sandbox, ada: Person) -> None:
    """Instance discovery fails for an unknown host, and works for an added authority."""
    azure.entra.add_authority("login.good.example")
    good = adal.AuthenticationContext(f"https://login.good.example/{CONTOSO}")
    good.acquire_token_with_username_password(MANAGEMENT, ADA, PASSWORD, AZURE_CLI)
    bad = adal.AuthenticationContext(f"https://login.bad.example/{CONTOSO}")
    with pytest.raises(adal.AdalError) as caught:
        bad.acquire_token_with_username_password(MANAGEMENT, ADA, PASSWORD, AZURE_CLI)
    assert error_of(caught) == ("invalid_instance", 50049)


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
@pytest.mark.parametrize("saml", ["1.1", "2.0"])
@pytest.mark.parametrize(
    ("versions", "path"),
    [
        (("1.3", "2005"), "/trust/13/usernamemixed"),
        (("1.3",), "/trust/13/usernamemixed"),
        (("2005",), "/trust/2005/usernamemixed"),
    ],
)
def test_federated_person_signs_in(
    azure: Sandbox, versions: tuple[str, ...], path: str, saml: str
) -> None:
    """A federated person's password goes to their own server, with either WS-Trust version."""
    azure.entra.federate("fabrikam.com", versions=versions, saml=saml)
    azure.entra.person(BOB, password=PASSWORD)
    token = sign_in(BOB, tenant="common")
    assert token["userId"] == BOB
    assert [(one.host, one.status) for one in azure.log.to(path)] == [("sts.fabrikam.com", 200)]
    [form] = [one.request.form for one in azure.log.to("/oauth2/token") if one.request]
    assert "password" not in form


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
@pytest.mark.parametrize("versions", [("1.3",), ("2005",)])
def test_wrong_federated_password_is_refused(azure: Sandbox, versions: tuple[str, ...]) -> None:
    """The federation server rejects it as AD FS does: status 500 and a SOAP fault."""
    azure.entra.federate("fabrikam.com", versions=versions)
    azure.entra.person(BOB, password=PASSWORD)
    with pytest.raises(adal.AdalError, match="http error: 500") as caught:
        sign_in(BOB, password="wrong", tenant="fabrikam.com")
    assert "FailedAuthentication" in str(caught.value)
    assert "ID3242: The security token could not be authenticated" in str(caught.value)
    assert azure.log.to("/oauth2/token") == []
