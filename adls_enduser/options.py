"""The options of a sign-in: declared once, validated before any network.

They are those of docs' table; a factory hands them to the strategy that its ``mode``
names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict
from urllib.parse import quote

from .cache import SignInCache
from .clocks import SYSTEM_CLOCK, Clock
from .clouds import PUBLIC, Cloud, cloud_named
from .errors import ConfigurationError

if TYPE_CHECKING:
    import threading

    from .prompts import Prompt

# Microsoft's own public client "Azure CLI", which every tenant knows: a convenience for
# trying things. Register your own for anything that lasts: policies that name this id,
# mandatory MFA among them, are not about you. Source: azure-cli-core, auth/constants.py.
AZURE_CLI_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

Library = Literal["adal", "msal"]

# Each library's name for "the tenant of whoever signs in": adal, authentication_context.py;
# azure.identity, for work accounts only, since no other can use Azure Data Lake.
_ANY_TENANT: dict[Library, str] = {"adal": "common", "msal": "organizations"}

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.I)
_WORDS = frozenset({"common", "organizations", "adfs"})


class CommonOptions(TypedDict, total=False):
    """What every strategy takes.

    ``tenant``: tenant id (GUID) or verified domain; None for the tenant of whoever
    signs in, and for an AD FS, which has none. ``client_id``: id (GUID) of a public
    client. ``username``: who is to sign in. ``cloud``: a Cloud or its name.
    ``proxies``, ``ca_bundle``, ``request_timeout`` (seconds): as in requests, for every
    request of every sign-in and renewal; None leaves them to the environment, as requests
    reads it. ``cache``: keeps the sign-in for the next process; None: in memory only.
    ``library``: what speaks to Entra ID, ``"adal"`` or ``"msal"`` (extra ``[msal]``).
    ``clock``: time, for tests.
    """

    tenant: str | None
    client_id: str
    username: str | None
    cloud: Cloud | str
    proxies: Mapping[str, str] | None
    ca_bundle: str | os.PathLike[str] | None
    request_timeout: float
    cache: SignInCache | None
    library: Library
    clock: Clock


class PasswordOptions(CommonOptions, total=False):
    """What Password takes as well: ``password``, a str or a callable that gives one."""

    password: str | Callable[[], str] | None


class DeviceCodeOptions(CommonOptions, total=False):
    """What DeviceCode takes as well.

    ``prompt``: called with a DeviceCodePrompt; None shows it on standard error or in
    the notebook. ``timeout``: how many seconds to wait for the person; None for as long
    as the code lives. ``cancel``: an event that stops the wait.
    """

    prompt: Prompt | None
    timeout: float | None
    cancel: threading.Event | None


class AnyOptions(PasswordOptions, DeviceCodeOptions, total=False):
    """What a factory takes for a mode by name."""


@dataclass(frozen=True)
class Settings:
    """The common options, validated. ``tenant`` is None when none was asked for."""

    tenant: str | None = None
    client_id: str = AZURE_CLI_CLIENT_ID
    username: str | None = None
    cloud: Cloud = PUBLIC
    proxies: Mapping[str, str] | None = field(default=None, repr=False)  # may hold a password
    ca_bundle: str | None = None
    request_timeout: float = 30.0
    cache: SignInCache | None = None
    library: Library = "adal"
    clock: Clock = SYSTEM_CLOCK

    @property
    def is_adfs(self) -> bool:
        """Whether people sign in at an AD FS, which has no tenants."""
        return self.cloud.is_adfs or (self.tenant or "").lower() == "adfs"

    @property
    def authority(self) -> str:
        """The URL that signs people in: the cloud's authority and the tenant."""
        base = self.cloud.authority.rstrip("/")
        if self.cloud.is_adfs:
            return base
        return f"{base}/{quote(self.tenant or _ANY_TENANT[self.library], safe='')}"


