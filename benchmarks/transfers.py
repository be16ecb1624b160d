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
import contextlib
import hashlib
import importlib.metadata
import json
import os
import shutil
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .azure import ADA, CLIENT_ID, PASSWORD, STORE, TENANT, Azure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEVER = 10.0**8
LIFETIMES = (5.0, 101.0, 301.0, 3600.0)
THREADS = (8, 64)
_MEGABYTE = 2**20
_BLOCK = 4 * _MEGABYTE
_FILES = 64
_LONGEST = 100  # seconds; one of ours takes about five


@dataclass
class Transfer:
    """One upload and download of the same bytes; ``same`` says that they came back identical.

    ``up``, ``down``, ``cpu`` and ``lasted`` (the client's own pauses included) are seconds.
    ``renewals`` are the token requests in that time: the sign-in was before.
    """

    store: str
    threads: int
    lifetime: float
    up: float = 0.0
    down: float = 0.0
    cpu: float = 0.0
    lasted: float = 0.0
    renewals: int = 0
    requests: int = 0
    same: bool = False
    error: str = ""


class Bench:
    """One folder, sent and fetched again and again."""

    def __init__(self, azure: Azure, size: int, sign_in: Callable[[], Any]) -> None:
        self._azure = azure
        self._size = size
        self._sign_in = sign_in
        self._source = Path(azure.folder, "source")
        self._copy = Path(azure.folder, "copy")
        _write(self._source, size)
        self._digest = _digest(self._source)
        self._version = importlib.metadata.version("azure-datalake-store")

    def run(self, threads: int, lifetime: float) -> Transfer:
        """Sign in, send, fetch, compare."""
        self._azure.lifetime(lifetime)
        done = Transfer(self._version, threads, lifetime)
        try:
            with _at_most(_LONGEST):
                self._there_and_back(done)
        except Exception as failure:  # a benchmark reports what happens
            done.error = f"{type(failure).__name__}: {failure}"[:200]
        counts = self._azure.counts()
        done.renewals, done.requests = counts["tokens"], counts["requests"]
        done.same = not done.error and _digest(self._copy) == self._digest
        shutil.rmtree(self._copy, ignore_errors=True)
        return done

    def _there_and_back(self, done: Transfer) -> None:
        from azure.datalake.store import core

        store = core.AzureDLFileSystem(self._sign_in(), store_name=STORE)
        if store.exists("/big"):
            store.rm("/big", recursive=True)
        self._azure.counts()  # the sign-in is no part of the transfer
        cpu, start = time.process_time(), time.perf_counter()
        done.up = self._move("ADLUploader", store, self._source, done.threads)
        done.down = self._move("ADLDownloader", store, self._copy, done.threads)
        done.cpu, done.lasted = time.process_time() - cpu, time.perf_counter() - start

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


def _ours() -> Any:
    from adls_enduser import filesystem_token

    return filesystem_token("password", tenant=TENANT, username=ADA, password=PASSWORD)


def _theirs() -> Any:
    """Sign in as the documents of that azure-datalake-store say."""
    if importlib.metadata.version("azure-datalake-store").startswith("0."):
        from azure.datalake.store import lib

        return lib.auth(tenant_id=TENANT, username=ADA, password=PASSWORD)
    from azure.identity import UsernamePasswordCredential

    return UsernamePasswordCredential(CLIENT_ID, ADA, PASSWORD, tenant_id=TENANT)


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """End what does not end by itself; where there is no alarm it is waited for."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError(f"had not ended after {seconds} s")

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


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
    parser.add_argument("--own", action="store_true", help="with the package's own credentials")
    options = parser.parse_args()
    found: list[Transfer] = []
    with Azure() as azure:
        bench = Bench(azure, options.size * _MEGABYTE, _theirs if options.own else _ours)
        bench.run(8, NEVER)  # warms up
        for turn in range(options.rounds):
            order = _order(options.lifetimes)
            for threads in options.threads:
                for lifetime in order if turn % 2 == 0 else reversed(order):
                    found.append(bench.run(threads, lifetime))
                    print(_line(found[-1]), file=sys.stderr, flush=True)
    print(json.dumps([asdict(one) for one in found]), flush=True)
    os._exit(0)  # a transfer that failed may have left threads that never end


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
