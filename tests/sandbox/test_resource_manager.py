"""The sandbox's Resource Manager with the real management packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient, models
from azure.mgmt.resource.resources import ResourceManagementClient
from msrestazure.azure_exceptions import CloudError

from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Person, Sandbox, SandboxClock
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANAGEMENT = "https://management.core.windows.net/"
CLIENT_ID = "c0ffee00-0000-4000-8000-00000000c11e"
ROOT = "https://management.azure.com"
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
GROUP = f"{SUBSCRIPTION}/resourceGroups/analytics"
ACCOUNT = f"{GROUP}/providers/Microsoft.DataLakeStore/accounts/mystore"
STORES = "2016-11-01"
GROUPS = "2021-04-01"


class TokenCredential:
    """A credential for both generations of SDKs, with one token."""

    def __init__(self, token: str) -> None:
        self.token = token

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        session = session or requests.Session()
        session.headers["Authorization"] = f"Bearer {self.token}"
        return session

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self.token, 4_000_000_000)


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Run a sandbox that sends no Retry-After, so that the SDKs do not sleep."""
    with Sandbox(clock=SandboxClock(frozen=True)) as sandbox:
        sandbox.resource_manager.retry_after = None
        yield sandbox


@pytest.fixture
def owner(azure: Sandbox) -> Person:
    """A person who may do everything."""
    return azure.world.directory.add(Person(f"ada@{CONTOSO}", CONTOSO_ID, "x"))


def credential_for(azure: Sandbox, person: Person, audience: str = MANAGEMENT) -> TokenCredential:
    """Return a person's credential, valid for an hour."""
    token = azure.world.identity.access_token(person, audience, client_id=CLIENT_ID, lifetime=3600)
    return TokenCredential(token)


def stores_client(credential: TokenCredential) -> DataLakeStoreAccountManagementClient:
    """Return the Data Lake Store client of either generation, polling without pauses."""
    client = DataLakeStoreAccountManagementClient(credential, SUBSCRIPTION_ID)
    return without_pauses(client)


def groups_client(credential: TokenCredential) -> ResourceManagementClient:
    """Return the resource client of either generation, polling without pauses."""
    return without_pauses(ResourceManagementClient(credential, SUBSCRIPTION_ID))


def without_pauses(client: Any) -> Any:
    """Set the client's own polling interval to 0; it applies where no Retry-After was sent."""
    config = getattr(client, "_config", None) or client.config
    if hasattr(config, "polling_interval"):
        config.polling_interval = 0
    else:
        config.long_running_operation_timeout = 0
    return client


def wait_for(operation: Any) -> Any:
    """Wait for a poller of either generation."""
    return operation.result()


def operation(operations: Any, name: str) -> Callable[..., Any]:
    """Return ``begin_create`` or ``create``, whichever the installed version has."""
    method: Callable[..., Any] = getattr(operations, f"begin_{name}", None) or getattr(
        operations, name
    )
    return method


@pytest.fixture
def client(azure: Sandbox, owner: Person) -> Any:
    """Return the Data Lake Store client, with the owner's token."""
    return stores_client(credential_for(azure, owner))


@pytest.fixture
def resources(azure: Sandbox, owner: Person) -> Any:
    """Return the resource client, with the owner's token."""
    return groups_client(credential_for(azure, owner))


def error_of(call: Callable[[], object]) -> tuple[int, str]:
    """Return the status and code of a call's error."""
    with pytest.raises((CloudError, HttpResponseError)) as caught:
        call()
    error: Any = caught.value
    code = getattr(error.error, "code", None) or error.error.error
    return error.status_code, code


def check_name(client: Any, name: str) -> Any:
    """Check whether a name is free, with the arguments of either generation."""
    if hasattr(client.accounts, "begin_create"):
        parameters = models.CheckNameAvailabilityParameters(
            name=name, type="Microsoft.DataLakeStore/accounts"
        )
        return client.accounts.check_name_availability("eastus2", parameters)
    return client.accounts.check_name_availability("eastus2", name)


def new_account(location: str = "eastus2", **options: Any) -> Any:
    """Return the parameters that create an account."""
    return models.CreateDataLakeStoreAccountParameters(location=location, **options)


