"""polars: parquet by write, sink and scan, with the credential as a provider."""

from __future__ import annotations

from typing import Any

import polars as pl

from adls_enduser.interop import polars_provider

from .containers import make

FRAME = pl.DataFrame({"id": range(1000), "name": [f"row {n}" for n in range(1000)]})


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Write tables in both ways, and scan them: one file, a pattern, a few rows of it."""
    make(credential, account, box)
    folder = f"abfss://{box}@{account}.dfs.core.windows.net/polars"
    options: dict[str, Any] = {"credential_provider": polars_provider(credential)}
    FRAME.write_parquet(f"{folder}/a.parquet", **options)
    FRAME.lazy().with_columns(pl.col("id") + 1000).sink_parquet(f"{folder}/b.parquet", **options)
    FRAME.write_csv(f"{folder}/c.csv", **options)
    both = pl.scan_parquet(f"{folder}/*.parquet", **options)
    return {
        "whole": pl.read_parquet(f"{folder}/a.parquet", **options).equals(FRAME),
        "rows": both.select(pl.len()).collect().item(),
        "sum": both.filter(pl.col("id") >= 1990).select(pl.col("id").sum()).collect().item(),
        "csv": pl.scan_csv(f"{folder}/c.csv", **options).collect().equals(FRAME),
        "schema": {name: str(kind) for name, kind in both.collect_schema().items()},
    }
