"""OneLake: the same sign-in reads and writes the files of a lakehouse in Microsoft Fabric."""

import fsspec
import pandas as pd

from adls_enduser import storage_credential
from adls_enduser.interop import fsspec_options

TENANT = "contoso.onmicrosoft.com"
FILES = "abfs://sales/lake.Lakehouse/Files"  # workspace "sales", item "lake"

credential = storage_credential("device_code", tenant=TENANT)
options = fsspec_options(credential, "onelake", onelake=True)

sales = pd.DataFrame({"city": ["Oslo", "Rome"], "sold": [3, 4]})
sales.to_parquet(f"{FILES}/sales.parquet", storage_options=options)

print(fsspec.filesystem("abfs", **options).ls(FILES.removeprefix("abfs://"), detail=False))
print("Sold:", pd.read_parquet(f"{FILES}/sales.parquet", storage_options=options)["sold"].sum())
