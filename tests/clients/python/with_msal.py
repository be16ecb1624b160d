"""Sign in with msal alone: device code, password, browser; prints whose it is."""

import sys

import msal

AUTHORITY, RESOURCE, CLIENT = sys.argv[2:5]
SCOPES = [f"{RESOURCE}/.default"]

app = msal.PublicClientApplication(CLIENT, authority=AUTHORITY)
if sys.argv[1] == "device_code":
    flow = app.initiate_device_flow(SCOPES)
    print(flow["user_code"], file=sys.stderr, flush=True)
    answer = app.acquire_token_by_device_flow(flow)
elif sys.argv[1] == "browser":
    answer = app.acquire_token_interactive(SCOPES, timeout=30)
else:
    answer = app.acquire_token_by_username_password(*sys.argv[5:7], SCOPES)
if "error" in answer:
    sys.exit(answer["error_description"])
[account] = app.get_accounts()
again = app.acquire_token_silent(SCOPES, account, force_refresh=True)
print(account["username"], again["access_token"])
