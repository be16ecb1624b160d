"""Judge a proxy and a file of certificate authorities before a request uses them.

Both come from an option, or from a variable of the environment that requests reads. No error, and
no local variable of a function that raises one, holds a proxy: it may hold a password.
"""

from __future__ import annotations

import importlib
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..errors import ConfigurationError, MissingDependency

if TYPE_CHECKING:
    from ..tokens import Secret

# requests.adapters, HTTPAdapter.proxy_manager_for, and urllib3.contrib.socks.
_SOCKS = ("socks4", "socks4a", "socks5", "socks5h")
_SCHEMES = ("http", "https", *_SOCKS)
# OpenSSL, "openssl-rehash": the names by which it finds a certificate in a folder.
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+")


def check_proxy(name: str, proxy: Secret) -> None:
    """Raise ConfigurationError for a proxy that requests cannot use; ``name`` is where it stands.

    A proxy is a URL or a host, with or without a port; an empty text is none.
    """
    if not proxy.reveal():
        return
    problem = _address_problem(proxy.reveal())
    if problem:
        raise unusable_proxy(name, problem)
    if not _can_send_credentials(proxy.reveal()):
        raise ConfigurationError(
            f"The user name or the password of the proxy in {name} has a character outside of"
            " Latin-1, which cannot be sent to a proxy.",
            remedy="Use credentials without such characters. Write other special characters as the"
            " %XX of their UTF-8.",
        )


def unusable_proxy(name: str, problem: str) -> ConfigurationError:
    """Return the error for a proxy whose address cannot be used."""
    return ConfigurationError(
        f"The proxy in {name} cannot be used: {problem}.",
        remedy="Write it like http://proxy.example:8080 or"
        " http://USER:PASSWORD@proxy.example:8080, and special characters of the user name and"
        " the password as %XX.",
    )


def check_socks_installed(name: str, proxy: Secret) -> None:
    """Raise MissingDependency for a SOCKS proxy if PySocks, which requests needs, is missing."""
    if not proxy.reveal().lower().startswith("socks"):
        return
    try:
        importlib.import_module("socks")
    except ImportError as missing:
        raise MissingDependency(
            f"The proxy in {name} is a SOCKS proxy, and PySocks is not installed.",
            remedy="Run: pip install 'requests[socks]'",
        ) from missing


def has_credentials(proxy: str) -> bool:
    """Return whether requests sends a user name and a password to this proxy."""
    parts = urlsplit(_with_scheme(proxy))
    # requests.utils, get_auth_from_url, takes a user name without a password for none.
    return bool(parts.username) and parts.password is not None


def _with_scheme(proxy: str) -> str:
    # requests.utils, prepend_scheme_if_needed.
    return proxy if "://" in proxy else f"http://{proxy}"


def _address_problem(proxy: str) -> str:
    if not proxy.isprintable() or " " in proxy:
        return "it has a blank, or a character that cannot be printed"
    try:
        parts = urlsplit(_with_scheme(proxy))
        host, port = parts.hostname, parts.port
    except ValueError:
        return "its port is not a number from 1 to 65535, or its host is not one"
    # The rest of a password, which begins with one of these, would be looked up as a host.
    if parts.fragment or parts.query or any(mark in proxy for mark in "#?"):
        return "it has a # or a ?, which must be written as %23 or %3F"
    if parts.scheme == "socks":
        return "its scheme is socks, without a version: write socks5h"
    if parts.scheme not in _SCHEMES:
        return f"its scheme is none of {', '.join(_SCHEMES)}"
    if port == 0:
        return "its port is 0"
    return "" if host else "it names no host"


def _can_send_credentials(proxy: str) -> bool:
    parts = urlsplit(_with_scheme(proxy))
    if parts.scheme in _SOCKS:  # RFC 1929 leaves the encoding open; PySocks sends UTF-8
        return True
    try:
        # requests.auth, _basic_auth_str. RFC 7617 section 2 leaves the encoding open.
        unquote(f"{parts.username or ''}{parts.password or ''}").encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def check_ca_bundle(name: str, path: str) -> None:
    """Raise ConfigurationError for a file or folder in which OpenSSL finds no certificate.

    ``name`` is the option or the variable that names it.
    """
    try:
        found = os.stat(path)
        problem, remedy = _bundle_problem(path, found.st_mtime_ns, found.st_size)
    except (OSError, ValueError) as error:  # ValueError: a nul character in the path
        reason = getattr(error, "strerror", None) or "it is not a path"
        problem, remedy = f"cannot be read ({reason})", "Use the path of a PEM file."
    if problem:
        raise ConfigurationError(
            f"{name}={path!r} {problem}.",
            remedy=f"{remedy} TLS checks cannot be switched off.",
        )


# A request asks again, and the answer is the same until the file changes.
@lru_cache(maxsize=16)
def _bundle_problem(path: str, changed: int, size: int) -> tuple[str, str]:  # noqa: ARG001
    """Return what is wrong with a file or folder, and what to do; empty texts if nothing is."""
    if os.path.isdir(path):
        names = filter(_HASHED_NAME.fullmatch, os.listdir(path))
        if any(_has_certificates(os.path.join(path, name)) for name in names):
            return "", ""
        return (
            "is a folder in which OpenSSL finds no certificate: it looks for names such as"
            " 5ed36f99.0",
            f"Run: openssl rehash {path!r}. Or use the path of a PEM file.",
        )
    if os.path.isfile(path) and _has_certificates(path):
        return "", ""
    return (
        "holds no certificate, or one that is damaged",
        "Use the path of a PEM file, whose certificates begin with -----BEGIN CERTIFICATE-----."
        " For a DER file run: openssl x509 -inform der -in FILE -out NEW.pem.",
    )


def _has_certificates(path: str) -> bool:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        return False
    return context.cert_store_stats()["x509"] > 0  # a file of revocation lists alone loads too
