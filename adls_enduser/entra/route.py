"""Find out how a request is sent: by which proxy, and trusting which certificates.

Both are chosen as requests would, from the options or from the environment. Each is judged here
before anything is sent, and an error names the option or the variable in which it stands.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

import requests

from ..environment.network_options import (
    check_ca_bundle,
    check_proxy,
    check_socks_installed,
    has_credentials,
)
from ..tokens import Secret
from ..values import dataclass, field
from .addresses import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..options import Settings

_VARIABLE = "the environment variable"
_NO_PROXY = f"{_VARIABLE} NO_PROXY"
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True)
class Route:
    """The host, the proxy on the way, the CA bundle, and where the last two were named.

    ``ca_bundle`` is a path; None for that of requests. ``proxy_source`` and ``ca_source`` are an
    option or a variable of the environment; "" where there is none. ``bypass`` says which proxy is
    not used for this host, and why; "" where there is none.
    """

    host: str
    proxy: str = field(default="", repr=False)  # may hold a password
    proxy_source: str = ""
    ca_bundle: str | None = None
    ca_source: str = ""
    bypass: str = ""

    @property
    def has_proxy_credentials(self) -> bool:
        """Whether the proxy gets a user name and a password."""
        return has_credentials(self.proxy)

    @property
    def proxy_remedy(self) -> str:
        """What to do about the proxy if a connection cannot be made."""
        if self.proxy:
            direct = f"If {self.host} is reached without a proxy, name it in {_NO_PROXY}."
            is_variable = self.proxy_source.startswith(_VARIABLE)
            return f"Check the proxy in {self.proxy_source}.{f' {direct}' if is_variable else ''}"
        if self.bypass:
            return f"{self.bypass} If it is reached by that proxy only, change the exception."
        return "If it needs a proxy, give that as proxies= or in the variable HTTPS_PROXY."


def find_route(url: str, settings: Settings) -> Route:
    """Return the route of a request, which requests can take.

    Raises ConfigurationError for a proxy or a CA bundle that cannot be used, MissingDependency
    for a SOCKS proxy without PySocks.
    """
    # Only their names: a proxy may hold a password, which no local of a frame may show.
    system = [name for name, proxy in getproxies().items() if proxy]
    proxy, proxy_source = _proxy(url, settings.proxies or {}, system)
    check_proxy(proxy_source, proxy)
    check_socks_installed(proxy_source, proxy)
    ca_source, path = _ca_bundle(settings.ca_bundle)
    if path is not None:
        check_ca_bundle(ca_source, path)
    bypass = "" if proxy.reveal() else _bypass(host_of(url), settings.proxies or {}, system)
    return Route(host_of(url), proxy.reveal(), proxy_source, path, ca_source, bypass)


def trusted_certificates(settings: Settings) -> tuple[str, str]:
    """Return the option or variable that names the CA bundle in force ("": none), and its path."""
    source, path = _ca_bundle(settings.ca_bundle)
    return source, path or requests.utils.DEFAULT_CA_BUNDLE_PATH


def _proxy(url: str, given: Mapping[str, str], system: list[str]) -> tuple[Secret, str]:
    """Return the proxy that requests would choose, and where it stands.

    ``system`` are the names of the proxies in the environment, or in the settings of the system.
    The order is that of requests.utils.select_proxy, after
    requests.sessions.Session.merge_environment_settings.
    """
    no_proxy = given.get("no_proxy")
    environment = requests.utils.get_environ_proxies(url, no_proxy=no_proxy) if system else {}
    host = urlsplit(url).hostname
    for key in (f"https://{host}", "https", f"all://{host}", "all"):
        if key in given:
            return Secret(given[key]), "proxies="
        if key in environment:
            return Secret(environment[key]), _variable(key)
    return Secret(""), ""


def _bypass(host: str, given: Mapping[str, str], system: list[str]) -> str:
    """Return which proxy of the environment was passed over, and by which exception."""
    # requests.utils, should_bypass_proxies: an exception is for the proxies of the environment.
    proxies = [key for key in ("https", "all") if key in system]
    if not proxies:
        return ""
    exception = "the no_proxy of proxies=" if "no_proxy" in given else _variable("no")
    return (
        f"{host} was called without the proxy in {_variable(proxies[0])}, because of {exception}."
    )


def _variable(key: str) -> str:
    # urllib.request, getproxies_environment: the name in lower case wins.
    names = [name for name in os.environ if name.lower() == f"{key}_proxy"]
    return f"{_VARIABLE} {max(names)}" if names else "the settings of this system"


def _ca_bundle(given: str | None) -> tuple[str, str | None]:
    if given is not None:
        return "ca_bundle", given
    for name in _CA_VARIABLES:
        if os.environ.get(name):
            return name, os.environ[name]
    return "", None
