"""azure-storage-file-datalake: folders, files in pieces, renaming, access control; sync and aio."""

from __future__ import annotations

import asyncio
from typing import Any

from azure.storage.filedatalake import DataLakeServiceClient
from azure.storage.filedatalake.aio import DataLakeServiceClient as AsyncService

from .refusals import refusal

SAMPLE = bytes(range(256)) * 40
PIECE = 4096


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Do all that needs a hierarchical namespace."""
    url = f"https://{account}.dfs.core.windows.net"
    with DataLakeServiceClient(url, credential=credential) as service:
        files = service.create_file_system(box)
        seen: dict[str, Any] = {"twice": refusal(service.create_file_system, box)}
        for part in (pieces, folders, access, leases):
            seen[part.__name__] = part(files)
        seen["aio"] = asyncio.run(_aio(credential, url, box))
        service.delete_file_system(box)
        seen["deleted"] = refusal(files.get_file_system_properties)
    return seen


def pieces(files: Any) -> dict[str, Any]:
    """A file that is appended to in pieces, flushed, and read in ranges."""
    file = files.create_directory("pieces").create_file("a.bin")
    for start in range(0, len(SAMPLE), PIECE):
        file.append_data(SAMPLE[start : start + PIECE], offset=start)
    seen: dict[str, Any] = {"before": file.get_file_properties().size}
    file.flush_data(len(SAMPLE))
    seen["after"] = file.get_file_properties().size
    seen["same"] = file.download_file().readall() == SAMPLE
    seen["range"] = file.download_file(offset=100, length=5).readall()
    file.upload_data(b"new", overwrite=True, metadata={"kept": "yes"})
    seen["new"] = (file.download_file().readall(), file.get_file_properties().metadata)
    seen["missing"] = refusal(files.get_file_client("pieces/none").get_file_properties)
    return seen


def folders(files: Any) -> dict[str, Any]:
    """A folder that is renamed with all that is in it, listed, and deleted."""
    for name in ("f/a", "f/b/c", "f/b/d"):
        files.get_file_client(name).upload_data(name.encode(), overwrite=True)
    files.get_directory_client("f/b").rename_directory(f"{files.file_system_name}/f/moved")
    files.get_file_client("f/a").rename_file(f"{files.file_system_name}/f/new")
    seen: dict[str, Any] = {
        "all": [(one.name, one.is_directory) for one in files.get_paths("f")],
        "one level": [one.name for one in files.get_paths("f", recursive=False)],
        "moved": files.get_file_client("f/moved/c").download_file().readall(),
        "old": refusal(files.get_file_client("f/b/c").get_file_properties),
    }
    pages = files.get_paths("f", max_results=2).by_page()
    seen["pages"] = [one.name for page in pages for one in page]
    files.get_directory_client("f").delete_directory()
    seen["left"] = [one.name for one in files.get_paths() if one.name.startswith("f")]
    return seen


def access(files: Any) -> dict[str, Any]:
    """Lists of access, of one folder and of all that is in it."""
    folder = files.create_directory("acl")
    file = folder.create_file("a")
    folder.set_access_control(permissions="rwxr-x---")
    other = "c0ffee00-0000-4000-8000-000000000042"
    changed = folder.update_access_control_recursive(acl=f"user:{other}:r-x")
    found = folder.get_access_control()
    seen = {
        "permissions": found["permissions"],
        "acl": found["acl"].replace(other, "OTHER"),
        "changed": (changed.counters.directories_successful, changed.counters.files_successful),
        "below": file.get_access_control()["acl"].replace(other, "OTHER"),
    }
    folder.remove_access_control_recursive(acl=f"user:{other}")
    return seen | {"removed": other in file.get_access_control()["acl"]}


def leases(files: Any) -> dict[str, Any]:
    """A file that is leased is written by the holder alone."""
    file = files.create_file("leased")
    lease = file.acquire_lease(lease_duration=15)
    seen = {"other": refusal(file.append_data, b"x", offset=0, length=1)}
    file.append_data(b"x", offset=0, length=1, lease=lease)
    file.flush_data(1, lease=lease)
    lease.release()
    return seen | {"content": file.download_file().readall()}


async def _aio(credential: Any, url: str, box: str) -> dict[str, Any]:
    async with credential.aio() as own, AsyncService(url, credential=own) as service:
        files = service.get_file_system_client(box)
        names = [f"aio/{number}" for number in range(4)]
        clients = [files.get_file_client(name) for name in names]
        await asyncio.gather(*(one.upload_data(SAMPLE, overwrite=True) for one in clients))
        listed = [one.name async for one in files.get_paths("aio")]
        streams = await asyncio.gather(*(one.download_file() for one in clients))
        contents = await asyncio.gather(*(one.readall() for one in streams))
        return {"listed": listed, "same": [one == SAMPLE for one in contents]}
