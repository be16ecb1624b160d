"""pyarrow's own file system takes no credential; it asks an identity endpoint for tokens."""

import os

import pyarrow as pa
from pyarrow import fs, parquet

from adls_enduser import storage_credential
from adls_enduser.interop import identity_endpoint

TENANT = "contoso.onmicrosoft.com"
ACCOUNT = "mylake"

credential = storage_credential("device_code", tenant=TENANT)
sales = pa.table({"city": ["Oslo", "Rome"], "sold": [3, 4]})

with identity_endpoint(credential) as environment:
    os.environ.update(environment)  # or give it to a program: subprocess.run(..., env=...)
    lake = fs.AzureFileSystem(ACCOUNT)
    parquet.write_table(sales, "box/arrow/sales.parquet", filesystem=lake)
    back = parquet.read_table("box/arrow/sales.parquet", filesystem=lake)

print("Came back unchanged:", back.equals(sales))
