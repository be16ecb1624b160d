"""Decode the claims of an access token without verifying them, to show or compare them.

They are never trusted, and nothing here fails: see ``entra.token_claims``.
"""

from __future__ import annotations

from ..entra.token_claims import account_in, decode_claims, line, names_in
from ..tokens import Account, is_epoch_seconds
from ..values import dataclass


@dataclass(frozen=True)
class Unverified:
    """The claims of a token. ``expires_on`` is in UTC epoch seconds; None if it is not known.

    ``names`` are all user names of the person.
    """

    account: Account
    audiences: frozenset[str]
    expires_on: float | None
    names: tuple[str, ...] = ()


def decode_unverified(secret: str) -> Unverified:
    """Return the claims of a token that is a JWT (RFC 7519); of any other, that none is known."""
    claims = decode_claims(secret)
    return Unverified(
        account_in(claims),
        _audiences(claims.get("aud")),
        _moment(claims.get("exp")),
        names_in(claims),
    )


def _audiences(aud: object) -> frozenset[str]:
    # RFC 7519 section 4.1.3: one, or an array of them.
    values = aud if isinstance(aud, list) else [aud]
    return frozenset(one for one in map(line, values) if one is not None)


def _moment(exp: object) -> float | None:
    return float(exp) if is_epoch_seconds(exp) else None
