"""The libraries that call Entra ID: whether one is installed, what it can do, and its backend.

A backend, and with it the library and requests, is loaded by the first request. A process that
finds a valid token in the cache sends none.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

from ..environment.packages import require_installed
from ..errors import import_failed

if TYPE_CHECKING:
    from ..options import Settings
    from .backend import Backend


class _Library(NamedTuple):
    """Where the backend of a library is, what pip installs, and whether it can send claims."""

    module: str
    class_name: str
    requirement: str
    answers_claims: bool


_LIBRARIES = {
    "adal": _Library("adal_backend", "AdalBackend", "adal", answers_claims=False),
    "msal": _Library("msal_backend", "MsalBackend", "'adls-enduser[msal]'", answers_claims=True),
}


def check_library(library: str) -> None:
    """Raise MissingDependency if the library is not installed; does not load it."""
    require_installed(library, f"library={library!r}", _LIBRARIES[library].requirement)


def answers_claims(library: str) -> bool:
    """Return whether the library can send claims; does not load it."""
    return _LIBRARIES[library].answers_claims


def load_backend(settings: Settings) -> Backend:
    """Return the backend that ``library=`` names; MissingDependency says what to install."""
    library = _LIBRARIES[settings.library]
    try:
        module = importlib.import_module(f".{library.module}", __package__)
    except Exception as error:  # a broken package may raise any
        user = f"library={settings.library!r}"
        raise import_failed(error, user, library.requirement) from error
    made: Backend = getattr(module, library.class_name)(settings)
    return made
