"""Version 1.0 of the sandbox's Entra ID: fields, headers, errors, times."""

from __future__ import annotations

import base64
import re
import uuid
from typing import Any
from xml.sax.saxutils import escape

import jwt
import pytest
import requests

from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Person, Sandbox
from adls_enduser.sandbox.entra import AZURE_CLI

from ..conftest import PASSWORD

MANAGEMENT = "https://management.core.windows.net/"
DATA_LAKE = "https://datalake.azure.net/"
ADA = f"ada@{CONTOSO}"
HOST = "login.microsoftonline.com"
OWN_CLIENT = "11111111-2222-3333-4444-555555555555"


def post(path: str, host: str = HOST, **form: str) -> requests.Response:
    """Send a form to an endpoint."""
    return requests.post(f"https://{host}/{path}", data=form, timeout=10)


def password_form(**changes: str) -> dict[str, str]:
    """Return a valid password request, with changes; an empty value is left out."""
    form = {
        "grant_type": "password",
        "scope": "openid",
        "client_id": AZURE_CLI,
        "resource": MANAGEMENT,
        "username": ADA,
        "password": PASSWORD,
        **changes,
    }
    return {name: value for name, value in form.items() if value}


def sign_in(tenant: str = CONTOSO, host: str = HOST, **changes: str) -> requests.Response:
    """Request a token by password."""
    return post(f"{tenant}/oauth2/token", host, **password_form(**changes))


def refresh(token: str, tenant: str = CONTOSO, host: str = HOST, **changes: str) -> Any:
    """Request a token by refresh token."""
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": token}
    return post(f"{tenant}/oauth2/token", host, **{**form, **changes})


def device_code(tenant: str = CONTOSO, **changes: str) -> Any:
    """Request a device code."""
    form = {"client_id": AZURE_CLI, "resource": MANAGEMENT, **changes}
    return post(f"{tenant}/oauth2/devicecode?api-version=1.0", **form).json()


def poll(code: dict[str, str], **changes: str) -> requests.Response:
    """Request the token of a device code."""
    form = {"grant_type": "device_code", "client_id": AZURE_CLI, "code": code["device_code"]}
    return post(f"{CONTOSO}/oauth2/token", **{**form, "resource": MANAGEMENT, **changes})


def error_of(response: requests.Response) -> tuple[int, str, int]:
    """Return the status, the OAuth error and the AADSTS number."""
    body = response.json()
    return response.status_code, body["error"], body["error_codes"][0]


def test_token_response_is_version_1(azure: Sandbox, ada: Person) -> None:
    """Every field of a token response is a string; times are those of the service's clock."""
    azure.clock.skew = 100
    azure.entra.token_lifetime = 1234
    response = sign_in().json()
    now = int(azure.clock.time()) + 100
    known = {key: response[key] for key in response if not key.endswith("_token")}
    assert known == {
        "token_type": "Bearer",
        "scope": "user_impersonation",
        "expires_in": "1234",
        "ext_expires_in": "1234",
        "expires_on": str(now + 1234),
        "not_before": str(now),
        "resource": MANAGEMENT,
        "foci": "1",
    }


def test_access_token_has_the_claims_of_entra(azure: Sandbox, ada: Person) -> None:
    """An access token is RS256, has the audience as spelled, and is of the person's tenant."""
    spelled = MANAGEMENT.rstrip("/")
    token = sign_in(resource=spelled).json()["access_token"]
    claims = azure.world.identity.check(f"Bearer {token}", [MANAGEMENT])
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    assert claims["aud"] == spelled
    assert claims["iss"] == f"https://sts.windows.net/{CONTOSO_ID}/"
    assert (claims["tid"], claims["oid"]) == (CONTOSO_ID, ada.object_id)
    assert (claims["upn"], claims["appid"], claims["ver"]) == (ADA, AZURE_CLI, "1.0")
    assert claims["exp"] - claims["iat"] == 3600


