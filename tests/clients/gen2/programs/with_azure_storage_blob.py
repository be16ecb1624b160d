"""azure-storage-blob: blocks, ranges, conditions, leases, copies, batches, lists."""

from __future__ import annotations

import base64
import datetime
from typing import Any

from azure.core import MatchConditions
from azure.storage.blob import (
    BlobBlock,
    BlobClient,
    BlobLeaseClient,
    BlobServiceClient,
    ContentSettings,
)

from .refusals import refusal

SAMPLE = bytes(range(256)) * 40
SIZES = ("max_single_put_size", "max_block_size", "max_single_get_size", "max_chunk_get_size")


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Do all that a client of the Blob service may do."""
    service = BlobServiceClient(f"https://{account}.blob.core.windows.net", credential=credential)
    with service:
        container = service.get_container_client(box)
        seen = {"missing container": refusal(container.get_container_properties)}
        container.create_container(metadata={"purpose": "test"})
        seen["container twice"] = refusal(container.create_container)
        seen["listed"] = [one.name == box for one in service.list_containers(name_starts_with=box)]
        seen["container"] = container.get_container_properties().metadata
        for part in (reading_and_writing, blocks, conditions, leases, copies, lists, deletions):
            seen[part.__name__] = part(container)
        container.delete_container()
        seen["deleted container"] = refusal(container.get_blob_client("a").get_blob_properties)
    return seen


def reading_and_writing(container: Any) -> dict[str, Any]:
    """Whole blobs, ranges of them, their properties and metadata."""
    blob = container.get_blob_client("folder/whole.bin")
    settings = ContentSettings(content_type="text/plain", cache_control="no-store")
    blob.upload_blob(SAMPLE, metadata={"Key": "value"}, content_settings=settings)
    seen: dict[str, Any] = {"whole": blob.download_blob().readall() == SAMPLE}
    seen["range"] = blob.download_blob(offset=100, length=5).readall()
    seen["end"] = blob.download_blob(offset=len(SAMPLE) - 3).readall()
    seen["beyond"] = refusal(blob.download_blob, offset=len(SAMPLE) + 10, length=5)
    found = blob.get_blob_properties()
    seen["properties"] = (found.size, str(found.blob_type), found.metadata, found.deleted)
    seen["settings"] = (found.content_settings.content_type, found.content_settings.cache_control)
    seen["md5"] = bytes(found.content_settings.content_md5 or b"").hex()
    blob.set_blob_metadata({"other": "one"})
    seen["metadata"] = blob.get_blob_properties().metadata
    blob.set_http_headers(ContentSettings(content_type="application/x-test"))
    seen["headers"] = blob.get_blob_properties().content_settings.content_type
    seen["exists"] = (blob.exists(), container.get_blob_client("none").exists(), container.exists())
    seen["missing"] = refusal(container.get_blob_client("none").download_blob)
    empty = container.upload_blob("empty", b"")
    seen["empty"] = (empty.download_blob().readall(), empty.get_blob_properties().size)
    odd = container.upload_blob("odd names/ä + %20 & ?#.txt", b"odd")
    seen["odd"] = (odd.download_blob().readall(), odd.get_blob_properties().name)
    return seen


def blocks(container: Any) -> dict[str, Any]:
    """A blob made of blocks, committed in another order than they were sent in."""
    blob = container.get_blob_client("blocks.bin")
    box = container.container_name
    names = [base64.b64encode(f"{number:05}".encode()).decode() for number in range(3)]
    for number, name in enumerate(names):
        blob.stage_block(name, bytes([number]) * 10)
    committed, uncommitted = blob.get_block_list("all")
    seen: dict[str, Any] = {"staged": (len(committed), [one.size for one in uncommitted])}
    seen["not there yet"] = blob.exists()
    blob.commit_block_list([BlobBlock(name) for name in (names[2], names[0])])
    seen["committed"] = blob.download_blob().readall()
    committed, uncommitted = blob.get_block_list("all")
    seen["listed"] = ([one.size for one in committed], len(uncommitted))
    seen["unknown block"] = refusal(blob.commit_block_list, [BlobBlock(names[1] + "AAAA")])
    small = dict.fromkeys(SIZES, 4096)  # so that there are many requests
    large = BlobClient(
        blob.url.partition("/" + box)[0], box, "large.bin", credential=blob.credential, **small
    )
    large.upload_blob(SAMPLE, max_concurrency=2)
    seen["large"] = large.download_blob(max_concurrency=2).readall() == SAMPLE
    return seen


def conditions(container: Any) -> dict[str, Any]:
    """If-Match, If-None-Match and their kin, met and not met."""
    blob = container.upload_blob("condition.txt", b"one")
    tag = blob.get_blob_properties().etag
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    same = {"etag": tag, "match_condition": MatchConditions.IfNotModified}
    other = {"etag": tag, "match_condition": MatchConditions.IfModified}
    wrong = {"etag": '"0x1"', "match_condition": MatchConditions.IfNotModified}
    seen = {
        "there": refusal(blob.upload_blob, b"two"),
        "same": blob.download_blob(**same).readall(),
        "not modified": refusal(blob.download_blob, **other),
        "other etag": refusal(blob.download_blob, **wrong),
        "other etag, head": refusal(blob.get_blob_properties, **wrong),
        "other etag, write": refusal(blob.upload_blob, b"two", overwrite=True, **wrong),
        "other etag, delete": refusal(blob.delete_blob, **wrong),
        "unmodified": refusal(blob.download_blob, if_unmodified_since=past),
        "modified": blob.download_blob(if_modified_since=past).readall(),
    }
    blob.upload_blob(b"two", overwrite=True, **same)
    seen["overwritten"] = (blob.download_blob().readall(), blob.get_blob_properties().etag == tag)
    return seen


def leases(container: Any) -> dict[str, Any]:
    """Somebody without the lease may read, and not write."""
    blob = container.upload_blob("leased.txt", b"one")
    lease = BlobLeaseClient(blob)
    lease.acquire(lease_duration=15)
    state = blob.get_blob_properties().lease
    seen: dict[str, Any] = {
        "held": (state.state, state.status, state.duration),
        "second": refusal(BlobLeaseClient(blob).acquire, 15),
        "write": refusal(blob.upload_blob, b"two", overwrite=True),
        "delete": refusal(blob.delete_blob),
        "read": blob.download_blob().readall(),
    }
    blob.upload_blob(b"two", overwrite=True, lease=lease)
    lease.renew()
    lease.release()
    other = "c0ffee00-0000-4000-8000-000000000001"
    seen["no lease"] = refusal(blob.set_blob_metadata, {"a": "b"}, lease=other)
    state = blob.get_blob_properties().lease
    seen["released"] = (state.state, state.status, blob.download_blob().readall())
    again = BlobLeaseClient(blob)
    again.acquire(lease_duration=-1)
    seen["broken"] = again.break_lease(lease_break_period=0)
    seen["after"] = blob.get_blob_properties().lease.state
    return seen


def copies(container: Any) -> dict[str, Any]:
    """A copy within the account."""
    source = container.upload_blob("from.txt", b"copied", metadata={"kept": "yes"})
    target = container.get_blob_client("deep/to.txt")
    status = target.start_copy_from_url(source.url)["copy_status"]
    found = target.get_blob_properties()
    return {
        "status": status,
        "bytes": target.download_blob().readall(),
        "metadata": found.metadata,
        "copy": (found.copy.status, found.copy.progress),
        "of nothing": refusal(target.start_copy_from_url, source.url + ".none"),
    }


def lists(container: Any) -> dict[str, Any]:
    """Flat and by folder, in pages, with metadata; from a prefix."""
    for name in ("l/a.txt", "l/b/c.txt", "l/b/d.txt", "l/e.txt"):
        container.upload_blob(name, name.encode(), metadata={"name": name[-5]})
    files = list(container.list_blobs(name_starts_with="l/", include=["metadata"]))
    seen: dict[str, Any] = {
        "flat": [(one.name, one.size, one.metadata) for one in files if one.name.endswith(".txt")],
        "folders": sorted(one.name for one in container.walk_blobs("l/")),
        "none": [one.name for one in container.list_blobs(name_starts_with="nothing")],
    }
    pages = container.list_blobs(name_starts_with="l/", results_per_page=2).by_page()
    seen["pages"] = [one.name for page in pages for one in page if one.name.endswith(".txt")]
    seen["types"] = sorted(
        {(str(one.blob_type), one.container == container.container_name) for one in files}
    )
    return seen


def deletions(container: Any) -> dict[str, Any]:
    """One, one that is not there, and many at once."""
    container.upload_blob("gone.txt", b"x")
    container.delete_blob("gone.txt")
    seen: dict[str, Any] = {"again": refusal(container.delete_blob, "gone.txt")}
    for number in range(3):
        container.upload_blob(f"many/{number}", b"x")
    responses = container.delete_blobs("many/0", "many/none", "many/1", raise_on_any_failure=False)
    seen["batch"] = [one.status_code for one in responses]
    seen["left"] = [
        one.name for one in container.list_blobs(name_starts_with="many/") if one.name != "many"
    ]
    return seen