def send(
    credential: TokenCredential | None,
    method: str,
    path: str,
    version: str = STORES,
    **options: Any,
) -> requests.Response:
    """Send a request without an SDK, for what the SDKs hide."""
    headers = options.pop("headers", {})
    if credential:
        headers["Authorization"] = f"Bearer {credential.token}"
    query = {"api-version": version} if version else {}
    return requests.request(
        method, ROOT + path, params=query, headers=headers, timeout=10, **options
    )


def store_exists(azure: Sandbox, person: Person, name: str) -> bool:
    """Tell whether a store responds; the proxy refuses the host name of one that does not exist."""
    try:
        return store_response(azure, person, name).status_code == 200
    except requests.exceptions.ProxyError:
        return False


def store_response(azure: Sandbox, person: Person, name: str) -> requests.Response:
    """Request the status of a store's root folder."""
    token = credential_for(azure, person, "https://datalake.azure.net/").token
    url = f"https://{name}.azuredatalakestore.net/webhdfs/v1/"
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(url, params={"op": "GETFILESTATUS"}, headers=headers, timeout=10)


class TestAccounts:
    def test_new_sandbox_has_one_account(self, client: Any) -> None:
        """A new sandbox has one account with a fixed name."""
        (found,) = client.accounts.list()
        assert (found.name, found.location) == ("mystore", "eastus2")
        assert found.endpoint == "mystore.azuredatalakestore.net"
        assert found.id == ACCOUNT

    def test_create_is_long_running(self, azure: Sandbox, client: Any, owner: Person) -> None:
        """Create returns 201 and "InProgress"; then the account is active and its store exists."""
        assert not store_exists(azure, owner, "newstore")
        create = operation(client.accounts, "create")
        made = wait_for(create("analytics", "newstore", new_account(tags={"team": "sea"})))
        assert (made.provisioning_state, made.state) == ("Succeeded", "Active")
        assert made.endpoint == "newstore.azuredatalakestore.net"
        assert made.tags == {"team": "sea"}
        assert made.encryption_state == "Enabled"
        assert made.creation_time == made.last_modified_time
        statuses = [(one.method, one.status) for one in azure.log.to("datalakestore/", method=None)]
        assert statuses == [("PUT", 201), ("GET", 200), ("GET", 200), ("GET", 200)]
        assert len(azure.log.to("/operationResults/")) == 2
        root = store_response(azure, owner, "newstore").json()["FileStatus"]
        assert root["owner"] == owner.object_id

    def test_polls(self, azure: Sandbox, client: Any) -> None:
        """``polls`` is how many polls get "in progress" as response."""
        azure.resource_manager.polls = 4
        wait_for(operation(client.accounts, "create")("analytics", "newstore", new_account()))
        assert len(azure.log.to("/operationResults/")) == 5

    def test_retry_after(self, azure: Sandbox, owner: Person) -> None:
        """The response that begins an operation says how long to wait before each poll."""
        with Sandbox(environ=None) as untouched:
            assert untouched.resource_manager.retry_after == 1
        azure.resource_manager.retry_after = 7
        path = f"{GROUP}/providers/Microsoft.DataLakeStore/accounts/newstore"
        response = send(credential_for(azure, owner), "PUT", path, json={"location": "East US 2"})
        assert response.status_code == 201
        assert response.headers["Retry-After"] == "7"
        properties = response.json()["properties"]
        assert properties["provisioningState"] == "Creating"
        assert (properties["state"], properties["endpoint"]) == (None, None)

    def test_state_without_a_poller(self, client: Any) -> None:
        """Without a poller, the account's own state goes from Creating to Succeeded."""
        operation(client.accounts, "create")("analytics", "newstore", new_account(), polling=False)
        states = [client.accounts.get("analytics", "newstore") for _ in range(2)]
        assert [one.provisioning_state for one in states] == ["Creating", "Succeeded"]

    def test_location_address_of_an_operation(self, azure: Sandbox, owner: Person) -> None:
        """The Location of a create returns 202 while it runs, then 200 and the account."""
        credential = credential_for(azure, owner)
        path = f"{GROUP}/providers/Microsoft.DataLakeStore/accounts/newstore"
        made = send(credential, "PUT", path, json={"location": "eastus2"})
        result = made.headers["Location"].partition("?")[0].removeprefix(ROOT)
        assert send(credential, "GET", result).status_code == 202
        last = send(credential, "GET", result)
        assert (last.status_code, last.json()["name"]) == (200, "newstore")
        assert send(credential, "GET", result + "9").json()["error"]["code"] == "OperationNotFound"

    def test_a_change_during_creation(self, client: Any) -> None:
        """An account that is being created cannot be changed."""
        create = operation(client.accounts, "create")
        create("analytics", "newstore", new_account(), polling=False)
        change = lambda: create("analytics", "newstore", new_account())  # noqa: E731
        assert error_of(change) == (409, "Conflict")

    def test_update(self, azure: Sandbox, client: Any) -> None:
        """An update returns the changed account at once, with a later modification time."""
        azure.clock.advance(60)
        update = operation(client.accounts, "update")
        parameters = models.UpdateDataLakeStoreAccountParameters(
            tags={"a": "b"}, firewall_state="Enabled", new_tier="Commitment_1TB"
        )
        changed = wait_for(update("analytics", "mystore", parameters))
        assert (changed.tags, changed.firewall_state) == ({"a": "b"}, "Enabled")
        assert (changed.current_tier, changed.new_tier) == ("Consumption", "Commitment_1TB")
        assert (changed.last_modified_time - changed.creation_time).total_seconds() == 60
        parameters = models.UpdateDataLakeStoreAccountParameters(default_group="g")
        changed = wait_for(update("analytics", "mystore", parameters))
        assert (changed.tags, changed.default_group) == ({"a": "b"}, "g")

    def test_create_again_replaces(self, client: Any) -> None:
        """A second create changes the account and removes the tags that it does not name."""
        create = operation(client.accounts, "create")
        first = wait_for(create("analytics", "mystore", new_account(tags={"a": "b"})))
        second = wait_for(create("analytics", "mystore", new_account(firewall_state="Enabled")))
        assert (first.tags, second.tags) == ({"a": "b"}, None)
        assert (first.account_id, second.firewall_state) == (second.account_id, "Enabled")

    def test_delete(self, azure: Sandbox, client: Any, owner: Person) -> None:
        """A deleted account is not listed any more, and its store is deleted."""
        assert store_exists(azure, owner, "mystore")
        wait_for(operation(client.accounts, "delete")("analytics", "mystore"))
        assert list(client.accounts.list()) == []
        get = lambda: client.accounts.get("analytics", "mystore")  # noqa: E731
        assert error_of(get) == (404, "ResourceNotFound")
        assert not store_exists(azure, owner, "mystore")
        wait_for(operation(client.accounts, "delete")("analytics", "mystore"))
        assert [one.status for one in azure.log.to("/mystore", method="DELETE")] == [202, 204]

    def test_names_in_any_case(self, client: Any) -> None:
        """Names are found in any case and returned as they were spelled at first."""
        found = client.accounts.get("ANALYTICS", "MyStore")
        assert found.id == ACCOUNT

    @pytest.mark.parametrize("name", ["ab", "My-Store", "a" * 25, "lake_1"])
    def test_bad_names(self, client: Any, name: str) -> None:
        """A name that is not 3 to 24 lower-case letters and digits is rejected."""
        create = operation(client.accounts, "create")
        call = lambda: create("analytics", name, new_account())  # noqa: E731
        assert error_of(call) == (400, "AccountNameInvalid")
        assert check_name(client, name).reason == "Invalid"

    def test_other_errors_of_create(self, azure: Sandbox, client: Any) -> None:
        """A missing group, a wrong region, a taken name and another region each have a code."""
        azure.resource_manager.add_resource_group("elsewhere", "westus")
        create = operation(client.accounts, "create")

        def refused(group: str, name: str, location: str) -> tuple[int, str]:
            return error_of(lambda: create(group, name, new_account(location)))

        missing = refused("nowhere", "newstore", "eastus2")
        assert missing == (404, "ResourceGroupNotFound")
        region = refused("analytics", "newstore", "mars")
        assert region == (400, "LocationNotAvailableForResourceType")
        assert refused("elsewhere", "mystore", "eastus2") == (409, "NameNotAvailable")
        moved = refused("analytics", "mystore", "westeurope")
        assert moved == (409, "InvalidResourceLocation")
        assert [one.name for one in client.accounts.list()] == ["mystore"]

    def test_check_name_availability(self, client: Any) -> None:
        """A free name is available, a taken one is not, with the service's message."""
        assert check_name(client, "newstore").name_available
        taken = check_name(client, "mystore")
        assert (taken.name_available, taken.reason) == (False, "AlreadyExists")
        assert taken.message == "An account named 'mystore' already exists."

    def test_enable_key_vault(self, client: Any) -> None:
        """Only an account with a user-managed key has a key vault to enable."""
        enable = client.accounts.enable_key_vault
        refused = error_of(lambda: enable("analytics", "mystore"))
        assert refused == (400, "InvalidOperation")
        vault = models.KeyVaultMetaInfo(
            key_vault_resource_id="v", encryption_key_name="k", encryption_key_version="1"
        )
        config = models.EncryptionConfig(type="UserManaged", key_vault_meta_info=vault)
        parameters = new_account(encryption_config=config, identity=models.EncryptionIdentity())
        made = wait_for(operation(client.accounts, "create")("analytics", "vaulted", parameters))
        assert made.encryption_provisioning_state == "Creating"
        assert made.identity.tenant_id == CONTOSO_ID
        enable("analytics", "vaulted")
        found = client.accounts.get("analytics", "vaulted")
        assert found.encryption_provisioning_state == "Succeeded"


