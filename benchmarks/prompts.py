"""How often a person is asked to sign in.

Counts the prompts for both planes (account management and the file system), for 64 cold
threads (all ask before anybody has signed in), and for the next process. A prompt is a device
code that the sandbox issued. Each program is the one that the package's documentation shows.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from .azure import CLIENT_ID, DATA_LAKE, MANAGEMENT, TENANT, Azure
from .expiry import call_at_once
from .peers import AUTHORITY

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = 64
_SCOPES = (f"{MANAGEMENT}.default", f"{DATA_LAKE}.default")


def _show_nothing(*prompt: object) -> None:
    """Show no prompt: the sandbox approves every code at once."""


def _ours_both() -> None:
    from adls_enduser import DeviceCode, filesystem_token, management_credentials

    strategy = DeviceCode(tenant=TENANT, prompt=_show_nothing)
    management_credentials(strategy)
    filesystem_token(strategy)


def _ours_cold() -> Callable[[], object]:
    from adls_enduser import DeviceCode, filesystem_token

    strategy = DeviceCode(tenant=TENANT, prompt=_show_nothing)
    return lambda: filesystem_token(strategy)


def _identity() -> Any:
    from azure.identity import DeviceCodeCredential

    return DeviceCodeCredential(tenant_id=TENANT, prompt_callback=_show_nothing)


def _identity_both() -> None:
    credential = _identity()
    for scope in _SCOPES:
        credential.get_token(scope)


def _identity_cold() -> Callable[[], object]:
    credential = _identity()
    return lambda: credential.get_token(_SCOPES[1])


def _msal_app() -> Any:
    import msal

    return msal.PublicClientApplication(CLIENT_ID, authority=AUTHORITY)


def _msal(app: Any, scope: str) -> None:
    accounts = app.get_accounts()
    if accounts and app.acquire_token_silent([scope], accounts[0]):
        return
    app.acquire_token_by_device_flow(app.initiate_device_flow([scope]))


def _msal_both() -> None:
    app = _msal_app()
    for scope in _SCOPES:
        _msal(app, scope)


def _msal_cold() -> Callable[[], object]:
    app = _msal_app()
    return lambda: _msal(app, _SCOPES[1])


def _adal(resource: str, context: Any = None) -> None:
    import adal

    context = context or adal.AuthenticationContext(AUTHORITY)
    code = context.acquire_user_code(resource, CLIENT_ID)
    context.acquire_token_with_device_code(resource, code, CLIENT_ID)


def _adal_both() -> None:
    _adal(MANAGEMENT)
    _adal(DATA_LAKE)


def _adal_cold() -> Callable[[], object]:
    import adal

    context = adal.AuthenticationContext(AUTHORITY)
    return lambda: _adal(DATA_LAKE, context)


def _store(resource: str = DATA_LAKE) -> None:
    from azure.datalake.store import lib

    lib.auth(tenant_id=TENANT, resource=resource)


def _store_both() -> None:
    _adal(MANAGEMENT)  # lib.auth is for the store; for management the article uses adal
    _store()


class Program(NamedTuple):
    """How one package signs in.

    ``both_planes`` signs in for both planes. ``cold_threads`` returns the function that each
    thread calls. ``next_process`` names the program in ``next_process`` that runs twice.
    """

    both_planes: Callable[[], None]
    cold_threads: Callable[[], Callable[[], object]]
    next_process: str


def main() -> None:
    """Print prompts and token requests for each program, as JSON."""
    warnings.simplefilter("ignore")
    with Azure() as azure, contextlib.redirect_stdout(io.StringIO()):
        counts = [_count(azure, name, program) for name, program in _programs().items()]
    print(json.dumps(counts))


def _programs() -> dict[str, Program]:
    version = importlib.metadata.version("azure-datalake-store")
    if version.startswith("0."):
        name = f"adal and azure-datalake-store {version} lib.auth"
        return {name: Program(_store_both, lambda: _store, "store")}
    return {
        "adls_enduser": Program(_ours_both, _ours_cold, "ours"),
        "azure-identity DeviceCodeCredential": Program(_identity_both, _identity_cold, "identity"),
        "msal PublicClientApplication": Program(_msal_both, _msal_cold, "msal"),
        "adal and msrestazure, as in the article": Program(_adal_both, _adal_cold, "adal"),
    }


def _count(azure: Azure, name: str, program: Program) -> dict[str, object]:
    azure.counts()
    program.both_planes()
    both_planes = azure.counts()
    sign_in = program.cold_threads()
    azure.counts()
    waits, errors = call_at_once(sign_in, THREADS)
    cold_threads = azure.counts()
    return {
        "name": name,
        "both_planes": both_planes,
        "cold_threads": cold_threads,
        "next_process": _second_run(azure, program.next_process),
        "longest": max(waits),
        "failed": len(errors),
        "error": errors[0] if errors else "",
    }


def _second_run(azure: Azure, name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _ in range(2):
        azure.counts()
        command = [sys.executable, "-m", "benchmarks.next_process", name]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        counts = azure.counts()
    return counts


if __name__ == "__main__":
    main()
