"""A program that asks an identity endpoint for tokens, over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

APP_SERVICE, VIRTUAL_MACHINE = "2019-08-01", "2018-02-01"
STORAGE = "https://storage.azure.com/"


class Reply:
    """A response: status, headers, and the fields of its JSON."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers = response.status, response.headers
        self.content = response.read()
        self.fields: dict[str, Any] = json.loads(self.content or b"{}")


class Program:
    """A program that has the variables of an identity endpoint."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.url = environment["IDENTITY_ENDPOINT"]
        self.secret = environment["IDENTITY_HEADER"]
        parts = urlsplit(self.url)
        self.host, self.port, self.path = parts.netloc, parts.port or 0, parts.path

    def ask(self, resource: str = STORAGE, version: str = APP_SERVICE, **parameters: str) -> Reply:
        """Ask for a token."""
        query = {"api-version": version, "resource": resource, **parameters}
        return self.send(f"{self.path}?{urlencode(query)}")

    def token(self, resource: str = STORAGE) -> str:
        """Return a token."""
        reply = self.ask(resource)
        assert reply.status == 200, reply.content
        return str(reply.fields["access_token"])

    def send(self, target: str, method: str = "GET", **headers: str | None) -> Reply:
        """Send one request; a header that is None is left out."""
        names = {"Host": self.host, "X-IDENTITY-HEADER": self.secret, "Metadata": "true"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name.lower(): value for name, value in (names | given).items()}
        sent |= {name.lower(): value for name, value in given.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders()
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """Open a connection, and send nothing."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def raw(self, content: bytes) -> bytes:
        """Send these bytes, and return all that comes back; b"" if the connection is reset."""
        with self.connect() as connection:
            received = b""
            try:
                connection.sendall(content)
                while more := connection.recv(65536):
                    received += more
            except (ConnectionResetError, BrokenPipeError):
                return received
            return received
