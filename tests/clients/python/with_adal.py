"""Sign in with adal alone: device code, password; prints whose it is."""

import sys

import adal

AUTHORITY, RESOURCE, CLIENT = sys.argv[2:5]

context = adal.AuthenticationContext(AUTHORITY)
if sys.argv[1] == "device_code":
    flow = context.acquire_user_code(RESOURCE, CLIENT)
    print(flow["user_code"], file=sys.stderr, flush=True)
    token = context.acquire_token_with_device_code(RESOURCE, flow, CLIENT)
else:
    token = context.acquire_token_with_username_password(RESOURCE, *sys.argv[5:7], CLIENT)
again = context.acquire_token(RESOURCE, token["userId"], CLIENT)
print(token["userId"], again["accessToken"])
