"""The host names of storage: an account, one of its two endpoints, and a cloud.

Sources: Microsoft, "Storage account overview" (endpoints) and the storage suffixes of
``msrestazure.azure_cloud``; Microsoft, "OneLake access and APIs": OneLake is one account of
that name, also under names that begin with a region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Endpoint = Literal["blob", "dfs"]

ONELAKE = "onelake"
_ONELAKE_SUFFIX = "fabric.microsoft.com"
SUFFIXES = {
    "core.windows.net": "public",
    "core.chinacloudapi.cn": "china",
    "core.usgovcloudapi.net": "usgovernment",
    _ONELAKE_SUFFIX: "public",
}


@dataclass(frozen=True)
class StorageHost:
    """A parsed host name; ``cloud`` is the name of the cloud as ``Tenant.cloud`` has it."""

    account: str
    endpoint: Endpoint
    suffix: str

    @property
    def cloud(self) -> str:
        """Return the cloud that the account is in."""
        return SUFFIXES[self.suffix]

    @property
    def is_onelake(self) -> bool:
        """Tell whether the host is OneLake's."""
        return self.suffix == _ONELAKE_SUFFIX

    @property
    def audiences(self) -> set[str]:
        """Return the audiences of the tokens that the host accepts.

        Source: Microsoft, "Authorize access to blobs using Microsoft Entra ID", resource id:
        the one of all accounts, or that of this account.
        """
        own = {f"https://{self.account}.{name}.{self.suffix}" for name in ("blob", "dfs")}
        return own | {"https://storage.azure.com"}


def parse(host: str) -> StorageHost | None:
    """Return the parts of a host name, or None if it is not one of storage."""
    account, _, rest = host.partition(".")
    endpoint, _, suffix = rest.partition(".")
    if not account or suffix not in SUFFIXES or endpoint not in ("blob", "dfs"):
        return None
    if suffix == _ONELAKE_SUFFIX:
        if account != ONELAKE and not account.endswith(f"-{ONELAKE}"):
            return None
        account = ONELAKE
    return StorageHost(account, "blob" if endpoint == "blob" else "dfs", suffix)
