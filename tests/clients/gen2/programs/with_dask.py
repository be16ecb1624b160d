"""dask.dataframe on a cluster with a process of its own, to which the credential is pickled."""

from __future__ import annotations

from typing import Any

import dask
import dask.dataframe as dd
import pandas as pd
from distributed import Client, LocalCluster

from adls_enduser.interop import fsspec_options

from .containers import make

FRAME = pd.DataFrame({"id": range(1000), "part": ["a", "b"] * 500})


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Write a table in parts, and read it on the workers."""
    make(credential, account, box)
    options = fsspec_options(credential, account)
    # A worker runs under dask's nanny, with this process's environment.
    cluster = LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None)
    with dask.config.set({"dataframe.shuffle.method": "tasks"}), cluster, Client(cluster):
        dd.from_pandas(FRAME, npartitions=4).to_parquet(
            f"abfs://{box}/dask", storage_options=options
        )
        table = dd.read_parquet(f"abfs://{box}/dask/*.parquet", storage_options=options)
        return {
            "parts": table.npartitions,
            "sum": int(table["id"].sum().compute()),
            "groups": table.groupby("part")["id"].count().compute().to_dict(),
        }
