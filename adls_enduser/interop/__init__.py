"""One line for each tool that reads and writes Azure Storage with a person's sign-in.

::

    from adls_enduser import storage_credential
    from adls_enduser.interop import fsspec_options, polars_provider

    credential = storage_credential("browser", tenant="contoso.onmicrosoft.com")
    options = fsspec_options(credential, "mylake")
    pandas.read_parquet("abfs://box/x.parquet", storage_options=options)
    provider = polars_provider(credential)
    polars.scan_parquet("abfss://box@mylake.dfs.core.windows.net/x.parquet",
                        credential_provider=provider)

Importing this package loads none of the tools. Each function loads its module when it is first
asked for (PEP 562), and needs neither the tool nor azure-identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .delta import delta_options
    from .endpoint import identity_endpoint
    from .fsspec_tools import fsspec_options
    from .obstore_tools import obstore_provider
    from .polars_tools import polars_provider

__all__ = [
    "delta_options",
    "fsspec_options",
    "identity_endpoint",
    "obstore_provider",
    "polars_provider",
]

# Where each name is. No module has the name of a function: importing it would replace the
# function by the module.
_LATE = {
    "delta_options": ".delta",
    "fsspec_options": ".fsspec_tools",
    "identity_endpoint": ".endpoint",
    "obstore_provider": ".obstore_tools",
    "polars_provider": ".polars_tools",
}


def __getattr__(name: str) -> object:
    import importlib

    if name in _LATE:
        value = getattr(importlib.import_module(_LATE[name], __name__), name)
        globals()[name] = value  # so that it is asked for here but once
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
