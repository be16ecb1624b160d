"""pandas: a table is written to Azure Storage, and read back."""

import pandas as pd

from adls_enduser import storage_credential
from adls_enduser.interop import fsspec_options

TENANT = "contoso.onmicrosoft.com"
ACCOUNT = "mylake"

credential = storage_credential("device_code", tenant=TENANT)
options = fsspec_options(credential, ACCOUNT)

sales = pd.DataFrame({"city": ["Oslo", "Rome"], "sold": [3, 4]})
sales.to_parquet("abfs://box/pandas/sales.parquet", storage_options=options)

back = pd.read_parquet("abfs://box/pandas/sales.parquet", storage_options=options)
print("Came back unchanged:", back.equals(sales))
