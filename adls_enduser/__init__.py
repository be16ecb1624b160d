"""Sign a person in to Azure Data Lake once, and hand every Azure SDK the credential it expects.

::

    from adls_enduser import DeviceCode, management_credentials, storage_credential

    strategy = DeviceCode(tenant="contoso.onmicrosoft.com")   # one sign-in ...
    credentials = management_credentials(mode=strategy)       # ... asks here, once
    credential = storage_credential(mode=strategy)            # ... and never again

Importing this package loads no third-party module, and of its own only what is used:
each public name loads its module when it is first asked for (PEP 562). adal or msal and
Azure's packages load when a factory or a strategy needs them.
"""

from __future__ import annotations

TYPE_CHECKING = False  # the name that type checkers know; typing takes longest to load of all
if TYPE_CHECKING:
    from .cache import KeptAccount, SignInCache
    from .clouds import CHINA, PUBLIC, US_GOVERNMENT, Cloud
    from .credentials.protocol import Credentials
    from .entra.cloud_metadata import cloud_from_metadata
    from .errors import (
        BlockedByPolicy,
        CacheError,
        ConfigurationError,
        ConsentDeclined,
        ConsentRequired,
        EndUserError,
        InvalidCredentials,
        MfaRequired,
        MissingDependency,
        ProtocolError,
        SignInCancelled,
        SignInDeclined,
        SignInError,
        SignInExpired,
        SignInRequired,
        SignInTimedOut,
        TransportError,
        UnsupportedByCloud,
        WrongAccount,
    )
    from .factories import (
        filesystem_token,
        management_credentials,
        sign_in_async,
        storage_credential,
    )
    from .interaction.prompts import BrowserPrompt, DeviceCodePrompt
    from .modes import Explanation, explain
    from .options import AZURE_CLI_CLIENT_ID
    from .strategies.azure_cli import AzureCli
    from .strategies.azure_credential import AzureCredential
    from .strategies.browser import Browser
    from .strategies.device_code import DeviceCode
    from .strategies.fallback import Fallback
    from .strategies.password import Password
    from .strategies.protocol import AuthStrategy
    from .strategies.static_token import StaticToken
    from .tokens import Account, Token

# A frozen program may have no metadata to read it from; setup.cfg reads it here.
__version__ = "1.0.0"

__all__ = [
    "AZURE_CLI_CLIENT_ID",
    "CHINA",
    "PUBLIC",
    "US_GOVERNMENT",
    "Account",
    "AuthStrategy",
    "AzureCli",
    "AzureCredential",
    "BlockedByPolicy",
    "Browser",
    "BrowserPrompt",
    "CacheError",
    "Cloud",
    "ConfigurationError",
    "ConsentDeclined",
    "ConsentRequired",
    "Credentials",
    "DeviceCode",
    "DeviceCodePrompt",
    "EndUserError",
    "Explanation",
    "Fallback",
    "InvalidCredentials",
    "KeptAccount",
    "MfaRequired",
    "MissingDependency",
    "Password",
    "ProtocolError",
    "SignInCache",
    "SignInCancelled",
    "SignInDeclined",
    "SignInError",
    "SignInExpired",
    "SignInRequired",
    "SignInTimedOut",
    "StaticToken",
    "Token",
    "TransportError",
    "UnsupportedByCloud",
    "WrongAccount",
    "cloud_from_metadata",
    "explain",
    "filesystem_token",
    "management_credentials",
    "sign_in_async",
    "storage_credential",
]

# Where each public name is; most are errors.
_LATE = dict.fromkeys(__all__, ".errors") | {
    "AZURE_CLI_CLIENT_ID": ".options",
    "CHINA": ".clouds",
    "PUBLIC": ".clouds",
    "US_GOVERNMENT": ".clouds",
    "Account": ".tokens",
    "AuthStrategy": ".strategies.protocol",
    "AzureCli": ".strategies.azure_cli",
    "AzureCredential": ".strategies.azure_credential",
    "Browser": ".strategies.browser",
    "BrowserPrompt": ".interaction.prompts",
    "Cloud": ".clouds",
    "Credentials": ".credentials.protocol",
    "DeviceCode": ".strategies.device_code",
    "DeviceCodePrompt": ".interaction.prompts",
    "Explanation": ".modes",
    "Fallback": ".strategies.fallback",
    "KeptAccount": ".cache",
    "Password": ".strategies.password",
    "SignInCache": ".cache",
    "StaticToken": ".strategies.static_token",
    "Token": ".tokens",
    "cloud_from_metadata": ".entra.cloud_metadata",
    "explain": ".modes",
    "filesystem_token": ".factories",
    "management_credentials": ".factories",
    "sign_in_async": ".factories",
    "storage_credential": ".factories",
}


def _late_imports() -> None:
    """Import all modules that are otherwise imported by a computed name; nothing calls this.

    PyInstaller, cx_Freeze and Nuitka include the modules that import statements name, and Nuitka
    leaves out those under TYPE_CHECKING.
    """
    # ruff: disable[F401]
    from . import __main__, cache, factories
    from .cli import (
        access_token,
        accounts,
        completion,
        doctor,
        explain,
        login,
        logout,
        run_program,
    )
    from .credentials import protocol
    from .entra import adal_backend, cloud_metadata, msal_backend
    from .interop import delta, delta_server, endpoint, fsspec_tools, obstore_tools, polars_tools
    from .strategies import azure_cli, browser, device_code, fallback, password, static_token
    # ruff: enable[F401]


def __getattr__(name: str) -> object:
    import importlib

    if name in _LATE:
        value = getattr(importlib.import_module(_LATE[name], __name__), name)
        globals()[name] = value  # so that it is asked for here but once
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
