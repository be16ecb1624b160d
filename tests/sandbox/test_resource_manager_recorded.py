"""Resource Manager beside what is recorded: regions, names, tags, network rules, reason phrases."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

from .test_resource_manager import ACCOUNT, GROUP, SUBSCRIPTION, azure, credential_for, owner
from .test_resource_manager import send as send_with_options

if TYPE_CHECKING:
    import requests

    from adls_enduser.sandbox import Person, Sandbox

    from .test_resource_manager import TokenCredential

__all__ = ["azure", "owner"]

STORES, TAGS_VERSION = "2016-11-01", "2021-04-01"
LAKE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/mylake"
TAGS = "/providers/Microsoft.Resources/tags/default"
# Where tags are sent to, and what is sent with them.
TAGGED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "tags": (GROUP + TAGS, TAGS_VERSION, {}),
    "group": (GROUP, TAGS_VERSION, {"location": "westus2"}),
    "store": (ACCOUNT, STORES, {"location": "eastus2"}),
    "lake": (LAKE, "2023-05-01", {"location": "eastus2", "kind": "StorageV2"}),
}
TAGGED["lake"][2]["sku"] = {"name": "Standard_LRS"}
REFUSED_NAMES = ("a<b", "a>b", "%", "&", "\\", "?", "kubernetes.io/cluster/x", "a\nb")


def send(
    credential: TokenCredential, method: str, path: str, version: str, body: Any = None
) -> requests.Response:
    """Send a request, with a JSON body if there is one."""
    options = {} if body is None else {"json": body}
    return send_with_options(credential, method, path, version, **options)


@pytest.fixture
def credential(azure: Sandbox, owner: Person) -> TokenCredential:
    """The credential of a person who may do everything."""
    return credential_for(azure, owner)


@pytest.mark.parametrize("region", ["westus2", "West US 2", "eastus2", "centralus", "westeurope"])
def test_regions_of_stores(credential: TokenCredential, region: str) -> None:
    """A store can be created in each; only eastus2 was found in a recording."""
    body = {"location": region}
    path = f"{GROUP}/providers/Microsoft.DataLakeStore/accounts/regional"
    assert send(credential, "PUT", path, STORES, body).status_code == 201
    where = region.replace(" ", "").lower()
    locations = f"{SUBSCRIPTION}/providers/Microsoft.DataLakeStore/locations/{where}"
    assert send(credential, "GET", f"{locations}/capability", STORES).status_code == 200


def test_regions_of_groups(credential: TokenCredential) -> None:
    """The service's own list: MicrosoftLearning/DP-900T00A-Azure-Data-Fundamentals #51."""
    for number, region in enumerate(("westus3", "qatarcentral", "australiacentral2", "westindia")):
        path = f"{SUBSCRIPTION}/resourcegroups/group{number}"
        assert send(credential, "PUT", path, TAGS_VERSION, {"location": region}).status_code == 201


def test_a_name_that_is_taken_in_another_group(credential: TokenCredential) -> None:
    """Names are unique in all of Azure; the words are those of checkNameAvailability."""
    group = f"{SUBSCRIPTION}/resourceGroups/others"
    assert send(credential, "PUT", group, TAGS_VERSION, {"location": "westus2"}).ok
    path = f"{group}/providers/Microsoft.DataLakeStore/accounts/MyStore"
    refused = send(credential, "PUT", path, STORES, {"location": "eastus2"})
    assert refused.status_code == 409
    assert refused.json()["error"]["message"] == "An account named 'mystore' already exists."
    assert send(credential, "GET", path, STORES).status_code == 404
    assert send(credential, "DELETE", path, STORES).status_code == 204
    assert send(credential, "GET", ACCOUNT, STORES).status_code == 200


@pytest.mark.parametrize("scope", [SUBSCRIPTION, GROUP, ACCOUNT, LAKE, ACCOUNT.upper()])
def test_tags_at_a_scope(credential: TokenCredential, scope: str) -> None:
    """Merge, Replace, Delete and their neighbours: Microsoft, "Tags - Update At Scope"."""

    def tags(method: str, body: dict[str, Any] | None = None) -> Any:
        response = send(credential, method, scope + TAGS, TAGS_VERSION, body)
        assert response.status_code == 200, response.text
        return response.json()["properties"]["tags"] if response.text else None

    def patch(operation: str, **given: str) -> Any:
        return tags("PATCH", {"operation": operation, "properties": {"tags": given}})

    assert tags("GET") == {}
    assert tags("PUT", {"properties": {"tags": {"a": "1", "b": "2"}}}) == {"a": "1", "b": "2"}
    assert patch("Merge", B="3", c="4") == {"a": "1", "B": "3", "c": "4"}
    assert patch("delete", a="", c="other") == {"B": "3", "c": "4"}
    assert patch("Replace", d="5") == {"d": "5"}
    found = send(credential, "GET", scope + TAGS, TAGS_VERSION).json()
    assert (found["name"], found["type"]) == ("default", "Microsoft.Resources/tags")
    assert found["id"].lower() == (scope + TAGS).lower()
    assert tags("DELETE") is None
    assert tags("GET") == {}


