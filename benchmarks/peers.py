"""This package and its peers, each signed in at the sandbox and then asked for its valid token.

A *peer* is a function that signs in, and returns the call that a program then makes again and
again. ``others`` is the number of further accounts that exist at the same time: as separate
objects where the package has one object for each account, in the shared cache where the
package has a cache. No request is sent for the further accounts.
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
class TokenCall:
    """The call that returns a token: a function and its arguments."""

    function: Callable[..., object]
    arguments: tuple[object, ...] = ()

    def __call__(self) -> object:
        """Call the function."""
        return self.function(*self.arguments)


Peer = Callable[[int], TokenCall]

RESOURCE_MANAGER = "https://management.azure.com"
SCOPE = f"{MANAGEMENT}.default"
AUTHORITY = f"https://login.microsoftonline.com/{TENANT}"
_HOST = "login.microsoftonline.com"
_SECRET = "x" * 1500  # about as long as a real token
_kept_alive: list[object] = []


def _show_nothing(prompt: object = None, *rest: object) -> None:
    """Show no prompt: the sandbox approves every code at once."""


# Ours.


class _OfflineStrategy:
    """A strategy that sends no request, for the further accounts."""

    def silent(self, resource: str, *, claims: str | None = None) -> Any:  # noqa: ARG002
        from adls_enduser import Token

        now = time.time()
        return Token(_SECRET, now + 3600, now, resource)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Any:
        return self.silent(resource, claims=claims)


def our_credentials(others: int = 0) -> Any:
    """Sign in with a device code, for account management."""
    from adls_enduser import management_credentials

    _kept_alive.extend(management_credentials(_OfflineStrategy()) for _ in range(others))
    return management_credentials("device_code", tenant=TENANT, prompt=_show_nothing)


def our_get_token(others: int = 0) -> TokenCall:
    """Call ``get_token``, as azure-core's clients do."""
    credentials = our_credentials(others)
    return TokenCall(credentials.get_token, (SCOPE,))


def our_signed_session(others: int = 0) -> TokenCall:
    """Call ``signed_session`` with a kept session, as msrest's clients do."""
    import requests

    credentials, session = our_credentials(others), requests.Session()
    return TokenCall(credentials.signed_session, (session,))


def our_new_session(others: int = 0) -> TokenCall:
    """Call ``signed_session`` for a new session, as azure-datalake-store 0.0.x does."""
    from adls_enduser import filesystem_token

    _kept_alive.extend(filesystem_token(_OfflineStrategy()) for _ in range(others))
    token = filesystem_token("device_code", tenant=TENANT, prompt=_show_nothing)
    return TokenCall(token.signed_session)


def our_store_get_token(others: int = 0) -> TokenCall:
    """Call ``get_token`` with the scope as azure-datalake-store 1.x spells it."""
    from adls_enduser import filesystem_token

    _kept_alive.extend(filesystem_token(_OfflineStrategy()) for _ in range(others))
    token = filesystem_token("device_code", tenant=TENANT, prompt=_show_nothing)
    return TokenCall(token.get_token, (f"{DATA_LAKE}/.default",))


# Theirs.


def identity_get_token(others: int = 0) -> TokenCall:
    """Call azure-identity's DeviceCodeCredential.get_token, with its cache in memory."""
    from azure.identity import DeviceCodeCredential

    cache = msal_cache(others)
    credential = DeviceCodeCredential(tenant_id=TENANT, prompt_callback=_show_nothing, _cache=cache)
    credential.authenticate(scopes=[SCOPE])
    return TokenCall(credential.get_token, (SCOPE,))


def msal_silent(others: int = 0) -> TokenCall:
    """Call msal's PublicClientApplication.acquire_token_silent."""
    import msal

    cache = msal_cache(others)
    app = msal.PublicClientApplication(CLIENT_ID, authority=AUTHORITY, token_cache=cache)
    app.acquire_token_by_device_flow(app.initiate_device_flow([SCOPE]))
    account = app.get_accounts(ADA)[0]
    return TokenCall(lambda: app.acquire_token_silent([SCOPE], account=account)["access_token"])


