"""Sign in with azure-identity alone: device code, password, browser; prints whose it is."""

import sys

from azure.identity import (
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    UsernamePasswordCredential,
)

AUTHORITY, RESOURCE, CLIENT = sys.argv[2:5]
SCOPE = f"{RESOURCE}/.default"

options = {"client_id": CLIENT, "tenant_id": AUTHORITY.rpartition("/")[2]}
if sys.argv[1] == "device_code":
    credential = DeviceCodeCredential(
        **options, prompt_callback=lambda url, code, end: print(code, file=sys.stderr, flush=True)
    )
elif sys.argv[1] == "browser":
    credential = InteractiveBrowserCredential(**options, timeout=30)
else:
    username, password = sys.argv[5:7]
    credential = UsernamePasswordCredential(username=username, password=password, **options)
record = credential.authenticate(scopes=[SCOPE])
print(record.username, credential.get_token(SCOPE).token)
