#!/usr/bin/env bash
# adlfs answers "not there" in one method, and raises no OSError in the others, for a 403.
#
# Versions: adlfs 2026.8.0 with fsspec 2026.9.0 and azure-storage-blob 12.31.1, on CPython 3.11.7.
# Guess before the first run: exists() and the other methods raise PermissionError for a blob that the
# person may not see, as a local file system does, and as adlfs raises FileNotFoundError for a 404.
# Seen: isfile() returns False, so a program that makes a file where none is goes on to overwrite or
# to skip one. exists() and info() raise azure-core's HttpResponseError, which is no OSError: code
# that is written for fsspec (except PermissionError, except OSError) does not catch it.
# Output seen:
#   404 exists: False
#   404 isfile: False
#   404 info: FileNotFoundError, an OSError: True
#   403 exists: HttpResponseError, an OSError: False
#   403 isfile: False
#   403 info: HttpResponseError, an OSError: False
#
# Exits with status 1 if the output is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check adlfs==2026.8.0 fsspec==2026.9.0 azure-storage-blob==12.31.1 2>/dev/null
cat > "$folder/program.py" <<'PY'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from adlfs import AzureBlobFileSystem

CODES = {404: "BlobNotFound", 403: "AuthorizationPermissionMismatch"}
EMPTY_LIST = b'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="box"><Blobs/><NextMarker/></EnumerationResults>'


class Blobs(BaseHTTPRequestHandler):
    """A service in which the path names the status."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        found = "comp=list" in self.path and "404" in self.path
        status = 200 if found else 403 if "403" in self.path else 404
        body = EMPTY_LIST if found else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        if status in CODES:
            self.send_header("x-ms-error-code", CODES[status])
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Blobs)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mylake"
connection = f"BlobEndpoint={url};SharedAccessSignature=sv=1&sig=x"
files = AzureBlobFileSystem(account_name="mylake", connection_string=connection)

for status in (404, 403):
    for method in ("exists", "isfile", "info"):
        try:
            outcome = getattr(files, method)(f"box/{status}")
        except Exception as error:
            outcome = f"{type(error).__name__}, an OSError: {isinstance(error, OSError)}"
        print(f"{status} {method}: {outcome}")
PY
seen=$("$folder/env/bin/python" "$folder/program.py")
printf '%s\n' "$seen"
[ "$seen" = "404 exists: False
404 isfile: False
404 info: FileNotFoundError, an OSError: True
403 exists: HttpResponseError, an OSError: False
403 isfile: False
403 info: HttpResponseError, an OSError: False" ]
