"""ADLUploader and ADLDownloader with tokens of several lifetimes, and one that never expires.

Runs with the installed azure-datalake-store; see ``python -m benchmarks.transfers --help``.
The lifetimes take turns, with transfers by the token that never expires in between, because a
machine's speed changes from minute to minute. Every second round runs in reverse order, so an
even number of rounds favours no position. Client and server are separate processes; ``cpu`` is
the CPU time of the client alone, which varies less than the elapsed time.

A transfer moves a folder of 64 files, each in one piece: sometimes azure-datalake-store hangs
for ever when two threads finish the last two pieces of a file's download at once (its
``transfer.ADLTransferClient._update``).
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
    from collections.abc import Callable, Iterator, Sequence

NEVER = 10.0**8
LIFETIMES = (5.0, 101.0, 301.0, 3600.0)
THREADS = (8, 64)
_MEGABYTE = 2**20
_BLOCK = 4 * _MEGABYTE
_FILES = 64
_TIME_LIMIT = 100  # seconds; a transfer with our credential takes about five


@dataclass
class Transfer:
    """One upload and download of the same bytes; ``identical``: the downloaded bytes are the same.

    ``upload``, ``download``, ``cpu`` and ``elapsed`` (with the client's own pauses) are seconds.
    ``token_requests`` are those during the transfer: the sign-in came before.
    """

    store: str
    threads: int
    lifetime: float
    upload: float = 0.0
    download: float = 0.0
    cpu: float = 0.0
    elapsed: float = 0.0
    token_requests: int = 0
    requests: int = 0
    identical: bool = False
    error: str = ""


class Bench:
    """One folder, uploaded and downloaded again and again."""

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
        """Sign in, upload, download and compare."""
        self._azure.set_token_lifetime(lifetime)
        transfer = Transfer(self._version, threads, lifetime)
        try:
            with time_limit(_TIME_LIMIT):
                self._upload_and_download(transfer)
        except Exception as failure:  # a benchmark reports any error
            transfer.error = f"{type(failure).__name__}: {failure}"[:200]
        counts = self._azure.counts()
        transfer.token_requests, transfer.requests = counts["tokens"], counts["requests"]
        transfer.identical = not transfer.error and _digest(self._copy) == self._digest
        shutil.rmtree(self._copy, ignore_errors=True)
        return transfer

    def _upload_and_download(self, transfer: Transfer) -> None:
        from azure.datalake.store import core

        store = core.AzureDLFileSystem(self._sign_in(), store_name=STORE)
        if store.exists("/big"):
            store.rm("/big", recursive=True)
        self._azure.counts()  # leave the requests of the sign-in out
        cpu, start = time.process_time(), time.perf_counter()
        transfer.upload = self._move("ADLUploader", store, self._source, transfer.threads)
        transfer.download = self._move("ADLDownloader", store, self._copy, transfer.threads)
        transfer.cpu = time.process_time() - cpu
        transfer.elapsed = time.perf_counter() - start

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


def _peers() -> Any:
    """Sign in as the documents of the installed azure-datalake-store say."""
    if importlib.metadata.version("azure-datalake-store").startswith("0."):
        from azure.datalake.store import lib

        return lib.auth(tenant_id=TENANT, username=ADA, password=PASSWORD)
    from azure.identity import UsernamePasswordCredential

    return UsernamePasswordCredential(CLIENT_ID, ADA, PASSWORD, tenant_id=TENANT)


@contextlib.contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise TimeoutError after so many seconds; on systems without SIGALRM there is no limit."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"had not ended after {seconds} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _write(folder: Path, size: int) -> None:
    """Write files of random bytes."""
    folder.mkdir()
    for number in range(_FILES):
        (folder / f"{number:02}").write_bytes(os.urandom(size // _FILES))


def _digest(folder: Path) -> str:
    """Return the digest of all files, with their names."""
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
    parser.add_argument("--own", action="store_true", help="with the peers' own credentials")
    options = parser.parse_args()
    transfers: list[Transfer] = []
    with Azure() as azure:
        bench = Bench(azure, options.size * _MEGABYTE, _peers if options.own else _ours)
        bench.run(8, NEVER)  # a warm-up
        for turn in range(options.rounds):
            order = in_turns(options.lifetimes)
            for threads in options.threads:
                for lifetime in order if turn % 2 == 0 else reversed(order):
                    transfers.append(bench.run(threads, lifetime))
                    print(_line(transfers[-1]), file=sys.stderr, flush=True)
    print(json.dumps([asdict(transfer) for transfer in transfers]), flush=True)
    os._exit(0)  # a transfer that failed may have left threads that never end


def in_turns(lifetimes: Sequence[float]) -> list[float]:
    """Put the token that never expires before each two of the others."""
    order = []
    for position, lifetime in enumerate(lifetimes):
        order += [NEVER, lifetime] if position % 2 == 0 else [lifetime]
    return order


def _line(transfer: Transfer) -> str:
    outcome = "identical" if transfer.identical else f"WRONG {transfer.error}"
    lifetime = "never" if transfer.lifetime == NEVER else f"{transfer.lifetime:g} s"
    return (
        f"{transfer.store:7} {transfer.threads:3} threads {lifetime:>7}:"
        f" upload {transfer.upload:.2f} s, download {transfer.download:.2f} s,"
        f" cpu {transfer.cpu:.2f} s, {transfer.token_requests} token requests, {outcome}"
    )


if __name__ == "__main__":
    main()