def test_tags_are_those_of_the_resource(credential: TokenCredential) -> None:
    """What is set at the scope is what the account and the group show."""
    for scope, version in ((ACCOUNT, STORES), (GROUP, TAGS_VERSION), (LAKE, "2023-05-01")):
        body = {"properties": {"tags": {"team": "lake"}}}
        assert send(credential, "PUT", scope + TAGS, TAGS_VERSION, body).ok
        assert send(credential, "GET", scope, version).json()["tags"] == {"team": "lake"}


def test_tags_that_are_refused(azure: Sandbox, credential: TokenCredential) -> None:
    """No tags, too many tags, an unknown operation, nothing there, and no role."""

    def status(method: str, scope: str, **body: Any) -> int:
        return send(credential, method, scope + TAGS, TAGS_VERSION, body).status_code

    assert status("PUT", GROUP) == 400
    many = {str(number): "x" for number in range(51)}
    assert status("PUT", GROUP, properties={"tags": many}) == 400
    assert status("PATCH", GROUP, operation="Add", properties={"tags": {}}) == 400
    assert status("GET", f"{SUBSCRIPTION}/resourceGroups/none") == 404
    assert status("GET", f"{ACCOUNT}x") == 404
    assert status("POST", GROUP) == 405
    reader = azure.entra.person("rita@contoso.onmicrosoft.com", password="x", role="Reader")
    reads = credential_for(azure, reader)
    assert send(reads, "GET", GROUP + TAGS, TAGS_VERSION).status_code == 200
    assert send(reads, "DELETE", GROUP + TAGS, TAGS_VERSION).status_code == 403


LONG = "Tag {0} too large. Following tag {1} '{2}' exceeded the maximum length."
LONG += " Maximum allowed length for tag {1} - '{3}' characters."
RESERVED = "The tag names '{}' have reserved characters '<,>,%,&,\\,?,/' or control characters."
REFUSED_TAGS = [
    *((name, "", "InvalidTagNameCharacters", RESERVED.format(name)) for name in REFUSED_NAMES),
    (" ", "", "InvalidTagName", "The tag name must be non-null, non-empty and non-whitespace only"),
    ("n" * 513, "", "InvalidTagName", LONG.format("key", "name", "n" * 513, 512)),
    ("n", "v" * 257, "InvalidTagValueLength", LONG.format("value", "value", "v" * 257, 256)),
    ("n", {"m": "v"}, "InvalidRequestContent", "Unexpected token: StartObject. Path 'tags.n'"),
    ("n", [], "InvalidRequestContent", "Unexpected token: StartArray. Path 'tags.n'"),
]


@pytest.mark.parametrize(("name", "value", "code", "words"), REFUSED_TAGS)
@pytest.mark.parametrize("where", ["tags", "group", "store", "lake"])
def test_a_tag_that_is_refused(
    credential: TokenCredential, where: str, name: str, value: Any, code: str, words: str
) -> None:
    """Microsoft, ``tag-resources``, Limitations; the responses: the docstring of ``check_tags``."""
    path, version, body = TAGGED[where]
    for method in ("PUT", "PATCH"):
        tags: dict[str, Any] = {"tags": {name: value}}
        if where == "tags":
            tags = {"operation": "Merge", "properties": tags}
        refused = send(credential, method, path, version, body | tags)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
        expected = words.replace("'512'", "'128'") if where == "lake" else words
        assert expected in refused.json()["error"]["message"]
    assert not send(credential, "GET", path, version).json().get("tags")


