"""One run of a program that signs in, and keeps the sign-in if its package can do that.

``python -m benchmarks.next_process NAME``: ``prompts`` runs it twice and counts the requests
of the second run. Nothing is encrypted, because a machine that runs benchmarks seldom has a
keyring.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

from .azure import CLIENT_ID, MANAGEMENT, TENANT
from .peers import AUTHORITY, SCOPE


def _show_nothing(*prompt: object) -> None:
    """Show no prompt: the sandbox approves every code at once."""


def ours(folder: Path) -> None:
    """Keep the sign-in in a SignInCache."""
    from adls_enduser import SignInCache, management_credentials

    cache = SignInCache(folder / "sign-ins", allow_unencrypted=True)
    management_credentials("device_code", tenant=TENANT, prompt=_show_nothing, cache=cache)


def identity(folder: Path) -> None:
    """Keep azure-identity's cache, and the record that finds the account in it again."""
    from azure.identity import (
        AuthenticationRecord,
        DeviceCodeCredential,
        TokenCachePersistenceOptions,
    )

    path = folder / "record.json"
    record = AuthenticationRecord.deserialize(path.read_text()) if path.exists() else None
    credential = DeviceCodeCredential(
        tenant_id=TENANT,
        prompt_callback=_show_nothing,
        authentication_record=record,
        cache_persistence_options=TokenCachePersistenceOptions(allow_unencrypted_storage=True),
    )
    if record is None:
        path.write_text(credential.authenticate(scopes=[SCOPE]).serialize())
    credential.get_token(SCOPE)


def msal(folder: Path) -> None:
    """Keep msal's cache in a file, as its documents show."""
    import msal

    cache, path = msal.SerializableTokenCache(), folder / "msal.json"
    if path.exists():
        cache.deserialize(path.read_text())
    app = msal.PublicClientApplication(CLIENT_ID, authority=AUTHORITY, token_cache=cache)
    accounts = app.get_accounts()
    if not (accounts and app.acquire_token_silent([SCOPE], accounts[0])):
        app.acquire_token_by_device_flow(app.initiate_device_flow([SCOPE]))
    path.write_text(cache.serialize())


def adal(folder: Path) -> None:  # noqa: ARG001 - the article keeps nothing
    """Sign in as in the article, which keeps nothing."""
    import adal

    context = adal.AuthenticationContext(AUTHORITY)
    code = context.acquire_user_code(MANAGEMENT, CLIENT_ID)
    context.acquire_token_with_device_code(MANAGEMENT, code, CLIENT_ID)


def store(folder: Path) -> None:  # noqa: ARG001 - it keeps nothing
    """Sign in with azure-datalake-store's lib.auth, which keeps nothing."""
    from azure.datalake.store import lib

    lib.auth(tenant_id=TENANT)


PROGRAMS = {"ours": ours, "identity": identity, "msal": msal, "adal": adal, "store": store}


def main() -> None:
    """Run one program."""
    warnings.simplefilter("ignore")
    PROGRAMS[sys.argv[1]](Path(os.environ["HOME"]))


if __name__ == "__main__":
    main()
