"""Claims challenges: from Resource Manager through the real azure-core to Entra ID and back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from azure.core import PipelineClient
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest
from azure.identity import (
    AuthenticationRequiredError,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
)

from adls_enduser.sandbox import CONTOSO, Person, Sandbox
from adls_enduser.sandbox.entra import AZURE_CLI
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

from ..conftest import PASSWORD
from .test_authorize import (
    HOST,
    Browser,
    ScriptedBrowser,
    address,
    as_default_browser,
    error_of,
    redeem,
    response_fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.core.credentials import TokenCredential

MANAGEMENT = "https://management.core.windows.net/"
SCOPE = f"{MANAGEMENT}/.default"
ADA = f"ada@{CONTOSO}"
STEP_UP = json.dumps({"access_token": {"acrs": {"essential": True, "values": ["p1"]}}})


@pytest.fixture
def browser(azure: Sandbox, ada: Person) -> Iterator[ScriptedBrowser]:
    """Let Ada sign in in the default browser."""
    with as_default_browser(ScriptedBrowser(azure, ada)) as scripted:
        yield scripted


def status(credential: TokenCredential, *, cae: bool = True) -> int:
    """Send a request to Resource Manager with azure-core's own policy, and return the status."""
    policy = BearerTokenCredentialPolicy(credential, SCOPE, enable_cae=cae)
    url = f"https://management.azure.com/subscriptions/{SUBSCRIPTION_ID}?api-version=2021-01-01"
    with PipelineClient("https://management.azure.com", policies=[policy]) as client:
        return int(client.send_request(HttpRequest("GET", url)).status_code)


def grants(azure: Sandbox) -> list[str]:
    """Return the grants that were requested since the log was cleared."""
    return [one.request.form["grant_type"] for one in azure.log.to("/token") if one.request]


def token_claims(response: Any) -> dict[str, Any]:
    """Return the claims of a response's access token."""
    found: dict[str, Any] = jwt.decode(
        response["access_token"], options={"verify_signature": False}
    )
    return found


def test_revoked_access_is_renewed_silently(
    azure: Sandbox, ada: Person, browser: ScriptedBrowser
) -> None:
    """After a revocation azure-core follows the challenge with a refresh token, silently."""
    with InteractiveBrowserCredential(tenant_id=CONTOSO, client_id=AZURE_CLI) as credential:
        assert status(credential) == 200
        azure.log.clear()
        azure.entra.revoke_access_tokens(ada)
        assert status(credential) == 200
    assert [one.status for one in azure.log.to("/subscriptions")] == [401, 200]
    assert grants(azure) == ["refresh_token"]
    assert len(browser.opened) == 1


def test_revoked_sign_in_asks_the_person(
    azure: Sandbox, ada: Person, browser: ScriptedBrowser
) -> None:
    """If the refresh tokens are revoked as well, the person must sign in again."""
    with InteractiveBrowserCredential(tenant_id=CONTOSO, client_id=AZURE_CLI) as credential:
        assert status(credential) == 200
        azure.entra.revoke_access_tokens(ada)
        azure.entra.revoke_refresh_tokens(ada)
        assert status(credential) == 200
    assert len(browser.opened) == 2
    assert "nbf" in browser.opened[1]


def test_client_without_cae_is_refused(
    azure: Sandbox, ada: Person, browser: ScriptedBrowser
) -> None:
    """A client that has not declared ``cp1`` gets a plain 401."""
    with InteractiveBrowserCredential(tenant_id=CONTOSO, client_id=AZURE_CLI) as credential:
        assert status(credential, cae=False) == 200
        azure.entra.revoke_access_tokens(ada)
        assert status(credential, cae=False) == 401


