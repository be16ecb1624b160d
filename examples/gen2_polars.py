"""polars: a table is written to Azure Storage, and scanned without being read whole."""

import polars as pl

from adls_enduser import storage_credential
from adls_enduser.interop import polars_provider

TENANT = "contoso.onmicrosoft.com"
ACCOUNT = "mylake"

provider = polars_provider(storage_credential("device_code", tenant=TENANT))
url = f"abfss://box@{ACCOUNT}.dfs.core.windows.net/polars/sales.parquet"

sales = pl.DataFrame({"city": ["Oslo", "Rome"], "sold": [3, 4]})
sales.write_parquet(url, credential_provider=provider)

scan = pl.scan_parquet(url, credential_provider=provider)
print("Sold:", scan.select(pl.col("sold").sum()).collect().item())
