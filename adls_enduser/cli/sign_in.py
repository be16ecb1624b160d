"""The sign-in that is kept, and how the commands get tokens by it."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

from ..clouds import CHINA, PUBLIC, US_GOVERNMENT, Cloud
from ..errors import CacheError, ConfigurationError, SignInRequired, TransportError
from .arguments import cache_of, library_options, repeated

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from ..cache import KeptAccount, SignInCache
    from ..strategies.device_code import DeviceCode
    from ..strategies.protocol import AuthStrategy
    from ..tokens import Token

# A URI, or the id of an application (a GUID).
_AUDIENCE = re.compile(
    r"[a-z][a-z0-9+.-]*://[^\s/]\S*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
_CLOUDS: dict[str, Any] = {one.authority: one.name for one in (PUBLIC, CHINA, US_GOVERNMENT)}


def audience_for(service: str | None, cloud: Cloud) -> str:
    """Return the audience that ``--for`` names; None is Azure Storage.

    Raises ConfigurationError for a name that is not known, UnsupportedByCloud for a service that
    the cloud does not have.
    """
    if service in (None, "storage"):
        return cloud.storage
    if service == "management":
        return cloud.management
    if service == "gen1":
        return cloud.filesystem_audience()
    if service and _AUDIENCE.fullmatch(service):
        return cloud.audience(service)
    # A token may stand here by mistake, and would be shown.
    shown = service if re.fullmatch(r"(?!ey)[\w.:/-]{1,100}", service or "") else "..."
    raise ConfigurationError(
        f"--for {shown} is not a service.",
        remedy="Use storage, management or gen1, the audience of another service, such as"
        " https://vault.azure.net, or its application id.",
    )


def kept_strategy(options: argparse.Namespace) -> DeviceCode:
    """Return a strategy that renews the kept sign-in; its ``sign_in`` is never called."""
    from ..strategies.device_code import DeviceCode

    cache = cache_of(options)
    # login has said so, once.
    warnings.filterwarnings("ignore", message=".*without encryption")
    return DeviceCode(**completed(library_options(options), cache.accounts()), cache=cache)


def completed(given: dict[str, Any], kept: Iterable[KeptAccount]) -> dict[str, Any]:
    """Return the options with the client id and the cloud of the kept sign-in that they name.

    Only if one such pair is kept: else the library's defaults hold, and it asks which one.
    """
    accounts = [one for one in kept if _fits(one, given)]
    named = [one for one in accounts if _names(one, given)] or accounts
    found = {(one.authority, one.client_id) for one in named}
    if len(found) != 1:
        return given
    [(authority, client_id)] = found
    cloud = _CLOUDS.get(authority, PUBLIC.name)
    return {"cloud": cloud, "client_id": client_id, **given}


def _fits(account: KeptAccount, given: dict[str, Any]) -> bool:
    cloud = _CLOUDS.get(account.authority)
    return given.get("cloud", cloud) == cloud and (
        given.get("client_id", account.client_id) == account.client_id
    )


def _names(account: KeptAccount, given: dict[str, Any]) -> bool:
    """Return whether the account has the names that were given; it may have others as well."""
    pairs = ((account.username, "username"), (account.tenant, "tenant"))
    return all((value or "").lower() == given.get(key, value or "").lower() for value, key in pairs)


def unencrypted_hint(cache: SignInCache) -> str:
    """Return when sign-ins are used that are read with ``--no-keyring`` alone; "" if none is kept.

    It does not advise to use them: whoever can write the file can put one there.
    """
    from ..cache.files import CacheFile, resolve_path

    if cache.allow_unencrypted:
        return ""
    try:
        records = CacheFile(resolve_path(cache.path)).read().records
    except CacheError:
        return ""
    if all(one.nonce is not None for one in records):
        return ""
    return (
        "One that is kept is not encrypted: if you signed in with --no-keyring, give it here too."
    )


def kept_token(strategy: AuthStrategy, resource: str, options: argparse.Namespace) -> Token:
    """Return a token by the kept sign-in; prompts nobody.

    Raises SignInRequired if no sign-in is kept that fits the options, or the error of a renewal
    that failed.
    """
    try:
        token = strategy.silent(resource)
    except TransportError:
        # Too old to be the first choice, but it has minutes left.
        token = _unexpired(strategy, resource)
        if token is None:
            raise
    if token is None:
        raise SignInRequired(
            "No sign-in is kept that fits these options.",
            remedy=f"{unencrypted_hint(cache_of(options))} adls-enduser accounts lists those that"
            f" are. To sign in:\nRun: adls-enduser login{repeated(options)}",
        )
    return token


def _unexpired(strategy: AuthStrategy, resource: str) -> Token | None:
    from ..strategies.protocol import extended

    return extended(strategy).cached_token(resource)
