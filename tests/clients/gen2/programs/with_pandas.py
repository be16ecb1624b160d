"""pandas over fsspec: parquet and CSV, by address and storage_options."""

from __future__ import annotations

from typing import Any

import fsspec
import pandas as pd

from adls_enduser.interop import fsspec_options

FRAME = pd.DataFrame({"id": range(1000), "name": [f"row {n}" for n in range(1000)]})


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Write and read a table in both formats; the account stands in the options or the address."""
    short = fsspec_options(credential, account)
    full = f"abfss://{box}@{account}.dfs.core.windows.net"
    fsspec.filesystem("abfs", **short).mkdir(box)
    FRAME.to_parquet(f"abfs://{box}/pandas/table.parquet", storage_options=short)
    FRAME.to_csv(
        f"{full}/pandas/table.csv", index=False, storage_options={"credential": credential}
    )
    parquet = pd.read_parquet(f"{full}/pandas/table.parquet", storage_options=short)
    csv = pd.read_csv(f"abfs://{box}/pandas/table.csv", storage_options=short)
    column = pd.read_parquet(
        f"abfs://{box}/pandas/table.parquet", columns=["id"], storage_options=short
    )
    return {
        "parquet": parquet.equals(FRAME),
        "csv": csv.equals(FRAME),
        "column": (list(column.columns), int(column["id"].sum())),
    }
