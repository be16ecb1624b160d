"""azure-storage-file-datalake and adlfs with tokens of several lifetimes, on Gen2.

Each moves one file up and down again, several times after one sign-in, so that the transfer
outlives a token of five seconds on a fast machine too. The lifetimes take turns, as in
``transfers.py``, and so do this package's credential and azure-identity's, which has fewer rounds:
with a short token it asks Entra ID before each request.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .azure import ADA, CLIENT_ID, PASSWORD, TENANT, Azure
from .transfers import NEVER, in_turns, time_limit

if TYPE_CHECKING:
    from collections.abc import Callable

LIFETIMES = (5.0, 101.0, 301.0)
ACCOUNT, BOX, NAME = "mylake", "box", "big"
OURS, PEER = "adls_enduser", "azure-identity"
_MEGABYTE = 2**20
_BLOCK = 4 * _MEGABYTE
_CONCURRENCY = 4
_TIME_LIMIT = 300  # seconds


@dataclass
class Transfer:
    """Some uploads and downloads of the same bytes; ``identical``: as they came back at last.

    ``upload``, ``download``, ``cpu`` and ``elapsed`` are seconds. ``token_requests`` are those
    during the transfer, and ``tokens`` how many different ones the account got.
    """

    client: str
    credential: str
    lifetime: float
    upload: float = 0.0
    download: float = 0.0
    cpu: float = 0.0
    elapsed: float = 0.0
    token_requests: int = 0
    tokens: int = 0
    requests: int = 0
    identical: bool = False
    error: str = ""


class Client(Protocol):
    """A client of one account."""

    def upload(self, path: Path) -> None:
        """Upload a file."""
        ...

    def download(self, path: Path) -> None:
        """Download it again."""
        ...


class FileDatalake:
    """azure-storage-file-datalake, which uploads to the dfs host and reads from the blob host."""

    def __init__(self, credential: Any, *, ours: bool) -> None:  # noqa: ARG002 - it takes either
        from azure.storage.filedatalake import DataLakeServiceClient

        url = f"https://{ACCOUNT}.dfs.core.windows.net"
        service = DataLakeServiceClient(url, credential=credential)
        self._file = service.get_file_client(BOX, NAME)

    def upload(self, path: Path) -> None:
        """Upload a file in blocks."""
        options = {"max_concurrency": _CONCURRENCY, "chunk_size": _BLOCK}
        with path.open("rb") as file:
            self._file.upload_data(file, overwrite=True, **options)

    def download(self, path: Path) -> None:
        """Download it in pieces."""
        with path.open("wb") as file:
            self._file.download_file(max_concurrency=_CONCURRENCY).readinto(file)


class Adlfs:
    """adlfs, which uses azure-storage-blob's aio clients."""

    def __init__(self, credential: Any, *, ours: bool) -> None:
        from adlfs import AzureBlobFileSystem

        from adls_enduser.interop import fsspec_options

        theirs = {"account_name": ACCOUNT, "credential": credential}
        options = fsspec_options(credential, ACCOUNT) if ours else theirs
        self._system = AzureBlobFileSystem(**options, skip_instance_cache=True)

    def upload(self, path: Path) -> None:
        """Upload a file in blocks."""
        self._system.put_file(str(path), f"{BOX}/{NAME}", max_concurrency=_CONCURRENCY)

    def download(self, path: Path) -> None:
        """Download it in pieces."""
        self._system.get_file(f"{BOX}/{NAME}", str(path), max_concurrency=_CONCURRENCY)


CLIENTS: dict[str, Callable[..., Client]] = {
    "azure-storage-file-datalake": FileDatalake,
    "adlfs": Adlfs,
}


class Bench:
    """One file, uploaded and downloaded again and again."""

    def __init__(self, azure: Azure, size: int, times: int) -> None:
        self._azure = azure
        self._times = times
        self._source, self._copy = Path(azure.folder, "source"), Path(azure.folder, "copy")
        with self._source.open("wb") as file:
            for _ in range(size // _BLOCK):
                file.write(os.urandom(_BLOCK))
        self._digest = _digest(self._source)

    def run(self, client: str, credential: str, lifetime: float) -> Transfer:
        """Sign in, upload, download and compare."""
        self._azure.set_token_lifetime(lifetime)
        transfer = Transfer(client, credential, lifetime)
        try:
            with time_limit(_TIME_LIMIT):
                self._move(transfer)
        except Exception as failure:  # a benchmark reports any error
            transfer.error = f"{type(failure).__name__}: {failure}"[:200]
        counts = self._azure.counts()
        transfer.token_requests, transfer.requests = counts["tokens"], counts["requests"]
        transfer.tokens = counts["storage_tokens"]
        transfer.identical = not transfer.error and _digest(self._copy) == self._digest
        self._copy.unlink(missing_ok=True)
        return transfer

    def _move(self, transfer: Transfer) -> None:
        ours = transfer.credential == OURS
        client = CLIENTS[transfer.client](_ours() if ours else _peers(), ours=ours)
        self._azure.counts()  # leave the requests of the sign-in out
        cpu, start = time.process_time(), time.perf_counter()
        for _ in range(self._times):
            began = time.perf_counter()
            client.upload(self._source)
            between = time.perf_counter()
            client.download(self._copy)
            transfer.upload += between - began
            transfer.download += time.perf_counter() - between
        transfer.cpu = time.process_time() - cpu
        transfer.elapsed = time.perf_counter() - start


def _ours() -> Any:
    from adls_enduser import storage_credential

    return storage_credential("password", tenant=TENANT, username=ADA, password=PASSWORD)


def _peers() -> Any:
    from azure.identity import UsernamePasswordCredential

    credential = UsernamePasswordCredential(CLIENT_ID, ADA, PASSWORD, tenant_id=TENANT)
    credential.get_token("https://storage.azure.com/.default")  # as ours has signed in
    return credential


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _line(transfer: Transfer) -> str:
    outcome = "identical" if transfer.identical else f"WRONG {transfer.error}"
    lifetime = "never" if transfer.lifetime == NEVER else f"{transfer.lifetime:g} s"
    return (
        f"{transfer.client}, {transfer.credential} {lifetime:>7}:"
        f" upload {transfer.upload:.2f} s, download {transfer.download:.2f} s,"
        f" cpu {transfer.cpu:.2f} s, {transfer.token_requests} token requests,"
        f" {transfer.tokens} tokens, {outcome}"
    )


def main() -> None:
    """Print every transfer as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256, help="megabytes (default: 256)")
    parser.add_argument("--times", type=int, default=5, help="uploads and downloads (default: 5)")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--peer-rounds", type=int, default=1)
    options = parser.parse_args()
    transfers: list[Transfer] = []
    with Azure() as azure:
        bench = Bench(azure, options.size * _MEGABYTE, options.times)
        for client in CLIENTS:
            bench.run(client, OURS, NEVER)  # a warm-up
        for turn in range(options.rounds):
            for credential in (OURS, PEER) if turn < options.peer_rounds else (OURS,):
                for client in CLIENTS:
                    lifetimes = in_turns(LIFETIMES)
                    for lifetime in lifetimes if turn % 2 == 0 else reversed(lifetimes):
                        transfers.append(bench.run(client, credential, lifetime))
                        print(_line(transfers[-1]), file=sys.stderr, flush=True)
    print(json.dumps([asdict(transfer) for transfer in transfers]), flush=True)
    os._exit(0)  # a transfer that failed may have left threads that never end


if __name__ == "__main__":
    main()
