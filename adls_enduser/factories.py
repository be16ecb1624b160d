"""The front door: two factories. All late imports of the SDKs' packages are here."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Protocol

from .clocks import SYSTEM_CLOCK
from .clouds import PUBLIC
from .credentials.token_source import TokenSource
from .errors import ConfigurationError, MissingDependency
from .modes import strategy_of
from .tokens import hide_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from typing_extensions import Self, Unpack

    from .clouds import Cloud
    from .credentials.aio import AsyncCredential
    from .modes import AnyOptions, Mode
    from .strategies.protocol import AuthStrategy
    from .tokens import Account


class Credentials(Protocol):
    """What both factories return, whichever SDK it is for."""

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:
        """Give a token to azure-core's clients."""

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Give a token to azure-core's clients."""

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        """Give a session to msrest's clients and to azure-datalake-store 0.0.x."""

    def refresh_session(self, session: requests.Session | None = None) -> requests.Session:
        """Renew the token and give a session."""

    def whoami(self) -> Account:
        """Tell who signed in, without asking the network."""

    def aio(self) -> AsyncCredential:
        """Give the same credential for async clients."""

    def close(self) -> None:
        """Do nothing; azure-core's protocol has this verb."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def management_credentials(
    mode: Mode = "device_code",
    *,
    interactive: bool | None = None,
    fallback: Mode | Sequence[Mode] = (),
    **options: Unpack[AnyOptions],
) -> Credentials:
    """Sign a person in, for account management and any Azure Resource Manager client.

    ``mode`` is ``"password"``, ``"device_code"`` (or ``"mfa"``), ``"browser"``, ``"auto"``
    (see ``explain``), ``"azure_cli"``, or an AuthStrategy object, which may be one that has
    signed in already: one sign-in serves every resource. ``interactive``: may a person be
    asked? None: if a ``prompt`` was given, or a terminal or notebook is there.
    ``fallback``: a mode, or several, to go to when the one before needs a second factor or
    is blocked by policy (see ``Fallback``). The options are those of the strategies (see
    ``options.AnyOptions``) and go with modes by name only; each gets those that it takes.

    Returns msrestazure's ``UserPassCredentials`` for a password and its
    ``AADTokenCredentials`` otherwise, which also is an azure-core ``TokenCredential``.
    Raises ConfigurationError before any network, SignInError or another EndUserError
    when the sign-in fails.
    """
    hide_secrets(options)
    what = "management_credentials"
    adapters = _adapters("management", "azure-mgmt-datalake-store msrestazure")
    strategy = strategy_of(mode, fallback, options, what)
    cloud, tenant = _where(strategy)
    source = _source(strategy, cloud.management, interactive, what)
    by_password = _is_password(strategy)
    kind = adapters.PasswordCredentials if by_password else adapters.TokenCredentials
    return _signed_in(kind, source, cloud, tenant)


def filesystem_token(
    mode: Mode = "device_code",
    *,
    interactive: bool | None = None,
    fallback: Mode | Sequence[Mode] = (),
    **options: Unpack[AnyOptions],
) -> Credentials:
    """Sign a person in, for the file system: ``core.AzureDLFileSystem(token, store_name=...)``.

    Takes what ``management_credentials`` takes. Returns a ``lib.DataLakeCredential``
    where the installed azure-datalake-store has that class, which also is an azure-core
    ``TokenCredential``; hand it over as the first positional argument. Raises
    UnsupportedByCloud for a cloud that never had Data Lake Storage Gen1,
    ConfigurationError before any network, or another EndUserError.
    """
    hide_secrets(options)
    what = "filesystem_token"
    adapters = _adapters("filesystem", "azure-datalake-store")
    strategy = strategy_of(mode, fallback, options, what)
    cloud, tenant = _where(strategy)
    source = _source(strategy, cloud.filesystem_audience(), interactive, what)
    return _signed_in(adapters.FilesystemToken, source, cloud, tenant)


def _signed_in(kind: Any, source: TokenSource, cloud: Cloud, tenant: str | None) -> Credentials:
    source.token()  # a wrong password is an error at the caller's line, not hours later
    credentials: Credentials = kind(source, cloud, tenant)
    return credentials


def _is_password(strategy: AuthStrategy) -> bool:
    """Tell whether it is a password that is tried first."""
    fallback, password = _loaded("fallback", "Fallback"), _loaded("password", "Password")
    first = strategy.strategies[0] if fallback and isinstance(strategy, fallback) else strategy
    return password is not None and isinstance(first, password)


def _loaded(module: str, name: str) -> Any:
    # Nobody can have made one without importing it, and a device code need not.
    return getattr(sys.modules.get(f"{__package__}.strategies.{module}"), name, None)


def _adapters(name: str, packages: str) -> Any:
    try:
        return importlib.import_module(f".credentials.{name}", __package__)
    except ModuleNotFoundError as missing:
        raise MissingDependency(
            f"{missing.name} is not installed.", remedy=f"Run: pip install {packages}"
        ) from missing


def _where(strategy: AuthStrategy) -> tuple[Cloud, str | None]:
    settings = getattr(strategy, "settings", None)
    cloud = getattr(settings, "cloud", None) or getattr(strategy, "cloud", None) or PUBLIC
    return cloud, getattr(settings, "tenant", None)


def _source(strategy: AuthStrategy, resource: str, interactive: object, what: str) -> TokenSource:
    if not (interactive is None or isinstance(interactive, bool)):
        raise ConfigurationError(f"interactive={interactive!r} must be True, False or None.")
    clock = getattr(getattr(strategy, "settings", None), "clock", SYSTEM_CLOCK)
    return TokenSource(strategy, resource, interactive=interactive, clock=clock, what=what)