def test_id_token_comes_for_openid_only(ada: Person) -> None:
    """The password grant returns an id token only if the scope contains openid."""
    token = sign_in().json()["id_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["aud"], claims["upn"], claims["tid"]) == (AZURE_CLI, ADA, CONTOSO_ID)
    assert "id_token" not in sign_in(scope="").json()


def test_error_response_has_ids_and_time(azure: Sandbox, ada: Person) -> None:
    """Body and headers of an error contain the ids and the time that support needs."""
    request_id = str(uuid.uuid4())
    headers = {"client-request-id": request_id, "return-client-request-id": "true"}
    response = requests.post(
        f"https://{HOST}/{CONTOSO}/oauth2/token",
        password_form(password="wrong"),
        headers=headers,
        timeout=10,
    )
    body = response.json()
    assert error_of(response) == (400, "invalid_grant", 50126)
    assert (body["correlation_id"], response.headers["client-request-id"]) == (
        request_id,
        request_id,
    )
    assert body["trace_id"] == response.headers["x-ms-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", body["timestamp"])
    assert body["error_uri"] == f"https://{HOST}/error?code=50126"
    assert body["error_description"].split("\r\n")[1:] == [
        f"Trace ID: {body['trace_id']}",
        f"Correlation ID: {request_id}",
        f"Timestamp: {body['timestamp']}",
    ]
    assert "no-store" in response.headers["Cache-Control"]


def test_correlation_id_that_is_no_guid_is_replaced(ada: Person) -> None:
    """A client's own request id is returned only if it is a GUID."""
    url, form = f"https://{HOST}/{CONTOSO}/oauth2/token", password_form(password="wrong")
    headers = {"client-request-id": "<script>"}
    response = requests.post(url, form, headers=headers, timeout=10)
    uuid.UUID(response.json()["correlation_id"])
    assert "client-request-id" not in response.headers


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grant_type": ""}, (400, "invalid_request", 900144)),
        ({"client_id": ""}, (400, "invalid_request", 900144)),
        ({"resource": ""}, (400, "invalid_request", 900144)),
        ({"username": ""}, (400, "invalid_request", 900144)),
        ({"password": ""}, (400, "invalid_request", 900144)),
        ({"grant_type": "implicit"}, (400, "unsupported_grant_type", 70003)),
        ({"client_id": OWN_CLIENT}, (400, "unauthorized_client", 700016)),
        ({"client_secret": "x"}, (401, "invalid_client", 700025)),
        ({"resource": "https://nobody.example/"}, (400, "invalid_resource", 500011)),
        ({"username": f"nobody@{CONTOSO}"}, (400, "invalid_grant", 50034)),
        ({"username": "bob@fabrikam.com"}, (400, "invalid_grant", 50034)),
        ({"tenant": "nowhere.example"}, (400, "invalid_tenant", 90002)),
        ({"tenant": str(uuid.uuid4())}, (400, "invalid_tenant", 90002)),
        ({"tenant": "common", "username": "x@nowhere.example"}, (400, "invalid_tenant", 90002)),
        ({"tenant": "common", "username": "nobody"}, (400, "invalid_grant", 50034)),
        ({"tenant": "consumers"}, (400, "invalid_request", 9001023)),
        ({"host": "login.chinacloudapi.cn"}, (400, "invalid_request", 90038)),
        ({"host": "login.windows.net", "password": "x"}, (400, "invalid_grant", 50126)),
    ],
)
def test_bad_requests_are_refused(
    azure: Sandbox, ada: Person, changes: dict[str, str], expected: tuple[int, str, int]
) -> None:
    """Each invalid request has its AADSTS number."""
    azure.entra.person("bob@fabrikam.com", password=PASSWORD)
    assert error_of(sign_in(**changes)) == expected


