"""The options of a sign-in: declared once, validated before any network.

They are those of docs' table; a factory hands them to the strategy that its ``mode``
names.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict
from urllib.parse import quote, urlsplit

from .cache import SignInCache
from .clocks import SYSTEM_CLOCK, Clock
from .clouds import CHINA, PUBLIC, US_GOVERNMENT, Cloud, CloudName, factory_for, resolve_cloud
from .errors import ConfigurationError
from .interaction.waiting import WaitOptions
from .tokens import hide_secrets

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


class AccountOptions(TypedDict, total=False):
    """What every strategy takes: whose sign-in, and where.

    ``tenant``: tenant id (GUID) or verified domain; None for the tenant of whoever
    signs in, and for an AD FS, which has none. ``username``: who is to sign in.
    ``cloud``: a Cloud or its name.
    ``clock``: time, for tests.
    """

    tenant: str | None
    username: str | None
    cloud: Cloud | CloudName
    clock: Clock


class CommonOptions(AccountOptions, total=False):
    """What every strategy takes that asks Entra ID itself.

    ``client_id``: id (GUID) of a public client. ``proxies``, ``ca_bundle``,
    ``request_timeout`` (seconds): as in requests, for every request of every sign-in and
    renewal; None leaves them to the environment, as requests reads it. ``cache``: keeps
    the sign-in for the next process; None: in memory only. ``library``: what speaks to
    Entra ID, ``"adal"`` or ``"msal"`` (extra ``[msal]``).
    """

    client_id: str
    proxies: Mapping[str, str] | None
    ca_bundle: str | os.PathLike[str] | None
    request_timeout: float
    cache: SignInCache | None
    library: Library


class WaitingOptions(CommonOptions, total=False):
    """How long to wait for a person.

    ``timeout``: so many seconds; None for as long as what was shown is good for.
    ``cancel``: an event that stops the wait.
    """

    timeout: float | None
    cancel: threading.Event | None


@dataclass(frozen=True)
class AccountSettings:
    """The options that every strategy has, validated: for tokens that come from elsewhere."""

    tenant: str | None = None
    username: str | None = None
    cloud: Cloud = PUBLIC
    clock: Clock = SYSTEM_CLOCK


@dataclass(frozen=True)
class Settings:
    """The common options, validated. ``tenant`` is None when none was asked for.

    ``mode`` is the name under which factories know the strategy that has them.
    """

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
    mode: str = "device_code"

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

    def as_source(self) -> dict[str, str]:
        """Return the options that the next call must repeat, as source text."""
        return options_as_source(
            self.cloud,
            tenant=self.tenant,
            client_id=None if self.client_id == AZURE_CLI_CLIENT_ID else self.client_id,
            library=None if self.library == "adal" else self.library,
        )

    def call_for(self, resource: str) -> str:
        """Return the source text of the call that makes the same sign-in again."""
        return format_call(factory_for(resource), f'"{self.mode}"', self.as_source())


def settings(options: CommonOptions, mode: str = "device_code") -> Settings:
    """Validate what strategies have in common; ConfigurationError names the culprit."""
    cloud = resolve_cloud(options.get("cloud", PUBLIC))
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
        clock=_clock(options.get("clock", SYSTEM_CLOCK)),
        mode=mode,
    )


def account_settings(options: AccountOptions) -> AccountSettings:
    """Validate what every strategy takes; ConfigurationError names the culprit."""
    cloud = resolve_cloud(options.get("cloud", PUBLIC))
    return AccountSettings(
        tenant=_tenant(options.get("tenant"), cloud),
        username=_username(options.get("username")),
        cloud=cloud,
        clock=_clock(options.get("clock", SYSTEM_CLOCK)),
    )


def token_settings(options: AccountOptions) -> AccountSettings:
    """Validate the same for a token that is there already.

    It names its tenant by id, so that a domain would be asked for and never be compared.
    """
    own = account_settings(options)
    if "." in (own.tenant or ""):
        raise ConfigurationError(
            f"tenant={own.tenant!r} cannot be compared with a token, which names its tenant by id.",
            remedy="Give the tenant's id (a GUID), which the portal shows on its overview page.",
        )
    return own


def wait_options(options: WaitingOptions, *, timeout: float | None = None) -> WaitOptions:
    """Validate how long to wait for a person; ``timeout`` is the default, in seconds."""
    cancel = options.get("cancel")
    if not (cancel is None or isinstance(cancel, threading.Event)):
        raise ConfigurationError(f"cancel must be a threading.Event, not {type(cancel).__name__}.")
    asked = options.get("timeout")
    return WaitOptions(timeout if asked is None else seconds("timeout", asked), cancel)


def is_tenant_id(tenant: str | None) -> bool:
    """Tell a tenant's id from a domain and from the words that stand for any tenant."""
    return tenant is not None and _GUID.fullmatch(tenant) is not None


