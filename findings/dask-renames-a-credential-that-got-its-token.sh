#!/usr/bin/env bash
# Dask's name of a credential object changes when the object gets its first token.
#
# Versions: azure-identity 1.27.0 with msal 1.39.0, and dask 2026.8.0, on CPython 3.11.7.
# Guess before the first run: a credential object has one dask token for its whole life, since it
# names an identity and its options; and a copy by pickle brings the token that the object has.
# Seen: azure-identity's credentials can be pickled, and dask names what it does not know by its
# pickle. That changes at the first get_token, so a task that was named before it and the same task
# named after it are two: what was computed or persisted under the first name is computed again.
# Two objects that have not been used yet have one name, whoever will sign in with them. The pickle
# leaves the token out all the same: a worker's copy asks the endpoint again.
# Output seen:
#   two unused objects: same name
#   before and after the first token: other name
#   after one and after two tokens: same name
#   the task before and after: other key
#   requests of the object: 1, with its copy: 2
#
# Exits with status 1 if the output is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check azure-identity==1.27.0 msal==1.39.0 dask==2026.8.0 2>/dev/null
cat > "$folder/program.py" <<'PY'
import json
import os
import pickle
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from azure.identity import ManagedIdentityCredential
from dask import delayed
from dask.base import tokenize

SCOPE = "https://storage.azure.com/.default"
requests = []


class Endpoint(BaseHTTPRequestHandler):
    """The identity endpoint of App Service, api-version 2019-08-01."""

    def do_GET(self):
        requests.append(self.path)
        expires_on = str(int(time.time()) + 86400)
        told = {"access_token": f"token-{len(requests)}", "expires_on": expires_on}
        told |= {"resource": "https://storage.azure.com", "token_type": "Bearer"}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def read(credential):
    """A task that reads from the store."""


def same(one, other, what="name"):
    return f"{'same' if one == other else 'other'} {what}"


server = HTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["NO_PROXY"] = "127.0.0.1"
os.environ["IDENTITY_HEADER"] = "x"
os.environ["IDENTITY_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}/msi/token"

credential = ManagedIdentityCredential()
print("two unused objects:", same(tokenize(credential), tokenize(ManagedIdentityCredential())))
before, key = tokenize(credential), delayed(read, pure=True)(credential).key
credential.get_token(SCOPE)
after = tokenize(credential)
print("before and after the first token:", same(before, after))
credential.get_token(SCOPE)
print("after one and after two tokens:", same(after, tokenize(credential)))
print("the task before and after:", same(key, delayed(read, pure=True)(credential).key, "key"))
own = len(requests)
pickle.loads(pickle.dumps(credential)).get_token(SCOPE)
print(f"requests of the object: {own}, with its copy: {len(requests)}")
PY
seen=$("$folder/env/bin/python" "$folder/program.py")
printf '%s\n' "$seen"
[ "$seen" = "two unused objects: same name
before and after the first token: other name
after one and after two tokens: same name
the task before and after: other key
requests of the object: 1, with its copy: 2" ]
