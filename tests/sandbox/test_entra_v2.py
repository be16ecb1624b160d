"""Version 2.0 of the sandbox's Entra ID with the real msal and azure-identity."""

from __future__ import annotations

from typing import Any

import jwt
import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DeviceCodeCredential, UsernamePasswordCredential

from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Person, Sandbox
from adls_enduser.sandbox.entra import AZURE_CLI

HOST = "https://login.microsoftonline.com"
MANAGEMENT = "https://management.core.windows.net/"
DATA_LAKE = "https://datalake.azure.net/"
PASSWORD = "p&<a>\"s's;=+% wörd"  # characters that XML and forms must escape
ADA = f"ada@{CONTOSO}"
BOB = "bob@fabrikam.com"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
OIDC = "openid profile offline_access"

# msal and azure-identity warn at each password sign-in that it is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]


@pytest.fixture
def ada(azure: Sandbox) -> Person:
    """A person who signs in with a password."""
    return azure.entra.person(ADA, password=PASSWORD)


def scope(resource: str) -> str:
    """Return the scope for all permissions of a resource."""
    return f"{resource}/.default"


def app(tenant: str = CONTOSO, host: str = HOST) -> msal.PublicClientApplication:
    """Return a new msal application, with an empty cache."""
    return msal.PublicClientApplication(AZURE_CLI, authority=f"{host}/{tenant}")


def by_password(client: msal.PublicClientApplication, **changes: Any) -> dict[str, Any]:
    """Sign in with msal by password."""
    requested = {"username": ADA, "password": PASSWORD, "scopes": [scope(MANAGEMENT)], **changes}
    response: dict[str, Any] = client.acquire_token_by_username_password(**requested)
    return response


def claims(azure: Sandbox, token: str, resource: str) -> dict[str, Any]:
    """Check that a service accepts a token, and return its claims."""
    return azure.world.identity.check(f"Bearer {token}", [resource])


def post(path: str, host: str = HOST, **form: str) -> requests.Response:
    """Send a form to an endpoint."""
    return requests.post(f"{host}/{path}", data=form, timeout=10)


def sign_in(tenant: str = CONTOSO, **changes: str) -> requests.Response:
    """Request a token by password; an empty value is left out."""
    form = {
        "grant_type": "password",
        "client_id": AZURE_CLI,
        "scope": f"{scope(MANAGEMENT)} {OIDC}",
        "username": ADA,
        "password": PASSWORD,
        **changes,
    }
    return post(f"{tenant}/oauth2/v2.0/token", **{key: form[key] for key in form if form[key]})


def error_of(response: requests.Response) -> tuple[int, str, int]:
    """Return the status, the OAuth error and the AADSTS number."""
    body = response.json()
    return response.status_code, body["error"], body["error_codes"][0]


def grants(azure: Sandbox) -> list[str]:
    """Return the grants that were requested since the log was cleared."""
    return [
        one.request.form["grant_type"] for one in azure.log.to("/oauth2/v2.0/token") if one.request
    ]


# msal.


def test_msal_signs_in_by_password(azure: Sandbox, ada: Person) -> None:
    """The right password returns a token that the services accept, and an account."""
    client = app()
    response = by_password(client)
    found = claims(azure, response["access_token"], MANAGEMENT)
    assert (found["aud"], found["upn"], found["amr"]) == (MANAGEMENT, ADA, ["pwd"])
    id_claims = response["id_token_claims"]
    assert (id_claims["preferred_username"], id_claims["name"], id_claims["ver"]) == (
        ADA,
        "Ada",
        "2.0",
    )
    assert (id_claims["oid"], id_claims["tid"], id_claims["aud"]) == (
        ada.object_id,
        CONTOSO_ID,
        AZURE_CLI,
    )
    [account] = client.get_accounts()
    assert account["username"] == ADA
    assert account["home_account_id"] == f"{ada.object_id}.{CONTOSO_ID}"


