"""DuckDB's own azure extension; the second argument is the secret's provider."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import duckdb
import duckdb_extension_azure
from repeat import ACCOUNT, BOX, repeat

(EXTENSION,) = Path(duckdb_extension_azure.__file__).parent.rglob("azure.duckdb_extension")

database = duckdb.connect(config={"allow_unsigned_extensions": "true"})
database.execute(f"LOAD '{EXTENSION}'")
# Behind a proxy with a certificate authority of its own, both are needed.
database.execute("SET azure_transport_option_type = 'curl'")
os.environ["CURL_CA_INFO"] = os.environ["CURL_CA_BUNDLE"]
database.execute(
    f"CREATE SECRET lake (TYPE azure, PROVIDER {sys.argv[2]}, ACCOUNT_NAME '{ACCOUNT}')"
)
database.execute(f"COPY (SELECT 42 AS number) TO 'az://{BOX}/duck.csv' (FORMAT csv)")


def act(number: int) -> None:
    """Read a file."""
    rows = database.execute(f"SELECT number FROM read_csv('az://{BOX}/duck.csv')").fetchall()
    assert rows == [(42,)]


repeat(act)
