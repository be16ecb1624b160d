"""A stand-in for the Azure CLI: answers ``az account get-access-token``, and nothing else.

It is run by its path, with Python's standard library alone and with whatever environment a program
leaves it: azure-identity for C++ clears it. The first argument is a file that only its owner can
read; it says where the identity endpoint is. Every other call goes to the real ``az``, with a PATH
without this stand-in, so that nothing calls itself in a circle.

Forms: azidentity for Go, ``-o json --resource R``; @azure/identity for Node and azure-identity for
Python, ``--output json --resource R``; for C++, and object_store, ``--output json --scope
R/.default``. The fields are those of azure-cli, command_modules/profile/custom.py,
get_access_token.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import sys
import time
from datetime import datetime
from urllib.parse import urlencode, urlsplit

_COMMAND = ["account", "get-access-token"]
_NOT_FOUND = 127
_MANAGEMENT = "https://management.core.windows.net/"


def main(arguments: list[str]) -> int:
    """Reply to one call, and return the exit status."""
    file, *words = arguments
    if words[:2] != _COMMAND:
        return call_real_az(os.path.dirname(os.path.abspath(file)), words)
    with open(file, encoding="utf-8") as settings:
        endpoint = json.load(settings)
    asked = parser().parse_args(words[2:])
    problem = wrong_tenant(asked.tenant, endpoint["tenants"])
    if problem:
        return refuse(problem)
    status, reply = ask(endpoint, asked.resource or asked.scope or _MANAGEMENT)
    if status != http.client.OK:
        return refuse(reply.get("message", f"the identity endpoint replied with {status}."))
    sys.stdout.write(formatted(fields(reply, endpoint["tenants"]), asked.query, asked.output))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser for the arguments of ``az account get-access-token``."""
    made = argparse.ArgumentParser(prog="az account get-access-token", allow_abbrev=False)
    made.add_argument("--resource")
    made.add_argument("--scope", "--scopes")
    made.add_argument("--tenant", "-t")
    made.add_argument("--subscription", "-s", "--name", "-n")
    made.add_argument("--output", "-o", choices=["json", "jsonc", "tsv", "none"], default="json")
    made.add_argument("--query", choices=["accessToken", "expiresOn", "expires_on", "tenant"])
    made.add_argument("--only-show-errors", action="store_true")
    return made


def wrong_tenant(asked: str | None, known: list[str]) -> str:
    """Return why a token of the tenant cannot be had; "" if it can."""
    if not asked or asked.lower() in [one.lower() for one in (*known, "organizations", "common")]:
        return ""
    return f"adls-enduser run has a sign-in in the tenant {known[0]}, and not in {asked}."


def ask(endpoint: dict[str, str], resource: str) -> tuple[int, dict[str, str]]:
    """Ask the identity endpoint for a token; return the status and the fields of its reply."""
    url = urlsplit(endpoint["url"])
    query = urlencode({"resource": resource, "api-version": "2019-08-01"})
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=120)
    headers = {"X-IDENTITY-HEADER": endpoint["secret"]}
    try:
        connection.request("GET", f"{url.path}?{query}", headers=headers)
        response = connection.getresponse()
        return response.status, json.load(response)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return 0, {"message": f"adls-enduser run does not reply ({type(error).__name__})."}
    finally:
        connection.close()


def fields(reply: dict[str, str], tenants: list[str]) -> dict[str, object]:
    """Return the fields of azure-cli's reply.

    azidentity signs with a token until its last moment, and this does not know who calls: so it
    ends a little before.
    """
    expires_on = int(reply["expires_on"])
    expires_on -= round(min(10.0, max(0.0, expires_on - time.time()) / 10))
    return {
        "accessToken": reply["access_token"],
        "expiresOn": datetime.fromtimestamp(expires_on).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "expires_on": expires_on,
        "subscription": None,
        "tenant": tenants[0] if tenants else None,
        "tokenType": "Bearer",
    }


def formatted(values: dict[str, object], query: str | None, output: str) -> str:
    """Return what az writes to standard output."""
    if output == "none":
        return ""
    found = values[query] if query else values
    if output == "tsv":
        return "\t".join(map(str, values.values() if query is None else [found])) + "\n"
    return json.dumps(found, indent=2) + "\n"


def refuse(message: str) -> int:
    """Write an error in az's form."""
    sys.stderr.write(f"ERROR: {message}\n")
    return 1


def call_real_az(own_folder: str, words: list[str]) -> int:
    """Become the real ``az``; say so if there is none."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = [one for one in folders if not is_same(one, own_folder)]
    path = os.pathsep.join(others)
    az = shutil.which("az", path=path)
    if az is None:
        sys.stderr.write(
            "az: under adls-enduser run --with-az only 'az account get-access-token' works, because"
            " there is no other Azure CLI on the PATH.\n"
        )
        return _NOT_FOUND
    environment = {**os.environ, "PATH": path}
    if os.name != "nt":
        os.execve(az, ["az", *words], environment)  # noqa: S606
    import subprocess

    return subprocess.call([az, *words], env=environment)  # noqa: S603


def is_same(folder: str, other: str) -> bool:
    """Return whether two names are of one folder."""
    try:
        return os.path.samefile(folder or os.curdir, other)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
