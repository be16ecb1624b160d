#!/usr/bin/env bash
# requests takes "103 Early Hints" for the final response, and httpx does not.
#
# Versions: requests 2.34.2 with urllib3 2.8.0, and httpx 0.28.1, on CPython 3.11.7.
# Guess before the first run: every client skips 1xx responses and returns the 200 that follows, as
# RFC 9110 section 15.2 requires ("A client MUST be able to parse one or more 1xx responses received
# prior to a final response").
# Seen: requests (that is, http.client below urllib3) skips 100 and no other. For 102 and 103 it
# returns that status with an empty body and no error; the 200 behind it is lost. A program that
# only checks for status >= 400 goes on with an empty answer. httpx (h11) skips all three.
# Output seen:
#   100 Continue: requests 200 'hi', httpx 200 'hi'
#   102 Processing: requests 102 '', httpx 200 'hi'
#   103 Early Hints: requests 103 '', httpx 200 'hi'
#
# Exits with status 1 if the output is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check requests==2.34.2 urllib3==2.8.0 httpx==0.28.1 2>/dev/null
cat > "$folder/program.py" <<'PY'
import socket
import threading

import httpx
import requests


def serve(interim: str) -> str:
    """Serve an interim response and the final one, and return the address."""
    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        connection, _ = server.accept()
        with connection, server:
            connection.recv(65536)
            connection.sendall(f"HTTP/1.1 {interim}\r\nLink: </a.css>; rel=preload\r\n\r\n".encode())
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")

    threading.Thread(target=run, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/"


for interim in ("100 Continue", "102 Processing", "103 Early Hints"):
    with requests.Session() as session:
        session.trust_env = False
        one = session.get(serve(interim), timeout=20)
    two = httpx.get(serve(interim), timeout=20, trust_env=False)
    print(f"{interim}: requests {one.status_code} {one.text!r}, httpx {two.status_code} {two.text!r}")
PY
seen=$("$folder/env/bin/python" "$folder/program.py")
echo "$seen"
[ "$seen" = "100 Continue: requests 200 'hi', httpx 200 'hi'
102 Processing: requests 102 '', httpx 200 'hi'
103 Early Hints: requests 103 '', httpx 200 'hi'" ]
