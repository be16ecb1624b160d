"""obstore: put, get, ranges, list, copy, rename, delete; sync and async."""

from __future__ import annotations

import asyncio
from typing import Any

import obstore
from obstore.store import AzureStore

from adls_enduser.interop import obstore_provider

from .containers import make
from .refusals import raised

SAMPLE = bytes(range(256)) * 40


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Do all that object_store's interface has."""
    make(credential, account, box)
    store = AzureStore(box, account_name=account, credential_provider=obstore_provider(credential))
    store.put("o/a.bin", SAMPLE)
    seen: dict[str, Any] = {
        "whole": bytes(store.get("o/a.bin").bytes()) == SAMPLE,
        "range": bytes(store.get_range("o/a.bin", start=100, end=105)),
        "ranges": [bytes(r) for r in store.get_ranges("o/a.bin", starts=[0, 250], ends=[2, 258])],
        "head": (store.head("o/a.bin")["path"], store.head("o/a.bin")["size"]),
        "missing": raised(store.get, "o/none"),
        "no head": raised(store.head, "o/none"),
        "create": raised(store.put, "o/a.bin", b"x", mode="create"),
        "multipart": store.put("o/parts.bin", SAMPLE, chunk_size=4096, use_multipart=True) != {},
    }
    seen["parts"] = bytes(store.get("o/parts.bin").bytes()) == SAMPLE
    etag = store.head("o/a.bin")["e_tag"]
    seen["same"] = bytes(store.get("o/a.bin", options={"if_match": etag}).bytes()) == SAMPLE
    seen["other"] = raised(store.get, "o/a.bin", options={"if_match": '"0x1"'})
    seen["unchanged"] = raised(store.get, "o/a.bin", options={"if_none_match": etag})
    store.copy("o/a.bin", "o/sub/b.bin")
    store.rename("o/sub/b.bin", "o/sub/c.bin")
    seen["copy twice"] = raised(store.copy, "o/a.bin", "o/sub/c.bin", overwrite=False)
    seen["flat"] = names(store, "o/")
    tree = store.list_with_delimiter("o/")
    seen["tree"] = (sorted(tree["common_prefixes"]), sorted(one["path"] for one in tree["objects"]))
    seen["offset"] = names(store, "o/", offset="o/a.bin")
    store.delete(["o/sub/c.bin", "o/parts.bin"])
    seen["left"] = names(store, "o/")
    seen["async"] = asyncio.run(_async(store))
    return seen


def names(store: AzureStore, prefix: str, **options: Any) -> list[str]:
    """Return the files below a prefix; an account with folders lists those too, with size 0."""
    listed = [one for page in obstore.list(store, prefix, **options) for one in page]
    return sorted(one["path"] for one in listed if one["size"])


async def _async(store: AzureStore) -> list[Any]:
    await store.put_async("o/async.bin", b"async")
    found = await store.get_async("o/async.bin")
    content = bytes(await found.bytes_async())
    await store.delete_async("o/async.bin")
    return [content, names(store, "o/async")]
