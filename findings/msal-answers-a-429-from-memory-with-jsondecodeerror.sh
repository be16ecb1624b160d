#!/usr/bin/env bash
# msal raises JSONDecodeError for Entra ID's 429, and goes on raising it without a request.
#
# Versions: msal 1.39.0 on CPython 3.11.7. The response is the one that Entra ID sends (reported in
# AzureAD/microsoft-authentication-library-for-dotnet, issue 2855): 429, "Too Many Requests" as
# plain text, Retry-After: 60.
# Guess before the first run: a 429 is treated as a 5xx is, with a MsalServiceError that names the
# status; or acquire_token_silent_with_error returns a dict with "error", as it is documented to.
# Seen: a 5xx is a MsalServiceError "HTTP Error: 503". A 429 is not: its text goes to json.loads, and
# the caller gets a JSONDecodeError ("Expecting value"), in which neither the status nor the pause
# stands. The response is kept for as long as Retry-After says, and each further call raises the
# same JSONDecodeError without a request. A program that catches MsalError catches none of them.
# Output seen:
#   503: MsalServiceError, HTTP Error: 503; 1 request
#   503 again: MsalServiceError, HTTP Error: 503; 0 requests
#   429: JSONDecodeError, Expecting value: line 1 column 1 (char 0); 1 request
#   429 again: JSONDecodeError, Expecting value: line 1 column 1 (char 0); 0 requests
#
# Exits with status 1 if the output is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check msal==1.39.0 2>/dev/null
cat > "$folder/program.py" <<'PY'
import base64
import json
import logging

import msal

logging.disable()  # msal logs the text of the response, at level ERROR

AUTHORITY = "https://login.microsoftonline.com/contoso.onmicrosoft.com"
ENDPOINTS = {
    "issuer": f"{AUTHORITY}/v2.0",
    "authorization_endpoint": f"{AUTHORITY}/oauth2/v2.0/authorize",
    "token_endpoint": f"{AUTHORITY}/oauth2/v2.0/token",
    "device_authorization_endpoint": f"{AUTHORITY}/oauth2/v2.0/devicecode",
}


class Response:
    def __init__(self, status, text, headers=()):
        self.status_code, self.text, self.headers = status, text, dict(headers)

    def raise_for_status(self):
        pass


class Transport:
    """The http_client that msal may be given: it replies without a network."""

    def __init__(self):
        self.requests = 0
        self.replies = [Response(200, json.dumps(signed_in()))]

    def get(self, url, **_):
        return Response(200, json.dumps(ENDPOINTS))

    def post(self, url, **_):
        self.requests += 1
        return self.replies[-1]

    def close(self):
        pass


def encoded(claims):
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def signed_in():
    person = {"uid": "1", "utid": "2"}
    claims = {"aud": "client", "preferred_username": "ada@contoso.example", "sub": "1", "tid": "2"}
    return {
        "token_type": "Bearer", "expires_in": 3600, "access_token": "a", "refresh_token": "r",
        "id_token": f"{encoded({'alg': 'none'})}.{encoded(claims)}.", "client_info": encoded(person),
    }


for status, text, headers in ((503, "", {}), (429, "Too Many Requests", {"Retry-After": "60"})):
    transport = Transport()
    application = msal.PublicClientApplication(
        "client", authority=AUTHORITY, http_client=transport, instance_discovery=False
    )
    application.acquire_token_by_refresh_token("r", ["https://first.example/.default"])
    (account,) = application.get_accounts()
    transport.replies.append(Response(status, text, headers))
    for name in (str(status), f"{status} again"):
        transport.requests = 0
        try:
            print(application.acquire_token_silent_with_error(["https://second.example/.default"], account))
        except Exception as error:
            count = f"{transport.requests} request{'' if transport.requests == 1 else 's'}"
            print(f"{name}: {type(error).__name__}, {error}; {count}")
PY
seen=$("$folder/env/bin/python" "$folder/program.py")
echo "$seen"
[ "$seen" = "503: MsalServiceError, HTTP Error: 503; 1 request
503 again: MsalServiceError, HTTP Error: 503; 0 requests
429: JSONDecodeError, Expecting value: line 1 column 1 (char 0); 1 request
429 again: JSONDecodeError, Expecting value: line 1 column 1 (char 0); 0 requests" ]
