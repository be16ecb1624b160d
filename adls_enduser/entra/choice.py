"""Which library speaks to Entra ID: the one that the settings name, and no other loads."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ..errors import MissingDependency

if TYPE_CHECKING:
    from ..options import Settings
    from .backend import Backend

_BACKENDS = {"adal": ("adal_backend", "AdalBackend"), "msal": ("msal_backend", "MsalBackend")}
_INSTALL = {"adal": "adal", "msal": "'adls-enduser[msal]'"}


def backend(settings: Settings) -> Backend:
    """Give what ``library=`` asks for; MissingDependency names what to install."""
    library = settings.library
    module, name = _BACKENDS[library]
    try:
        found = importlib.import_module(f".{module}", __package__)
    except ModuleNotFoundError as missing:
        raise MissingDependency(
            f"{missing.name} is not installed.", remedy=f"Run: pip install {_INSTALL[library]}"
        ) from missing
    made: Backend = getattr(found, name)(settings)
    return made
