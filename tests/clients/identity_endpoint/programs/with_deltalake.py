"""deltalake with one option, the endpoint's address; the secret is in the environment."""

from __future__ import annotations

import os

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from repeat import ACCOUNT, BOX, repeat

URL = f"abfss://{BOX}@{ACCOUNT}.dfs.core.windows.net/table"
OPTIONS = {"azure_msi_endpoint": os.environ["IDENTITY_ENDPOINT"]}

write_deltalake(URL, pa.table({"number": [-1]}), storage_options=OPTIONS)
TABLE = DeltaTable(URL, storage_options=OPTIONS)


def act(number: int) -> None:
    """Append a row to the same table object."""
    write_deltalake(TABLE, pa.table({"number": [number]}), mode="append")
    TABLE.update_incremental()
    assert TABLE.to_pyarrow_table().num_rows == number + 2


repeat(act)
