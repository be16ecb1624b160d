"""Azurite, Microsoft's emulator of the Blob service: the reference for the sandbox's blob half.

It has no signatures, no revocation and no persons: it reads a token's issuer, audience and times.
It has no Data Lake (dfs) endpoint.
"""

from __future__ import annotations

import base64
import http.client
import os
import re
import ssl
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import trustme
from werkzeug.datastructures import Headers

from adls_enduser.sandbox.http import Response

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from adls_enduser.sandbox.http import Request

BLOB = ".blob.core.windows.net"
_KEY = base64.b64encode(bytes(64)).decode()  # not used: the programs send tokens
# Of one connection only (RFC 9110, section 7.6.1).
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}


class Azurite:
    """The program, running. As a service of the sandbox it is its accounts' blob host."""

    def __init__(self, modules: Path, folder: Path, accounts: Iterable[str]) -> None:
        self._accounts = set(accounts)
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            folder / "both.pem"
        )
        self._tls = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        self._process = self._start(modules, folder)
        self._port = self._read_port()

    def _start(self, modules: Path, folder: Path) -> subprocess.Popen[str]:
        names = ";".join(f"{account}:{_KEY}" for account in sorted(self._accounts))
        server = modules / "azurite" / "dist" / "src" / "blob" / "main.js"
        pem = str(folder / "both.pem")
        tls = ("--cert", pem, "--key", pem)
        files = ("--inMemoryPersistence", "--silent", "--disableTelemetry")
        # azure-storage-blob is newer than the newest version that Azurite 3.37 knows.
        versions = ("--oauth", "basic", "--skipApiVersionCheck")
        return subprocess.Popen(
            ["node", str(server), "--blobPort", "0", *tls, *files, *versions],
            env={"PATH": os.environ["PATH"], "AZURITE_ACCOUNTS": names},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _read_port(self) -> int:
        assert self._process.stdout is not None
        told = []
        for line in self._process.stdout:
            told.append(line)
            if found := re.search(r"successfully listens on https://127\.0\.0\.1:(\d+)", line):
                return int(found[1])
        raise AssertionError(f"Azurite ended: {''.join(told)}")

    def stop(self) -> None:
        """End the program."""
        self._process.terminate()
        self._process.communicate()

    def serves(self, host: str) -> bool:
        """Tell whether a host is the blob host of one of its accounts."""
        return host.endswith(BLOB) and host.removesuffix(BLOB) in self._accounts

    def respond(self, request: Request) -> Response:
        """Hand a request on as it came, its Host header included, and return the response."""
        # A connection for each request: node closes idle ones when it pleases.
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._port, context=self._tls, timeout=60
        )
        with closing(connection):
            connection.putrequest(
                request.method, request.target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.endheaders(request.body or None)
            response = connection.getresponse()
            content = response.read()
        kept = [(n, v) for n, v in response.getheaders() if n.lower() not in _HOP_BY_HOP]
        return _same_length(Response(content, response.status), Headers(kept))


def _same_length(response: Response, headers: Headers) -> Response:
    """Set these headers of a response; one to HEAD has a length and no body."""
    length = response.headers.get("Content-Length")
    response.headers = headers
    if length is not None and "Content-Length" not in headers:
        response.headers["Content-Length"] = length
    return response