def test_tags_that_are_accepted(credential: TokenCredential) -> None:
    """The longest ones, and those of Azure's own that are hidden; 1 and null stay as they are."""
    long, own = {"n" * 512: "v" * 256}, {"hidden-link:/subscriptions/1": "Resource"}
    for tags in (long, own, {"a": 1, "b": None, "c": ""}):
        body = {"properties": {"tags": tags}}
        put = send(credential, "PUT", GROUP + TAGS, TAGS_VERSION, body)
        assert put.json()["properties"]["tags"] == tags
    for number, status in ((128, 200), (129, 400)):
        body = {"properties": {"tags": {"n" * number: ""}}}
        put = send(credential, "PUT", LAKE + TAGS, TAGS_VERSION, body)
        assert put.status_code == status
    many = {str(number): "x" for number in range(51)}
    for path, version, body in TAGGED.values():
        properties = {"tags": many, "properties": {"tags": many}}
        refused = send(credential, "PUT", path, version, body | properties)
        assert refused.json()["error"]["code"] == "TagsLimitExceeded"


@pytest.mark.parametrize(
    ("where", "new"), [("group", "analytics"), ("store", "mystore"), ("lake", "mylake")]
)
def test_what_is_refused_for_its_tags_is_not_made(
    credential: TokenCredential, where: str, new: str
) -> None:
    """As in coreos/tectonic-installer #596, where a storage account was not created."""
    path, version, body = TAGGED[where]
    path = path.removesuffix(new) + "new"
    refused = send(credential, "PUT", path, version, body | {"tags": {"a/b": ""}})
    assert refused.json()["error"]["code"] == "InvalidTagNameCharacters"
    assert send(credential, "GET", path, version).status_code == 404


def test_state_of_a_network_rule(credential: TokenCredential) -> None:
    """GET shows it, PUT does not: azure-mgmt-datalake-store, ``test_vnet_operations``."""
    subnet = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/default"
    rules, properties = f"{ACCOUNT}/virtualNetworkRules", {"subnetId": subnet}
    shown = properties | {"state": "Active"}
    made = send(credential, "PUT", f"{rules}/one", STORES, {"properties": properties})
    assert made.json()["properties"] == properties
    assert send(credential, "GET", f"{rules}/one", STORES).json()["properties"] == shown
    assert send(credential, "GET", rules, STORES).json()["value"][0]["properties"] == shown
    [rule] = send(credential, "GET", ACCOUNT, STORES).json()["properties"]["virtualNetworkRules"]
    assert rule == {"properties": shown, "name": "one"}
    body = {"location": "eastus2", "properties": {"virtualNetworkRules": [rule]}}
    put = send(credential, "PUT", ACCOUNT, STORES, body).json()
    assert put["properties"]["virtualNetworkRules"][0]["properties"] == properties
    firewall = {"properties": {"startIpAddress": "1.1.1.1", "endIpAddress": "1.1.1.2"}}
    send(credential, "PUT", f"{ACCOUNT}/firewallRules/f", STORES, firewall)
    got = send(credential, "GET", f"{ACCOUNT}/firewallRules/f", STORES).json()
    assert "state" not in got["properties"]


@pytest.mark.parametrize(
    ("host", "method", "target", "phrase"),
    [
        ("management.azure.com", "GET", f"{ACCOUNT}?api-version={STORES}", "OK"),
        ("management.azure.com", "GET", f"{ACCOUNT}x?api-version={STORES}", "Not Found"),
        ("management.azure.com", "HEAD", f"{ACCOUNT}?api-version={STORES}", "No Content"),
        ("management.azure.com", "GET", f"/subscriptions/{SUBSCRIPTION_ID}", "Bad Request"),
        ("mystore.azuredatalakestore.net", "GET", "/webhdfs/v1/?op=LISTSTATUS", "Unauthorized"),
        ("mylake.dfs.core.windows.net", "GET", "/box", "Unauthorized"),
        ("login.microsoftonline.com", "GET", "/common/discovery/keys", "OK"),
        ("login.microsoftonline.com", "POST", "/common/oauth2/token", "Bad Request"),
    ],
)
def test_reason_phrases(
    azure: Sandbox, credential: TokenCredential, host: str, method: str, target: str, phrase: str
) -> None:
    """Every recorded response has its standard phrase."""
    port = urlsplit(azure.url).port
    context = ssl.create_default_context(cafile=str(azure.ca_bundle))
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)
    connection.set_tunnel(host, 443)
    headers = {"Authorization": f"Bearer {credential.token}"} if "management" in host else {}
    connection.request(method, target, headers={"x-ms-version": "2021-06-08"} | headers)
    response = connection.getresponse()
    connection.close()
    assert response.reason == phrase