def test_step_up_asks_the_person_once(
    azure: Sandbox, ada: Person, browser: ScriptedBrowser
) -> None:
    """A required second factor opens the browser once more, and only once."""
    with InteractiveBrowserCredential(tenant_id=CONTOSO, client_id=AZURE_CLI) as credential:
        assert status(credential) == 200
        azure.entra.require_claims(ada)
        assert status(credential) == 200
        assert status(credential) == 200
    assert len(browser.opened) == 2
    assert response_fields(browser.opened[1])["claims"].count('"p1"') == 1


def test_step_up_without_a_prompt_raises_with_the_claims(
    azure: Sandbox, ada: Person, browser: ScriptedBrowser
) -> None:
    """A credential that may not prompt raises an error with the required claims."""
    with InteractiveBrowserCredential(
        tenant_id=CONTOSO, client_id=AZURE_CLI, disable_automatic_authentication=True
    ) as credential:
        credential.authenticate(scopes=[SCOPE], enable_cae=True)
        azure.entra.require_claims(ada)
        with pytest.raises(AuthenticationRequiredError) as caught:
            status(credential)
        assert json.loads(caught.value.claims) == json.loads(STEP_UP)
        credential.authenticate(scopes=[SCOPE], claims=caught.value.claims, enable_cae=True)
        assert status(credential) == 200


def test_step_up_by_device_code(azure: Sandbox, ada: Person) -> None:
    """A device code approved with a second factor fulfils the claims; one without does not."""
    second_factor = False

    def prompt(uri: str, code: str, expires_on: object) -> None:
        azure.entra.approve(code, second_factor=second_factor)

    with DeviceCodeCredential(prompt_callback=prompt) as credential:
        assert status(credential) == 200
        azure.entra.require_claims(ada)
        with pytest.raises(ClientAuthenticationError, match="AADSTS50076"):
            status(credential)
        second_factor = True
        assert status(credential) == 200


def test_mfa_of_the_sign_in_is_enough(azure: Sandbox, ada: Person) -> None:
    """A person who has shown a second factor already gets the required token silently."""
    ada.mfa = True
    azure.entra.require_claims(ada)
    codes: list[str] = []

    def prompt(uri: str, code: str, expires_on: object) -> None:
        codes.append(code)
        azure.entra.approve(code)

    with DeviceCodeCredential(prompt_callback=prompt) as credential:
        assert status(credential) == 200
    assert len(codes) == 1


def test_writes_only(azure: Sandbox, ada: Person) -> None:
    """With ``writes_only`` reads go through, and writes are challenged."""
    azure.entra.require_claims(ada, writes_only=True)
    form = {"grant_type": "password", "username": ADA, "password": PASSWORD}
    response = requests.post(
        f"{HOST}/{CONTOSO}/oauth2/v2.0/token",
        {**form, "client_id": AZURE_CLI, "scope": SCOPE},
        timeout=10,
    ).json()
    headers = {"Authorization": f"Bearer {response['access_token']}"}
    base = f"https://management.azure.com/subscriptions/{SUBSCRIPTION_ID}"
    url = f"{base}/resourceGroups/analytics?api-version=2021-04-01"
    assert requests.get(url, headers=headers, timeout=10).status_code == 200
    refused = requests.put(url, json={"location": "x"}, headers=headers, timeout=10)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "RequestDisallowedByPolicy"
    challenge = refused.headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in challenge
    # What azure-cli prints for the same challenge of the real service.
    azure_cli = "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlcyI6WyJwMSJdfX19"
    assert f'claims="{azure_cli}"' in challenge
    azure.entra.require_claims(ada, None)
    assert requests.put(url, json={"location": "x"}, headers=headers, timeout=10).status_code != 401


# The token endpoint.


