"""The ``claims`` parameter: claims that an access token must have (OpenID Connect Core, 5.5).

Source: Microsoft, "Claims challenges, claims requests and client capabilities", and
"Developer guide to Conditional Access authentication context" on ``acrs``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .error_responses import EntraError

# The claims that Entra ID itself names where a policy requires more, with the policy's id.
_POLICIES = ("capolids", "polids")


@dataclass(frozen=True)
class ClaimsRequest:
    """The requested claims: authentication contexts, and the client's capabilities.

    ``cp1`` in ``capabilities`` says that the client understands claims challenges;
    ``essential`` is whether a token without the contexts is useless to the client.
    """

    contexts: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    essential: bool = False

    def needs_second_factor(self, amr: tuple[str, ...]) -> bool:
        """Tell whether a person must still show a second factor."""
        return self.essential and "mfa" not in amr

    def token_claims(self, amr: tuple[str, ...]) -> dict[str, list[str]]:
        """Return the claims that go into an access token."""
        found = {}
        if self.contexts and "mfa" in amr:
            found["acrs"] = list(self.contexts)
        if self.capabilities:
            found["xms_cc"] = list(self.capabilities)
        return found


NO_CLAIMS = ClaimsRequest()


def read(text: str) -> ClaimsRequest:
    """Read the parameter; raise EntraError (9002313) if it is not a JSON object of objects.

    ``nbf`` is fulfilled by every token that is issued from now on.
    """
    if not text:
        return NO_CLAIMS
    try:
        wanted = json.loads(text).get("access_token") or {}
        contexts = _values(wanted.get("acrs"))
        members = [wanted.get(name) for name in ("acrs", *_POLICIES)]
        essential = any(bool(member and member.get("essential")) for member in members)
        return ClaimsRequest(contexts, _values(wanted.get("xms_cc")), essential)
    except (ValueError, TypeError, AttributeError):
        raise EntraError(9002313) from None


def _values(member: Any) -> tuple[str, ...]:
    """Return ``values``, or the only ``value`` (OpenID Connect Core, section 5.5.1)."""
    if not member:
        return ()
    values = member.get("values") or [member.get("value", "")]
    return tuple(str(value) for value in values)