@pytest.mark.parametrize(
    ("registered", "expected"),
    [
        ({}, (200, "", 0)),
        ({"enabled": False}, (400, "unauthorized_client", 7000112)),
        ({"public_client": False}, (401, "invalid_client", 7000218)),
        ({"consented": False}, (400, "invalid_grant", 65001)),
        ({"permissions": [DATA_LAKE]}, (400, "invalid_resource", 650057)),
        ({"permissions": [MANAGEMENT.rstrip("/")]}, (200, "", 0)),
    ],
)
def test_own_applications_are_checked(
    azure: Sandbox, ada: Person, registered: dict[str, Any], expected: tuple[int, str, int]
) -> None:
    """An application may request what it is registered for, and nothing else."""
    azure.entra.application(OWN_CLIENT, **registered)
    response = sign_in(client_id=OWN_CLIENT)
    if response.ok:
        assert "foci" not in response.json()
    assert (error_of(response) if not response.ok else (200, "", 0)) == expected


def test_get_is_refused_and_unknown_paths_are_not_found(azure: Sandbox) -> None:
    """The token endpoint accepts only POST; unknown paths are 404."""
    url = f"https://{HOST}/{CONTOSO}/oauth2/token"
    assert error_of(requests.get(url, timeout=10)) == (400, "invalid_request", 900561)
    assert requests.post(f"{url}/else", timeout=10).status_code == 404
    assert requests.get(f"https://{HOST}/", timeout=10).status_code == 404


def test_ten_wrong_passwords_lock_the_account(azure: Sandbox, ada: Person) -> None:
    """After ten wrong passwords in a row even the right one is rejected, for a minute."""
    assert [error_of(sign_in(password="wrong"))[2] for _ in range(9)] == [50126] * 9
    assert sign_in().ok
    assert [error_of(sign_in(password="wrong"))[2] for _ in range(10)] == [50126] * 10
    assert error_of(sign_in()) == (400, "invalid_grant", 50053)
    azure.clock.advance(60)
    assert sign_in().ok


def test_sovereign_tenant_is_known_in_its_own_cloud_only(azure: Sandbox) -> None:
    """A tenant of China's cloud signs in there, for that cloud's resources."""
    azure.entra.tenant("contoso.partner.onmschina.cn", cloud="china")
    azure.entra.person("li@contoso.partner.onmschina.cn", password=PASSWORD)
    changes = {
        "username": "li@contoso.partner.onmschina.cn",
        "resource": "https://management.core.chinacloudapi.cn/",
        "tenant": "contoso.partner.onmschina.cn",
    }
    response = sign_in(host="login.chinacloudapi.cn", **changes)
    assert response.json()["resource"] == changes["resource"]
    refused = sign_in(**changes)
    assert error_of(refused) == (400, "invalid_request", 90038)
    assert "'partner.microsoftonline.cn'" in refused.json()["error_description"]
    token = response.json()["refresh_token"]
    assert error_of(refresh(token, "common")) == (400, "invalid_grant", 70000)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (f"https://{HOST}/{CONTOSO}/oauth2/authorize", 200),
        ("https://login.chinacloudapi.cn/common/oauth2/authorize", 200),
        ("https://login.nobody.example/common/oauth2/authorize", 50049),
        (f"http://{HOST}/common/oauth2/authorize", 50050),
        ("", 50050),
    ],
)
def test_instance_discovery(azure: Sandbox, endpoint: str, expected: int) -> None:
    """Known authorities have a tenant discovery endpoint, others are invalid."""
    url = f"https://{HOST}/common/discovery/instance"
    parameters = {"authorization_endpoint": endpoint, "api-version": "1.0"}
    response = requests.get(url, parameters, timeout=10)
    if response.ok:
        found = response.json()["tenant_discovery_endpoint"]
        assert found == endpoint.replace("oauth2/authorize", ".well-known/openid-configuration")
    assert (200 if response.ok else error_of(response)[2]) == expected


