"""adlfs, fsspec's file system of Azure: files, folders, ranges, renaming."""

from __future__ import annotations

from typing import Any

import adlfs

from adls_enduser.interop import fsspec_options

from .refusals import raised

SAMPLE = bytes(range(256)) * 40


def work(credential: Any, account: str, box: str) -> dict[str, Any]:
    """Do all that fsspec asks of a file system."""
    fs = adlfs.AzureBlobFileSystem(**fsspec_options(credential, account))
    fs.mkdir(box)
    seen: dict[str, Any] = {"box": (fs.exists(box), fs.isdir(box), box in fs.ls(""))}
    for part in (files, folders, moves, streams):
        seen[part.__name__] = part(fs, box)
    fs.rm(box, recursive=True)
    seen["gone"] = fs.exists(box)
    return seen


def files(fs: Any, box: str) -> dict[str, Any]:
    """Whole files, ranges, what is not there."""
    fs.pipe(f"{box}/files/a.bin", SAMPLE)
    info = fs.info(f"{box}/files/a.bin")
    ranges = fs.cat_ranges([f"{box}/files/a.bin"] * 2, [0, 250], [4, 260])
    fs.touch(f"{box}/files/empty")
    return {
        "whole": fs.cat(f"{box}/files/a.bin") == SAMPLE,
        "head": fs.cat_file(f"{box}/files/a.bin", start=0, end=3),
        "tail": fs.tail(f"{box}/files/a.bin", 3),
        "ranges": ranges,
        "info": (info["name"] == f"{box}/files/a.bin", info["size"], info["type"]),
        "empty": fs.cat(f"{box}/files/empty"),
        "missing": raised(fs.cat, f"{box}/files/none"),
        "no info": raised(fs.info, f"{box}/files/none"),
        "exists": (fs.exists(f"{box}/files/a.bin"), fs.exists(f"{box}/files/none")),
        "no box": raised(fs.ls, f"{box}-none"),
    }


def folders(fs: Any, box: str) -> dict[str, Any]:
    """Lists, by folder and below it, and patterns."""
    for name in ("x/1.csv", "x/2.csv", "x/y/3.csv"):
        fs.pipe(f"{box}/folders/{name}", b"1,2\n")
    fs.invalidate_cache()

    def short(names: Any) -> list[str]:
        return sorted(name.removeprefix(f"{box}/folders") for name in names)

    return {
        "list": short(fs.ls(f"{box}/folders/x", detail=False)),
        "find": short(fs.find(f"{box}/folders")),
        "glob": short(fs.glob(f"{box}/folders/**/*.csv")),
        "walk": [(short([root]), short(d), short(f)) for root, d, f in fs.walk(f"{box}/folders/x")],
        "size": fs.du(f"{box}/folders"),
        "kinds": (fs.isdir(f"{box}/folders/x"), fs.isfile(f"{box}/folders/x")),
    }


def moves(fs: Any, box: str) -> dict[str, Any]:
    """Copy and rename a file, and delete a folder with all that is in it."""
    fs.pipe({f"{box}/moves/a": b"a", f"{box}/moves/sub/b": b"b"})
    fs.cp_file(f"{box}/moves/a", f"{box}/moves/copy")
    fs.mv(f"{box}/moves/a", f"{box}/moves/new")
    fs.invalidate_cache()
    there = [name.removeprefix(f"{box}/moves/") for name in fs.find(f"{box}/moves")]
    fs.rm(f"{box}/moves", recursive=True)
    return {"there": sorted(there), "left": fs.find(f"{box}/moves")}


def streams(fs: Any, box: str) -> dict[str, Any]:
    """An open file, written in blocks and read in blocks; one that is appended to; text."""
    with fs.open(f"{box}/streams/blocks.bin", "wb", block_size=4096) as file:
        for start in range(0, len(SAMPLE), 1000):
            file.write(SAMPLE[start : start + 1000])
    with fs.open(f"{box}/streams/blocks.bin", "rb", block_size=4096) as file:
        file.seek(5000)
        middle = file.read(6)
        file.seek(0)
        whole = b"".join(iter(lambda: file.read(1500), b""))
    with fs.open(f"{box}/streams/text.txt", "w") as file:
        file.write("Zürich\n")
    with fs.open(f"{box}/streams/text.txt") as file:
        lines = file.readlines()
    return {"middle": middle, "whole": whole == SAMPLE, "text": lines}
