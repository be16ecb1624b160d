"""The programs of ``cold``: each function runs in a fresh process, until it has its token.

Each is as the documents of its package show it. ``folder`` keeps the sign-in between two runs. A
program imports only what it needs, so that ``nothing`` is the bare interpreter with this file.
"""

from __future__ import annotations

TENANT = "contoso.onmicrosoft.com"
ADA, PASSWORD = f"ada@{TENANT}", "ada-password"
CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
AUTHORITY = f"https://login.microsoftonline.com/{TENANT}"
RESOURCE = "https://storage.azure.com/"
SCOPE = f"{RESOURCE}.default"


def nothing(folder: str) -> None:
    """Do nothing: what every program pays for the interpreter and for this file."""


def show_nothing(*prompt: object) -> None:
    """Show no prompt: the sandbox approves every code at once."""


# A sign-in that was kept, with a token that is valid. The first run signs in.


def ours_silent(folder: str) -> None:
    """Ask a strategy with a cache for its token."""
    from adls_enduser import DeviceCode, SignInCache

    cache = SignInCache(f"{folder}/sign-ins.json", allow_unencrypted=True)
    strategy = DeviceCode(tenant=TENANT, prompt=show_nothing, cache=cache)
    if strategy.silent(RESOURCE) is None:
        strategy.sign_in(RESOURCE)


def ours_silent_msal(folder: str) -> None:
    """Do the same with ``library="msal"``."""
    from adls_enduser import DeviceCode, SignInCache

    cache = SignInCache(f"{folder}/sign-ins-msal.json", allow_unencrypted=True)
    strategy = DeviceCode(tenant=TENANT, prompt=show_nothing, cache=cache, library="msal")
    if strategy.silent(RESOURCE) is None:
        strategy.sign_in(RESOURCE)


def ours_storage(folder: str) -> None:
    """Ask the credential for Azure Storage for its token."""
    from adls_enduser import SignInCache, storage_credential

    cache = SignInCache(f"{folder}/sign-ins.json", allow_unencrypted=True)
    credential = storage_credential("device_code", tenant=TENANT, prompt=show_nothing, cache=cache)
    credential.get_token(SCOPE)


def msal_file(folder: str) -> None:
    """Keep msal's cache in a file, as its documents show."""
    import os

    import msal

    cache, path = msal.SerializableTokenCache(), f"{folder}/msal.json"
    if os.path.exists(path):
        with open(path) as file:
            cache.deserialize(file.read())
    app = msal.PublicClientApplication(CLIENT_ID, authority=AUTHORITY, token_cache=cache)
    accounts = app.get_accounts()
    if not (accounts and app.acquire_token_silent([SCOPE], accounts[0])):
        app.acquire_token_by_device_flow(app.initiate_device_flow([SCOPE]))
    if cache.has_state_changed:
        with open(path, "w") as file:
            file.write(cache.serialize())


def identity_cache(folder: str) -> None:
    """Keep azure-identity's cache, and the record that finds the account in it again."""
    import os

    from azure.identity import (
        AuthenticationRecord,
        DeviceCodeCredential,
        TokenCachePersistenceOptions,
    )

    record, path = None, f"{folder}/record.json"
    if os.path.exists(path):
        with open(path) as file:
            record = AuthenticationRecord.deserialize(file.read())
    credential = DeviceCodeCredential(
        tenant_id=TENANT,
        prompt_callback=show_nothing,
        authentication_record=record,
        cache_persistence_options=TokenCachePersistenceOptions(allow_unencrypted_storage=True),
    )
    if record is None:
        with open(path, "w") as file:
            file.write(credential.authenticate(scopes=[SCOPE]).serialize())
    credential.get_token(SCOPE)


def adal_file(folder: str) -> None:
    """Keep adal's cache in a file, as its documents show."""
    import os

    import adal

    cache, path = adal.TokenCache(), f"{folder}/adal.json"
    if os.path.exists(path):
        with open(path) as file:
            cache.deserialize(file.read())
    context = adal.AuthenticationContext(AUTHORITY, cache=cache)
    if not cache.find({"userId": ADA}):
        code = context.acquire_user_code(RESOURCE, CLIENT_ID)
        context.acquire_token_with_device_code(RESOURCE, code, CLIENT_ID)
    context.acquire_token(RESOURCE, ADA, CLIENT_ID)
    if cache.has_state_changed:
        with open(path, "w") as file:
            file.write(cache.serialize())


# A first sign-in by password.


def ours_password_msal(folder: str) -> None:  # noqa: ARG001
    """Sign in for Azure Storage by msal."""
    from adls_enduser import storage_credential

    options = {"tenant": TENANT, "username": ADA, "password": PASSWORD}
    storage_credential("password", library="msal", **options).get_token(SCOPE)


def ours_password_adal(folder: str) -> None:  # noqa: ARG001
    """Sign in for Azure Storage by adal."""
    from adls_enduser import storage_credential

    options = {"tenant": TENANT, "username": ADA, "password": PASSWORD}
    storage_credential("password", library="adal", **options).get_token(SCOPE)


def msal_password(folder: str) -> None:  # noqa: ARG001
    """Sign in by msal."""
    import msal

    app = msal.PublicClientApplication(CLIENT_ID, authority=AUTHORITY)
    app.acquire_token_by_username_password(ADA, PASSWORD, [SCOPE])["access_token"]


def adal_password(folder: str) -> None:  # noqa: ARG001
    """Sign in by adal."""
    import adal

    context = adal.AuthenticationContext(AUTHORITY)
    context.acquire_token_with_username_password(RESOURCE, ADA, PASSWORD, CLIENT_ID)


# The same for the older SDKs, whose modules the program imports anyway.


def management_sdk(folder: str) -> None:  # noqa: ARG001
    """Import what a program of account management imports."""
    import azure.mgmt.datalake.store  # noqa: F401
    import msrestazure.azure_active_directory  # noqa: F401


def ours_management(folder: str) -> None:
    """Sign in for account management."""
    management_sdk(folder)
    from adls_enduser import management_credentials

    management_credentials("password", tenant=TENANT, username=ADA, password=PASSWORD)


def filesystem_sdk(folder: str) -> None:  # noqa: ARG001
    """Import what a program of the file system imports."""
    import azure.datalake.store.core  # noqa: F401


def ours_filesystem(folder: str) -> None:
    """Sign in for the file system."""
    filesystem_sdk(folder)
    from adls_enduser import filesystem_token

    filesystem_token("password", tenant=TENANT, username=ADA, password=PASSWORD)
