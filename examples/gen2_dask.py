"""Dask: the credential travels to the workers, which write and read with it."""

import dask.dataframe as dd
import pandas as pd
from distributed import Client

from adls_enduser import storage_credential
from adls_enduser.interop import fsspec_options

TENANT = "contoso.onmicrosoft.com"
ACCOUNT = "mylake"


def main():
    credential = storage_credential("device_code", tenant=TENANT)
    options = fsspec_options(credential, ACCOUNT)
    with Client(n_workers=1, threads_per_worker=2, dashboard_address=None):
        sales = pd.DataFrame({"city": ["Oslo", "Rome"] * 50, "sold": range(100)})
        parts = dd.from_pandas(sales, npartitions=4)
        parts.to_parquet("abfs://box/dask", storage_options=options)
        back = dd.read_parquet("abfs://box/dask", storage_options=options)
        print("Sold:", back["sold"].sum().compute(), "in", back.npartitions, "parts")


if __name__ == "__main__":  # the workers import this file
    main()
