"""Claims: the JSON in which a service says what a token must have, sent with a token request.

Sources: OpenID Connect Core section 5.5 (the ``claims`` parameter); Microsoft, "Claims
challenges, claims requests and client capabilities" (where it comes from, and CP1).
"""

from __future__ import annotations

import json
from typing import Any

from ..errors import ConfigurationError

# The capability CP1 says that a client can reply to a claims challenge. Its tokens are then
# valid for up to a day, and a service may reject one before it expires (Microsoft, "How to use
# Continuous Access Evaluation enabled APIs in your applications").
_CP1 = {"xms_cc": {"values": ["cp1"]}}
CP1 = json.dumps({"access_token": _CP1})

_CHALLENGE = "Give the value of claims= in the service's challenge, decoded from base64."


def check_claims(claims: object) -> str:
    """Return the claims if they are the JSON of an object; ConfigurationError otherwise."""
    if isinstance(claims, str):
        _parse(claims)
        return claims
    raise ConfigurationError(
        f"claims must be a str of JSON, not {type(claims).__name__}.", remedy=_CHALLENGE
    )


def with_cp1(claims: str | None) -> str:
    """Add the capability CP1 to a challenge, as ``msal.PublicClientApplication`` does."""
    if claims is None:
        return CP1
    parsed = _parse(claims)
    parsed["access_token"] = {**(parsed.get("access_token") or {}), **_CP1}
    return json.dumps(parsed)


def declares_cp1(claims: str | None) -> bool:
    """Return whether the claims contain the capability CP1."""
    if claims is None or claims == CP1:
        return claims is not None
    return (_parse(claims).get("access_token") or {}).get("xms_cc") == _CP1["xms_cc"]


def is_challenge(claims: str | None) -> bool:
    """Return whether the claims contain a challenge, and not only the capability CP1."""
    return claims not in (None, CP1)


def without_cp1(claims: str | None) -> str | None:
    """Return the challenge without the capability CP1; None if there is no challenge."""
    if not is_challenge(claims) or not declares_cp1(claims):
        return claims if is_challenge(claims) else None
    parsed = _parse(claims or "")
    parsed["access_token"] = {
        name: value for name, value in parsed["access_token"].items() if name != "xms_cc"
    }
    return json.dumps(parsed)


def _parse(claims: str) -> dict[str, Any]:
    try:
        parsed = json.loads(claims)
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, dict) and isinstance(parsed.get("access_token") or {}, dict):
        return parsed
    raise ConfigurationError(
        "claims is not the JSON of a claims challenge.",
        remedy=_CHALLENGE,
    )
