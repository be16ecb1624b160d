"""deltalake (delta-rs): a table that is written, appended to, changed, and read at a version."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from .containers import make


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Use the options with one token, which deltalake does not renew."""
    make(credential, account, box)
    token = credential.get_token("https://storage.azure.com/.default").token
    url = f"abfss://{box}@{account}.dfs.core.windows.net/delta/table"
    return use(url, {"bearer_token": token})


def use(url: str, options: dict[str, str]) -> dict[str, Any]:
    """Write two versions of a table, and read each."""
    first = pa.table({"id": list(range(100)), "part": ["a", "b"] * 50})
    write_deltalake(url, first, storage_options=options, partition_by=["part"])
    write_deltalake(url, first, storage_options=options, mode="append")
    table = DeltaTable(url, storage_options=options)
    seen: dict[str, Any] = {"version": table.version(), "rows": table.to_pyarrow_table().num_rows}
    old = DeltaTable(url, version=0, storage_options=options)
    seen["old rows"] = old.to_pyarrow_table().num_rows
    seen["history"] = [one["operation"] for one in table.history()]
    return seen


def change(url: str, options: dict[str, str]) -> dict[str, Any]:
    """Delete rows, compact and vacuum, for which the service must list from a name on."""
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