def test_user_realm_is_about_domains(azure: Sandbox) -> None:
    """A user realm is managed, federated or unknown, whether or not the person exists."""
    azure.entra.federate("fabrikam.com", scheme="http")

    def realm(name: str) -> Any:
        url = f"https://{HOST}/common/UserRealm/{name}?api-version=1.0"
        return requests.get(url, timeout=10).json()

    managed = realm(f"no%2Fbody%40{CONTOSO}")
    assert managed == {
        "ver": "1.0",
        "account_type": "Managed",
        "domain_name": CONTOSO,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
    federated = realm("bob%40Fabrikam.com")
    trust = "http://sts.fabrikam.com/adfs/services/trust"
    assert (federated["account_type"], federated["federation_protocol"]) == (
        "Federated",
        "WSTrust",
    )
    assert federated["federation_metadata_url"] == f"{trust}/mex"
    assert federated["federation_active_auth_url"] == f"{trust}/2005/usernamemixed"
    assert [realm(name)["account_type"] for name in ("x%40y.example", "x")] == ["Unknown"] * 2


def test_polling_too_fast_is_slowed_down(azure: Sandbox, ada: Person) -> None:
    """A poll before the end of the interval is slow_down, and adds five seconds to the interval."""
    code = device_code()
    assert error_of(poll(code)) == (400, "authorization_pending", 70016)
    azure.clock.advance(4)
    assert error_of(poll(code))[1] == "slow_down"
    azure.clock.advance(5)
    assert error_of(poll(code))[1] == "slow_down"
    azure.clock.advance(15)
    assert error_of(poll(code))[1] == "authorization_pending"
    azure.entra.device_codes.slow_down = False
    assert error_of(poll(code))[1] == "authorization_pending"


def test_device_code_works_once(azure: Sandbox, ada: Person) -> None:
    """A device code is redeemed once; a used or unknown code is rejected."""
    code = device_code()
    azure.entra.approve(code["user_code"].lower())
    assert poll(code).json()["resource"] == MANAGEMENT
    assert error_of(poll(code)) == (400, "invalid_grant", 70000)
    assert error_of(poll({"device_code": "x"})) == (400, "bad_verification_code", 70018)
    with pytest.raises(ValueError, match="AADSTS90120"):
        azure.entra.approve(code["user_code"])


def test_device_code_belongs_to_its_application(azure: Sandbox, ada: Person) -> None:
    """Another application cannot redeem a device code."""
    azure.entra.application(OWN_CLIENT)
    code = device_code()
    azure.entra.approve(code["user_code"])
    stolen = poll(code, client_id=OWN_CLIENT)
    assert error_of(stolen) == (400, "bad_verification_code", 70018)
    assert poll(code).ok


def test_device_code_lifetime_and_interval_can_be_set(azure: Sandbox, ada: Person) -> None:
    """The response contains the set lifetime and interval, and the code expires accordingly."""
    azure.entra.device_code_lifetime, azure.entra.device_code_interval = 60, 1
    code = device_code()
    assert (code["expires_in"], code["interval"]) == ("60", "1")
    azure.clock.advance(59)
    assert error_of(poll(code))[1] == "authorization_pending"
    azure.clock.advance(1)
    assert error_of(poll(code))[1] == "code_expired"
    assert azure.entra.pending_codes() == []


def test_device_code_of_an_uninvited_person_is_rejected(azure: Sandbox, ada: Person) -> None:
    """A person of another tenant gets no token without an invitation."""
    bob = azure.entra.person("bob@fabrikam.com", password=PASSWORD)
    code = device_code()
    azure.entra.approve(code["user_code"], by=bob)
    refused = poll(code)
    assert error_of(refused) == (400, "invalid_grant", 50020)
    assert CONTOSO_ID in refused.json()["error_description"]
    azure.entra.invite(bob, CONTOSO)
    again = device_code()
    azure.entra.approve(again["user_code"], by=bob)
    response = poll(again).json()
    claims = azure.world.identity.check(f"Bearer {response['access_token']}", [MANAGEMENT])
    assert claims["tid"] == CONTOSO_ID
    id_claims = jwt.decode(response["id_token"], options={"verify_signature": False})
    assert (id_claims.get("upn"), id_claims["email"]) == (None, bob.username), "guests have no upn"
    assert id_claims["idp"] == f"https://sts.windows.net/{bob.tenant_id}/"


def test_refresh_token_expires_without_use(azure: Sandbox, ada: Person) -> None:
    """A refresh token expires after ninety days without use; each use starts a new period."""
    token = sign_in().json()["refresh_token"]
    azure.clock.advance(89 * 86400)
    renewed = refresh(token).json()["refresh_token"]
    azure.clock.advance(86400)
    dead = refresh(token)
    assert error_of(dead) == (400, "invalid_grant", 700082)
    assert "was inactive for 90.00:00:00." in dead.json()["error_description"]
    assert refresh(renewed).ok


@pytest.mark.parametrize("number", [50173, 700082, 70043])
def test_refresh_tokens_can_be_revoked(azure: Sandbox, ada: Person, number: int) -> None:
    """Revoked refresh tokens are rejected with the given number; new ones work."""
    token = sign_in().json()["refresh_token"]
    azure.entra.revoke_refresh_tokens(ada, number)
    refused = refresh(token)
    assert error_of(refused) == (400, "invalid_grant", number)
    assert "''" not in refused.json()["error_description"]
    assert refresh(sign_in().json()["refresh_token"]).ok


def test_reuse_of_a_refresh_token_can_be_refused(azure: Sandbox, ada: Person) -> None:
    """With reuse_is_refused a used refresh token is rejected; its successor works."""
    azure.entra.reuse_is_refused = True
    token = sign_in().json()["refresh_token"]
    renewed = refresh(token).json()["refresh_token"]
    assert error_of(refresh(token)) == (400, "invalid_grant", 70000)
    assert refresh(renewed).ok


def test_refresh_checks_the_person_again(azure: Sandbox, ada: Person) -> None:
    """A person who has been disabled, or needs a second factor now, gets no more tokens."""
    token = sign_in().json()["refresh_token"]
    ada.mfa = True
    assert error_of(refresh(token)) == (400, "interaction_required", 50076)
    ada.refused_with = 50057
    assert error_of(refresh(token)) == (400, "invalid_grant", 50057)


def test_refresh_token_is_of_one_application_and_cloud(azure: Sandbox, ada: Person) -> None:
    """A refresh token works only for its client and cloud, at every tenant of the person."""
    azure.entra.application(OWN_CLIENT)
    azure.entra.person("bob@fabrikam.com", password=PASSWORD)
    token = sign_in().json()["refresh_token"]
    assert refresh(token, "common").json()["resource"] == MANAGEMENT
    assert error_of(refresh(token, client_id=OWN_CLIENT)) == (400, "invalid_grant", 70000)
    assert error_of(refresh(token, "fabrikam.com")) == (400, "invalid_grant", 50020)
    elsewhere = refresh(token, "common", host="login.microsoftonline.us")
    assert error_of(elsewhere) == (400, "invalid_grant", 70000)


def soap(username: str, password: str, before: str = "") -> bytes:
    """Return a request with a user name token, after an optional prefix."""
    wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
    return (
        f"{before}<e xmlns:w='{wsse}'><w:Username>{username}</w:Username>"
        f"<w:Password>{escape(password)}</w:Password></e>"
    ).encode()


def test_federation_server_rejects_unknown_and_malformed(azure: Sandbox) -> None:
    """Unknown persons get AD FS's fault, and malformed requests another one; none gets a token."""
    azure.entra.federate("fabrikam.com", versions=["1.3"])
    azure.entra.person("bob@fabrikam.com", password=PASSWORD)
    azure.entra.person(ADA, password=PASSWORD)
    trust = "https://sts.fabrikam.com/adfs/services/trust"

    def send(body: bytes, path: str = "13") -> tuple[int, bool]:
        response = requests.post(f"{trust}/{path}/usernamemixed", body, timeout=10)
        return response.status_code, "FailedAuthentication" in response.text

    entity = "<!DOCTYPE e [<!ENTITY b 'bob@fabrikam.com'>]>"
    assert send(soap("bob@fabrikam.com", PASSWORD)) == (200, False)
    assert send(soap("eve@fabrikam.com", PASSWORD)) == (500, True)
    assert send(soap(ADA, PASSWORD)) == (500, True)
    assert send(soap("&b;", PASSWORD, entity)) == (400, False)
    assert send(b"rubbish") == (400, False)
    assert send(b"<?xml version='1.0' encoding='none'?><e/>") == (400, False)
    assert send(soap("bob@fabrikam.com", PASSWORD), "2005") == (503, False)


def test_assertions_must_be_genuine_and_fresh(azure: Sandbox) -> None:
    """Entra ID accepts the federation server's assertions for an hour, and rejects forged ones."""
    azure.entra.federate("fabrikam.com")
    azure.entra.person("bob@fabrikam.com", password=PASSWORD)
    azure.entra.person("eve@fabrikam.com", password=PASSWORD)
    url = "https://sts.fabrikam.com/adfs/services/trust/13/usernamemixed"
    response = requests.post(url, soap("bob@fabrikam.com", PASSWORD), timeout=10).text
    found = re.search("<saml:Assertion.*</saml:Assertion>", response)
    assert found
    genuine = found[0]

    def redeem(assertion: str) -> requests.Response:
        grant_type = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
        encoded = base64.b64encode(assertion.encode()).decode()
        return sign_in("common", grant_type=grant_type, assertion=encoded)

    assert redeem(genuine).ok
    forged = redeem(genuine.replace("bob@fabrikam.com", "eve@fabrikam.com"))
    assert error_of(forged) == (400, "invalid_grant", 50008)
    unsigned = re.sub("<ds:SignatureValue>.*</ds:SignatureValue>", "", genuine)
    assert error_of(redeem(unsigned)) == (400, "invalid_grant", 50008)
    odd = re.sub("(<ds:SignatureValue>)", r"\1ü", genuine)
    assert error_of(redeem(odd)) == (400, "invalid_grant", 50008)
    assert error_of(redeem("rubbish")) == (400, "invalid_grant", 50008)
    azure.clock.advance(3600)
    assert error_of(redeem(genuine)) == (400, "invalid_grant", 50013)


def test_federated_password_is_unknown_to_entra(azure: Sandbox) -> None:
    """A federated person's right password is wrong at the token endpoint."""
    azure.entra.person("bob@fabrikam.com", password=PASSWORD)
    assert sign_in("common", username="bob@fabrikam.com").ok
    azure.entra.federate("fabrikam.com")
    assert error_of(sign_in("common", username="bob@fabrikam.com")) == (400, "invalid_grant", 50126)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda entra: entra.person("ada", password="x"), "name@domain"),
        (lambda entra: entra.person(ADA, password="x", refused_with=1), "AADSTS1 "),
        (lambda entra: entra.approve("AAAAAAAAA", by="eve@x.example"), "there is no person eve@x"),
        (lambda entra: entra.decline("AAAAAAAAA"), "AADSTS70018"),
        (lambda entra: entra.tenant("a.example", cloud="moon"), "cloud must be one of"),
    ],
)
def test_invalid_calls_raise_value_error(azure: Sandbox, call: Any, words: str) -> None:
    """An invalid call in a script is a ValueError that says why."""
    with pytest.raises(ValueError, match=re.escape(words)):
        call(azure.entra)
