"""What to write instead of a name that is not known: a slip, or another library's name.

Only an error needs this module. Sources of the names: azure-identity, msal, adal, msrestazure,
azure-datalake-store 0.0.x (``lib.auth``), azure-cli and its clouds, and the SDKs' clients.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_RENAMED = {
    "tenant": "tenantid tenantname directory directoryid domain azuretenantid organization",
    "username": "user upn userid login loginhint email account useraccount azureusername",
    "password": "passwd passphrase pwd azurepassword",
    "client_id": "appid applicationid application clientapplicationid azureclientid",
    "cloud": "cloudname cloudenvironment environment azurecloud azureenvironment",
    "cache": "tokencache cachepath cachepersistenceoptions authenticationrecord",
    "prompt": "promptcallback callback onprompt",
    "ca_bundle": "verify connectionverify cabundle cafile cert certificate ssl verifyssl",
    "proxies": "proxy httpproxy httpsproxy",
    "request_timeout": "connectiontimeout readtimeout processtimeout",
    "redirect_uri": "redirecturl replyurl",
    "open_browser": "launchbrowser browser openbrowser",
}

_MORE = {
    "ca_bundle": " It is the path of a PEM file with the certificates to trust, such as a proxy's."
    " TLS checks cannot be switched off.",
}

_NO_SECRET = (
    "A person signs in to a public client, which has no secret: leave it out. An application's"
    " own identity signs in with azure-identity."
)
_BY_FACTORY = "The factory decides the service: leave it out, or call get_token(scope) later."
_TO_FACTORY = "It belongs to the factory, beside the strategy: management_credentials(mode=..., "
_TO_CLIENT = "It belongs to the SDK's client, which takes what a factory returns."

_EXPLAINED = {
    **dict.fromkeys(("clientsecret", "secret", "clientcredential", "appsecret"), _NO_SECRET),
    **dict.fromkeys(("certificatepath", "certificatedata", "clientcertificate"), _NO_SECRET),
    **dict.fromkeys(("scope", "scopes", "resource", "resources", "audience"), _BY_FACTORY),
    **dict.fromkeys(("authority", "authorityhost", "authorityurl", "authurl"), (
        "Set tenant= to the tenant, and cloud= to the cloud of the authority: its name, or"
        " dataclasses.replace(PUBLIC, name=..., authority=...)."
    )),
    **dict.fromkeys(("validateauthority", "instancediscovery", "disableinstancediscovery"), (
        "It belongs to the cloud: cloud=dataclasses.replace(PUBLIC, ..., validate_authority=False)."
    )),
    **dict.fromkeys(("interactive", "disableautomaticauthentication"), (
        f"{_TO_FACTORY}interactive=False)."
    )),
    "fallback": f"{_TO_FACTORY}fallback=...).",
    "require2fa": 'Write mode="device_code" instead.',
    "mode": "A strategy's class is the mode; a factory takes mode=.",
    "china": 'Write cloud="china" instead.',
    **dict.fromkeys(("subscriptionid", "subscription", "storename", "baseurl"), _TO_CLIENT),
    "credential": "Write mode=AzureCredential(credential) instead.",
    "credentials": "Write mode=AzureCredential(credentials) instead.",
    "token": "Write mode=StaticToken(token) instead.",
    "accesstoken": "Write mode=StaticToken(token) instead.",
}  # fmt: skip

# The modes that take an option which not all take.
_MODES_OF = {
    "password": '"password"',
    "prompt": '"device_code" or "browser"',
    "timeout": '"device_code" or "browser"',
    "cancel": '"device_code" or "browser"',
    "open_browser": '"browser" or "auto"',
    "redirect_uri": '"browser" or "auto"',
}

_MODE_NAMES = {
    "password": "userpass usernamepassword userpassword ropc resourceownerpassword basic",
    "device_code": "device devicelogin deviceflow devicecodeflow code",
    "browser": "interactive interactivebrowser web webbrowser authcode authorizationcode pkce",
    "azure_cli": "cli az azlogin azcli",
    "auto": "default automatic any defaultazurecredential",
}

# By a part of the name: msrestazure's and azure-cli's clouds, azure-core's AzureClouds,
# azure-identity's AzureAuthorityHosts, and the hosts of the services.
_CLOUDS = (
    ("china|mooncake|vianet|microsoftonlinecn", "china"),
    ("gov|fairfax|microsoftonlineus", "us_government"),
    ("public|global|worldwide|commercial|azurecloud|microsoftonlinecom|azurecom|^azure$", "public"),
)


def kind_with_module(value: object) -> str:
    """Return what a value is, for an error; its repr could show a secret.

    The module of a class of others is named too: asyncio has an Event as well.
    """
    kind = value if isinstance(value, type) else type(value)
    package = kind.__module__.partition(".")[0]
    module = "" if package in ("builtins", "__main__", __package__) else f"{kind.__module__}."
    return f"{'the class ' if kind is value else ''}{module}{kind.__name__}"


def call_hint(value: object, option: str) -> str:
    """Return what to write if a class was given in place of an object; "" for anything else."""
    return f"Call it: {option}={value.__name__}(...). " if isinstance(value, type) else ""


def option_hint(name: str, known: Iterable[str]) -> str:
    """Return what to write instead of an option that is not among ``known``; "" if unclear."""
    known = set(known)
    new = _new_name(name, _RENAMED)
    if new in known:
        return f"Write {new}= instead.{_MORE.get(new, '')}"
    name = new or name
    if _plain(name) in _EXPLAINED:
        return _EXPLAINED[_plain(name)]
    if name in _MODES_OF:
        return f"mode={_MODES_OF[name]} takes {name}=."
    near = _near(name, known | {"interactive", "fallback"})
    if near in _EXPLAINED and near not in known:
        return f"Did you mean {near}=? {_EXPLAINED[near]}"
    return f"Did you mean {near}=?" if near else ""


def mode_hint(mode: str, known: Iterable[str]) -> str:
    """Return what to write instead of a mode that is not among ``known``; "" if unclear."""
    if "@" in mode or "\\" in mode:
        return 'A user name is an option: mode="password", username=..., password=....'
    if mode.startswith("ey") and mode.count(".") == 2:
        return "Write mode=StaticToken(token) for an access token that you have."
    if re.fullmatch(r"[\w-]+(\.[\w-]+)+|[0-9a-fA-F-]{36}", mode):
        return 'A tenant is an option: mode="device_code", tenant=....'
    name = _new_name(mode, _MODE_NAMES) or _near(mode, known)
    return f"Did you mean {name!r}?" if name else ""


def cloud_hint(cloud: object, known: Iterable[str]) -> str:
    """Return what to write instead of a cloud that is not among ``known``; "" if unclear."""
    name = getattr(cloud, "name", cloud) if not isinstance(cloud, str) else cloud
    plain = _plain(name) if isinstance(name, str) else ""
    if "german" in plain or "blackforest" in plain:
        return "Germany's cloud closed in 2021."
    for pattern, ours in _CLOUDS:
        if re.search(pattern, plain):
            return f"Write cloud={ours!r} instead."
    near = _near(plain, known)
    return f"Did you mean {near!r}?" if near else ""


def _new_name(name: str, names: dict[str, str]) -> str:
    plain = _plain(name)
    for ours, others in names.items():
        if plain == _plain(ours) or plain in others.split():
            return ours
    return ""


def _near(name: str, known: Iterable[str]) -> str:
    by_plain = {_plain(one): one for one in known}
    found = difflib.get_close_matches(_plain(name), by_plain, n=1, cutoff=0.7)
    return by_plain[found[0]] if found else ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
