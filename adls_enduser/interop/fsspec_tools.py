"""fsspec_options: for adlfs, and so for pandas, Dask, xarray and everything else over fsspec."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..clouds import CHINA, PUBLIC, US_GOVERNMENT, Cloud
from ..errors import ConfigurationError, UnsupportedByCloud, clear_call
from .arguments import check_credential

if TYPE_CHECKING:
    from ..credentials.protocol import Credentials

# Of each cloud, by the endpoint of its Resource Manager. Source: msrestazure.azure_cloud,
# ``suffixes.storage_endpoint``.
_STORAGE_SUFFIXES = {
    PUBLIC.resource_manager: "core.windows.net",
    CHINA.resource_manager: "core.chinacloudapi.cn",
    US_GOVERNMENT.resource_manager: "core.usgovcloudapi.net",
}

# Source: Microsoft, "Storage account overview", section "Storage account name".
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
# Source: Microsoft, "OneLake access and APIs", section "Data residency".
_ONELAKE = re.compile(r"(?:[a-z0-9]+-)?onelake")
# The name in https://NAME.dfs.core.windows.net/box, abfss://box@NAME.dfs..., NAME.blob... .
_HOST = re.compile(r"(?:^|[/@])([a-z0-9-]{3,40})\.(?:dfs|blob|z\d+)\.", re.IGNORECASE)


@clear_call("fsspec_options(credential, 'mylake')")
def fsspec_options(
    credential: Credentials, account_name: str, *, onelake: bool = False
) -> dict[str, object]:
    """Return ``storage_options`` for ``abfs://`` and ``abfss://``, which adlfs serves.

    For example ``pandas.read_parquet("abfs://box/x.parquet", storage_options=...)``, or
    ``fsspec.filesystem("abfs", **options)``. With ``onelake=True`` the account is ``"onelake"``
    (or ``"REGION-onelake"``), and the first part of a path is the workspace.

    The file system renews its token by itself, and two people never share one: fsspec keeps an
    instance for each ``repr`` of the credential. Raises ConfigurationError for a wrong argument,
    UnsupportedByCloud if the cloud's hosts are not known.
    """
    ours = check_credential(credential)
    if not isinstance(onelake, bool):
        raise ConfigurationError(
            f"onelake={onelake!r} must be True or False.",
            remedy="Write onelake=True for OneLake, and leave it out for a storage account.",
        )
    # adlfs calls its credential in the event loop that all its file systems share: the
    # asynchronous view does not stop it during a renewal.
    options: dict[str, object] = {"account_name": account_name, "credential": ours.aio()}
    host = _onelake_host(account_name) if onelake else _blob_host(account_name, ours.cloud)
    return options if host is None else {**options, "account_host": host}


def _onelake_host(account_name: object) -> str:
    if isinstance(account_name, str) and _ONELAKE.fullmatch(account_name):
        return f"{account_name}.blob.fabric.microsoft.com"
    raise _not_an_account(
        account_name, "'onelake' or 'REGION-onelake' with onelake=True", "onelake"
    )


def _blob_host(account_name: object, cloud: Cloud) -> str | None:
    """Return the host of an account; None for the one that adlfs takes by itself."""
    if not isinstance(account_name, str) or not _ACCOUNT.fullmatch(account_name):
        raise _not_an_account(account_name, "3 to 24 lowercase letters and digits", "mylake")
    if account_name == "onelake":
        raise ConfigurationError(
            "account_name='onelake' needs onelake=True: OneLake has hosts of its own.",
            remedy="Write fsspec_options(credential, 'onelake', onelake=True).",
        )
    suffix = _STORAGE_SUFFIXES.get(cloud.resource_manager)
    if suffix is None:
        raise UnsupportedByCloud(
            f"The hosts of storage accounts in the cloud {cloud.name!r} are not known here.",
            remedy="Write the options yourself: {'account_name': ..., 'account_host':"
            " 'ACCOUNT.blob.SUFFIX', 'credential': credential.aio()}.",
        )
    if cloud.resource_manager == PUBLIC.resource_manager:
        return None
    return f"{account_name}.blob.{suffix}"


def _not_an_account(account_name: object, rule: str, example: str) -> ConfigurationError:
    """Return the error for a wrong name. It is not shown: a URL or a key may hold a secret."""
    if not isinstance(account_name, str):
        kind = type(account_name).__name__
        return ConfigurationError(
            f"account_name must be a str, not {kind}.", remedy=f"For example {example!r}."
        )
    host = _HOST.search(account_name)
    return ConfigurationError(
        f"account_name must be {'the name alone, not a URL or a host' if host else rule}.",
        remedy=f"For example {(host.group(1).lower() if host else example)!r}.",
    )
