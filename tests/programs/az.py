"""A fake of the Azure CLI: answers ``az account get-access-token`` as azure-cli 2.91.0 does.

Whether somebody has signed in to it, and what it is to do, stands in the JSON file that the
environment variable FAKE_AZ names. Its tokens come from Entra ID's v1.0 endpoint, by way of
whatever proxy the environment names, where azure-cli would use v2.0. Sources:
azure-cli-core, _profile.py (not signed in) and auth/util.py (aad_error_handler);
azure-cli, command_modules/profile/custom.py (get_access_token); its behaviour (no network).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def refuse(message: str, recommendation: str = "") -> NoReturn:
    """End as azure-cli ends, with an error on standard error."""
    sys.stderr.write(f"ERROR: {message}\n{recommendation}")
    sys.exit(1)


def arguments() -> argparse.Namespace:
    """Read what azure-identity's AzureCliCredential calls az with."""
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs=2)
    for name in ("--resource", "--output"):
        parser.add_argument(name, required=True)
    parser.add_argument("--tenant")
    return parser.parse_args()


def token(told: dict[str, Any], asked: argparse.Namespace) -> dict[str, Any]:
    """Ask Entra ID, in the name of whoever has signed in."""
    import requests  # it is most of what a call costs, and most calls send nothing

    tenant = asked.tenant or told["tenant"]
    form = {"grant_type": "password", "client_id": CLIENT_ID, "resource": asked.resource}
    form |= {"username": told["username"], "password": told["password"], "scope": "openid"}
    url = f"https://login.microsoftonline.com/{tenant}/oauth2/token"
    try:
        answer = requests.post(url, data=form, timeout=10)
    except requests.RequestException:
        refuse(
            "The command failed with an unexpected error. Here is the traceback:\n",
            traceback.format_exc(),
        )
    if answer.status_code >= 500:  # msal, throttled_http_client.py, raise_for_status
        refuse(
            "The command failed with an unexpected error. Here is the traceback:\n",
            f"HTTP Error: {answer.status_code}\nTraceback (most recent call last):\n"
            f"msal.exceptions.MsalServiceError: HTTP Error: {answer.status_code}\n",
        )
    body: dict[str, Any] = answer.json()
    if not answer.ok:
        refuse(
            body["error_description"],
            "Run the command below to authenticate interactively; additional arguments may be"
            f' added as needed:\naz logout\naz login --scope "{asked.resource}/.default"\n',
        )
    return body


def main() -> None:
    """Answer one call, and note how it was called."""
    path = Path(os.environ["FAKE_AZ"])
    told = json.loads(path.read_text())
    told["calls"].append(sys.argv[1:])
    path.write_text(json.dumps(told))
    asked = arguments()
    if "says" in told:
        sys.stdout.write(told["says"])
        return
    if "fails" in told:
        refuse(told["fails"])
    time.sleep(told.get("takes", 0))
    if "username" not in told:
        refuse("Please run 'az login' to setup account.")
    body = token(told, asked)
    expires_on = int(time.time()) + int(body["expires_in"])
    result = {
        "accessToken": body["access_token"],
        "expiresOn": datetime.fromtimestamp(expires_on).strftime("%Y-%m-%d %H:%M:%S.000000"),
        "expires_on": expires_on,
        "tenant": asked.tenant or told["tenant"],
        "tokenType": "Bearer",
    }
    sys.stdout.write(json.dumps(result, indent=2))


main()
