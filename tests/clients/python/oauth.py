"""Sign in with Authlib or requests-oauthlib alone, and print the tokens as JSON.

``python oauth.py CLIENT WAY AUTHORITY SCOPE CLIENT_ID [USERNAME PASSWORD]``; with the way
``browser`` the address is written to standard error, and where it leads read from standard input.
"""

import json
import os
import sys
from urllib.parse import urlsplit

# oauthlib compares the granted scopes with the requested ones; Entra ID leaves some out.
os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"
# A redirect to loopback is plain http (RFC 8252 section 7.3).
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

REDIRECT = "http://localhost"


def with_authlib(way, authority, scope, client_id, *person):
    """Return an access token, and one renewed with the refresh token."""
    from authlib.integrations.requests_client import OAuth2Session

    endpoint = f"{authority}/oauth2/v2.0"
    session = OAuth2Session(
        client_id,
        "",  # with None Authlib would send the word "None" as a secret in HTTP Basic
        scope=scope,
        redirect_uri=REDIRECT,
        code_challenge_method="S256",
        token_endpoint_auth_method=os.environ.get("METHOD", "none"),
    )
    if way == "password":
        username, password = person
        token = session.fetch_token(f"{endpoint}/token", username=username, password=password)
    else:
        verifier = "a-code-verifier-of-a-sufficient-length-0123456789"
        url, _ = session.create_authorization_url(f"{endpoint}/authorize", code_verifier=verifier)
        token = session.fetch_token(
            f"{endpoint}/token", authorization_response=browse(url), code_verifier=verifier
        )
    again = session.refresh_token(f"{endpoint}/token", refresh_token=token["refresh_token"])
    return [token["access_token"], again["access_token"]]


def with_requests_oauthlib(way, authority, scope, client_id, *person):
    """Return an access token, and one renewed with the refresh token."""
    from oauthlib.oauth2 import LegacyApplicationClient
    from requests_oauthlib import OAuth2Session

    endpoint, scopes = f"{authority}/oauth2/v2.0", scope.split()
    if way == "password":
        username, password = person
        session = OAuth2Session(client=LegacyApplicationClient(client_id, scope=scopes))
        token = session.fetch_token(
            f"{endpoint}/token", username=username, password=password, client_id=client_id
        )
    else:
        session = OAuth2Session(client_id, scope=scopes, redirect_uri=REDIRECT, pkce="S256")
        url, _ = session.authorization_url(f"{endpoint}/authorize")
        token = session.fetch_token(f"{endpoint}/token", authorization_response=browse(url))
    again = session.refresh_token(f"{endpoint}/token", client_id=client_id)
    return [token["access_token"], again["access_token"]]


def browse(url):
    """Show an address, and return the one that the browser ended at."""
    print(url, file=sys.stderr, flush=True)
    address = sys.stdin.readline().strip()
    assert urlsplit(address).hostname == "localhost", address
    return address


client, *words = sys.argv[1:]
ways = {"authlib": with_authlib, "requests-oauthlib": with_requests_oauthlib}
try:
    print(json.dumps(ways[client](*words)))
except Exception as error:  # whatever its class: the test reads its text
    sys.exit(str(error))
