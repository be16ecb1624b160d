"""polars without a provider."""

from __future__ import annotations

import polars
from repeat import ACCOUNT, BOX, repeat


def act(number: int) -> None:
    """Write a table and read it back."""
    url = f"abfss://{BOX}@{ACCOUNT}.dfs.core.windows.net/{number}.parquet"
    polars.DataFrame({"number": [number]}).write_parquet(url)
    assert polars.scan_parquet(url).collect()["number"].to_list() == [number]


repeat(act)
