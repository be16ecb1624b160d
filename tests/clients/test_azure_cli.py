"""The real azure-cli, signed in at the sandbox, and mode="azure_cli" on top of it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.datalake.store import core
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import (
    MfaRequired,
    SignInExpired,
    SignInRequired,
    TransportError,
    filesystem_token,
    management_credentials,
    storage_credential,
)
from adls_enduser.sandbox import CONTOSO, Answer, Reset, Sandbox
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, STORAGE, TOKEN_PATH
from .conftest import AZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import Person


@pytest.fixture
def az(azure: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run ``az``, which nobody has signed in to; gives what it prints, as JSON if it is that."""
    monkeypatch.setenv("PATH", AZ, prepend=os.pathsep)
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "az"))
    monkeypatch.setenv("AZURE_CORE_COLLECT_TELEMETRY", "no")

    def run(*words: str) -> Any:
        command = [str(Path(AZ) / "az"), *words, "--output", "json"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    return run


@pytest.fixture
def by_device_code(azure: Sandbox, az: Callable[..., Any]) -> Person:
    """Sign Grace in to ``az`` with a second factor, on another device."""
    grace = azure.entra.person(
        f"grace@{CONTOSO}", password=PASSWORD, mfa=True, approves_device_codes=True
    )
    az("login", "--use-device-code", "--tenant", CONTOSO)
    return grace


@pytest.fixture(params=["by_device_code", "by_password"])
def signed_in(request: pytest.FixtureRequest, azure: Sandbox, az: Callable[..., Any]) -> Person:
    """Sign somebody in to ``az``, in either way."""
    if request.param == "by_device_code":
        person: Person = request.getfixturevalue("by_device_code")
        return person
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    az("login", "--username", ada.username, "--password", PASSWORD)
    return ada


def test_az_works_on_the_sandbox(signed_in: Person, az: Callable[..., Any], tmp_path: Path) -> None:
    """It lists the subscription, and files come and go."""
    (subscription,) = az("account", "list")
    assert subscription["id"] == SUBSCRIPTION_ID
    assert subscription["user"]["name"] == signed_in.username
    source, back = tmp_path / "source.txt", tmp_path / "back.txt"
    source.write_text("hello")
    store = ("--account", "mystore")
    az("dls", "fs", "upload", *store, "--source-path", str(source), "--destination-path", "/a")
    assert [one["name"] for one in az("dls", "fs", "list", *store, "--path", "/")] == ["a"]
    az("dls", "fs", "download", *store, "--source-path", "/a", "--destination-path", str(back))
    assert back.read_text() == "hello"


def test_its_sign_in_serves_the_clients(signed_in: Person, azure: Sandbox) -> None:
    """Both planes, with nobody there to be asked, and the account is known."""
    credentials = management_credentials("azure_cli", interactive=False)
    client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
    assert [one.name for one in client.accounts.list()] == ["mystore"]
    token = filesystem_token("azure_cli", tenant=CONTOSO, interactive=False)
    assert core.AzureDLFileSystem(token, store_name="mystore").ls("/") == []
    assert credentials.whoami().username == signed_in.username
    assert credentials.get_token(f"{STORAGE}.default").token


def test_nobody_signed_in(az: Callable[..., Any]) -> None:
    """``az``'s own words are recognised, and the command that helps is one that it takes."""
    for tenant in (None, CONTOSO):
        with pytest.raises(SignInRequired, match="not signed in"):
            management_credentials("azure_cli", tenant=tenant)


def test_the_command_of_the_error_helps(by_device_code: Person, az: Callable[..., Any]) -> None:
    """What the remedy says, with a device code in place of the browser, signs in."""
    az("logout")
    with pytest.raises(SignInRequired) as caught:
        filesystem_token("azure_cli", tenant=CONTOSO)
    command = caught.value.remedy.removeprefix("Run: az ").split()
    az(*command, "--use-device-code")
    assert filesystem_token("azure_cli", tenant=CONTOSO).whoami().username


def test_a_revoked_sign_in(by_device_code: Person, azure: Sandbox) -> None:
    """The refusal of ``az``'s refresh token comes through with its number."""
    azure.entra.revoke_refresh_tokens(by_device_code)
    with pytest.raises(SignInExpired) as caught:
        filesystem_token("azure_cli", tenant=CONTOSO)
    assert caught.value.code == "AADSTS50173"
    assert caught.value.correlation_id is not None
    assert caught.value.remedy.startswith(f"Run: az login --tenant {CONTOSO} --scope")


def test_a_second_factor_that_is_missing(azure: Sandbox, az: Callable[..., Any]) -> None:
    """A sign-in by password that no longer does is MfaRequired."""
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    az("login", "--username", ada.username, "--password", PASSWORD)
    ada.refused_with = 50076
    azure.entra.revoke_refresh_tokens(ada, code=50076)
    with pytest.raises(MfaRequired, match="AADSTS50076"):
        filesystem_token("azure_cli")


def test_no_network(by_device_code: Person, azure: Sandbox) -> None:
    """``az`` ends with a traceback then; the error is one to try again after."""
    azure.faults.add(Reset(), times=50)
    with pytest.raises(TransportError, match="could not reach login") as caught:
        filesystem_token("azure_cli")
    assert "Wait a minute" in caught.value.remedy
    assert "Traceback" not in str(caught.value)
    azure.faults.clear()
    assert filesystem_token("azure_cli").get_token(f"{DATA_LAKE}.default").token
    assert management_credentials("azure_cli").get_token(f"{MANAGEMENT}.default").token


def test_an_outage_that_az_remembers(
    by_device_code: Person, azure: Sandbox, tmp_path: Path
) -> None:
    """After one 503 each new ``az`` answers from a file, without a request, for a minute.

    azure-cli-core 2.91.0, auth/binary_cache.py; msal 1.39, throttled_http_client.py.
    """
    azure.faults.add(Answer(503), path=TOKEN_PATH, times=9)
    with pytest.raises(TransportError, match=r"the service failed \(HTTP 503\)") as caught:
        filesystem_token("azure_cli")
    assert "Wait a minute" in caught.value.remedy
    assert caught.value.retry_after == 60
    assert "Traceback" not in str(caught.value)
    azure.faults.clear()
    azure.log.clear()
    with pytest.raises(TransportError, match="HTTP 503"):
        filesystem_token("azure_cli")
    assert azure.log.to(TOKEN_PATH) == []
    (tmp_path / "az" / "msal_http_cache.bin").unlink()
    assert filesystem_token("azure_cli").whoami().username == by_device_code.username


def test_a_service_that_asks_for_a_pause(by_device_code: Person, azure: Sandbox) -> None:
    """``az`` cannot read a 429 of Entra ID, and answers from it for as long as it asks.

    The response: AzureAD/microsoft-authentication-library-for-dotnet, issue 2855. The time is
    counted in whole seconds of the clock: msal 1.39, individual_cache.py (``ExpiringMapping``).
    """
    azure.log.clear()
    azure.faults.add(Answer(429, "Too Many Requests", {"Retry-After": "3000"}), path=TOKEN_PATH)
    for _ in range(2):
        with pytest.raises(TransportError, match="was not JSON") as caught:
            filesystem_token("azure_cli")
        assert "Wait a minute" in caught.value.remedy
        assert caught.value.retry_after == 60
    assert len(azure.log.to(TOKEN_PATH)) == 1
    azure.faults.add(Answer(429, "Too Many Requests", {"Retry-After": "1"}), path=TOKEN_PATH)
    with pytest.raises(TransportError, match="was not JSON"):
        storage_credential("azure_cli").get_token(f"{STORAGE}.default")
    time.sleep(1)  # az keeps the time itself; its start may be shorter than that
    assert storage_credential("azure_cli").get_token(f"{STORAGE}.default").token


@pytest.mark.parametrize("status", [200, 403])
def test_a_page_of_a_proxy(
    by_device_code: Person, azure: Sandbox, tmp_path: Path, status: int
) -> None:
    """In place of the discovery document, which ``az`` asks for once in a day."""
    (tmp_path / "az" / "msal_http_cache.bin").unlink(missing_ok=True)
    azure.faults.add(Answer(status, "<html>Blocked."), path="openid-configuration", times=9)
    with pytest.raises(TransportError, match="was not JSON") as caught:
        storage_credential("azure_cli").get_token(f"{STORAGE}.default")
    assert "check the proxy" in caught.value.remedy
