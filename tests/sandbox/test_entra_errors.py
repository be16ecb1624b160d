"""Each error that a sign-in can end with, in each flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from adls_enduser.sandbox import CONTOSO, Sandbox, SandboxClock
from adls_enduser.sandbox.entra import AZURE_CLI
from adls_enduser.sandbox.entra.error_responses import ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = f"https://login.microsoftonline.com/{CONTOSO}/oauth2/token"
DEVICE_CODE = f"https://login.microsoftonline.com/{CONTOSO}/oauth2/devicecode"
ADA = f"ada@{CONTOSO}"
REQUEST = {"client_id": AZURE_CLI, "resource": "https://datalake.azure.net/"}

# All numbers that the library has a remedy for.
NUMBERS = [
    *(50126, 50034, 50055, 50144, 50056, 50057, 50053, 50064, 50132, 50133),
    *(50020, 16000, 50014, 51004, 90072, 500208, 50105, 50059, 50128, 90002, 90038),
    *(50194, 9001023, 90130, 50076, 50079, 50072, 50074, 50078, 50158, 53004, 53010),
    *(50005, 50097, 50155, 50187, 53000, 53001, 53003, 530032, 530035, 50131, 53011, 530034),
    *(500021, 500022, 500212, 500213, 65001, 65004, 90094, 90095, 65002, 650057, 650056),
    *(500011, 50001, 700016, 700011, 70001, 7000112, 7000218, 700025, 50011),
    *(70011, 28002, 700022, 90014, 900144, 700082, 70008, 70043, 50173, 70000, 50089),
    *(70016, 70018, 90119, 70019, 70020, 90120, 50134, 50196, 90055),
    *(50087, 90024, 90033, 90006, 90012, 50033, 80001, 80002, 80005, 80007, 80013),
]

# (status, error, suberror) as recorded from the real service in public threads.
RECORDED = {
    50034: (400, "invalid_grant", "bad_token"),
    50055: (400, "invalid_grant", "user_password_expired"),
    50076: (400, "interaction_required", "basic_action"),
    50097: (401, "invalid_grant", None),
    50126: (400, "invalid_grant", None),
    50173: (400, "invalid_grant", "bad_token"),
    53003: (400, "interaction_required", "message_only"),
    65001: (400, "invalid_grant", "consent_required"),
    700016: (400, "unauthorized_client", None),
    70043: (400, "invalid_grant", "token_expired"),
    7000218: (401, "invalid_client", None),
    90002: (400, "invalid_tenant", None),
    90033: (503, "temporarily_unavailable", None),
}


@pytest.fixture(scope="module")
def azure() -> Iterator[Sandbox]:
    """Run one sandbox for all tests of this module."""
    with Sandbox(clock=SandboxClock(frozen=True)) as sandbox:
        yield sandbox


def sign_in() -> requests.Response:
    """Sign in by password."""
    form = {**REQUEST, "grant_type": "password", "username": ADA, "password": "right"}
    return requests.post(TOKEN, form, timeout=10)


def check_error(response: requests.Response, number: int) -> None:
    """Check all fields of an error response."""
    expected, body = ERRORS[number], response.json()
    assert response.status_code == expected.status
    assert (body["error"], body["error_codes"]) == (expected.error, [number])
    assert body.get("suberror") == expected.suberror
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert "{" not in body["error_description"]
    assert body["error_uri"].endswith(f"/error?code={number}")


@pytest.mark.parametrize("number", NUMBERS)
def test_error_in_every_flow(azure: Sandbox, number: int) -> None:
    """Password, device code and refresh token each end with the person's error."""
    ada = azure.entra.person(ADA, password="right")
    token = sign_in().json()["refresh_token"]
    ada.refused_with = number
    check_error(sign_in(), number)
    form = {**REQUEST, "grant_type": "refresh_token", "refresh_token": token}
    check_error(requests.post(TOKEN, form, timeout=10), number)
    code = requests.post(DEVICE_CODE, REQUEST, timeout=10).json()
    azure.entra.approve(code["user_code"], by=ada)
    form = {**REQUEST, "grant_type": "device_code", "code": code["device_code"]}
    check_error(requests.post(TOKEN, form, timeout=10), number)


@pytest.mark.parametrize("number", RECORDED)
def test_errors_are_as_recorded(number: int) -> None:
    """Status, error and suberror are those that the real service was seen to send."""
    definition = ERRORS[number]
    assert (definition.status, definition.error, definition.suberror) == RECORDED[number]


def test_throttling_has_retry_after(azure: Sandbox) -> None:
    """AADSTS90055 is status 429 with a Retry-After."""
    azure.entra.person(ADA, password="right", refused_with=90055)
    response = sign_in()
    assert (response.status_code, response.headers["Retry-After"]) == (429, "5")
