#!/usr/bin/env bash
# cloudpathlib uploads what was written when the with block ends with an exception.
#
# Versions: cloudpathlib 0.26.0, smart-open 9.0.2, obstore 0.12.1 and azure-storage-blob 12.31.1, on
# CPython 3.11.7.
# Guess before the first run: a file of Azure Storage that is open for writing appears when its block
# ends well, and not at all if the block raises: blobs are committed as a whole, and each of these
# clients is told of the exception (__exit__).
# Seen: smart_open and obstore drop what was written, and send nothing for 10 bytes. cloudpathlib
# writes into a file of its local cache and uploads that at close, whatever ends the block: a cut
# file is there for all readers, and an older, whole one is replaced by it. To be safe, write a local
# file first and call upload_from, or write under another name and rename.
# Output seen:
#   smart_open: the block raises Stop, in the store: nothing
#   obstore: the block raises Stop, in the store: nothing
#   cloudpathlib: the block raises Stop, in the store: b'first half'
#
# Exits with status 1 if the output is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check cloudpathlib==0.26.0 smart-open==9.0.2 obstore==0.12.1 azure-storage-blob==12.31.1 azure-storage-file-datalake==12.26.1 2>/dev/null
cat > "$folder/program.py" <<'PY'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import obstore
import smart_open
from azure.storage.blob import BlobServiceClient
from cloudpathlib import AzureBlobClient
from obstore.store import AzureStore

blobs = {}
EMPTY_LIST = b'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="box"><Blobs/><NextMarker/></EnumerationResults>'


class Blobs(BaseHTTPRequestHandler):
    """As much of Azure Storage as these clients ask for."""

    protocol_version = "HTTP/1.1"

    def respond(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("x-ms-version", "2021-12-02")
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Sat, 28 Nov 2026 00:00:00 GMT")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_PUT(self):
        blobs[self.path.partition("?")[0]] = self.rfile.read(int(self.headers["Content-Length"]))
        self.respond(201, x_ms_request_server_encrypted="true")

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path in blobs:
            self.respond(200, blobs[path], x_ms_blob_type="BlockBlob", Content_Type="text/plain")
        elif "comp=list" in query:
            self.respond(200, EMPTY_LIST, Content_Type="application/xml")
        elif "restype=" in query:
            self.respond(200, x_ms_is_hns_enabled="false")
        else:
            self.respond(404, x_ms_error_code="BlobNotFound")

    do_HEAD = do_GET

    def log_message(self, *arguments):
        pass


class Stop(Exception):
    """What goes wrong halfway."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Blobs)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mylake"
service = BlobServiceClient(url)
store = AzureStore("box", account_name="mylake", endpoint=url, skip_signature=True, client_options={"allow_http": True})


def by_smart_open():
    return smart_open.open("azure://box/x", "wb", transport_params={"client": service})


def by_obstore():
    return obstore.open_writer(store, "x")


def by_cloudpathlib():
    client = AzureBlobClient(blob_service_client=service)
    return client.CloudPath("az://box/x").open("wb")


for name, opened in (("smart_open", by_smart_open), ("obstore", by_obstore), ("cloudpathlib", by_cloudpathlib)):
    blobs.clear()
    try:
        with opened() as file:
            file.write(b"first half")
            raise Stop
    except Exception as error:
        outcome = type(error).__name__
    there = next(iter(blobs.values()), None)
    print(f"{name}: the block raises {outcome}, in the store: {there or 'nothing'}")
PY
seen=$("$folder/env/bin/python" "$folder/program.py")
printf '%s\n' "$seen"
[ "$seen" = "smart_open: the block raises Stop, in the store: nothing
obstore: the block raises Stop, in the store: nothing
cloudpathlib: the block raises Stop, in the store: b'first half'" ]