class TestLists:
    @pytest.fixture(autouse=True)
    def accounts(self, azure: Sandbox) -> None:
        """Add five accounts in two groups."""
        manager = azure.resource_manager
        manager.add_resource_group("team", "westeurope")
        for name in ("lake1", "lake2", "lake3"):
            manager.add_account(name, "team")
        manager.add_account("archive", "analytics")

    def test_by_group(self, client: Any) -> None:
        """A group's list has only its own accounts; a missing group is an error."""
        found = client.accounts.list_by_resource_group("Team")
        assert [one.name for one in found] == ["lake1", "lake2", "lake3"]
        missing = error_of(lambda: list(client.accounts.list_by_resource_group("none")))
        assert missing == (404, "ResourceGroupNotFound")
        elsewhere = error_of(lambda: client.accounts.get("analytics", "lake1"))
        assert elsewhere == (404, "ResourceNotFound")

    def test_pages(self, azure: Sandbox, client: Any) -> None:
        """A long list continues at its nextLink, without lost or repeated items."""
        azure.resource_manager.page_size = 2
        names = [one.name for one in client.accounts.list(top=4)]
        assert names == ["archive", "mystore", "lake1", "lake2"]
        assert len(azure.log.to("/accounts")) == 2

    def test_query_options(self, client: Any) -> None:
        """$filter, $skip, $top and $orderby work as in OData."""

        def names(**options: Any) -> list[str]:
            return [one.name for one in client.accounts.list(**options)]

        assert names(filter="location eq 'westeurope'", skip=1) == ["lake2", "lake3"]
        assert names(orderby="name desc", top=2) == ["mystore", "lake3"]
        assert names(filter="name eq 'lake1' and location ne 'eastus2'") == ["lake1"]
        bad = error_of(lambda: names(filter="name like 'x'"))
        assert bad == (400, "InvalidFilterInQueryString")

    def test_select_and_count(self, client: Any) -> None:
        """$select leaves out the other fields."""
        found = list(client.accounts.list(select="name", count=True))
        assert len(found) == 5
        assert {one.location for one in found} == {None}

    def test_resources(self, resources: Any) -> None:
        """Resource Manager's own list has every account with its type."""
        found = list(resources.resources.list(filter="resourceGroup eq 'team'"))
        assert [one.name for one in found] == ["lake1", "lake2", "lake3"]
        assert {one.type for one in found} == {"Microsoft.DataLakeStore/accounts"}
        there = resources.resources.list_by_resource_group("analytics")
        assert [one.name for one in there] == ["archive", "mylake", "mystore"]


