"""deltalake (delta-rs): a table that is written, appended to, changed, and read at a version."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from adls_enduser.interop import delta_options

from .containers import make


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Write two versions of a table, and read each."""
    make(credential, account, box)
    url, options = f"abfss://{box}@{account}.dfs.core.windows.net/table", delta_options(credential)
    first = pa.table({"id": list(range(100)), "part": ["a", "b"] * 50})
    write_deltalake(url, first, storage_options=options, partition_by=["part"])
    write_deltalake(url, first, storage_options=options, mode="append")
    table = DeltaTable(url, storage_options=options)
    seen: dict[str, Any] = {"version": table.version(), "rows": table.to_pyarrow_table().num_rows}
    old = DeltaTable(url, version=0, storage_options=options)
    seen["old rows"] = old.to_pyarrow_table().num_rows
    seen["history"] = [one["operation"] for one in table.history()]
    return seen


def change(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Delete rows, compact and vacuum, for which the service must list from a name on."""
    work(credential, account, box)
    url, options = f"abfss://{box}@{account}.dfs.core.windows.net/table", delta_options(credential)
    table = DeltaTable(url, storage_options=options)
    seen: dict[str, Any] = {
        "deleted": table.delete("part = 'a' and id < 10")["num_deleted_rows"],
        "left": table.to_pyarrow_table().num_rows,
        "compacted": table.optimize.compact()["numFilesAdded"],
    }
    vacuumed = table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    seen["vacuumed"] = len(vacuumed)
    seen["at last"] = DeltaTable(url, storage_options=options).to_pyarrow_table().num_rows
    return seen
