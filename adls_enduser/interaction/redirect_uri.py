"""Redirect URIs: to which address the browser takes the outcome of a sign-in."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import ConfigurationError

# What Azure CLI's client id has, and what the portal offers under "Mobile and desktop
# applications"; Entra ID ignores its port (Microsoft, "Redirect URI (reply URL)
# restrictions", localhost exceptions).
LOOPBACK = "http://localhost"


_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(redirect_uri: str) -> bool:
    """Tell whether a redirect URI leads to this machine (RFC 8252 section 7.3)."""
    parts = urlsplit(redirect_uri)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS


def check_redirect_uri(value: object) -> str:
    """Validate where the browser is to go in the end."""
    # A scheme, and not a host with a port.
    if isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9+.-]*:(?!\d)[\x21-\x7e]+", value):
        if is_loopback(value) and _is_plain(value):
            return value
        # RFC 6749 section 3.1.2: no fragment. Section 3.1.2.1: TLS on any network.
        if not value.startswith("http:") and "#" not in value:
            return value
    raise ConfigurationError(
        f"redirect_uri={value!r} is not a redirect URI that can be used.",
        remedy="Give what the application is registered with, such as 'http://localhost' or"
        " 'http://localhost:8400/path'; one that is not on loopback must not be http.",
    )


def _is_plain(redirect_uri: str) -> bool:
    """Tell whether an address on loopback is only a host, a port and a path."""
    parts = urlsplit(redirect_uri)
    try:
        return (parts.port is None or parts.port > 0) and not re.search("[?#@]", redirect_uri)
    except ValueError:  # no number of a port
        return False
