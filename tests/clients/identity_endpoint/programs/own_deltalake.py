"""Run deltalake with delta_options: one table over several tokens, in the process of the sign-in.

Arguments: how many seconds, and who signs in; the password comes on standard input.
"""

from __future__ import annotations

import sys

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from repeat import ACCOUNT, BOX, repeat

from adls_enduser import storage_credential
from adls_enduser.interop import delta_options

_, tenant = sys.argv[2].split("@")
credential = storage_credential(
    "password", tenant=tenant, username=sys.argv[2], password=sys.stdin.read()
)
URL = f"abfss://{BOX}@{ACCOUNT}.dfs.core.windows.net/table"

write_deltalake(URL, pa.table({"number": [-1]}), storage_options=delta_options(credential))
TABLE = DeltaTable(URL, storage_options=delta_options(credential))


def act(number: int) -> None:
    """Append a row; the last two methods hold the interpreter's lock while they wait."""
    write_deltalake(TABLE, pa.table({"number": [number]}), mode="append")
    TABLE.update_incremental()
    assert TABLE.to_pyarrow_table().num_rows == number + 2
    assert len(TABLE.history()) == number + 2
    assert DeltaTable.is_deltatable(URL, delta_options(credential))


repeat(act)
