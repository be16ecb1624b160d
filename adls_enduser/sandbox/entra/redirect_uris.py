"""Where a browser may be sent back to, and with what.

Source: Microsoft, "Redirect URI (reply URL) outline and restrictions", and RFC 8252 section
7.3 on loopback addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

NATIVE_CLIENT = "https://login.microsoftonline.com/common/oauth2/nativeclient"
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
# What a public client has registered unless it is told otherwise.
PUBLIC_CLIENT = ("http://localhost", "http://127.0.0.1", NATIVE_CLIENT, OUT_OF_BAND)
_LOOPBACK = {"localhost", "127.0.0.1"}


def is_registered(redirect_uri: str, registered: Collection[str]) -> bool:
    """Tell whether a redirect URI is one of those: the same, or on loopback at any port."""
    try:
        wanted = _comparable(redirect_uri)
    except ValueError:
        return False
    return wanted in {_comparable(one) for one in registered}


def location(redirect_uri: str, fields: Mapping[str, str], response_mode: str) -> str:
    """Give the address that carries the answer, in its query or its fragment.

    A redirect URI without a path comes back with a slash, as Entra ID adds one.
    """
    url = urlsplit(redirect_uri)
    base = redirect_uri + ("/" if url.netloc and not url.path and not url.query else "")
    mark = "#" if response_mode == "fragment" else "&" if url.query else "?"
    return f"{base}{mark}{urlencode(fields, quote_via=quote)}"


def origin(redirect_uri: str) -> str:
    """Give what a content security policy calls the place that a form may lead to."""
    url = urlsplit(redirect_uri)
    return f"{url.scheme}://{url.netloc}" if url.netloc else f"{url.scheme}:"


def _comparable(redirect_uri: str) -> tuple[str, str, str]:
    """Give scheme, host and the rest; ValueError if it cannot be a redirect URI."""
    url = urlsplit(redirect_uri)
    # RFC 6749 section 3.1.2: no fragment. Reading the port is what checks it.
    if "#" in redirect_uri or url.port == 0:
        raise ValueError("no redirect URI")
    on_loopback = url.scheme == "http" and url.hostname in _LOOPBACK
    host = url.hostname if on_loopback and url.hostname else url.netloc.lower()
    # All that follows must be the same to the letter, but "" and "/" are.
    rest = url._replace(scheme="", netloc="").geturl()
    return url.scheme, host, "/" if url.netloc and not rest else rest
