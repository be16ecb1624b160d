"""Continuation tokens: opaque to clients, and here the name that a page begins after."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ..store.paths import parse, show
from .errors import bad_parameter

if TYPE_CHECKING:
    from ..store.paths import StorePath
    from .call import Call


def token(name: str) -> str:
    """Return the token of the page after a name."""
    return base64.urlsafe_b64encode(name.encode()).decode()


def after(call: Call, parameter: str) -> str:
    """Return the name that the page begins after, or ''; raise StorageError for a bad token."""
    text = call.text(parameter)
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise bad_parameter(parameter, text) from None


def path_token(path: StorePath) -> str:
    """Return the token of the page after a path, which may be the root."""
    return token(show(path))


def after_path(call: Call) -> StorePath | None:
    """Return the path that the page begins after; None for the first page."""
    text = after(call, "continuation")
    return parse(text) if text else None
