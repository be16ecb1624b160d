"""Ours and the peers, each signed in for real and then asked for a token that lives.

A *peer* is a function that signs in and gives the question that a program then asks
again and again. ``others`` is how many more accounts are alive beside the one that is
asked for: as objects of their own where the package has one object for each account, in
the shared cache where it has a cache. Those are filled without network.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.metadata
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .azure import ADA, CLIENT_ID, DATA_LAKE, MANAGEMENT, PASSWORD, TENANT


@dataclass(frozen=True)
class Ask:
    """A question: what is called, and with what."""

    call: Callable[..., object]
    arguments: tuple[object, ...] = ()

    def __call__(self) -> object:
        """Ask."""
        return self.call(*self.arguments)


Peer = Callable[[int], Ask]

RESOURCE_MANAGER = "https://management.azure.com"
SCOPE = f"{MANAGEMENT}.default"
AUTHORITY = f"https://login.microsoftonline.com/{TENANT}"
_HOST = "login.microsoftonline.com"
_SECRET = "x" * 1500  # about as long as a real one
_alive: list[object] = []


def _quiet(prompt: object = None, *rest: object) -> None:
    """Show nobody: the sandbox approves every code at once."""


# Ours.


class _Elsewhere:
    """A strategy that needs no network, for the other accounts."""

    def silent(self, resource: str, *, claims: str | None = None) -> Any:  # noqa: ARG002
        from adls_enduser import Token

        now = time.time()
        return Token(_SECRET, now + 3600, now, resource)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Any:
        return self.silent(resource, claims=claims)


def our_credentials(others: int = 0) -> Any:
    """Sign in with a device code, for account management."""
    from adls_enduser import management_credentials

    _alive.extend(management_credentials(_Elsewhere()) for _ in range(others))
    return management_credentials("device_code", tenant=TENANT, prompt=_quiet)


def our_get_token(others: int = 0) -> Ask:
    """Ask as azure-core's clients do."""
    credentials = our_credentials(others)
    return Ask(credentials.get_token, (SCOPE,))


def our_signed_session(others: int = 0) -> Ask:
    """Ask as msrest's clients do: with the session that they keep."""
    import requests

    credentials, session = our_credentials(others), requests.Session()
    return Ask(credentials.signed_session, (session,))


def our_new_session(others: int = 0) -> Ask:
    """Ask as azure-datalake-store 0.0.x does: for a new session."""
    from adls_enduser import filesystem_token

    _alive.extend(filesystem_token(_Elsewhere()) for _ in range(others))
    token = filesystem_token("device_code", tenant=TENANT, prompt=_quiet)
    return Ask(token.signed_session)


def our_store_get_token(others: int = 0) -> Ask:
    """Ask as azure-datalake-store 1.x does, in its own spelling of the scope."""
    from adls_enduser import filesystem_token

    _alive.extend(filesystem_token(_Elsewhere()) for _ in range(others))
    token = filesystem_token("device_code", tenant=TENANT, prompt=_quiet)
    return Ask(token.get_token, (f"{DATA_LAKE}/.default",))


# Theirs.


def identity_get_token(others: int = 0) -> Ask:
    """Ask azure-identity's DeviceCodeCredential, from its cache in memory."""
    from azure.identity import DeviceCodeCredential

    cache = msal_cache(others)
    credential = DeviceCodeCredential(tenant_id=TENANT, prompt_callback=_quiet, _cache=cache)
    credential.authenticate(scopes=[SCOPE])
    return Ask(credential.get_token, (SCOPE,))


def msal_silent(others: int = 0) -> Ask:
    """Ask msal's PublicClientApplication.acquire_token_silent."""
    import msal

    cache = msal_cache(others)
    app = msal.PublicClientApplication(CLIENT_ID, authority=AUTHORITY, token_cache=cache)
    app.acquire_token_by_device_flow(app.initiate_device_flow([SCOPE]))
    account = app.get_accounts(ADA)[0]
    return Ask(lambda: app.acquire_token_silent([SCOPE], account=account)["access_token"])


def adal_acquire(others: int = 0) -> Ask:
    """Ask adal's AuthenticationContext.acquire_token."""
    import adal

    context = adal.AuthenticationContext(AUTHORITY, cache=adal_cache(others))
    code = context.acquire_user_code(MANAGEMENT, CLIENT_ID)
    token = context.acquire_token_with_device_code(MANAGEMENT, code, CLIENT_ID)
    user = token["userId"]
    return Ask(context.acquire_token, (MANAGEMENT, user, CLIENT_ID))


def user_pass_session(others: int = 0) -> Ask:
    """Ask msrestazure's UserPassCredentials.signed_session, with adal's cache behind it."""
    import requests
    from msrestazure.azure_active_directory import UserPassCredentials

    cache = adal_cache(others)
    credentials = UserPassCredentials(ADA, PASSWORD, tenant=TENANT, cache=cache)
    session = requests.Session()
    return Ask(credentials.signed_session, (session,))