# The client's attribute, the model's parameters, a changed parameter.
CHILDREN = [
    pytest.param(
        "firewall_rules",
        {"start_ip_address": "10.0.0.1", "end_ip_address": "10.0.0.9"},
        {"end_ip_address": "10.0.0.20"},
        id="firewall rule",
    ),
    pytest.param(
        "virtual_network_rules", {"subnet_id": "/a/b"}, {"subnet_id": "/c/d"}, id="network rule"
    ),
    pytest.param(
        "trusted_id_providers",
        {"id_provider": "https://sts.windows.net/1"},
        {"id_provider": "https://sts.windows.net/2"},
        id="identity provider",
    ),
]
MODELS = {
    "firewall_rules": "FirewallRule",
    "virtual_network_rules": "VirtualNetworkRule",
    "trusted_id_providers": "TrustedIdProvider",
}


def put_child(client: Any, kind: str, name: str, given: dict[str, str]) -> Any:
    """Create or replace a rule, with the arguments of either generation."""
    operations = getattr(client, kind)
    model = getattr(models, f"CreateOrUpdate{MODELS[kind]}Parameters")
    if hasattr(client.accounts, "begin_create"):
        return operations.create_or_update("analytics", "mystore", name, model(**given))
    return operations.create_or_update("analytics", "mystore", name, **given)


