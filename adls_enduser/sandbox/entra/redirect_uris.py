"""The addresses that a browser may be sent back to, and the response that they carry.

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
# The redirect URIs that a public client has by default.
PUBLIC_CLIENT = ("http://localhost", "http://127.0.0.1", NATIVE_CLIENT, OUT_OF_BAND)
_LOOPBACK = {"localhost", "127.0.0.1"}


def is_registered(redirect_uri: str, registered: Collection[str]) -> bool:
    """Tell whether a redirect URI is registered: as it is, or on loopback with another port."""
    try:
        requested = _comparable(redirect_uri)
    except ValueError:
        return False
    return requested in {_comparable(uri) for uri in registered}


def location(redirect_uri: str, fields: Mapping[str, str], response_mode: str) -> str:
    """Return the address that carries the response, in its query or its fragment.

    A redirect URI without a path gets a slash, as Entra ID adds one.
    """
    url = urlsplit(redirect_uri)
    base = redirect_uri + ("/" if url.netloc and not url.path and not url.query else "")
    separator = "#" if response_mode == "fragment" else "&" if url.query else "?"
    return f"{base}{separator}{urlencode(fields, quote_via=quote)}"


def origin(redirect_uri: str) -> str:
    """Return a redirect URI's origin, as a content security policy's form-action needs it."""
    url = urlsplit(redirect_uri)
    return f"{url.scheme}://{url.netloc}" if url.netloc else f"{url.scheme}:"


def _comparable(redirect_uri: str) -> tuple[str, str, str]:
    """Return scheme, host and the rest; raise ValueError if it cannot be a redirect URI."""
    url = urlsplit(redirect_uri)
    # RFC 6749 section 3.1.2: no fragment. Reading the port raises ValueError if it is invalid.
    if "#" in redirect_uri or url.port == 0:
        raise ValueError("no redirect URI")
    on_loopback = url.scheme == "http" and url.hostname in _LOOPBACK
    host = url.hostname if on_loopback and url.hostname else url.netloc.lower()
    # The rest is compared exactly, except that "" equals "/".
    rest = url._replace(scheme="", netloc="").geturl()
    return url.scheme, host, "/" if url.netloc and not rest else rest
