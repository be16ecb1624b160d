"""What is in the subscription: resource groups and, in them, Data Lake Store accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from .errors import account_busy, account_not_found, group_not_found
from .ids import account_id

if TYPE_CHECKING:
    from .operations import Operation

# Where Data Lake Store Gen1 was offered, and where resource groups can be.
STORE_REGIONS = ("eastus2", "northeurope", "centralus", "westeurope", "australiaeast")
REGIONS = {
    "australiaeast": "Australia East",
    "centralus": "Central US",
    "eastus": "East US",
    "eastus2": "East US 2",
    "northeurope": "North Europe",
    "southeastasia": "Southeast Asia",
    "uksouth": "UK South",
    "westeurope": "West Europe",
    "westus": "West US",
    "westus2": "West US 2",
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
    """A Data Lake Store account.

    ``settings`` are the properties that a caller chooses; ``children`` maps a collection
    such as ``firewallRules`` to what is in it, by lower-case name. ``owner`` is the object
    id of who made it, to whom the store's root folder belongs.
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

    @property
    def id(self) -> str:
        """Give the resource id."""
        return account_id(self.group.name, self.name)

    def ready(self) -> Account:
        """Give the account itself; ArmError while it is being created or deleted."""
        if self.provisioning != "Succeeded":
            raise account_busy(self.name)
        return self


@dataclass
class Child:
    """A firewall rule, a virtual network rule or a trusted identity provider."""

    name: str
    properties: dict[str, object]


class Estate:
    """Everything there is, found by name in any case."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.accounts: dict[str, Account] = {}
        self.registered = True

    def group(self, name: str) -> Group:
        """Find a resource group; ArmError if there is none."""
        self.settle()
        return self._group(name)

    def account(self, group: str, name: str) -> Account:
        """Find an account in its group; ArmError if there is none."""
        found = self.find(group, name)
        if found is None:
            raise account_not_found(group, name)
        return found

    def find(self, group: str, name: str) -> Account | None:
        """Find an account in a group that must be there."""
        wanted = self.group(group)
        found = self.accounts.get(name.lower())
        return found if found and found.group is wanted else None

    def listing(self, group: str | None = None) -> list[Account]:
        """Give all accounts, or a group's, in order of group and name."""
        self.settle()
        wanted = self._group(group) if group else None
        found = [one for one in self.accounts.values() if wanted in (None, one.group)]
        return sorted(found, key=lambda one: (one.group.name.lower(), one.name))

    def settle(self) -> None:
        """Let what is under way go on, for callers who look at it and not at the operation."""
        under_way = [one.operation for one in self.accounts.values()]
        under_way += [one.operation for one in self.groups.values()]
        for operation in under_way:
            if operation is not None:
                operation.look()

    def _group(self, name: str) -> Group:
        found = self.groups.get(name.lower())
        if found is None:
            raise group_not_found(name)
        return found


def written(seconds: float) -> str:
    """Write a time as the provider does: UTC, seven decimals."""
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S.%f}0Z"
