"""The parameters of a request, wherever a client puts them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from ..http import Request
    from .token_request import Form


def parameters(request: Request) -> Form:
    """Return the parameters: of a GET its query, of a POST its form; and the client in a header.

    RFC 6749 section 2.3.1 lets a client send its id and secret by HTTP Basic, url-encoded. A public
    client has an id only, as oauthlib sends it. What the form has counts first (assumed).
    """
    sent = request.args.to_dict() if request.method == "GET" else request.form
    names = ("client_id", "client_secret")
    values = zip(names, _basic(request.headers.get("Authorization", "")), strict=True)
    return {name: value for name, value in values if value} | sent


def _basic(authorization: str) -> tuple[str, str]:
    """Return the id and the secret of HTTP Basic (RFC 7617), or two empty texts."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)
