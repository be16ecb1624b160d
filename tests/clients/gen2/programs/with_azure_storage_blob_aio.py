"""azure-storage-blob's aio clients: many uploads and downloads at once."""

from __future__ import annotations

import asyncio
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.storage.blob.aio import BlobServiceClient

from .refusals import told

SAMPLE = bytes(range(256)) * 40


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Do it with the async view of the credential."""
    return asyncio.run(_work(credential, account, box))


async def _work(credential: Any, account: str, box: str) -> dict[str, Any]:
    url = f"https://{account}.blob.core.windows.net"
    seen: dict[str, Any] = {}
    async with credential.aio() as own, BlobServiceClient(url, credential=own) as service:
        container = await service.create_container(box)
        names = [f"aio/{number}" for number in range(6)]
        await asyncio.gather(*(container.upload_blob(name, SAMPLE) for name in names))
        listed = [one async for one in container.list_blobs(name_starts_with="aio/")]
        seen["listed"] = [(one.name, one.size) for one in listed]

        async def read(name: str) -> bytes:
            return await (await container.download_blob(name)).readall()

        read_back = await asyncio.gather(*map(read, names))
        seen["same"] = all(content == SAMPLE for content in read_back)
        stream = await container.download_blob(names[0])
        seen["chunks"] = b"".join([chunk async for chunk in stream.chunks()]) == SAMPLE
        try:
            await container.delete_blob("none")
        except HttpResponseError as error:
            seen["missing"] = told(error)
        await asyncio.gather(*map(container.delete_blob, names))
        seen["left"] = [one.name async for one in container.list_blobs() if one.name != "aio"]
        await container.delete_container()
    return seen


def many(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Delete many blobs by one request, whose boundary Azurite does not read (it is quoted)."""
    return asyncio.run(_many(credential, account, box))


async def _many(credential: Any, account: str, box: str) -> dict[str, Any]:
    url = f"https://{account}.blob.core.windows.net"
    async with credential.aio() as own, BlobServiceClient(url, credential=own) as service:
        container = await service.create_container(box)
        for number in range(3):
            await container.upload_blob(f"many-{number}", b"x")
        responses = await container.delete_blobs("many-0", "many-1")
        statuses = [one.status_code async for one in responses]
        return {"statuses": statuses, "left": [one.name async for one in container.list_blobs()]}
