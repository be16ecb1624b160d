"""duckdb over adlfs: SQL on files in the lake."""

from __future__ import annotations

from typing import Any

import duckdb
import fsspec

from adls_enduser.interop import fsspec_options


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Write with COPY, and read one file, a pattern, and CSV."""
    fs = fsspec.filesystem("abfs", **fsspec_options(credential, account))
    fs.mkdir(box)
    connection = duckdb.connect()
    connection.register_filesystem(fs)
    folder = f"abfs://{box}/duck"
    for name, start in (("a", 0), ("b", 500)):
        rows = f"SELECT range AS id FROM range({start}, {start + 500})"
        connection.execute(f"COPY ({rows}) TO '{folder}/{name}.parquet' (FORMAT parquet)")
    connection.execute(f"COPY (SELECT 42 AS answer) TO '{folder}/c.csv' (HEADER)")

    def ask(query: str) -> Any:
        return connection.execute(query).fetchall()

    seen = {
        "one": ask(f"SELECT count(*), sum(id) FROM read_parquet('{folder}/a.parquet')"),
        "all": ask(f"SELECT count(*), max(id) FROM read_parquet('{folder}/*.parquet')"),
        "few": ask(f"SELECT id FROM read_parquet('{folder}/*.parquet') WHERE id > 997 ORDER BY id"),
        "csv": ask(f"SELECT answer FROM read_csv('{folder}/c.csv')"),
    }
    connection.close()
    return seen