def test_msal_gets_the_error_of_a_wrong_password(ada: Person) -> None:
    """A wrong password is invalid_grant, AADSTS50126."""
    response = by_password(app(), password="wrong")
    assert (response["error"], response["error_codes"]) == ("invalid_grant", [50126])


def test_msal_gets_the_error_of_a_second_factor(azure: Sandbox) -> None:
    """A person who needs a second factor gets an error that names the resource."""
    azure.entra.person(ADA, password=PASSWORD, mfa=True)
    response = by_password(app())
    assert (response["error"], response["suberror"]) == ("interaction_required", "basic_action")
    assert f"to access '{MANAGEMENT}'" in response["error_description"]


def test_msal_cannot_sign_in_by_password_at_common(ada: Person) -> None:
    """A password works at /organizations and at a tenant, not at /common."""
    response = by_password(app("common"))
    assert (response["error"], response["error_codes"]) == ("invalid_request", [9001023])
    assert "access_token" in by_password(app("organizations"))


def test_msal_signs_in_by_device_code(azure: Sandbox) -> None:
    """An approved device code returns a token with the person's authentication methods."""
    grace = azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, mfa=True)
    client = app("common")
    flow = client.initiate_device_flow([scope(DATA_LAKE)])
    assert flow["verification_uri"] == f"{azure.url}/devicelogin"
    assert (flow["expires_in"], flow["interval"]) == (900, 5)
    assert flow["user_code"] in flow["message"]
    azure.entra.approve(flow["user_code"], by=grace)
    response = client.acquire_token_by_device_flow(flow)
    found = claims(azure, response["access_token"], DATA_LAKE)
    assert (found["upn"], found["amr"]) == (grace.username, ["pwd", "mfa"])


def test_msal_gets_a_declined_device_code(azure: Sandbox, ada: Person) -> None:
    """A declined device code ends the polling with authorization_declined."""
    client = app()
    flow = client.initiate_device_flow([scope(MANAGEMENT)])
    azure.entra.decline(flow["user_code"])
    assert client.acquire_token_by_device_flow(flow)["error"] == "authorization_declined"


def test_msal_gets_an_expired_device_code(azure: Sandbox, ada: Person) -> None:
    """An expired device code is expired_token, as in RFC 8628."""
    client = app()
    flow = client.initiate_device_flow([scope(MANAGEMENT)])
    azure.clock.advance(900)
    response = client.acquire_token_by_device_flow(flow)
    assert (response["error"], response["error_codes"]) == ("expired_token", [70020])


def test_msal_reaches_a_second_resource_silently(azure: Sandbox, ada: Person) -> None:
    """One sign-in returns a token for another resource, with a refresh token alone."""
    client = app()
    by_password(client)
    azure.log.clear()
    [account] = client.get_accounts()
    response = client.acquire_token_silent([scope(DATA_LAKE)], account)
    assert response is not None
    claims(azure, response["access_token"], DATA_LAKE)
    assert grants(azure) == ["refresh_token"]


def test_msal_refreshes_what_has_expired(azure: Sandbox, ada: Person) -> None:
    """A token that expires soon is replaced without the person."""
    azure.entra.token_lifetime = 1
    client = app()
    first = by_password(client)["access_token"]
    [account] = client.get_accounts()
    response = client.acquire_token_silent([scope(MANAGEMENT)], account)
    assert response is not None
    assert response["access_token"] != first


@pytest.mark.parametrize("saml", ["1.1", "2.0"])
@pytest.mark.parametrize("versions", [("1.3", "2005"), ("2005",)])
def test_msal_signs_in_a_federated_person(
    azure: Sandbox, versions: tuple[str, ...], saml: str
) -> None:
    """A federated person's password goes to their own server, and never to Entra ID."""
    azure.entra.federate("fabrikam.com", versions=versions, saml=saml)
    azure.entra.person(BOB, password=PASSWORD)
    response = by_password(app("organizations"), username=BOB)
    assert claims(azure, response["access_token"], MANAGEMENT)["upn"] == BOB
    [form] = [one.request.form for one in azure.log.to("/v2.0/token") if one.request]
    assert "password" not in form


