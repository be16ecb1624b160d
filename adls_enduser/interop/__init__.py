"""Hand a sign-in to tools that are no client of Azure's SDKs, in the form that each expects.

::

    from adls_enduser.interop import delta_options, identity_endpoint

    DeltaTable(url, storage_options=delta_options(credential))
    with identity_endpoint(credential) as environment:
        subprocess.run(["azcopy", ...], env={**os.environ, **environment})

Each name loads its module when it is first asked for (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .delta import delta_options
    from .endpoint import identity_endpoint

__all__ = [
    "delta_options",
    "identity_endpoint",
]

# Where each name is. No module has the name of a function: importing it would replace the
# function by the module.
_LATE = {
    "delta_options": ".delta",
    "identity_endpoint": ".endpoint",
}


def __getattr__(name: str) -> object:
    import importlib

    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LATE[name], __name__), name)
    globals()[name] = value  # so that it is asked for here but once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
