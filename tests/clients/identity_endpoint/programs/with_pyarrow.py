"""pyarrow's AzureFileSystem, which uses Azure's SDK for C++."""

from __future__ import annotations

import pyarrow as pa
from pyarrow import fs, parquet
from repeat import ACCOUNT, BOX, repeat

STORE = fs.AzureFileSystem(ACCOUNT)


def act(number: int) -> None:
    """Write a table and read it back."""
    table = pa.table({"number": [number]})
    parquet.write_table(table, f"{BOX}/{number}.parquet", filesystem=STORE)
    assert parquet.read_table(f"{BOX}/{number}.parquet", filesystem=STORE).equals(table)


repeat(act)