def test_error_names_the_required_claims(azure: Sandbox, ada: Person) -> None:
    """A refresh token without a second factor is interaction_required, with the required claims."""
    code = response_fields(azure.entra.authorize(address(), by=ada))["code"]
    form = {
        "grant_type": "refresh_token",
        "client_id": AZURE_CLI,
        "refresh_token": redeem(code).json()["refresh_token"],
        "claims": STEP_UP,
    }
    refused = requests.post(f"{HOST}/{CONTOSO}/oauth2/v2.0/token", form, timeout=10)
    assert error_of(refused) == (400, "interaction_required", 50076)
    body = refused.json()
    assert body["suberror"] == "basic_action"
    wanted = json.loads(body["claims"])["access_token"]["capolids"]
    assert wanted["essential"] is True
    # A request with these claims, and a second factor, fulfils the policy.
    code = response_fields(azure.entra.authorize(address(claims=body["claims"]), by=ada))["code"]
    assert token_claims(redeem(code).json())["amr"] == ["pwd", "mfa"]


def test_capabilities_and_contexts_are_in_the_token(azure: Sandbox, ada: Person) -> None:
    """``xms_cc`` contains the client's capabilities, ``acrs`` the fulfilled contexts."""
    claims = json.dumps(
        {
            "access_token": {
                "xms_cc": {"values": ["CP1"]},
                "acrs": {"essential": True, "value": "c1"},
                "nbf": {"essential": True, "value": "1"},
            }
        }
    )
    code = response_fields(azure.entra.authorize(address(claims=claims), by=ada))["code"]
    found = token_claims(redeem(code).json())
    assert (found["xms_cc"], found["acrs"]) == (["CP1"], ["c1"])
    code = response_fields(azure.entra.authorize(address(), by=ada))["code"]
    assert not {"xms_cc", "acrs"} & set(token_claims(redeem(code).json()))


def test_claims_that_are_not_essential_are_optional(azure: Sandbox, ada: Person) -> None:
    """An unfulfilled context that is not essential is left out of the token."""
    claims = json.dumps({"access_token": {"acrs": {"value": "c1"}}})
    code = response_fields(azure.entra.authorize(address(claims=claims), by=ada))["code"]
    found = token_claims(redeem(code).json())
    assert (found["amr"], "acrs" in found) == (["pwd"], False)


@pytest.mark.parametrize(
    "claims", ["{", "[]", '{"access_token": 1}', '{"access_token":{"acrs":1}}']
)
def test_invalid_claims_are_rejected(azure: Sandbox, ada: Person, claims: str) -> None:
    """A parameter that is not a JSON object of objects is an error."""
    fields = response_fields(azure.entra.authorize(address(claims=claims), by=ada))
    assert fields["error"] == "invalid_request"
    assert fields["error_description"].startswith("AADSTS9002313: ")


def test_page_asks_for_the_second_factor(azure: Sandbox, ada: Person) -> None:
    """A signed-in person without MFA must show a second factor if the claims require it."""
    person = Browser()
    person.open(address())
    person.send(username=ADA, password=PASSWORD)
    assert "code" in person.sent_back
    silent = address(claims=STEP_UP, prompt="none")
    person.open(silent)
    assert person.sent_back["error"] == "interaction_required"
    assert person.open(address(claims=STEP_UP)) == "Verify your identity"
    person.send(otc=azure.entra.one_time_code(ada))
    assert token_claims(redeem(person.sent_back["code"]).json())["acrs"] == ["p1"]
    person.open(silent)
    assert "code" in person.sent_back


def test_device_page_asks_for_the_second_factor(azure: Sandbox, ada: Person) -> None:
    """A device code that was requested with claims needs the second factor as well."""
    form = {"client_id": AZURE_CLI, "scope": SCOPE, "claims": STEP_UP}
    url = f"{HOST}/{CONTOSO}/oauth2/v2.0/devicecode"
    code = requests.post(url, form, timeout=10).json()
    page, shown = f"{azure.url}/devicelogin", ""
    shown = requests.post(page, {"code": code["user_code"]}, timeout=10).text
    flow = re.findall(r'name="flow" value="([^"]*)"', shown)[0]
    sent = {"flow": flow, "username": ADA, "password": PASSWORD}
    shown = requests.post(f"{page}/signin", sent, timeout=10).text
    assert "<title>Verify your identity</title>" in shown
