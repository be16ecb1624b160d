"""A browser's part in a scripted sign-in: open an address, and send a response to the program."""

from __future__ import annotations

import re
import urllib.request
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from werkzeug.datastructures import Headers

from ...http import Request

if TYPE_CHECKING:
    from ...http import Response

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SECONDS = 10.0
_ACTION = re.compile(r'action="([^"]*)"')
_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


def browser_request(url: str) -> Request:
    """Return the request of a browser that opens an address."""
    parts = urlsplit(url)
    target = parts._replace(scheme="", netloc="", fragment="").geturl()
    host, headers = parts.hostname or "", Headers()
    return Request(
        method="GET", scheme=parts.scheme, host=host, target=target, headers=headers, body=b""
    )


def deliver(response: Response) -> str:
    """Follow a redirect, or send the form of ``response_mode=form_post``; return the page."""
    location, body = response.headers.get("Location"), None
    if location is None:
        page = response.get_data(as_text=True)
        location = unescape(_ACTION.findall(page)[0])
        body = urlencode([(name, unescape(value)) for name, value in _FIELD.findall(page)])
    if urlsplit(location).hostname not in _LOOPBACK:
        raise ValueError(f"{location.partition('?')[0]} is not on loopback")
    # Not through a proxy: a browser reaches loopback directly.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    data = body.encode() if body is not None else None
    with opener.open(location.partition("#")[0], data, timeout=_SECONDS) as reply:
        text: bytes = reply.read()
    return text.decode("utf-8", "replace")