def test_msal_accepts_an_added_authority(azure: Sandbox, ada: Person) -> None:
    """Instance discovery leads msal to version 2.0 of an authority that it does not know."""
    azure.entra.add_authority("login.good.example")
    assert "access_token" in by_password(app(host="https://login.good.example"))
    with pytest.raises(ValueError, match="invalid_instance"):
        app(host="https://login.bad.example")


def test_msal_finds_a_sign_in_by_any_name_of_the_cloud(azure: Sandbox, ada: Person) -> None:
    """The aliases of instance discovery let a cache serve the other hosts of the same cloud."""
    cache, tokens = msal.TokenCache(), []
    for host in (HOST, "https://login.windows.net"):
        client = msal.PublicClientApplication(
            AZURE_CLI, authority=f"{host}/{CONTOSO}", token_cache=cache
        )
        accounts = client.get_accounts()
        response = (
            client.acquire_token_silent([scope(MANAGEMENT)], accounts[0])
            if accounts
            else by_password(client)
        )
        assert response is not None
        tokens.append(response["access_token"])
    assert tokens[0] == tokens[1]
    assert grants(azure) == ["password"]


# azure-identity.


def test_device_code_credential_serves_two_resources(azure: Sandbox, ada: Person) -> None:
    """One device code is enough for both audiences."""
    requested: list[str] = []

    def prompt(uri: str, code: str, expires_on: object) -> None:
        requested.append(uri)
        azure.entra.approve(code)

    with DeviceCodeCredential(prompt_callback=prompt) as credential:
        for resource in (MANAGEMENT, DATA_LAKE):
            claims(azure, credential.get_token(scope(resource)).token, resource)
    assert requested == [f"{azure.url}/devicelogin"]
    assert grants(azure) == [DEVICE_CODE, "refresh_token"]


def test_username_password_credential_serves_two_resources(azure: Sandbox, ada: Person) -> None:
    """One password request is enough for both audiences."""
    with UsernamePasswordCredential(AZURE_CLI, ADA, PASSWORD, tenant_id=CONTOSO) as credential:
        for resource in (MANAGEMENT, DATA_LAKE):
            claims(azure, credential.get_token(scope(resource)).token, resource)
    assert grants(azure) == ["password", "refresh_token"]


def test_username_password_credential_raises_for_a_wrong_password(ada: Person) -> None:
    """A wrong password is a ClientAuthenticationError with Entra ID's message."""
    with (
        UsernamePasswordCredential(AZURE_CLI, ADA, "wrong", tenant_id=CONTOSO) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS50126"),
    ):
        credential.get_token(scope(MANAGEMENT))


# Requests without an SDK.


@pytest.mark.parametrize(
    ("tenant", "named"),
    [
        ("common", "common"),
        ("organizations", "organizations"),
        (CONTOSO, CONTOSO_ID),
        (CONTOSO_ID, CONTOSO_ID),
    ],
)
@pytest.mark.parametrize(("version", "path"), [("2.0", "v2.0/"), ("1.0", "")])
def test_configuration_names_the_endpoints(
    azure: Sandbox, tenant: str, named: str, version: str, path: str
) -> None:
    """Each version's configuration names its own endpoints, by the tenant's id."""
    url = f"{HOST}/{tenant}/{path}.well-known/openid-configuration"
    response = requests.get(url, timeout=10).json()
    base = f"{HOST}/{named}/oauth2/{path}"
    assert response["token_endpoint"] == f"{base}token"
    assert response["authorization_endpoint"] == f"{base}authorize"
    assert response["device_authorization_endpoint"] == f"{base}devicecode"
    assert response["jwks_uri"] == f"{HOST}/{named}/discovery/{path}keys"
    place = CONTOSO_ID if named == CONTOSO_ID else "{tenantid}"
    issuers = {"1.0": f"https://sts.windows.net/{place}/", "2.0": f"{HOST}/{place}/v2.0"}
    assert response["issuer"] == issuers[version]
    assert requests.get(response["jwks_uri"], timeout=10).ok


