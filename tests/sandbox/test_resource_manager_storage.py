"""Storage accounts (Gen2) in the sandbox's Resource Manager, by plain requests.

tests/clients/gen2/test_management.py has the same with the real azure-mgmt-storage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Person, Sandbox
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

from ..constants import MANAGEMENT, STORAGE

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = "https://management.azure.com"
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
PROVIDER = f"{SUBSCRIPTION}/providers/Microsoft.Storage"
GROUP = f"{SUBSCRIPTION}/resourceGroups/analytics"
ACCOUNTS = f"{GROUP}/providers/Microsoft.Storage/storageAccounts"
VERSION = "2023-05-01"
NEW = {
    "sku": {"name": "Standard_ZRS"},
    "kind": "StorageV2",
    "location": "East US 2",
    "tags": {"team": "lake"},
    "properties": {"isHnsEnabled": True, "accessTier": "Cool"},
}


@pytest.fixture
def send(azure: Sandbox) -> Callable[..., requests.Response]:
    """Send a request to Resource Manager, as somebody with a role; nothing is polled."""
    azure.resource_manager.polls = 0

    def send(method: str, path: str, role: Any = "Owner", **options: Any) -> requests.Response:
        person = azure.world.directory.add(
            Person(f"{role}@{CONTOSO}".lower(), CONTOSO_ID, "x", role=role)
        )
        audience = options.pop("audience", MANAGEMENT)
        token = azure.world.identity.access_token(
            person, audience, client_id="c0ffee00-0000-4000-8000-00000000c11e", lifetime=3600
        )
        return requests.request(
            method,
            ROOT + path,
            params={"api-version": options.pop("version", VERSION)},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
            **options,
        )

    return send


def poll(send: Callable[..., requests.Response], begun: requests.Response) -> requests.Response:
    """Ask once at the address that a response names."""
    return send("GET", begun.headers["Location"].removeprefix(ROOT).partition("?")[0])


def error(response: requests.Response) -> tuple[int, str]:
    """Return the status and the code of an error."""
    return response.status_code, response.json()["error"]["code"]


def test_account_from_the_beginning(send: Callable[..., requests.Response]) -> None:
    """There is one with a hierarchical namespace, whose endpoints are the real host names."""
    (account,) = send("GET", f"{PROVIDER}/storageAccounts").json()["value"]
    assert (account["name"], account["kind"]) == ("mylake", "StorageV2")
    assert account["id"] == f"{ACCOUNTS}/mylake"
    assert account["properties"]["isHnsEnabled"] is True
    endpoints = account["properties"]["primaryEndpoints"]
    assert endpoints["dfs"] == "https://mylake.dfs.core.windows.net/"
    assert endpoints["blob"] == "https://mylake.blob.core.windows.net/"
    assert account["properties"]["allowSharedKeyAccess"] is False


def test_create(azure: Sandbox, send: Callable[..., requests.Response]) -> None:
    """It takes a while: 202, no body and an address, which has the account in the end."""
    azure.resource_manager.polls = 1
    begun = send("PUT", f"{ACCOUNTS}/newlake", json=NEW)
    assert (begun.status_code, begun.content) == (202, b"")
    assert (
        "/providers/Microsoft.Storage/locations/eastus2/asyncoperations/"
        in (begun.headers["Location"])
    )
    waiting = poll(send, begun)
    assert (waiting.status_code, waiting.headers["Location"]) == (
        202,
        begun.headers["Location"].partition("?")[0] + f"?api-version={VERSION}",
    )
    done = poll(send, begun)
    assert done.status_code == 200
    account = done.json()
    assert account == send("GET", f"{ACCOUNTS}/NEWLAKE").json()
    assert (account["sku"], account["tags"], account["location"]) == (
        {"name": "Standard_ZRS", "tier": "Standard"},
        {"team": "lake"},
        "eastus2",
    )
    assert account["properties"]["accessTier"] == "Cool"
    assert account["properties"]["provisioningState"] == "Succeeded"


def test_account_that_is_being_created(
    azure: Sandbox, send: Callable[..., requests.Response]
) -> None:
    """It is there, but cannot be changed or deleted yet."""
    azure.resource_manager.polls = 10
    send("PUT", f"{ACCOUNTS}/newlake", json=NEW)
    there = send("GET", f"{ACCOUNTS}/newlake").json()
    assert there["properties"]["provisioningState"] == "ResolvingDNS"
    for method in ("PUT", "PATCH", "DELETE"):
        refused = send(method, f"{ACCOUNTS}/newlake", json=NEW)
        assert error(refused) == (409, "StorageAccountOperationInProgress")


@pytest.mark.parametrize("endpoint", ["blob", "dfs"])
def test_endpoints_live_as_long_as_the_account(
    azure: Sandbox, send: Callable[..., requests.Response], endpoint: str
) -> None:
    """Its hosts know it when its creation is finished, and no longer when it is deleted."""

    def status() -> int:
        url = f"https://newlake.{endpoint}.core.windows.net/box?restype=container"
        headers = {"x-ms-version": "2021-12-02"}  # the challenge is younger than the service
        try:
            return requests.get(url, headers=headers, timeout=10).status_code
        except requests.exceptions.ProxyError:  # the name does not resolve
            return 502

    azure.resource_manager.polls = 1
    begun = send("PUT", f"{ACCOUNTS}/newlake", json=NEW)
    poll(send, begun)
    assert status() == 502
    poll(send, begun)
    assert status() == 401
    send("DELETE", f"{ACCOUNTS}/newlake")
    assert status() == 502


def test_files_go_with_the_group(azure: Sandbox, send: Callable[..., requests.Response]) -> None:
    """An account of the same name, made after the group was deleted, is empty."""
    azure.storage.create("mylake", "box")
    begun = send("DELETE", GROUP, version="2021-04-01")
    send("GET", begun.headers["Location"].removeprefix(ROOT).partition("?")[0])
    assert not azure.storage.create("mylake").has("box")


def test_lists(azure: Sandbox, send: Callable[..., requests.Response]) -> None:
    """Of the subscription and of a group; in pages; and among all resources, with their types."""
    azure.resource_manager.add_resource_group("team", "westeurope")
    azure.resource_manager.add_storage_account("teamlake", "team")
    team = ACCOUNTS.replace("analytics", "Team")
    assert [one["name"] for one in send("GET", team).json()["value"]] == ["teamlake"]
    azure.resource_manager.page_size = 1
    first = send("GET", f"{PROVIDER}/storageAccounts").json()
    assert [one["name"] for one in first["value"]] == ["mylake"]
    assert "skiptoken" in first["nextLink"]
    azure.resource_manager.page_size = 100
    resources = send("GET", f"{SUBSCRIPTION}/resources", version="2021-04-01").json()["value"]
    assert [(one["name"], one["type"]) for one in resources] == [
        ("mylake", "Microsoft.Storage/storageAccounts"),
        ("mystore", "Microsoft.DataLakeStore/accounts"),
        ("teamlake", "Microsoft.Storage/storageAccounts"),
    ]
    missing = send("GET", ACCOUNTS.replace("analytics", "none"))
    assert error(missing) == (404, "ResourceGroupNotFound")


def test_both_generations_have_names_of_their_own(send: Callable[..., requests.Response]) -> None:
    """An account may have the name of a Data Lake Store account: the hosts differ."""
    assert send("PUT", f"{ACCOUNTS}/mystore", json=NEW).status_code == 202
    assert send("DELETE", f"{ACCOUNTS}/mystore").status_code == 200
    gen1 = f"{GROUP}/providers/Microsoft.DataLakeStore/accounts/mystore"
    assert send("GET", gen1, version="2016-11-01").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_update(send: Callable[..., requests.Response], method: str) -> None:
    """What is given changes at once; what PATCH does not name stays."""
    poll(send, send("PUT", f"{ACCOUNTS}/newlake", json=NEW))
    changed = {"sku": {"name": "Standard_LRS"}, "properties": {"accessTier": "Hot"}}
    whole = {"kind": "StorageV2", "location": "eastus2"}
    response = send(
        method, f"{ACCOUNTS}/newlake", json=changed | (whole if method == "PUT" else {})
    )
    assert response.status_code == 200
    account = response.json()
    assert account["sku"]["name"] == "Standard_LRS"
    assert account["properties"]["accessTier"] == "Hot"
    assert account["properties"]["isHnsEnabled"] is True
    assert account["tags"] == ({} if method == "PUT" else {"team": "lake"})
    assert send("GET", f"{ACCOUNTS}/newlake").json() == account


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_namespace_cannot_be_changed(send: Callable[..., requests.Response], method: str) -> None:
    """The recorded error; the same value again is none."""
    flat = NEW | {"properties": {"isHnsEnabled": False}}
    refused = send(method, f"{ACCOUNTS}/mylake", json=flat)
    assert error(refused) == (409, "AccountPropertyCannotBeUpdated")
    assert send(method, f"{ACCOUNTS}/mylake", json=NEW).status_code == 200


def test_delete(azure: Sandbox, send: Callable[..., requests.Response]) -> None:
    """At once; the second time there is nothing; the group takes its accounts along."""
    assert send("DELETE", f"{ACCOUNTS}/mylake").status_code == 200
    assert send("DELETE", f"{ACCOUNTS}/mylake").status_code == 204
    gone = send("GET", f"{ACCOUNTS}/mylake")
    assert error(gone) == (404, "ResourceNotFound")
    assert "Microsoft.Storage/storageAccounts/mylake" in gone.json()["error"]["message"]
    azure.resource_manager.add_storage_account("mylake")
    begun = send("DELETE", GROUP, version="2021-04-01")
    send("GET", begun.headers["Location"].removeprefix(ROOT).partition("?")[0])
    assert send("GET", f"{PROVIDER}/storageAccounts").json()["value"] == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("freelake", None),
        ("mylake", "AlreadyExists"),
        ("My_Lake", "AccountNameInvalid"),
        ("ab", "AccountNameInvalid"),
        ("a" * 25, "AccountNameInvalid"),
        ("mystore", None),  # Data Lake Store's names are others
    ],
)
def test_check_name(
    send: Callable[..., requests.Response], name: str, expected: str | None
) -> None:
    """Whether a name is free is an answer, not an error; a Reader may ask."""
    body = {"name": name, "type": "Microsoft.Storage/storageAccounts"}
    response = send("POST", f"{PROVIDER}/checkNameAvailability", "Reader", json=body)
    assert response.status_code == 200
    assert response.json()["nameAvailable"] is (expected is None)
    assert response.json().get("reason") == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sku": None}, (400, "InvalidRequestContent")),
        ({"kind": None}, (400, "InvalidRequestContent")),
        ({"location": None}, (400, "LocationRequired")),
        ({"location": "mars"}, (400, "LocationNotAvailableForResourceType")),
        ({"sku": {"name": "Gold_LRS"}}, (400, "InvalidValuesForRequestParameters")),
        ({"kind": "StorageV9"}, (400, "InvalidValuesForRequestParameters")),
    ],
)
def test_wrong_bodies(
    send: Callable[..., requests.Response], change: dict[str, Any], expected: tuple[int, str]
) -> None:
    """Each is refused, and no account is left behind."""
    assert error(send("PUT", f"{ACCOUNTS}/newlake", json=NEW | change)) == expected
    assert send("GET", f"{ACCOUNTS}/newlake").status_code == 404


def test_names_that_are_refused(azure: Sandbox, send: Callable[..., requests.Response]) -> None:
    """A wrong one, one of another group, and one of another region."""
    azure.resource_manager.add_resource_group("team", "eastus2")
    assert error(send("PUT", f"{ACCOUNTS}/New-Lake", json=NEW)) == (400, "AccountNameInvalid")
    elsewhere = send("PUT", f"{ACCOUNTS.replace('analytics', 'team')}/mylake", json=NEW)
    assert error(elsewhere) == (409, "StorageAccountAlreadyTaken")
    moved = send("PUT", f"{ACCOUNTS}/mylake", json=NEW | {"location": "westus"})
    assert error(moved) == (409, "InvalidResourceLocation")


@pytest.mark.parametrize("action", ["listKeys", "regenerateKey"])
@pytest.mark.parametrize(
    ("role", "code"),
    [
        ("Owner", "DenyAssignmentAuthorizationFailed"),
        ("Reader", "AuthorizationFailed"),
        (None, "AuthorizationFailed"),
    ],
)
def test_keys_are_refused(
    send: Callable[..., requests.Response], action: str, role: Any, code: str
) -> None:
    """Nobody gets a key, whatever their role, and no response holds one."""
    refused = send("POST", f"{ACCOUNTS}/mylake/{action}", role, json={"keyName": "key1"})
    assert error(refused) == (403, code)
    assert f"Microsoft.Storage/storageAccounts/{action}/action" in refused.text
    assert "value" not in refused.text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_reader_may_not_write(send: Callable[..., requests.Response], method: str) -> None:
    """A Reader reads; nobody without a role does even that."""
    assert send("GET", f"{ACCOUNTS}/mylake", "Reader").status_code == 200
    refused = send(method, f"{ACCOUNTS}/mylake", "Reader", json=NEW)
    assert error(refused) == (403, "AuthorizationFailed")
    assert error(send("GET", f"{ACCOUNTS}/mylake", None)) == (403, "AuthorizationFailed")


def test_token_for_storage_is_none_for_its_management(
    send: Callable[..., requests.Response],
) -> None:
    """The data plane's audience is refused here, with a challenge."""
    refused = send("GET", f"{ACCOUNTS}/mylake", audience=STORAGE)
    assert error(refused) == (401, "InvalidAuthenticationTokenAudience")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


