"""Decode the claims of an access token without verifying them, to show or compare them.

They are never trusted. Microsoft, "Access tokens in the Microsoft identity platform": a
client must treat an access token as opaque, because its form may change and it may be
encrypted. So nothing here fails; a claim that cannot be read is None.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..tokens import Account, is_epoch_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

# The claims that name a person, in v1.0 and v2.0 tokens, the best one first. Source:
# Microsoft, "Access token claims reference".
_USERNAME = ("upn", "unique_name", "preferred_username")
_LONGEST = 100_000


@dataclass(frozen=True)
class Unverified:
    """The claims of a token. ``expires_on`` is in UTC epoch seconds; None if it is not known."""

    account: Account
    audiences: frozenset[str]
    expires_on: float | None


def decode_unverified(secret: str) -> Unverified:
    """Return the claims of a token that is a JWT (RFC 7519); of any other, that none is known."""
    claims = _claims(secret)
    names = [claims[name] for name in _USERNAME if name in claims]
    account = Account(_line(names[0] if names else None), *map(_line, _of(claims, "tid", "oid")))
    return Unverified(account, _audiences(claims.get("aud")), _moment(claims.get("exp")))


def _claims(secret: str) -> Mapping[str, object]:
    # JWS Compact Serialization (RFC 7515 section 7.1); five parts are an encrypted token.
    parts = secret.split(".")
    if len(parts) != 3 or len(secret) > _LONGEST:
        return {}
    try:
        # RFC 7515 section 2: base64url without padding; too much padding does no harm here.
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _of(claims: Mapping[str, object], *names: str) -> list[object]:
    return [claims.get(name) for name in names]


def _line(value: object) -> str | None:
    # No control character may reach a terminal.
    is_line = isinstance(value, str) and value.isprintable() and 0 < len(value) <= 1000
    return str(value) if is_line else None


def _audiences(aud: object) -> frozenset[str]:
    # RFC 7519 section 4.1.3: one, or an array of them.
    values = aud if isinstance(aud, list) else [aud]
    return frozenset(one for one in map(_line, values) if one is not None)


def _moment(exp: object) -> float | None:
    return float(exp) if is_epoch_seconds(exp) else None
