"""The options that several strategies share: declared once, validated before any network.

A strategy's own options are in the strategy's file. This module also writes options and calls
as source text, for remedies that name the next call.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal, ParamSpec, TypedDict, TypeVar, cast, get_args

from .clocks import SYSTEM_CLOCK, Clock
from .clouds import CHINA, PUBLIC, US_GOVERNMENT, Cloud, CloudName, factory_for, resolve_cloud
from .errors import ConfigurationError
from .interaction.waiting import WaitOptions
from .tokens import Secret, hide_all_secrets
from .values import dataclass, field

if TYPE_CHECKING:
    from .cache import SignInCache

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

# Microsoft's own public client "Azure CLI", which every tenant knows: for trying things.
# Register your own application for anything that lasts: a tenant may have policies for this
# id, such as mandatory MFA. Source: azure-cli-core, auth/constants.py.
AZURE_CLI_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

Library = Literal["adal", "msal"]

# Each library's word for the tenant of the person who signs in: adal,
# authentication_context.py; azure.identity, for work accounts only, because no other account
# can use Azure Data Lake.
_ANY_TENANT: dict[Library, str] = {"adal": "common", "msal": "organizations"}


# Written out below, and not as regular expressions: to compile those takes longer than all else
# that is done with the options.
_GUID_LENGTHS = [8, 4, 4, 4, 12]
_HEX = frozenset("0123456789abcdefABCDEF")
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
# Microsoft's own domains for personal accounts, with those of other countries.
_PERSONAL = r".+@(outlook|hotmail|live|msn|passport|windowslive)\.(com|[a-z]{2}|com?\.[a-z]{2})"
_WORDS = frozenset({"common", "organizations", "adfs"})


class AccountOptions(TypedDict, total=False):
    """Options that every strategy takes.

    ``tenant``: the tenant's id (a GUID) or a verified domain; None for the tenant of the
    person who signs in, and for an AD FS, which has no tenants. ``username``: the person who
    must sign in. ``cloud``: a Cloud or its name. ``clock``: a Clock, for tests.
    """

    tenant: str | None
    username: str | None
    cloud: Cloud | CloudName
    clock: Clock


class CommonOptions(AccountOptions, total=False):
    """Options common to all strategies that call Entra ID directly.

    ``client_id``: the application id (a GUID) of a public client; of an AD FS, any name or URI
    that it has there. ``proxies``, ``ca_bundle``:
    as in requests, for every request of every sign-in and renewal; None: as requests reads
    them from the environment. ``request_timeout``: how many seconds one request may take in
    all, from connecting to the last byte of its response. ``cache``: keeps the sign-in
    for the next process; None: in memory only. ``library``: the library that calls Entra ID,
    ``"adal"`` or ``"msal"`` (extra ``[msal]``).
    """

    client_id: str
    proxies: Mapping[str, str] | None
    ca_bundle: str | os.PathLike[str] | None
    request_timeout: float
    cache: SignInCache | None
    library: Library


class WaitingOptions(CommonOptions, total=False):
    """Options of strategies that wait for a person.

    ``timeout``: how many seconds to wait; None: until the device code expires, or for the
    strategy's default. ``cancel``: an event that stops the wait.
    """

    timeout: float | None
    cancel: threading.Event | None


@dataclass(frozen=True)
class AccountSettings:
    """The options of AccountOptions, validated. ``tenant`` is None if none was given."""

    tenant: str | None = None
    username: str | None = None
    cloud: Cloud = PUBLIC
    clock: Clock = SYSTEM_CLOCK

    def as_source(self) -> dict[str, str]:
        """Return the options that the next call must repeat, as source text."""
        return options_as_source(self.cloud, tenant=self.tenant, username=self.username)


@dataclass(frozen=True)
class Settings(AccountSettings):
    """The options of CommonOptions, validated.

    ``mode`` is the name of the strategy that has them, for the factories. ``beside`` are the
    arguments of the factory that the next call must repeat, as source text.
    """

    client_id: str = AZURE_CLI_CLIENT_ID
    proxies: Mapping[str, str] | None = field(default=None, repr=False)  # may hold a password
    ca_bundle: str | None = None
    request_timeout: float = 30.0
    cache: SignInCache | None = None
    library: Library = "adal"
    mode: str = "device_code"
    beside: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_adfs(self) -> bool:
        """Whether the authority is an AD FS, which has no tenants."""
        return _is_adfs(self.cloud, self.tenant)

    @property
    def authority(self) -> str:
        """The URL at which the person signs in: the cloud's authority and the tenant."""
        base = self.cloud.authority.rstrip("/")
        if self.cloud.is_adfs:
            return base
        from urllib.parse import quote

        return f"{base}/{quote(self.tenant or _ANY_TENANT[self.library], safe='')}"

    def as_source(self) -> dict[str, str]:
        """Return the options that the next call must repeat, as source text."""
        source = options_as_source(
            self.cloud,
            tenant=self.tenant,
            username=self.username,
            client_id=None if self.client_id == AZURE_CLI_CLIENT_ID else self.client_id,
            library=None if self.library == "adal" else self.library,
        )
        cache = {"cache": _cache_as_source(self.cache)} if self.cache is not None else {}
        return {**source, **cache, **self.beside}

    def call_for(self, resource: str) -> str:
        """Return the source text of the call that makes the same sign-in again."""
        return format_call(factory_for(resource), f'"{self.mode}"', self.as_source())


