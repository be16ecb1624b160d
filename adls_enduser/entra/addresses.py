"""Judge an address that came from the network, before a request, a link or a message uses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

UNREADABLE_HOST = "a host whose name cannot be read"
# RFC 1035 section 2.3.4: a name has at most 255 octets; RFC 3986 section 3.2.2: IPv6.
_HOST = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}|[0-9A-Fa-f:.]{2,45}")
# RFC 3986's characters without the apostrophe, which ends a string in more than one shell.
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def host_of(url: str) -> str:
    """Return the host and the port of an address, for a message: printable and bounded."""
    parts = _split(url)
    if parts is None:
        return UNREADABLE_HOST
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port is None else f"{host}:{parts.port}"


def can_take_request(url: str) -> bool:
    """Return whether an address names a host that can be read, and no user (RFC 3986 3.2.1)."""
    parts = _split(url)
    return parts is not None and "@" not in parts.netloc


def parse_page_url(url: str) -> str:
    """Return the address of a page, if it is safe to open in a browser, to link and to print.

    It is https and names no user, who could pass for the host in the eyes of the person. On
    loopback it may be http: nobody else can listen to that (the sandbox's page is there).
    Raises ValueError for any other.
    """
    parts = _split(url) if _URL.fullmatch(url) else None
    if parts is None or "@" in parts.netloc:
        raise ValueError("not a page that may be opened")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("not a page that may be opened")
    return url


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        readable = _HOST.fullmatch(parts.hostname or "") and parts.port != 0
    except ValueError:
        return None
    return parts if readable else None