def refuse_unknown(
    options: Mapping[str, object], declared: type[AccountOptions], taker: str
) -> None:
    """Refuse an option that a strategy does not take, naming both.

    Hides what the options hold of secrets first: this is what every strategy begins with.
    """
    hide_secrets(options)
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


def flag(name: str, value: object) -> bool:
    """Validate what is either True or False."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}={value!r} must be True or False.")
    return value


def check_prompt(prompt: object, gets: str) -> None:
    """Refuse a ``prompt`` that cannot be called; ``gets`` is what it would be given."""
    if not (prompt is None or callable(prompt)):
        raise ConfigurationError(
            f"prompt must be a callable, not {type(prompt).__name__}.",
            remedy=f"It is called with a {gets}.",
        )


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True, False nor None."""
    if not (value is None or isinstance(value, bool)):
        raise ConfigurationError(f"{name}={value!r} must be True, False or None.")


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


def _clock(clock: object) -> Clock:
    if isinstance(clock, Clock) and not isinstance(clock, type):
        return clock
    raise ConfigurationError(
        f"clock must be a Clock, not {type(clock).__name__}.",
        remedy="Give an object with the methods time, monotonic and wait, or leave it out.",
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
    if isinstance(proxies, Mapping) and all(map(_is_proxy, proxies.keys(), proxies.values())):
        return dict(proxies)
    raise ConfigurationError(
        "proxies must map a scheme to a proxy's URL.",
        remedy="For example proxies={'https': 'http://proxy.example:8080'}.",
    )


def _is_proxy(scheme: object, url: object) -> bool:
    """Tell what requests can use: a URL, a host alone, or nothing, for no proxy."""
    if not (isinstance(scheme, str) and isinstance(url, str)):
        return False
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        return not url or (url.isprintable() and " " not in url and bool(parts.hostname))
    except ValueError:  # brackets without an IPv6 address in them
        return False


def _ca_bundle(ca_bundle: object) -> str | None:
    if ca_bundle is None:
        return None
    if isinstance(ca_bundle, str | os.PathLike) and os.path.exists(ca_bundle):
        return os.fspath(ca_bundle)
    raise ConfigurationError(
        f"ca_bundle={ca_bundle!r} is not a file or folder of certificates.",
        remedy="Give the path of a PEM file. TLS checks cannot be switched off.",
    )


_CLOUD_SOURCE = {PUBLIC: "", CHINA: '"china"', US_GOVERNMENT: '"us_government"'}


def options_as_source(cloud: Cloud, **options: str | None) -> dict[str, str]:
    """Return the options of a call as source text, without those that are None.

    A cloud that is not one of Microsoft's is written as ``...``, for the reader to fill in.
    """
    source = {name: f'"{value}"' for name, value in options.items() if value is not None}
    where = _CLOUD_SOURCE.get(cloud, "...")
    return {**source, "cloud": where} if where else source


def format_call(factory: str, mode: str, options: Mapping[str, str]) -> str:
    """Return the source text of a call; ``mode`` and the options' values are source text."""
    arguments = "".join(f", {name}={value}" for name, value in options.items())
    return f"{factory}(mode={mode}{arguments})"
