"""pyarrow's datasets over adlfs."""

from __future__ import annotations

from typing import Any

import adlfs
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from adls_enduser.interop import fsspec_options

TABLE = pa.table({"id": list(range(1000)), "part": ["a", "b"] * 500})


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Write a partitioned dataset and one file, and read them."""
    fs = adlfs.AzureBlobFileSystem(**fsspec_options(credential, account))
    fs.mkdir(box)
    return use(fs, f"{box}/arrow")


def use(fs: Any, folder: str) -> dict[str, Any]:
    """Write and read with pyarrow, in a folder of a file system."""
    pq.write_table(TABLE, f"{folder}/one.parquet", filesystem=fs)
    ds.write_dataset(
        TABLE,
        f"{folder}/parts",
        filesystem=fs,
        format="parquet",
        partitioning=ds.partitioning(pa.schema([("part", pa.string())]), flavor="hive"),
    )
    found = ds.dataset(f"{folder}/parts", filesystem=fs, format="parquet", partitioning="hive")
    return {
        "one": pq.read_table(f"{folder}/one.parquet", filesystem=fs).equals(TABLE),
        "rows": found.count_rows(),
        "part": found.to_table(filter=ds.field("part") == "b").num_rows,
        "files": sorted(name.rpartition("arrow/")[2] for name in found.files),
    }
