"""The contents of the subscription: resource groups, and the accounts in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from .errors import account_busy, account_not_found, group_not_found, location_required
from .ids import ACCOUNT_TYPE, NAMESPACE, STORAGE, STORAGE_TYPE, account_id

if TYPE_CHECKING:
    from .operations import Operation

# The regions that had Data Lake Store Gen1.
STORE_REGIONS = (
    "eastus2",
    "northeurope",
    "centralus",
    "westeurope",
    "australiaeast",
    "westus2",
)
# Those that resource groups can be in, as the service lists them in an error (recorded in
# MicrosoftLearning/DP-900T00A-Azure-Data-Fundamentals #51).
REGIONS = {
    "australiacentral": "Australia Central",
    "australiacentral2": "Australia Central 2",
    "australiaeast": "Australia East",
    "australiasoutheast": "Australia Southeast",
    "brazilsouth": "Brazil South",
    "canadacentral": "Canada Central",
    "canadaeast": "Canada East",
    "centralindia": "Central India",
    "centralus": "Central US",
    "eastasia": "East Asia",
    "eastus": "East US",
    "eastus2": "East US 2",
    "francecentral": "France Central",
    "germanywestcentral": "Germany West Central",
    "israelcentral": "Israel Central",
    "italynorth": "Italy North",
    "japaneast": "Japan East",
    "japanwest": "Japan West",
    "jioindiawest": "Jio India West",
    "koreacentral": "Korea Central",
    "koreasouth": "Korea South",
    "mexicocentral": "Mexico Central",
    "northcentralus": "North Central US",
    "northeurope": "North Europe",
    "norwayeast": "Norway East",
    "polandcentral": "Poland Central",
    "qatarcentral": "Qatar Central",
    "southafricanorth": "South Africa North",
    "southcentralus": "South Central US",
    "southeastasia": "Southeast Asia",
    "southindia": "South India",
    "spaincentral": "Spain Central",
    "swedencentral": "Sweden Central",
    "switzerlandnorth": "Switzerland North",
    "uaenorth": "UAE North",
    "uksouth": "UK South",
    "ukwest": "UK West",
    "westcentralus": "West Central US",
    "westeurope": "West Europe",
    "westindia": "West India",
    "westus": "West US",
    "westus2": "West US 2",
    "westus3": "West US 3",
}


@dataclass
class Group:
    """A resource group; ``operation`` is its deletion, once that has begun."""

    name: str
    location: str
    tags: dict[str, object] | None = None
    operation: Operation | None = None


@dataclass
class Account:
    """An account: ``kind`` is its type, Data Lake Store's or Azure Storage's.

    ``settings`` are the properties that a caller chooses; ``children`` maps a collection
    such as ``firewallRules`` to its members, by lower-case name. ``owner`` is the object id of
    the person who created the account; the store's root folder belongs to them.
    """

    name: str
    group: Group
    location: str
    unique_id: str
    created: str
    modified: str
    tags: dict[str, object] | None = None
    identity: dict[str, object] | None = None
    settings: dict[str, object] = field(default_factory=dict)
    children: dict[str, dict[str, Child]] = field(default_factory=dict)
    owner: str = ""
    provisioning: str = "Succeeded"
    operation: Operation | None = None
    operation_count: int = 0
    kind: str = ACCOUNT_TYPE

    @property
    def id(self) -> str:
        """Return the resource id."""
        return account_id(self.group.name, self.kind, self.name)

    def ready(self) -> Account:
        """Return the account itself; raise ArmError while it is being created or deleted."""
        if self.provisioning != "Succeeded":
            raise account_busy(self.name)
        return self


@dataclass
class Child:
    """A firewall rule, a virtual network rule or a trusted identity provider."""

    name: str
    properties: dict[str, object]


class Inventory:
    """All groups and accounts, found by name in any case.

    ``registered`` are the providers that the subscription may use; ``page_size`` is the number
    of items in a page of a list; ``tags`` are the subscription's own.
    """

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.accounts: dict[str, Account] = {}
        self.storage_accounts: dict[str, Account] = {}
        self.registered = {NAMESPACE, STORAGE}
        self.page_size = 1000
        self.tags: dict[str, object] | None = None

    def group(self, name: str) -> Group:
        """Find a resource group; raise ArmError if there is none."""
        self.advance_operations()
        return self._group(name)

    def account(self, group: str, name: str, kind: str = ACCOUNT_TYPE) -> Account:
        """Find an account in its group; raise ArmError if there is none."""
        found = self.find(group, name, kind)
        if found is None:
            raise account_not_found(group, kind, name)
        return found

    def find(self, group: str, name: str, kind: str = ACCOUNT_TYPE) -> Account | None:
        """Find an account in an existing group, or None; raise ArmError if there is no group."""
        resource_group = self.group(group)
        found = self.of(kind).get(name.lower())
        return found if found and found.group is resource_group else None

    def of(self, kind: str) -> dict[str, Account]:
        """Return the accounts of a type, by name."""
        return self.storage_accounts if kind == STORAGE_TYPE else self.accounts

    def all_accounts(self) -> list[Account]:
        """Return the accounts of both types."""
        return [*self.accounts.values(), *self.storage_accounts.values()]

    def list_accounts(self, group: str | None = None, kind: str | None = None) -> list[Account]:
        """Return all accounts, or those of a group or a type, sorted by group and name."""
        self.advance_operations()
        resource_group = self._group(group) if group else None
        found = [
            account
            for account in (self.of(kind).values() if kind else self.all_accounts())
            if resource_group in (None, account.group)
        ]
        return sorted(found, key=lambda account: (account.group.name.lower(), account.name))

    def advance_operations(self) -> None:
        """Advance the running operations, for callers that poll the resource itself."""
        operations = [account.operation for account in self.all_accounts()]
        operations += [group.operation for group in self.groups.values()]
        for operation in operations:
            if operation is not None:
                operation.poll()

    def _group(self, name: str) -> Group:
        found = self.groups.get(name.lower())
        if found is None:
            raise group_not_found(name)
        return found


def region_name(location: object) -> str:
    """Return a region's canonical name: lower-case, without blanks ("East US 2")."""
    if not isinstance(location, str) or not location:
        raise location_required()
    return location.replace(" ", "").lower()


def timestamp(seconds: float) -> str:
    """Return a time as the provider writes it: UTC, seven decimals."""
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S.%f}0Z"
