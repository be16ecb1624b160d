"""Read the claims of an id token or an access token, which name the account, without a check.

A claim is shown or compared, and never trusted: id tokens come over TLS from the authority
(OpenID Connect Core section 3.1.3.7), and an access token is opaque to a client (Microsoft,
"Access tokens in the Microsoft identity platform"). AD FS sends whatever an administrator's rule
makes of a claim. So nothing here fails, and a claim that cannot be read is not there: a token is
not worth less because of a name.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from typing import TYPE_CHECKING

from ..tokens import Account

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The claims that name a person, in v1.0 and v2.0 tokens and those of AD FS, the best one first.
# Sources: Microsoft, "Access token claims reference" and "ID token claims reference"; ``email``
# is the name of a guest in a v1.0 id token (adal.oauth2_client, ``_get_user_id``).
_NAMES = ("upn", "unique_name", "preferred_username", "email")
_LONGEST, _LONGEST_NAME = 100_000, 1000

# A guest's user name in the tenant that they visit: ``ada_fabrikam.com#EXT#@contoso.com``
# (Microsoft, "Properties of a Microsoft Entra B2B collaboration user").
_GUEST = "#ext#@"
# A personal account in a v1.0 token's unique_name: ``live.com#ada@outlook.com``.
_PERSONAL = "live.com#"


def decode_claims(token: object) -> Mapping[str, object]:
    """Return the claims of a token that is a JWT (RFC 7519); of anything else, none."""
    # JWS Compact Serialization (RFC 7515 section 7.1); five parts are an encrypted token.
    parts = token.split(".") if isinstance(token, str) and len(token) <= _LONGEST else []
    if len(parts) != 3:
        return {}
    try:
        # RFC 7515 section 2: base64url without padding; too much padding does no harm here.
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "==").decode())
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def account_in(claims: Mapping[str, object]) -> Account:
    """Return the account that the claims name; a field that cannot be read is None."""
    names = names_in(claims)
    return Account(next(iter(names), None), *(line(claims.get(name)) for name in ("tid", "oid")))


def names_in(claims: Mapping[str, object]) -> tuple[str, ...]:
    """Return every user name of the person in the claims, the best one first.

    A guest has two: the one at home, which is shown, and the one in the tenant.
    """
    values = [claims.get(name) for name in _NAMES]
    # A rule of AD FS makes an array of a claim with several values.
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    names = dict.fromkeys(name.removeprefix(_PERSONAL) for name in map(line, flat) if name)
    return tuple(sorted(names, key=is_guest_name))


def line(value: object) -> str | None:
    """Return a claim as a line of text that can be shown; None if it is not one.

    Marks that cannot be seen, such as that of a direction, are left out, and any space, such as
    one without a break, is a space: they come with a name that was pasted into a directory.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        return None
    kinds = ((letter, unicodedata.category(letter)) for letter in value)
    text = "".join(" " if kind == "Zs" else letter for letter, kind in kinds if kind != "Cf")
    text = text.strip()
    return text if text and text.isprintable() else None


def is_named(username: str, names: Iterable[str]) -> bool:
    """Return whether a user name is one of these, in any case; a guest's two names are one."""
    wanted = _spellings(username)
    return any(wanted & _spellings(name) for name in names)


def is_guest_name(username: str) -> bool:
    """Return whether this is a guest's user name in the tenant that they visit."""
    return _GUEST in username.casefold()


def _spellings(username: str) -> set[str]:
    plain = username.strip().casefold()
    home, guest, _ = plain.partition(_GUEST)
    if not guest:
        return {plain}
    # No domain has an underscore, so the last one stands for the at sign.
    local, _, domain = home.rpartition("_")
    return {plain, f"{local}@{domain}"}