def settings(options: CommonOptions) -> Settings:
    """Validate what all strategies have in common; ConfigurationError names the culprit."""
    cloud = cloud_named(options.get("cloud", PUBLIC))
    return Settings(
        tenant=_tenant(options.get("tenant"), cloud),
        client_id=_client_id(options.get("client_id", AZURE_CLI_CLIENT_ID)),
        username=_username(options.get("username")),
        cloud=cloud,
        proxies=_proxies(options.get("proxies")),
        ca_bundle=_ca_bundle(options.get("ca_bundle")),
        request_timeout=seconds("request_timeout", options.get("request_timeout", 30.0)),
        cache=_cache(options.get("cache")),
        library=_library(options.get("library", "adal")),
        clock=options.get("clock", SYSTEM_CLOCK),
    )


def refuse_unknown(
    options: Mapping[str, object], declared: type[CommonOptions], taker: str
) -> None:
    """Refuse an option that a strategy does not take, naming both."""
    known = declared.__annotations__.keys()
    for name in options:
        if name not in known:
            raise ConfigurationError(
                f"{taker} does not take the option {name!r}.",
                remedy=f"It takes {', '.join(sorted(known - {'clock'}))}.",
            )


def seconds(name: str, value: object) -> float:
    """Validate a number of seconds that must be more than 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ConfigurationError(f"{name}={value!r} must be a number of seconds more than 0.")
    return float(value)


def _library(library: object) -> Library:
    if library == "adal" or library == "msal":
        return library
    raise ConfigurationError(f"library={library!r} is not known.", remedy="Give 'adal' or 'msal'.")


def _tenant(tenant: object, cloud: Cloud) -> str | None:
    if tenant is None:
        return None
    if cloud.is_adfs and str(tenant).lower() != "adfs":
        raise ConfigurationError(
            f"tenant={tenant!r} is of no use in the cloud {cloud.name!r}: its authority is an"
            " AD FS, which has no tenants.",
            remedy="Leave tenant= out.",
        )
    if isinstance(tenant, str):
        known_word = tenant.lower() in _WORDS
        if known_word or _GUID.fullmatch(tenant) or _DOMAIN.fullmatch(tenant):
            return tenant
    raise ConfigurationError(
        f"tenant={tenant!r} is neither a tenant id nor a domain.",
        remedy="Give the tenant's id (a GUID) or one of its verified domains, such as"
        " 'contoso.onmicrosoft.com'; leave it out for the tenant of whoever signs in.",
    )


def _client_id(client_id: object) -> str:
    if isinstance(client_id, str) and _GUID.fullmatch(client_id):
        return client_id
    raise ConfigurationError(
        f"client_id={client_id!r} is not an application (client) id.",
        remedy="Give the GUID that the portal shows on the application's overview page.",
    )


def _username(username: object) -> str | None:
    if username is None:
        return None
    if isinstance(username, str) and username.strip() and username.isprintable():
        return username
    raise ConfigurationError(
        f"username={username!r} is not a user name.",
        remedy="Give a user principal name such as 'ada@contoso.onmicrosoft.com'.",
    )


def _cache(cache: object) -> SignInCache | None:
    if cache is None or isinstance(cache, SignInCache):
        return cache
    raise ConfigurationError(
        f"cache must be a SignInCache, not {type(cache).__name__}.",
        remedy="For example cache=SignInCache(); None keeps the sign-in in memory only.",
    )


def _proxies(proxies: object) -> Mapping[str, str] | None:
    if proxies is None:
        return None
    if isinstance(proxies, Mapping) and all(
        isinstance(part, str) for item in proxies.items() for part in item
    ):
        return dict(proxies)
    raise ConfigurationError(
        "proxies must map a scheme to a proxy's URL.",
        remedy="For example proxies={'https': 'http://proxy.example:8080'}.",
    )


def _ca_bundle(ca_bundle: object) -> str | None:
    if ca_bundle is None:
        return None
    if isinstance(ca_bundle, str | os.PathLike) and os.path.exists(ca_bundle):
        return os.fspath(ca_bundle)
    raise ConfigurationError(
        f"ca_bundle={ca_bundle!r} is not a file or folder of certificates.",
        remedy="Give the path of a PEM file. TLS checks cannot be switched off.",
    )