def patch_child(client: Any, kind: str, name: str, given: dict[str, str]) -> Any:
    """Update a rule, with the arguments of either generation."""
    operations = getattr(client, kind)
    if hasattr(client.accounts, "begin_create"):
        model = getattr(models, f"Update{MODELS[kind]}Parameters")
        return operations.update("analytics", "mystore", name, model(**given))
    return operations.update("analytics", "mystore", name, **given)


class TestChildren:
    @pytest.mark.parametrize(("kind", "given", "change"), CHILDREN)
    def test_life_of_a_child(
        self, client: Any, kind: str, given: dict[str, str], change: dict[str, str]
    ) -> None:
        """A rule is created, listed, shown in its account, changed and deleted."""
        operations = getattr(client, kind)
        made = put_child(client, kind, "Rule1", given)
        assert made.id.endswith("/mystore/" + made.type.rpartition("/")[2] + "/Rule1")
        assert {name: getattr(made, name) for name in given} == given
        assert [one.name for one in operations.list_by_account("analytics", "mystore")] == ["Rule1"]
        (shown,) = getattr(client.accounts.get("analytics", "mystore"), kind)
        assert shown.name == "Rule1"
        patch_child(client, kind, "rule1", change)
        found = operations.get("analytics", "mystore", "rule1")
        assert {name: getattr(found, name) for name in given} == given | change
        operations.delete("analytics", "mystore", "rule1")
        assert list(operations.list_by_account("analytics", "mystore")) == []
        gone = error_of(lambda: operations.get("analytics", "mystore", "rule1"))
        assert gone == (404, "NestedResourceNotFound")
        operations.delete("analytics", "mystore", "rule1")

    def test_created_with_the_account(self, client: Any) -> None:
        """Firewall rules can be given along with the account."""
        rule = models.CreateFirewallRuleWithAccountParameters(
            name="office", start_ip_address="10.0.0.1", end_ip_address="10.0.0.2"
        )
        parameters = new_account(firewall_rules=[rule], firewall_state="Enabled")
        made = wait_for(operation(client.accounts, "create")("analytics", "newstore", parameters))
        assert [one.end_ip_address for one in made.firewall_rules] == ["10.0.0.2"]
        assert client.firewall_rules.get("analytics", "newstore", "OFFICE").name == "office"

    def test_bad_rules(self, client: Any) -> None:
        """An invalid range, and a rule of a missing account, are rejected."""
        bad = {"start_ip_address": "10.0.0.9", "end_ip_address": "10.0.0.1"}
        refused = error_of(lambda: put_child(client, "firewall_rules", "r", bad))
        assert refused == (400, "InvalidIpAddressRange")
        missing = error_of(lambda: list(client.firewall_rules.list_by_account("analytics", "no")))
        assert missing == (404, "ResourceNotFound")