def adal_acquire(others: int = 0) -> TokenCall:
    """Call adal's AuthenticationContext.acquire_token."""
    import adal

    context = adal.AuthenticationContext(AUTHORITY, cache=adal_cache(others))
    code = context.acquire_user_code(MANAGEMENT, CLIENT_ID)
    token = context.acquire_token_with_device_code(MANAGEMENT, code, CLIENT_ID)
    user = token["userId"]
    return TokenCall(context.acquire_token, (MANAGEMENT, user, CLIENT_ID))


def user_pass_session(others: int = 0) -> TokenCall:
    """Call msrestazure's UserPassCredentials.signed_session, which uses adal's cache."""
    import requests
    from msrestazure.azure_active_directory import UserPassCredentials

    cache = adal_cache(others)
    credentials = UserPassCredentials(ADA, PASSWORD, tenant=TENANT, cache=cache)
    session = requests.Session()
    return TokenCall(credentials.signed_session, (session,))


def aad_token_credentials(others: int = 0) -> Any:
    """Create msrestazure's AADTokenCredentials, as in Microsoft's article."""
    import adal
    from msrestazure.azure_active_directory import AADTokenCredentials

    context = adal.AuthenticationContext(AUTHORITY)
    code = context.acquire_user_code(MANAGEMENT, CLIENT_ID)
    token = context.acquire_token_with_device_code(MANAGEMENT, code, CLIENT_ID)
    _kept_alive.extend(AADTokenCredentials(token, CLIENT_ID, tenant=TENANT) for _ in range(others))
    return AADTokenCredentials(token, CLIENT_ID, tenant=TENANT)


def aad_token_session(others: int = 0) -> TokenCall:
    """Call AADTokenCredentials.signed_session, which puts an OAuth2 object on the session."""
    import requests

    credentials, session = aad_token_credentials(others), requests.Session()
    return TokenCall(credentials.signed_session, (session,))


def store_session(others: int = 0) -> TokenCall:
    """Call azure-datalake-store 0.0.x's DataLakeCredential.signed_session: always a new session."""
    from azure.datalake.store import lib

    with contextlib.redirect_stdout(io.StringIO()):
        credential = lib.auth(tenant_id=TENANT, resource=DATA_LAKE)
    _kept_alive.extend(lib.DataLakeCredential(dict(credential.token)) for _ in range(others))
    return TokenCall(credential.signed_session)


def aad_token_request(others: int = 0) -> TokenCall:
    """Send a request to Resource Manager, with AADTokenCredentials in msrest's client.

    These credentials notice that a token has expired only when a request is prepared, and
    renew it when msrest's pipeline then asks for that (its ``RequestsCredentialsPolicy``).
    """
    from msrest import Configuration, ServiceClient

    client: Any = ServiceClient(aad_token_credentials(others), Configuration(RESOURCE_MANAGER))
    return TokenCall(lambda: client.send(client.get("/subscriptions?api-version=2022-12-01")))


# Caches with many accounts.


def msal_cache(others: int) -> Any:
    """Return msal's TokenCache with this number of accounts in it."""
    import msal

    cache = msal.TokenCache()
    for number in range(others):
        client = {"uid": f"uid-{number}", "utid": "utid"}
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
                    "client_info": base64.urlsafe_b64encode(json.dumps(client).encode()).decode(),
                    "id_token_claims": claims,
                    "token_type": "Bearer",
                },
            }
        )
    return cache


def adal_cache(others: int) -> Any:
    """Return adal's TokenCache with this number of accounts in it."""
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
    "adls_enduser get_token, called by azure-datalake-store 1.0.1": our_store_get_token,
    "azure-identity DeviceCodeCredential.get_token": identity_get_token,
    "msal acquire_token_silent": msal_silent,
    "adal acquire_token": adal_acquire,
    "msrestazure UserPassCredentials.signed_session(session)": user_pass_session,
    AAD_TOKEN_SESSION: aad_token_session,
}
NEW_SESSION = "adls_enduser signed_session()"
STORE_SESSION = "azure-datalake-store DataLakeCredential.signed_session()"


def peers() -> dict[str, Peer]:
    """Return the peers that work with the installed azure-datalake-store."""
    version = importlib.metadata.version("azure-datalake-store")
    if version.startswith("0."):
        return {NEW_SESSION: our_new_session, f"{STORE_SESSION} {version}": store_session}
    return PEERS
