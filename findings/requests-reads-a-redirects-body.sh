#!/usr/bin/env bash
# requests reads the whole body of a redirect that it is told not to follow, also with stream=True.
#
# Versions: requests 2.34.2 with urllib3 2.8.0, on CPython 3.11.7.
# Guess before the first run: with stream=True and allow_redirects=False no body is read until the
# caller asks for it, whatever the status is.
# Seen: for a 302 with a Location, get() returns only after all of the body is in memory (here
# 40 MiB); for a 200 and a 304 with the same headers nothing is read. With allow_redirects=False,
# Session.send asks Session.resolve_redirects for the next request (Response.next), and that
# consumes the response first. So whoever bounds a download by reading a stream in pieces must not
# rely on it for redirects: a server decides how much memory a redirect costs.
# Output seen:
#   200 OK: 0 bytes read
#   302 Found: 41943040 bytes read
#   304 Not Modified: 0 bytes read
#
# Exits with status 1 if the output is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check requests==2.34.2 urllib3==2.8.0 2>/dev/null
cat > "$folder/program.py" <<'PY'
import socket
import threading

import requests

SIZE, PIECE = 40 * 2**20, b"x" * 2**20


def serve(head: bytes) -> str:
    """Serve one response, and return the address."""
    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        connection, _ = server.accept()
        with connection, server:
            connection.recv(65536)
            try:
                connection.sendall(head)
                for _ in range(SIZE // len(PIECE)):
                    connection.sendall(PIECE)
            except OSError:  # the client closed the connection
                return

    threading.Thread(target=run, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/"


with requests.Session() as session:
    session.trust_env = False
    for status in ("200 OK", "302 Found", "304 Not Modified"):
        url = serve(f"HTTP/1.1 {status}\r\nLocation: /next\r\nContent-Length: {SIZE}\r\n\r\n".encode())
        response = session.get(url, stream=True, allow_redirects=False, timeout=60)
        read = response._content if response._content_consumed else b""
        print(f"{status}: {len(read)} bytes read")
        response.close()
PY
seen=$("$folder/env/bin/python" "$folder/program.py")
echo "$seen"
[ "$seen" = "200 OK: 0 bytes read
302 Found: 41943040 bytes read
304 Not Modified: 0 bytes read" ]
