"""Redirect URIs: the address to which Entra ID sends the browser after the sign-in."""

from __future__ import annotations

import re

from ..errors import ConfigurationError

# The redirect URI of Azure CLI's client id, and the one that the portal offers under "Mobile
# and desktop applications". Entra ID ignores its port (Microsoft, "Redirect URI (reply URL)
# restrictions", localhost exceptions).
LOOPBACK = "http://localhost"

_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(redirect_uri: str) -> bool:
    """Return whether a redirect URI leads to this machine (RFC 8252 section 7.3)."""
    from urllib.parse import urlsplit

    parts = urlsplit(redirect_uri)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS


def check_redirect_uri(value: object) -> str:
    """Return a redirect URI if it can be used; ConfigurationError otherwise."""
    # The pattern needs a scheme: "localhost:8400" is a host with a port.
    if isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9+.-]*:(?!\d)[\x21-\x7e]+", value):
        if is_loopback(value) and _is_plain(value):
            return value
        # RFC 6749 section 3.1.2: no fragment. Section 3.1.2.1: TLS on any network.
        if not value.startswith("http:") and "#" not in value:
            return value
    raise ConfigurationError(
        f"redirect_uri={value!r} is not a redirect URI that can be used.",
        remedy="Give one that the application is registered with, such as 'http://localhost' or"
        " 'http://localhost:8400/path'. Only an address of this machine may start with http:.",
    )


# A terminal puts these around what is pasted (xterm, "Bracketed Paste Mode").
_PASTE_MARKS = re.compile(r"\x1b?\[20[01]~")
# RFC 3986 section 3.4: the characters of a query.
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*")
_PUNCTUATION = ".,;:')"  # ends a sentence or a quotation, and no code or state


def pasted_query(text: str) -> str:
    """Return the query of an address that a person pasted, perhaps with more around it.

    Quotes, brackets, a full stop at the end, line breaks, blanks and what cannot be seen are no
    part of an address. The parameters may also stand in the fragment, or alone.
    """
    visible = _PASTE_MARKS.sub("", text).replace("&amp;", "&")
    address = "".join(one for one in visible if one.isprintable() and not one.isspace())
    parts = re.split("[?#]", address, maxsplit=2)
    found = _QUERY.match(next((part for part in parts if "state=" in part), ""))
    return found[0].rstrip(_PUNCTUATION) if found else ""


def _is_plain(redirect_uri: str) -> bool:
    """Return whether an address on loopback has only a host, a port and a path."""
    from urllib.parse import urlsplit

    parts = urlsplit(redirect_uri)
    try:
        return (parts.port is None or parts.port > 0) and not re.search("[?#@]", redirect_uri)
    except ValueError:  # the port is not a valid number
        return False