def test_configuration_of_an_unknown_tenant_is_refused(azure: Sandbox) -> None:
    """The configuration of an unknown tenant is an error."""
    url = f"{HOST}/nowhere.example/v2.0/.well-known/openid-configuration"
    assert error_of(requests.get(url, timeout=10)) == (400, "invalid_tenant", 90002)


def test_id_token_is_signed_by_a_published_key(azure: Sandbox, ada: Person) -> None:
    """An id token can be verified with the keys that the configuration names."""
    url = f"{HOST}/{CONTOSO}/v2.0/.well-known/openid-configuration"
    configuration = requests.get(url, timeout=10).json()
    keys = jwt.PyJWKSet.from_dict(requests.get(configuration["jwks_uri"], timeout=10).json())
    token = sign_in().json()["id_token"]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    found = jwt.decode(token, key, ["RS256"], audience=AZURE_CLI, issuer=configuration["issuer"])
    assert found["preferred_username"] == ADA


def test_token_response_is_version_2(azure: Sandbox, ada: Person) -> None:
    """Numbers are JSON numbers, and the scope says what ``.default`` stood for."""
    azure.entra.token_lifetime = 1234
    response = sign_in(client_info="1").json()
    known = {key: response[key] for key in response if not key.endswith(("_token", "_info"))}
    assert known == {
        "token_type": "Bearer",
        "scope": f"{MANAGEMENT}/user_impersonation {MANAGEMENT}/.default",
        "expires_in": 1234,
        "ext_expires_in": 1234,
        "foci": "1",
    }
    assert "client_info" in response
    assert "client_info" not in sign_in().json()


@pytest.mark.parametrize(
    ("requested", "audience"),
    [
        ("https://datalake.azure.net//.default", "https://datalake.azure.net/"),
        ("https://datalake.azure.net/.default", "https://datalake.azure.net"),
        ("https://datalake.azure.net//user_impersonation", "https://datalake.azure.net/"),
        ("https://management.azure.com/.default", "https://management.azure.com"),
        ("User.Read", "https://graph.microsoft.com"),
        ("openid", "https://graph.microsoft.com"),
    ],
)
def test_audience_is_all_before_the_last_slash(ada: Person, requested: str, audience: str) -> None:
    """The audience is the scope's resource as spelled; without a resource, Microsoft Graph."""
    token = sign_in(scope=requested).json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == audience


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("", set()),
        ("openid", {"id_token"}),
        ("offline_access", {"refresh_token", "foci"}),
        ("openid offline_access", {"id_token", "refresh_token", "foci"}),
    ],
)
def test_each_token_comes_with_its_scope(ada: Person, extra: str, expected: set[str]) -> None:
    """An id token needs the scope openid, a refresh token offline_access."""
    response = sign_in(scope=f"{scope(MANAGEMENT)} {extra}").json()
    assert {"id_token", "refresh_token", "foci"} & set(response) == expected


