"""An identity endpoint of a test's own, in the form of App Service's managed identity."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "a-secret-of-the-endpoint"


class Endpoint(ThreadingHTTPServer):
    """An identity endpoint that replies as ``reply`` says, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self, reply: Callable[[str], tuple[int, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.asked: list[tuple[str, dict[str, str], str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/x/msi/token"


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        self.server.asked.append((target.path, query, self.headers["X-IDENTITY-HEADER"]))
        status, body = self.server.reply(query["resource"])
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def serving(credential: Any) -> Callable[[str], tuple[int, Any]]:
    """Reply with a credential's tokens, as App Service does with a machine's."""

    def reply(resource: str) -> tuple[int, Any]:
        token = credential.get_token(f"{resource}.default")
        return 200, {
            "access_token": token.token,
            "expires_on": str(token.expires_on),
            "resource": resource,
            "token_type": "Bearer",
        }

    return reply