def test_registration(send: Callable[..., requests.Response]) -> None:
    """Without a registered provider no account can be created; the other provider stays."""
    resources = {"version": "2021-04-01"}
    assert send("POST", f"{PROVIDER}/unregister", **resources).status_code == 200
    refused = send("PUT", f"{ACCOUNTS}/newlake", json=NEW)
    assert error(refused) == (409, "MissingSubscriptionRegistration")
    assert "'Microsoft.Storage'" in refused.json()["error"]["message"]
    providers = send("GET", f"{SUBSCRIPTION}/providers", **resources).json()["value"]
    assert {one["namespace"]: one["registrationState"] for one in providers} == {
        "Microsoft.DataLakeStore": "Registered",
        "Microsoft.Storage": "NotRegistered",
        "Microsoft.Resources": "Registered",
    }
    assert send("POST", f"{PROVIDER}/register", **resources).status_code == 200
    assert send("PUT", f"{ACCOUNTS}/newlake", json=NEW).status_code == 202


def test_types_and_methods_that_there_are_not(send: Callable[..., requests.Response]) -> None:
    """The errors of Resource Manager itself."""
    assert error(send("GET", f"{PROVIDER}/queues")) == (404, "InvalidResourceType")
    assert error(send("GET", f"{ACCOUNTS}/mylake/listKeys")) == (405, "MethodNotAllowed")
    missing = send("GET", f"{ACCOUNTS}/mylake", version="")
    assert error(missing) == (400, "MissingApiVersionParameter")
