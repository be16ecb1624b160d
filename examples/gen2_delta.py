"""delta-rs: a table with two versions; its tokens are renewed, however long it is read."""

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from adls_enduser import storage_credential
from adls_enduser.interop import delta_options

TENANT = "contoso.onmicrosoft.com"
ACCOUNT = "mylake"


def main():
    options = delta_options(storage_credential("device_code", tenant=TENANT))
    url = f"abfss://box@{ACCOUNT}.dfs.core.windows.net/delta/sales"
    sales = pa.table({"city": ["Oslo", "Rome"], "sold": [3, 4]})
    write_deltalake(url, sales, storage_options=options)
    write_deltalake(url, sales, storage_options=options, mode="append")
    table = DeltaTable(url, storage_options=options)
    print("Version", table.version(), "has", table.to_pyarrow_table().num_rows, "rows")


if __name__ == "__main__":
    main()
