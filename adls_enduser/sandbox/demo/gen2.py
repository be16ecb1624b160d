"""The demo's step on Data Lake Storage Gen2: pandas writes a table, and polars reads it."""

from __future__ import annotations

import hashlib
import os
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ... import storage_credential
from ...interop import fsspec_options, polars_provider

if TYPE_CHECKING:
    from ... import AuthStrategy
    from ..sandbox import Sandbox
    from .console import Console

TOOLS = ("pandas", "polars", "adlfs", "pyarrow")
_ACCOUNT, _PATH = "mylake", "sales.parquet"
_ROWS = 500_000


def missing_tool() -> str | None:
    """Return what is not installed of the tools, and of what they need; None if all is there."""
    try:
        for name in TOOLS:
            import_module(name)
    except ImportError as error:
        return error.name or str(error)
    return None


def introduce(console: Console) -> None:
    """Show which tools there are, and what a program writes."""
    console.paragraph(f"Found: {', '.join(f'{name} {version(name)}' for name in TOOLS)}.")
    console.paragraph("The strategy of that one sign-in serves Azure Storage, too:")
    console.code(
        "credential = storage_credential(mode=strategy)",
        f'options = fsspec_options(credential, "{_ACCOUNT}")',
        f'frame.to_parquet("abfs://box/{_PATH}", storage_options=options)',
        f'url = "abfss://box@{_ACCOUNT}.dfs.core.windows.net/{_PATH}"',
        "polars.read_parquet(url, credential_provider=polars_provider(credential))",
    )


def write_and_read(azure: Sandbox, strategy: AuthStrategy) -> dict[str, tuple[str, str]]:
    """Return, for each column, the checksums of what was written and of what was read."""
    pandas, polars = import_module("pandas"), import_module("polars")
    azure.storage.create(_ACCOUNT, "box")
    credential = storage_credential(mode=strategy)
    options, provider = fsspec_options(credential, _ACCOUNT), polars_provider(credential)
    amounts = memoryview(os.urandom(8 * _ROWS)).cast("q")
    frame = pandas.DataFrame({"sale": range(_ROWS), "amount": amounts})
    frame.to_parquet(f"abfs://box/{_PATH}", storage_options=options)
    url = f"abfss://box@{_ACCOUNT}.dfs.core.windows.net/{_PATH}"
    read = polars.read_parquet(url, credential_provider=provider)
    return {name: (_checksum(frame[name]), _checksum(read[name])) for name in read.columns}


def requests_of_polars(azure: Sandbox) -> int:
    """Return how many requests came from polars, whose connections Python does not see."""
    exchanges = azure.log.to(_PATH, method="GET", host=_ACCOUNT)
    agents = [one.request.headers.get("User-Agent", "") for one in exchanges if one.request]
    return sum("azsdk-python" not in agent for agent in agents)


def _checksum(column: Any) -> str:
    return hashlib.sha256(column.to_numpy().tobytes()).hexdigest()
