#!/usr/bin/env bash
# aiohttp hears SSL_CERT_FILE only if it is set before aiohttp is imported.
#
# Versions: aiohttp 3.14.5 and httpx 0.28.1, on CPython 3.11.7 with OpenSSL 3.
# Guess before the first run: the variable may be set at any time before the first request, because
# OpenSSL's default paths are read when a TLS context is made, and each connector makes its own.
# Seen: httpx makes a context for each client and hears the variable also after its import. aiohttp
# makes one context for all connectors while it is imported (connector.py, _SSL_CONTEXT_VERIFIED),
# so a variable that the program sets later is not heard, not even by a new session. Whoever uses
# an asynchronous Azure client (azure-core's AioHttpTransport) behind a proxy that inspects TLS must
# set it first, or pass connection_verify=.
# Output seen:
#   httpx, variable set before the import: 200
#   httpx, variable set after the import: 200
#   aiohttp, variable set before the import: 200
#   aiohttp, variable set after the import: ClientConnectorCertificateError
#
# Exits with status 1 if the output is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check aiohttp==3.14.5 httpx==0.28.1 trustme==1.2.1 2>/dev/null
cat > "$folder/program.py" <<'PY'
import asyncio
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import trustme

order, client = sys.argv[1:]


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Quiet(HTTPServer):
    def handle_error(self, *arguments):
        pass


authority = trustme.CA()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert("localhost").configure_cert(context)
server = Quiet(("127.0.0.1", 0), Hello)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"https://localhost:{server.server_port}/"
authority.cert_pem.write_to_path("ca.pem")

if order == "before":
    os.environ["SSL_CERT_FILE"] = "ca.pem"
if client == "aiohttp":
    import aiohttp
else:
    import httpx
if order == "after":
    os.environ["SSL_CERT_FILE"] = "ca.pem"


async def by_aiohttp():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector()) as session:
        async with session.get(url) as response:
            return response.status


def get():
    return asyncio.run(by_aiohttp()) if client == "aiohttp" else httpx.get(url).status_code


try:
    outcome = get()
except Exception as error:
    outcome = type(error).__name__
print(f"{client}, variable set {order} the import: {outcome}")
PY
cd "$folder"
seen=$(for client in httpx aiohttp; do for order in before after; do "$folder/env/bin/python" program.py $order $client; done; done)
echo "$seen"
[ "$seen" = "httpx, variable set before the import: 200
httpx, variable set after the import: 200
aiohttp, variable set before the import: 200
aiohttp, variable set after the import: ClientConnectorCertificateError" ]