def settings(options: CommonOptions, mode: str = "device_code") -> Settings:
    """Validate CommonOptions; ConfigurationError names the option that is wrong."""
    cloud = resolve_cloud(options.get("cloud", PUBLIC))
    tenant = _tenant(options.get("tenant"), cloud)
    is_adfs = _is_adfs(cloud, tenant)
    own = Settings(
        tenant=tenant,
        client_id=_client_id(options.get("client_id", AZURE_CLI_CLIENT_ID), is_adfs=is_adfs),
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
    _check_personal(own)
    return own


def account_settings(options: AccountOptions) -> AccountSettings:
    """Validate AccountOptions; ConfigurationError names the option that is wrong."""
    cloud = resolve_cloud(options.get("cloud", PUBLIC))
    return AccountSettings(
        tenant=_tenant(options.get("tenant"), cloud),
        username=_username(options.get("username")),
        cloud=cloud,
        clock=_clock(options.get("clock", SYSTEM_CLOCK)),
    )


def token_settings(options: AccountOptions) -> AccountSettings:
    """Validate AccountOptions for a strategy whose tokens come from elsewhere.

    A token names its tenant by id, so a tenant that is given as a domain could not be checked.
    """
    own = account_settings(options)
    if "." in (own.tenant or ""):
        raise ConfigurationError(
            f"tenant={own.tenant!r} cannot be compared with a token, which names its tenant by id.",
            remedy="Use the tenant's id (a GUID), which the portal shows on its overview page.",
        )
    return own


def wait_options(options: WaitingOptions, *, timeout: float | None = None) -> WaitOptions:
    """Validate how long to wait for a person; ``timeout`` is the default, in seconds."""
    cancel = options.get("cancel")
    if not (cancel is None or isinstance(cancel, threading.Event)):
        remedy = "Make one with threading.Event(), and call its set() to stop the wait."
        raise _wrong_kind("cancel", cancel, "a threading.Event", remedy)
    asked = options.get("timeout")
    return WaitOptions(timeout if asked is None else seconds("timeout", asked), cancel)


def is_tenant_id(tenant: str | None) -> bool:
    """Return whether this is a tenant's id, not a domain or a word such as ``common``."""
    return tenant is not None and _is_guid(tenant)


def _is_guid(text: str) -> bool:
    parts = text.split("-")
    return list(map(len, parts)) == _GUID_LENGTHS and _HEX.issuperset("".join(parts))


def _is_domain(text: str) -> bool:
    if not (text.isascii() and 4 <= len(text) <= 253):
        return False
    *labels, last = text.lower().split(".")
    # A last label has no digits, unless it is an internationalised one (RFC 5890: xn--).
    is_top = (last.isalpha() and len(last) >= 2) or last.startswith("xn--")
    return bool(labels) and is_top and all(map(_is_label, (*labels, last)))


def _is_label(text: str) -> bool:
    """Return whether a text is one part of a domain, in lower case (RFC 1035 section 2.3.1)."""
    return 1 <= len(text) <= 63 and _LABEL.issuperset(text) and "-" not in (text[0], text[-1])


def options_by_name(
    example: str,
) -> Callable[[Callable[_Parameters, _Result]], Callable[_Parameters, _Result]]:
    """Refuse a second argument by position, with a call that is right as the remedy.

    The first one is ``self``, or the mode of a factory. ``UserPassCredentials`` of msrestazure
    takes the user name and the password by position. Also hides the secrets in the options.
    """

    def decorate(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        @functools.wraps(function)
        def checked(*arguments: _Parameters.args, **options: _Parameters.kwargs) -> _Result:
            hide_all_secrets(options)
            too_many = len(arguments) > 1
            if too_many:
                del arguments  # so that no traceback shows a password
                raise ConfigurationError(
                    f"{example.partition('(')[0]} takes options by name, and not by position.",
                    remedy=f"Write for example {example}.",
                )
            return function(*arguments, **options)

        return checked

    return decorate


def refuse_unknown(options: Mapping[str, object], known: Iterable[str], taker: str) -> None:
    """Refuse an option that is not among ``known``; ``taker`` is the strategy's name.

    Every strategy calls this first, so it also hides the secrets in ``options``.
    """
    hide_all_secrets(options)
    for name in options:
        if name not in known:
            from .suggestions import option_hint

            named = sorted(set(known) - {"clock"})
            raise ConfigurationError(
                f"{taker} does not take the option {name!r}.",
                remedy=f"{option_hint(name, named)} It takes {', '.join(named)}.".lstrip(),
            )


def seconds(name: str, value: object) -> float:
    """Validate a positive number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ConfigurationError(
            f"{name}={value!r} must be a number of seconds greater than 0.",
            remedy=f"For example {name}=60.",
        )
    return float(value)


def _wrong_kind(name: str, value: object, wanted: str, remedy: str) -> ConfigurationError:
    """Return the error for an option whose value is an object of another class."""
    from .suggestions import call_hint, kind_with_module

    return ConfigurationError(
        f"{name} must be {wanted}, not {kind_with_module(value)}.",
        remedy=f"{call_hint(value, name)}{remedy}",
    )


def flag(name: str, value: object) -> bool:
    """Validate True or False."""
    if not isinstance(value, bool):
        raise ConfigurationError(
            f"{name}={value!r} must be True or False.", remedy=f"Write {name}=True or {name}=False."
        )
    return value


def check_prompt(prompt: object, argument: str) -> None:
    """Refuse a ``prompt`` that is async or no callable; ``argument`` is what it is called with."""
    if prompt is None:
        return
    from .interaction.callbacks import check_arguments, refuse_async

    refuse_async("prompt", prompt)
    if not callable(prompt):
        raise ConfigurationError(
            f"prompt must be a callable, not {type(prompt).__name__}.",
            remedy=f"It is called with one {argument}.",
        )
    check_arguments("prompt", prompt, f"one {argument}")


def check_flag(name: str, value: object) -> bool | None:
    """Return the value if it is True, False or None; refuse anything else."""
    if value is None or isinstance(value, bool):
        return value
    raise ConfigurationError(
        f"{name}={value!r} must be True, False or None.",
        remedy=f"Leave {name}= out to let the library decide.",
    )


def _library(library: object) -> Library:
    for known in get_args(Library):
        if library == known:
            return cast("Library", known)
    raise ConfigurationError(f"library={library!r} is not known.", remedy="Use 'adal' or 'msal'.")


def _is_adfs(cloud: Cloud, tenant: str | None) -> bool:
    return cloud.is_adfs or (tenant or "").lower() == "adfs"


def _tenant(tenant: object, cloud: Cloud) -> str | None:
    if tenant is None:
        return None
    if cloud.is_adfs and str(tenant).lower() != "adfs":
        raise ConfigurationError(
            f"tenant={tenant!r} cannot be used in the cloud {cloud.name!r}: its authority is an"
            " AD FS, which has no tenants.",
            remedy="Leave tenant= out.",
        )
    if isinstance(tenant, str):
        name = _to_ascii(tenant)
        if name.lower() in _WORDS or _is_guid(name) or _is_domain(name):
            return name
    raise ConfigurationError(
        f"tenant={tenant!r} is neither a tenant id nor a domain.",
        remedy="Use the tenant's id (a GUID) or one of its verified domains, such as"
        " 'contoso.onmicrosoft.com'. Leave it out for the tenant of the person who signs in.",
    )


def is_tenant_of_its_own(tenant: str | None) -> bool:
    """Return whether this names one tenant, and not that of the person who signs in."""
    return (tenant or "").lower() not in {"", *_WORDS}


def is_personal(username: str) -> bool:
    """Return whether this is the user name of a personal Microsoft account."""
    return re.fullmatch(_PERSONAL, username, re.IGNORECASE) is not None


def _check_personal(own: Settings) -> None:
    """Refuse a personal account where no tenant is named: it has none of its own.

    Source: Microsoft, "Microsoft identity platform and OAuth 2.0 authorization code flow", on
    ``common``, ``organizations`` and ``consumers``. Azure's services take work accounts only.
    """
    if own.username is None or own.is_adfs or is_tenant_of_its_own(own.tenant):
        return
    if is_personal(own.username):
        raise ConfigurationError(
            f"username={own.username!r} is a personal account, which has no tenant of its own.",
            remedy="Set tenant= to the id or a domain of the tenant that the account is a guest"
            " in, or sign in with a work or school account.",
        )


def _to_ascii(domain: str) -> str:
    """Return an internationalised domain as DNS has it (RFC 3490); another text as it is.

    Entra ID verifies a domain under that name. Python follows the older standard, which maps
    some letters to others (ß to ss); such a domain stays as it is, and is refused.
    """
    if domain.isascii() or len(domain) > 253:
        return domain
    import unicodedata

    try:
        name = domain.encode("idna")
        is_same = name.decode("idna").lower() == unicodedata.normalize("NFC", domain.lower())
    except UnicodeError:
        return domain
    return name.decode("ascii") if is_same else domain


def _client_id(client_id: object, *, is_adfs: bool) -> str:
    if isinstance(client_id, str) and _is_guid(client_id):
        return client_id
    # Microsoft, "Add-AdfsNativeClientApplication": the identifier is any string.
    if is_adfs and isinstance(client_id, str) and client_id.strip() and client_id.isprintable():
        return client_id
    raise ConfigurationError(
        f"client_id={client_id!r} is not an application (client) id.",
        remedy="Use the GUID that the portal shows on the application's overview page.",
    )


def _username(username: object) -> str | None:
    if username is None:
        return None
    if isinstance(username, str) and username.strip() and username.isprintable():
        if username == username.strip():
            return username
        raise ConfigurationError(
            f"username={username!r} has a blank at its beginning or end.",
            remedy="Remove it: username.strip().",
        )
    raise ConfigurationError(
        f"username={username!r} is not a user name.",
        remedy="Use a user principal name such as 'ada@contoso.onmicrosoft.com'.",
    )


def _clock(clock: object) -> Clock:
    if isinstance(clock, Clock) and not isinstance(clock, type):
        return clock
    remedy = "Use an object with the methods time, monotonic and wait, or leave it out."
    raise _wrong_kind("clock", clock, "a Clock", remedy)


def _cache(cache: object) -> SignInCache | None:
    if cache is None:
        return None
    from .cache import SignInCache

    if isinstance(cache, SignInCache):
        return cache
    remedy = "For example cache=SignInCache(); None keeps the sign-in in memory only."
    raise _wrong_kind("cache", cache, "a SignInCache", remedy)


def _proxies(proxies: object) -> Mapping[str, str] | None:
    if proxies is None:
        return None
    if not (isinstance(proxies, Mapping) and all(map(_are_texts, proxies.items()))):
        raise ConfigurationError(
            "proxies must map a scheme to a proxy's URL.",
            remedy="For example proxies={'https': 'http://proxy.example:8080'}.",
        )
    from .environment.network_options import check_proxy

    for key in proxies:  # no proxy in a variable: it may have a password
        scheme, separator, host = key.partition("://")
        # Other keys, such as no_proxy, have other values.
        if scheme.lower() not in ("http", "https", "all"):
            continue
        if not scheme.islower() or (separator and not host):  # requests.utils, select_proxy
            raise ConfigurationError(
                f"proxies={{{key!r}: ...}} would be ignored: requests knows no such key.",
                remedy=f"Write {scheme.lower()!r}, or '{scheme.lower()}://' with the host.",
            )
        check_proxy("proxies=", Secret(proxies[key]))
    return dict(proxies)


def _are_texts(pair: tuple[object, object]) -> bool:
    return all(isinstance(one, str) for one in pair)


def _ca_bundle(ca_bundle: object) -> str | None:
    if ca_bundle is None:
        return None
    path = os.fspath(ca_bundle) if isinstance(ca_bundle, str | os.PathLike) else None
    if isinstance(path, str):
        from .environment.network_options import check_ca_bundle

        check_ca_bundle("ca_bundle", path)
        return path
    raise ConfigurationError(
        f"ca_bundle={ca_bundle!r} is not a file or folder of certificates.",
        remedy="Use the path of a PEM file. TLS checks cannot be switched off.",
    )


_CLOUD_SOURCE = {PUBLIC: "", CHINA: '"china"', US_GOVERNMENT: '"us_government"'}


def options_as_source(cloud: Cloud, **options: str | None) -> dict[str, str]:
    """Return the options of a call as source text, without those that are None.

    A cloud that is not one of Microsoft's is written as ``...``, for the reader to fill in.
    """
    source = {name: _quoted(value) for name, value in options.items() if value is not None}
    where = _CLOUD_SOURCE.get(cloud, "...")
    return {**source, "cloud": where} if where else source


def _quoted(value: str) -> str:
    if not value.isprintable():
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _cache_as_source(cache: SignInCache) -> str:
    path = [] if cache.path is None else [_quoted(cache.path)]
    unencrypted = ["allow_unencrypted=True"] if cache.allow_unencrypted else []
    return f"SignInCache({', '.join(path + unencrypted)})"


def format_call(factory: str, mode: str, options: Mapping[str, str]) -> str:
    """Return the source text of a call; ``mode`` and the options' values are source text.

    A mode that is an object, as source text, takes the options itself.
    """
    arguments = "".join(f", {name}={value}" for name, value in options.items())
    if mode.endswith(")"):
        return f"{factory}(mode={mode[:-1]}{arguments}))"
    return f"{factory}(mode={mode}{arguments})"
