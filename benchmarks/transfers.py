"""ADLUploader and ADLDownloader with tokens of every lifetime, beside one that never ends.

Runs with one azure-datalake-store; ``python -m benchmarks.transfers --help``. The
variants take turns, with a transfer by the token that never ends beside each, and turn
round from one round to the next, because a machine's speed changes from minute to minute.
Client and server are processes of their own; ``cpu`` is the client's alone, and less
noisy than the clock on the wall. An even number of rounds favours no place in the row.

What is moved is a folder of 64 files, each in one piece: azure-datalake-store hangs for
ever, now and then, when two threads end the last two pieces of a file's download at once
(its ``transfer.ADLTransferClient._update``).
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from .azure import ADA, PASSWORD, STORE, TENANT, Azure

NEVER = 10.0**8
LIFETIMES = (5.0, 101.0, 301.0, 3600.0)
THREADS = (8, 64)
_MEGABYTE = 2**20
_BLOCK = 4 * _MEGABYTE
_FILES = 64


@dataclass
class Transfer:
    """One upload and download of the same bytes; ``same`` says that they came back identical.

    ``up``, ``down``, ``cpu`` and ``lasted`` (the client's own pauses included) are seconds.
    ``renewals`` are the token requests in that time: the sign-in was before.
    """

    store: str
    threads: int
    lifetime: float
    up: float
    down: float
    cpu: float
    lasted: float
    renewals: int
    requests: int
    same: bool
    error: str = ""


class Bench:
    """One folder, sent and fetched again and again."""

    def __init__(self, azure: Azure, size: int) -> None:
        self._azure = azure
        self._size = size
        self._source = Path(azure.folder, "source")
        self._copy = Path(azure.folder, "copy")
        _write(self._source, size)
        self._digest = _digest(self._source)
        self._version = importlib.metadata.version("azure-datalake-store")

    def run(self, threads: int, lifetime: float) -> Transfer:
        """Sign in, send, fetch, compare."""
        from azure.datalake.store import core

        from adls_enduser import filesystem_token

        self._azure.lifetime(lifetime)
        options = {"tenant": TENANT, "username": ADA, "password": PASSWORD}
        token = filesystem_token("password", **options)  # type: ignore[arg-type]
        store = core.AzureDLFileSystem(token, store_name=STORE)
        self._azure.counts()  # the sign-in is no part of the transfer
        up = down = 0.0
        cpu, start = time.process_time(), time.perf_counter()
        error = ""
        try:
            up = self._move("ADLUploader", store, self._source, threads)
            down = self._move("ADLDownloader", store, self._copy, threads)
        except Exception as failure:  # a benchmark reports what happens
            error = f"{type(failure).__name__}: {failure}"[:200]
        cpu, lasted = time.process_time() - cpu, time.perf_counter() - start
        counts = self._azure.counts()
        same = not error and _digest(self._copy) == self._digest
        shutil.rmtree(self._copy, ignore_errors=True)
        store.rm("/big", recursive=True)
        return Transfer(
            self._version,
            threads,
            lifetime,
            up,
            down,
            cpu,
            lasted,
            counts["tokens"],
            counts["requests"],
            same,
            error,
        )

    def _move(self, name: str, store: object, local: Path, threads: int) -> float:
        from azure.datalake.store import multithread

        piece = self._size // _FILES
        start = time.perf_counter()
        getattr(multithread, name)(
            store,
            lpath=str(local),
            rpath="/big",
            nthreads=threads,
            overwrite=True,
            chunksize=piece,
            buffersize=min(_BLOCK, piece),
            blocksize=min(_BLOCK, piece),
        )
        return time.perf_counter() - start


def _write(folder: Path, size: int) -> None:
    """Write files of bytes that do not repeat."""
    folder.mkdir()
    for number in range(_FILES):
        (folder / f"{number:02}").write_bytes(os.urandom(size // _FILES))


def _digest(folder: Path) -> str:
    """Give the digest of all files, names included."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def main() -> None:
    """Print every transfer as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256, help="megabytes (default: 256)")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, nargs="+", default=THREADS)
    parser.add_argument("--lifetimes", type=float, nargs="+", default=LIFETIMES)
    options = parser.parse_args()
    found: list[Transfer] = []
    with Azure() as azure:
        bench = Bench(azure, options.size * _MEGABYTE)
        bench.run(8, NEVER)  # warms up
        for turn in range(options.rounds):
            order = _order(options.lifetimes)
            for threads in options.threads:
                for lifetime in order if turn % 2 == 0 else reversed(order):
                    found.append(bench.run(threads, lifetime))
                    print(_line(found[-1]), file=sys.stderr, flush=True)
    print(json.dumps([asdict(one) for one in found]))


def _order(lifetimes: list[float]) -> list[float]:
    """Put a token that never ends before each two of the others."""
    order = []
    for place, lifetime in enumerate(lifetimes):
        order += [NEVER, lifetime] if place % 2 == 0 else [lifetime]
    return order


def _line(one: Transfer) -> str:
    how = "identical" if one.same else f"WRONG {one.error}"
    life = "never" if one.lifetime == NEVER else f"{one.lifetime:g} s"
    return (
        f"{one.store:7} {one.threads:3} threads {life:>7}: up {one.up:.2f} s,"
        f" down {one.down:.2f} s, cpu {one.cpu:.2f} s, {one.renewals} renewals, {how}"
    )


if __name__ == "__main__":
    main()