class TestGroups:
    def test_life_of_a_group(self, azure: Sandbox, resources: Any) -> None:
        """A group is created, found, tagged, listed, and deleted with its accounts."""
        groups = resources.resource_groups
        made = groups.create_or_update("Sea", {"location": "West Europe"})
        assert (made.name, made.location) == ("Sea", "westeurope")
        assert made.properties.provisioning_state == "Succeeded"
        assert groups.check_existence("SEA")
        groups.update("sea", {"tags": {"a": "b"}})
        tagged = groups.list(filter="tagName eq 'a' and tagValue eq 'b'")
        assert [one.name for one in tagged] == ["Sea"]
        azure.resource_manager.add_account("deepsea", "Sea")
        wait_for(operation(groups, "delete")("sea"))
        assert not groups.check_existence("sea")
        assert [one.name for one in groups.list()] == ["analytics"]
        assert error_of(lambda: groups.get("sea")) == (404, "ResourceGroupNotFound")

    def test_deletion_includes_the_stores(
        self, azure: Sandbox, resources: Any, client: Any, owner: Person
    ) -> None:
        """A group's deletion returns 202 until it is done, and deletes its accounts and stores."""
        wait_for(operation(resources.resource_groups, "delete")("analytics"))
        assert [one.status for one in azure.log.to("/operationresults/")] == [202, 200]
        assert list(client.accounts.list()) == []
        assert not store_exists(azure, owner, "mystore")

    @pytest.mark.parametrize(("method", "name"), [("PUT", "newstore"), ("DELETE", "mystore")])
    def test_deletion_during_another_operation(
        self, azure: Sandbox, resources: Any, client: Any, owner: Person, method: str, name: str
    ) -> None:
        """An operation that was running in a deleted group leaves no account and no store."""
        credential = credential_for(azure, owner)
        azure.resource_manager.polls = 3
        path = f"{GROUP}/providers/Microsoft.DataLakeStore/accounts/{name}"
        begun = send(credential, method, path, json={"location": "eastus2"})
        azure.resource_manager.polls = 0
        wait_for(operation(resources.resource_groups, "delete")("analytics"))
        address = begun.headers["Azure-AsyncOperation"].partition("?")[0].removeprefix(ROOT)
        statuses = [send(credential, "GET", address).json()["status"] for _ in range(4)]
        assert (statuses[0], statuses[-1]) == ("InProgress", "Succeeded")
        assert list(client.accounts.list()) == []
        assert not store_exists(azure, owner, name)

    def test_errors(self, resources: Any) -> None:
        """A wrong region, another region for the same group and a running deletion are errors."""
        groups = resources.resource_groups
        put = groups.create_or_update
        wrong = error_of(lambda: put("new", {"location": "mars"}))
        assert wrong == (400, "LocationNotAvailableForResourceGroup")
        moved = error_of(lambda: put("analytics", {"location": "westus"}))
        assert moved == (409, "InvalidResourceGroupLocation")
        missing = error_of(lambda: operation(groups, "delete")("nowhere"))
        assert missing == (404, "ResourceGroupNotFound")
        operation(groups, "delete")("analytics", polling=False)
        busy = error_of(lambda: put("analytics", {"location": "eastus2"}))
        assert busy == (409, "ResourceGroupBeingDeleted")

    def test_accounts_as_plain_resources(self, resources: Any) -> None:
        """The generic calls, whose paths have a doubled slash, reach accounts too."""
        found = resources.resources.get(
            resource_group_name="analytics",
            resource_provider_namespace="Microsoft.DataLakeStore",
            parent_resource_path="",
            resource_type="accounts",
            resource_name="mystore",
            api_version=STORES,
        )
        assert found.id == ACCOUNT
        assert resources.resources.check_existence_by_id(ACCOUNT, api_version=STORES)
        assert not resources.resources.check_existence_by_id(ACCOUNT + "x", api_version=STORES)


class TestProvider:
    def test_registration(self, resources: Any, azure: Sandbox, owner: Person) -> None:
        """Without a registered provider no account can be created."""
        provider = resources.providers.get("microsoft.datalakestore")
        assert provider.registration_state == "Registered"
        assert "accounts" in [one.resource_type for one in provider.resource_types]
        resources.providers.unregister("Microsoft.DataLakeStore")
        response = send(credential_for(azure, owner), "PUT", ACCOUNT, json={"location": "eastus2"})
        assert response.json()["error"]["code"] == "MissingSubscriptionRegistration"
        resources.providers.register("Microsoft.DataLakeStore")
        namespaces = {one.namespace: one.registration_state for one in resources.providers.list()}
        assert namespaces["Microsoft.DataLakeStore"] == "Registered"

    def test_operations_and_capability(self, client: Any) -> None:
        """The provider lists its operations and a region's capability."""
        operations = client.operations.list().value
        names = [one.name for one in operations]
        assert "Microsoft.DataLakeStore/accounts/firewallRules/write" in names
        capability = client.locations.get_capability("eastus2")
        assert (capability.state, capability.account_count) == ("Registered", 1)

    def test_subscriptions_and_tenants(self, azure: Sandbox, owner: Person) -> None:
        """The subscription is listed with its tenant, the tenant with its domain."""
        credential = credential_for(azure, owner)
        (listed,) = send(credential, "GET", "/subscriptions", GROUPS).json()["value"]
        assert (listed["subscriptionId"], listed["tenantId"]) == (SUBSCRIPTION_ID, CONTOSO_ID)
        assert send(credential, "GET", SUBSCRIPTION, GROUPS).json() == listed
        (tenant,) = send(credential, "GET", "/tenants", GROUPS).json()["value"]
        assert tenant["domains"] == [CONTOSO]
        regions = send(credential, "GET", SUBSCRIPTION + "/locations", GROUPS).json()["value"]
        assert "eastus2" in [one["name"] for one in regions]


