"""Sign a person in to Azure Data Lake once, and hand every Azure SDK the credential it expects.

::

    from adls_enduser import DeviceCode, filesystem_token, management_credentials

    strategy = DeviceCode(tenant="contoso.onmicrosoft.com")   # one sign-in ...
    credentials = management_credentials(mode=strategy)       # ... asks here, once
    token = filesystem_token(mode=strategy)                   # ... and never again

Importing this package loads no third-party module; adal or msal and Azure's packages
load when a factory or a strategy needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cache import KeptAccount, SignInCache
from .clouds import CHINA, PUBLIC, US_GOVERNMENT, Cloud
from .errors import (
    BlockedByPolicy,
    CacheError,
    ConfigurationError,
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
from .factories import Credentials, filesystem_token, management_credentials
from .options import AZURE_CLI_CLIENT_ID
from .prompts import BrowserPrompt, DeviceCodePrompt
from .strategy import AuthStrategy
from .tokens import Account, Token

if TYPE_CHECKING:
    from .strategies.azure_cli import AzureCli as AzureCli
    from .strategies.azure_credential import AzureCredential as AzureCredential
    from .strategies.browser import Browser as Browser
    from .strategies.device_code import DeviceCode as DeviceCode
    from .strategies.password import Password as Password
    from .strategies.static_token import StaticToken as StaticToken

    __version__: str

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
    "ConsentRequired",
    "Credentials",
    "DeviceCode",
    "DeviceCodePrompt",
    "EndUserError",
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
    "filesystem_token",
    "management_credentials",
]

_LATE = {
    "AzureCli": ".strategies.azure_cli",
    "AzureCredential": ".strategies.azure_credential",
    "Browser": ".strategies.browser",
    "DeviceCode": ".strategies.device_code",
    "Password": ".strategies.password",
    "StaticToken": ".strategies.static_token",
}


def __getattr__(name: str) -> object:
    # The strategies bring all of entra/ along: only when asked for.
    import importlib

    if name in _LATE:
        return getattr(importlib.import_module(_LATE[name], __name__), name)
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("adls-enduser")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