def aad_token_credentials(others: int = 0) -> Any:
    """Make msrestazure's AADTokenCredentials, as in Microsoft's article."""
    import adal
    from msrestazure.azure_active_directory import AADTokenCredentials

    context = adal.AuthenticationContext(AUTHORITY)
    code = context.acquire_user_code(MANAGEMENT, CLIENT_ID)
    token = context.acquire_token_with_device_code(MANAGEMENT, code, CLIENT_ID)
    _alive.extend(AADTokenCredentials(token, CLIENT_ID, tenant=TENANT) for _ in range(others))
    return AADTokenCredentials(token, CLIENT_ID, tenant=TENANT)


def aad_token_session(others: int = 0) -> Ask:
    """Ask for their signed_session, which puts an OAuth2 object on the session."""
    import requests

    credentials, session = aad_token_credentials(others), requests.Session()
    return Ask(credentials.signed_session, (session,))


def store_session(others: int = 0) -> Ask:
    """Ask azure-datalake-store 0.0.x's own DataLakeCredential for a session (always a new one)."""
    from azure.datalake.store import lib

    with contextlib.redirect_stdout(io.StringIO()):
        credential = lib.auth(tenant_id=TENANT, resource=DATA_LAKE)
    _alive.extend(lib.DataLakeCredential(dict(credential.token)) for _ in range(others))
    return Ask(credential.signed_session)


def aad_token_request(others: int = 0) -> Ask:
    """Ask Resource Manager something, by AADTokenCredentials in msrest's client.

    These credentials notice that a token has ended only when a request is prepared, and
    renew it when msrest's pipeline then asks them to (its ``RequestsCredentialsPolicy``).
    """
    from msrest import Configuration, ServiceClient

    client: Any = ServiceClient(aad_token_credentials(others), Configuration(RESOURCE_MANAGER))
    return Ask(lambda: client.send(client.get("/subscriptions?api-version=2022-12-01")))


# Caches with many accounts.


def msal_cache(others: int) -> Any:
    """Give msal's TokenCache with so many accounts in it."""
    import msal

    cache = msal.TokenCache()
    for number in range(others):
        known = {"uid": f"uid-{number}", "utid": "utid"}
        claims = {"sub": str(number), "oid": str(number), "preferred_username": f"p{number}@x.com"}
        cache.add(
            {
                "client_id": CLIENT_ID,
                "scope": [SCOPE],
                "token_endpoint": f"{AUTHORITY}/oauth2/v2.0/token",
                "environment": _HOST,
                "response": {
                    "access_token": _SECRET,
                    "refresh_token": _SECRET,
                    "expires_in": 3600,
                    "client_info": base64.urlsafe_b64encode(json.dumps(known).encode()).decode(),
                    "id_token_claims": claims,
                    "token_type": "Bearer",
                },
            }
        )
    return cache


def adal_cache(others: int) -> Any:
    """Give adal's TokenCache with so many accounts in it."""
    import adal

    cache = adal.TokenCache()
    cache.add(
        [
            {
                "tokenType": "Bearer",
                "accessToken": _SECRET,
                "refreshToken": _SECRET,
                "expiresIn": 3600,
                "expiresOn": "2999-01-01 00:00:00.000000",
                "resource": MANAGEMENT,
                "userId": f"p{number}@x.com",
                "isMRRT": True,
                "_clientId": CLIENT_ID,
                "_authority": AUTHORITY,
            }
            for number in range(others)
        ]
    )
    return cache


AAD_TOKEN_SESSION = "msrestazure AADTokenCredentials.signed_session(session)"
AAD_TOKEN_REQUEST = "msrestazure AADTokenCredentials, in a request"
PEERS: dict[str, Peer] = {
    "adls_enduser get_token": our_get_token,
    "adls_enduser signed_session(session)": our_signed_session,
    "adls_enduser get_token, by azure-datalake-store 1.0.1": our_store_get_token,
    "azure-identity DeviceCodeCredential.get_token": identity_get_token,
    "msal acquire_token_silent": msal_silent,
    "adal acquire_token": adal_acquire,
    "msrestazure UserPassCredentials.signed_session(session)": user_pass_session,
    AAD_TOKEN_SESSION: aad_token_session,
}
NEW_SESSION = "adls_enduser signed_session()"
STORE_SESSION = "azure-datalake-store DataLakeCredential.signed_session()"


def peers() -> dict[str, Peer]:
    """Give those that can run beside the installed azure-datalake-store."""
    version = importlib.metadata.version("azure-datalake-store")
    if version.startswith("0."):
        return {NEW_SESSION: our_new_session, f"{STORE_SESSION} {version}": store_session}
    return PEERS