def challenge_of(response: requests.Response) -> tuple[int, str, str]:
    """Return status, code and challenge of a 401 response."""
    header = response.headers["WWW-Authenticate"]
    return response.status_code, response.json()["error"]["code"], header


class TestAuthentication:
    def test_both_spellings_of_the_audience(self, azure: Sandbox, owner: Person) -> None:
        """A token for either name of the service, with or without the slash, is accepted."""
        for audience in (MANAGEMENT, "https://management.azure.com"):
            (found,) = stores_client(credential_for(azure, owner, audience)).accounts.list()
            assert found.name == "mystore"

    def test_no_token(self, azure: Sandbox) -> None:
        """Without a token the challenge names the subscription's tenant."""
        status, code, header = challenge_of(send(None, "GET", SUBSCRIPTION, GROUPS))
        assert (status, code) == (401, "AuthenticationFailed")
        assert f'authorization_uri="https://login.windows.net/{CONTOSO_ID}"' in header
        assert 'error="invalid_token"' in header
        assert "missing 'Authorization' header" in header

    def test_not_a_bearer_token(self, azure: Sandbox) -> None:
        """Another scheme, and a malformed token, have their own codes."""
        basic = send(None, "GET", SUBSCRIPTION, headers={"Authorization": "Basic eDp5"})
        assert challenge_of(basic)[1] == "AuthenticationFailedInvalidHeader"
        malformed = send(TokenCredential("a.b.c"), "GET", SUBSCRIPTION)
        assert challenge_of(malformed)[:2] == (401, "InvalidAuthenticationToken")

    def test_wrong_audience(self, azure: Sandbox, owner: Person) -> None:
        """A token for the stores is rejected by Resource Manager."""
        client = stores_client(credential_for(azure, owner, "https://datalake.azure.net/"))
        refused = error_of(lambda: list(client.accounts.list()))
        assert refused == (401, "InvalidAuthenticationTokenAudience")

    def test_expired(self, azure: Sandbox, owner: Person) -> None:
        """A token is valid up to its last second."""
        client = stores_client(credential_for(azure, owner))
        azure.clock.advance(3599)
        assert list(client.accounts.list())
        azure.clock.advance(1)
        refused = error_of(lambda: list(client.accounts.list()))
        assert refused == (401, "ExpiredAuthenticationToken")

    def test_revoked(self, azure: Sandbox, owner: Person) -> None:
        """A revoked token is rejected with a claims challenge; a revocation can be undone."""
        credential = credential_for(azure, owner)
        azure.world.identity.revoke(owner)
        refused = error_of(lambda: list(stores_client(credential).accounts.list()))
        assert refused == (401, "InvalidAuthenticationToken")
        header = send(credential, "GET", SUBSCRIPTION).headers["WWW-Authenticate"]
        assert 'error_description="User session has been revoked", claims="ey' in header
        azure.world.identity.accept_again(owner)
        assert list(stores_client(credential).accounts.list())

    def test_other_tenant(self, azure: Sandbox) -> None:
        """A person of another tenant sees no subscription; the challenge names its tenant."""
        tenant = azure.world.directory.add_tenant("fabrikam.com").tenant_id
        eve = azure.world.directory.add(Person("eve@fabrikam.com", tenant, "x"))
        refused = error_of(lambda: list(stores_client(credential_for(azure, eve)).accounts.list()))
        assert refused == (401, "InvalidAuthenticationTokenTenant")
        response = send(credential_for(azure, eve), "GET", SUBSCRIPTION, GROUPS)
        assert CONTOSO_ID in response.headers["WWW-Authenticate"]
        assert (
            send(credential_for(azure, eve), "GET", "/subscriptions", GROUPS).json()["value"] == []
        )

    def test_reader(self, azure: Sandbox) -> None:
        """A reader can read; the error for a write names person, action and scope."""
        reader = Person(f"rex@{CONTOSO}", CONTOSO_ID, "x", role="Reader")
        credential = credential_for(azure, azure.world.directory.add(reader))
        client = stores_client(credential)
        assert [one.name for one in client.accounts.list()] == ["mystore"]
        assert groups_client(credential).resource_groups.check_existence("analytics")
        delete = operation(client.accounts, "delete")
        refused = error_of(lambda: wait_for(delete("analytics", "mystore")))
        assert refused == (403, "AuthorizationFailed")
        sentence = send(credential, "DELETE", ACCOUNT).json()["error"]["message"]
        assert sentence.startswith(
            f"The client 'rex@{CONTOSO}' with object id '{reader.object_id}' does not have "
            "authorization to perform action 'Microsoft.DataLakeStore/accounts/delete' over "
            f"scope '{ACCOUNT}' or the scope is invalid."
        )
        assert [one.name for one in client.accounts.list()] == ["mystore"]

    def test_no_role(self, azure: Sandbox) -> None:
        """Without a role the list of subscriptions is empty and everything else is forbidden."""
        person = Person(f"sue@{CONTOSO}", CONTOSO_ID, "x", role=None)
        credential = credential_for(azure, azure.world.directory.add(person))
        assert send(credential, "GET", "/subscriptions", GROUPS).json()["value"] == []
        refused = error_of(lambda: list(stores_client(credential).accounts.list()))
        assert refused == (403, "AuthorizationFailed")


