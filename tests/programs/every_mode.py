"""Sign in in one mode, and use both SDKs: ``every_mode OPTIONS``, where OPTIONS is JSON.

It needs no other file of the tests, so that it can be frozen and zipped. Prints the user name;
before that, in the browser's mode, the address of its page.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from azure.datalake.store import core
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

import adls_enduser
from adls_enduser import (
    AzureCredential,
    SignInCache,
    StaticToken,
    explain,
    filesystem_token,
    management_credentials,
    sign_in_async,
)

SUBSCRIPTION_ID = "c0ffee00-7e57-4c0a-9d0a-00000000beef"


def show(prompt: Any) -> None:
    """Print the address of the browser's page; device codes are approved at once."""
    if not hasattr(prompt, "code"):
        print(prompt.url, flush=True)  # noqa: T201 - what the test reads


def use(credentials: Any, token: Any) -> None:
    """List the accounts, and the folder of one."""
    (account,) = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID).accounts.list()
    assert core.AzureDLFileSystem(token, store_name=account.name).ls("/") == []


def main(mode: Any, cache: str = "", **options: Any) -> str:
    """Sign in in this mode, then with what came of it; return the user name."""
    if cache:
        options["cache"] = SignInCache(cache, allow_unencrypted=True)
    if mode in ("device_code", "mfa", "browser", "auto") or "fallback" in options:
        options["prompt"] = show
    if "fallback" not in options:
        assert str(explain(mode, **options)), adls_enduser.__version__
    credentials: Any = management_credentials(mode, **options)
    token: Any = asyncio.run(sign_in_async(filesystem_token, mode, **options))
    use(credentials, token)
    again = token.get_token("https://datalake.azure.net/.default")
    static = StaticToken(again.token, again.expires_on)
    use(management_credentials(AzureCredential(credentials)), filesystem_token(static))
    return str(credentials.whoami().username)


if __name__ == "__main__":
    print(main(**json.loads(sys.argv[1])))  # noqa: T201 - what the test reads
