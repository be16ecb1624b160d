"""Whole transfers with many threads, through the real azure-datalake-store."""

from __future__ import annotations

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.datalake.store.core import AzureDLPath
from azure.datalake.store.multithread import ADLDownloader, ADLUploader, put_chunk
from azure.datalake.store.transfer import ADLTransferClient

MEGABYTE = 2**20


def digest(path):
    """Return a file's checksum."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def big(tmp_path):
    """A file of five megabytes and some more random bytes."""
    path = tmp_path / "big.bin"
    path.write_bytes(random.Random(5).randbytes(5 * MEGABYTE + 12345))
    return path


def test_put_and_get_keep_every_byte(fs, big, tmp_path):
    """A file larger than one request is the same after upload and download."""
    fs.put(str(big), "up/big.bin")
    assert fs.info("up/big.bin")["length"] == big.stat().st_size
    fs.get("up/big.bin", str(tmp_path / "down.bin"))
    assert digest(tmp_path / "down.bin") == digest(big)


def test_uploader_and_downloader_keep_every_byte(fs, big, tmp_path):
    """Several threads and chunks transfer all bytes, and report progress to the end.

    One thread downloads: the client sometimes hangs for ever when two threads end the last
    two chunks of a download at once (its ADLTransferClient._update).
    """
    progress = []
    ADLUploader(
        fs,
        "up/big.bin",
        str(big),
        nthreads=4,
        blocksize=MEGABYTE,
        buffersize=MEGABYTE,
        progress_callback=lambda done, total: progress.append((done, total)),
    )
    assert progress[-1] == (big.stat().st_size, big.stat().st_size)
    down = tmp_path / "down.bin"
    ADLDownloader(
        fs, "up/big.bin", str(down), nthreads=1, chunksize=MEGABYTE, blocksize=MEGABYTE // 2
    )
    assert digest(down) == digest(big)


def test_tree_is_uploaded_and_downloaded(fs, tmp_path):
    """Many small files are transferred with 64 threads, with folders and empty files."""
    source = tmp_path / "source"
    noise = random.Random(7)
    for number in range(60):
        file = source / f"folder{number % 7}" / f"file{number}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(noise.randbytes(number * 97))
    ADLUploader(fs, "tree", str(source), nthreads=64)
    ADLDownloader(fs, "tree", str(tmp_path / "down"), nthreads=64)
    sent = {file.relative_to(source): digest(file) for file in source.rglob("file*")}
    got = tmp_path / "down"
    assert {file.relative_to(got): digest(file) for file in got.rglob("file*")} == sent
    assert len(fs.walk("tree")) == 60


def test_chunks_are_merged_into_one_file(fs, big):
    """The client's chunks are uploaded to a folder, merged with MSCONCAT, and removed."""

    def merge(adlfs, outfile, files, shutdown_event=None, overwrite=False):
        adlfs.concat(outfile, files, delete_source=True)

    class Parent:
        _overwrite = True

    client = ADLTransferClient(
        fs,
        transfer=put_chunk,
        merge=merge,
        nthreads=8,
        chunksize=MEGABYTE,
        blocksize=MEGABYTE // 4,
        parent=Parent(),
    )
    client.submit(str(big), AzureDLPath("up/big.bin"), big.stat().st_size)
    client.run()
    assert client.successful
    assert fs.ls("up") == ["up/big.bin"]
    assert hashlib.sha256(fs.cat("up/big.bin")).hexdigest() == digest(big)


def test_appends_from_many_threads(webhdfs):
    """Nothing is lost or mixed when 16 threads append to one file."""
    webhdfs("PUT", "log", "CREATE", write="true")
    lines = [f"{number:07}\n".encode() for number in range(160)]

    def add(line):
        return webhdfs("POST", "log", "APPEND", line, append="true").status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(add, lines)) == {200}
    read = webhdfs("GET", "log", "OPEN", read="true").content
    assert sorted(read.splitlines(keepends=True)) == lines


def test_concats_from_many_threads(webhdfs):
    """Sources that are moved by many threads at once follow each other, each in one piece."""
    pieces = [bytes([number]) * (MEGABYTE // 2) for number in range(24)]
    for number, piece in enumerate(pieces):
        webhdfs("PUT", f"d/{number}", "CREATE", piece, write="true")
    webhdfs("PUT", "whole", "CREATE", write="true")

    def add(number):
        return webhdfs("POST", "whole", "MSCONCAT", f"sources=d/{number}".encode()).status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(add, range(len(pieces)))) == {200}
    read = webhdfs("GET", "whole", "OPEN", read="true").content
    size = len(pieces[0])
    assert sorted(read[at : at + size] for at in range(0, len(read), size)) == pieces


def test_uploaded_bytes_do_not_stay_in_memory(fs, big, store_azure):
    """The request log drops large bodies, and keeps the requests."""
    store_azure.log.clear()
    fs.put(str(big), "big")
    requests = store_azure.log.to("/big", method="POST")
    assert len(requests) > 1
    assert sum(len(exchange.request.body) for exchange in requests) < MEGABYTE
    assert fs.info("big")["length"] == big.stat().st_size


def test_many_threads_make_and_remove_one_tree(webhdfs):
    """Creating, listing, renaming and deleting at once never causes a server error."""

    def work(number):
        name = f"d/{number % 5}"
        return [
            webhdfs("PUT", name, "CREATE", b"x" * 1000, write="true", overwrite="true").status_code,
            webhdfs("GET", name, "OPEN", read="true").status_code,
            webhdfs("PUT", name, "RENAME", destination=f"d/r{number % 3}").status_code,
            webhdfs("POST", "whole", "MSCONCAT", f"sources=d/r{number % 3}".encode()).status_code,
            webhdfs("GET", "d", "LISTSTATUS").status_code,
            webhdfs("DELETE", f"d/{number % 7}", "DELETE").status_code,
        ]

    with ThreadPoolExecutor(12) as pool:
        seen = {status for statuses in pool.map(work, range(60)) for status in statuses}
    assert seen <= {200, 201, 404}


def test_an_acl_is_set_on_a_whole_tree(fs, people):
    """The client's recursive call, with processes of its own, reaches every file and folder."""
    oid = people["carl"].object_id
    for number in range(12):
        fs.touch(f"tree/sub{number % 3}/file{number}")
    fs.modify_acl_entries(
        "tree", f"user:{oid}:r-x,default:user:{oid}:r-x", recursive=True, number_of_sub_process=1
    )
    for path in ["tree", "tree/sub1", *fs.walk("tree")]:
        assert f"user:{oid}:r-x" in fs.get_acl_status(path)["entries"]
    assert f"default:user:{oid}:r-x" in fs.get_acl_status("tree/sub2")["entries"]
