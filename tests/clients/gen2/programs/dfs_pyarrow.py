"""pyarrow's own AzureFileSystem (C++), which takes no object: it asks an identity endpoint."""

from __future__ import annotations

import os
from typing import Any

import pyarrow.fs

from adls_enduser.interop import identity_endpoint

from .with_pyarrow import use


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Write, list, move, read and delete."""
    with identity_endpoint(credential) as environment:
        os.environ.update(environment)
        fs = pyarrow.fs.AzureFileSystem(account)
        fs.create_dir(box)
        seen = use(fs, f"{box}/arrow")
        fs.move(f"{box}/arrow/one.parquet", f"{box}/arrow/moved.parquet")
        fs.copy_file(f"{box}/arrow/moved.parquet", f"{box}/arrow/copy.parquet")
        found = fs.get_file_info(pyarrow.fs.FileSelector(f"{box}/arrow"))
        seen["there"] = sorted((one.base_name, one.type.name) for one in found)
        fs.delete_dir(f"{box}/arrow/parts")
        seen["left"] = fs.get_file_info(f"{box}/arrow/parts").type.name
        return seen
