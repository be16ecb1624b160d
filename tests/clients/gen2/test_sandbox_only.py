"""What Azurite has not: the Data Lake (dfs) endpoint, lists from a name on, some batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lake import Lake


def test_azure_storage_file_datalake(gen2: Lake) -> None:
    """Pieces, folders, lists of access and leases."""
    seen = gen2.run("dfs_azure_storage_file_datalake")
    assert seen == {
    }


def test_pyarrow(gen2: Lake) -> None:
    """C++, by the identity endpoint of its own process."""
    seen = gen2.run("dfs_pyarrow")
    assert seen == {
    }


def test_deltalake_changes(gen2: Lake) -> None:
    """Rows are deleted, files compacted and removed."""
    assert gen2.run("with_deltalake:change") == {}


def test_batch_of_an_aio_client(gen2: Lake) -> None:
    """Its boundary is quoted."""
    seen = gen2.run("with_azure_storage_blob_aio:many")
    assert seen == {"statuses": [202, 202], "left": ["many-2"]}