class TestRequests:
    @pytest.mark.parametrize(
        ("path", "version", "status", "code"),
        [
            (SUBSCRIPTION, "", 400, "MissingApiVersionParameter"),
            (SUBSCRIPTION, "soon", 400, "InvalidApiVersionParameter"),
            (ACCOUNT, "2099-01-01", 404, "InvalidResourceType"),
            ("/subscriptions/me", GROUPS, 400, "InvalidSubscriptionId"),
            (f"/subscriptions/{CONTOSO_ID}", GROUPS, 404, "SubscriptionNotFound"),
            (f"{SUBSCRIPTION}/providers/No.Such", GROUPS, 404, "InvalidResourceNamespace"),
            (f"{GROUP}/providers/No.Such/things/a", GROUPS, 404, "InvalidResourceNamespace"),
            (f"{ACCOUNT}/things", STORES, 404, "InvalidResourceType"),
            (f"{SUBSCRIPTION}/things", GROUPS, 404, "NotFound"),
        ],
    )
    def test_bad_addresses(
        self, azure: Sandbox, owner: Person, path: str, version: str, status: int, code: str
    ) -> None:
        """Each kind of wrong address has its status and code."""
        response = send(credential_for(azure, owner), "GET", path, version)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)

    @pytest.mark.parametrize("body", ["", "{", "[]", '{"tags": {}}'])
    def test_bad_bodies(self, azure: Sandbox, owner: Person, body: str) -> None:
        """A body that is not a JSON object, or has no location, is rejected."""
        response = send(credential_for(azure, owner), "PUT", ACCOUNT, data=body)
        code = "LocationRequired" if "tags" in body else "InvalidRequestContent"
        assert (response.status_code, response.json()["error"]["code"]) == (400, code)

    def test_wrong_method(self, azure: Sandbox, owner: Person) -> None:
        """A method that an address does not support is rejected."""
        assert send(credential_for(azure, owner), "POST", ACCOUNT).status_code == 405

    def test_headers(self, azure: Sandbox, owner: Person) -> None:
        """Every response, also an error, has the ids that support needs."""
        sent = {"x-ms-client-request-id": "mine", "x-ms-correlation-request-id": "thread"}
        for credential in (credential_for(azure, owner), None):
            headers = send(credential, "GET", ACCOUNT, headers=dict(sent)).headers
            assert headers["x-ms-client-request-id"] == "mine"
            assert headers["x-ms-correlation-request-id"] == "thread"
            assert len(headers["x-ms-request-id"]) == 36
            assert headers["x-ms-ratelimit-remaining-subscription-reads"].isdigit()
            assert headers["Cache-Control"] == "no-cache"