def test_profile_and_email_scopes(ada: Person) -> None:
    """The name in an id token needs the scope profile, the e-mail address the scope email."""

    def id_claims(extra: str) -> set[str]:
        token = sign_in(scope=f"{scope(MANAGEMENT)} openid {extra}").json()["id_token"]
        found = set(jwt.decode(token, options={"verify_signature": False}))
        return found & {"name", "preferred_username", "oid", "email"}

    assert id_claims("") == set()
    assert id_claims("profile") == {"name", "preferred_username", "oid"}
    assert id_claims("email") == {"email"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"scope": ""}, (400, "invalid_request", 900144)),
        (
            {"scope": f"{MANAGEMENT}/user_impersonation {DATA_LAKE}/user_impersonation"},
            (400, "invalid_request", 28000),
        ),
        ({"scope": f"{scope(MANAGEMENT)} {scope(DATA_LAKE)}"}, (400, "invalid_scope", 70011)),
        (
            {"scope": f"{scope(MANAGEMENT)} {MANAGEMENT}/user_impersonation"},
            (400, "invalid_scope", 70011),
        ),
        ({"scope": f"{MANAGEMENT}/everything"}, (400, "invalid_client", 650053)),
        ({"scope": "https://nobody.example/.default"}, (400, "invalid_resource", 500011)),
        ({"grant_type": "implicit"}, (400, "unsupported_grant_type", 70003)),
        ({"client_id": CONTOSO_ID}, (400, "unauthorized_client", 700016)),
        ({"username": f"nobody@{CONTOSO}"}, (400, "invalid_grant", 50034)),
        ({"tenant": "nowhere.example"}, (400, "invalid_tenant", 90002)),
        ({"tenant": "common"}, (400, "invalid_request", 9001023)),
    ],
)
def test_bad_requests_are_refused(
    ada: Person, changes: dict[str, str], expected: tuple[int, str, int]
) -> None:
    """Each invalid request has its AADSTS number."""
    response = sign_in(**changes)
    assert error_of(response) == expected
    assert "''" not in response.json()["error_description"]


def test_get_is_refused(azure: Sandbox) -> None:
    """The token endpoint accepts only POST."""
    response = requests.get(f"{HOST}/{CONTOSO}/oauth2/v2.0/token", timeout=10)
    assert error_of(response) == (400, "invalid_request", 900561)


def test_refresh_tokens_serve_both_versions(azure: Sandbox, ada: Person) -> None:
    """A refresh token of either version is accepted by the other, for any resource."""
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI}
    new = sign_in().json()["refresh_token"]
    old = post(f"{CONTOSO}/oauth2/token", **form, refresh_token=new, resource=DATA_LAKE).json()
    claims(azure, old["access_token"], DATA_LAKE)
    assert old["expires_in"] == "3600"
    token = old["refresh_token"]
    again = post(f"{CONTOSO}/oauth2/v2.0/token", **form, refresh_token=token).json()
    claims(azure, again["access_token"], DATA_LAKE)
    assert again["expires_in"] == 3600


def test_sovereign_clouds_have_version_two(azure: Sandbox) -> None:
    """A tenant of China's cloud signs in there, and its tokens are that cloud's."""
    azure.entra.tenant("contoso.partner.onmschina.cn", cloud="china")
    azure.entra.person("li@contoso.partner.onmschina.cn", password=PASSWORD)
    host, resource = "https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn/"
    response = by_password(
        app("contoso.partner.onmschina.cn", host),
        username="li@contoso.partner.onmschina.cn",
        scopes=[scope(resource)],
    )
    claims(azure, response["access_token"], resource)
    assert response["id_token_claims"]["iss"].startswith(
        "https://login.partner.microsoftonline.cn/"
    )


def test_instance_discovery_lists_aliases(azure: Sandbox) -> None:
    """Version 1.1 of instance discovery names each cloud's hosts, as msal requests them."""
    url = f"{HOST}/common/discovery/instance"
    requested = {
        "authorization_endpoint": f"{HOST}/{CONTOSO}/oauth2/v2.0/authorize",
        "api-version": "1.1",
    }
    response = requests.get(url, requested, timeout=10).json()
    found = response["tenant_discovery_endpoint"]
    assert found == f"{HOST}/{CONTOSO}/v2.0/.well-known/openid-configuration"
    assert response["metadata"][0] == {
        "preferred_network": "login.microsoftonline.com",
        "preferred_cache": "login.windows.net",
        "aliases": [
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ],
    }
    assert response["metadata"][1]["preferred_network"] == "login.partner.microsoftonline.cn"
