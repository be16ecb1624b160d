"""What Azurite has not: the Data Lake (dfs) endpoint, lists from a name on, some batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .lake import Lake


def test_azure_storage_file_datalake(gen2: Lake) -> None:
    """Pieces, folders, lists of access and leases."""
    assert gen2.run("dfs_azure_storage_file_datalake") == {
        "twice": (409, "ContainerAlreadyExists"),
        "pieces": {
            "before": 0,
            "after": 10240,
            "same": True,
            "range": b"defgh",
            "new": (b"new", {"kept": "yes"}),
            "missing": (404, "BlobNotFound"),
        },
        "folders": {
            "all": [
                ("f/moved", True),
                ("f/moved/c", False),
                ("f/moved/d", False),
                ("f/new", False),
            ],
            "one level": ["f/moved", "f/new"],
            "moved": b"f/b/c",
            "old": (404, "BlobNotFound"),
            "pages": ["f/moved", "f/moved/c", "f/moved/d", "f/new"],
            "left": [],
        },
        "access": {
            "permissions": "rwxr-x---+",
            "acl": "user::rwx,user:OTHER:r-x,group::r-x,mask::r-x,other::---",
            "changed": (1, 1),
            "below": "user::rw-,user:OTHER:r-x,group::r--,mask::r-x,other::---",
            "removed": False,
        },
        "leases": {"other": (412, "LeaseIdMissing"), "content": b"x"},
        "aio": {"listed": ["aio/0", "aio/1", "aio/2", "aio/3"], "same": [True] * 4},
        "deleted": (404, "ContainerNotFound"),
    }
    hosts = {one.request.hostname for one in gen2.recorder.exchanges}
    assert hosts == {f"mylake.{endpoint}.core.windows.net" for endpoint in ("blob", "dfs")}


def test_pyarrow(gen2: Lake) -> None:
    """C++, by an identity endpoint of its own process."""
    assert gen2.run("dfs_pyarrow") == {
        "one": True,
        "rows": 1000,
        "part": 500,
        "files": ["parts/part=a/part-0.parquet", "parts/part=b/part-0.parquet"],
        "there": [("copy.parquet", "File"), ("moved.parquet", "File"), ("parts", "Directory")],
        "left": "NotFound",
    }


def test_deltalake_changes(gen2: Lake) -> None:
    """Rows are deleted, files compacted and removed."""
    seen = gen2.run("with_deltalake:change")
    assert (seen["deleted"], seen["left"], seen["at last"]) == (10, 190, 190)
    assert seen["compacted"] > 0
    assert seen["vacuumed"] > 0


def test_batch_of_an_aio_client(gen2: Lake) -> None:
    """Its boundary is quoted."""
    seen = gen2.run("with_azure_storage_blob_aio:many")
    assert seen == {"statuses": [202, 202], "left": ["many-2"]}


@pytest.mark.parametrize("name", ["dfs_azure_storage_file_datalake", "dfs_pyarrow"])
def test_person_without_access(gen2: Lake, name: str) -> None:
    """The dfs endpoint says 403 too."""
    bob = gen2.outsider()
    gen2.azure.storage.create(gen2.account, gen2.box)
    assert "error" in gen2.run(name, username=bob)
    assert {one.response.status_code for one in gen2.recorder.exchanges} == {403}
