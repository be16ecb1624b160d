"""The ``claims`` parameter: what an access token must say (OpenID Connect Core, section 5.5).

Source: Microsoft, "Claims challenges, claims requests and client capabilities", and
"Developer guide to Conditional Access authentication context" on ``acrs``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .error_responses import Refused

# What Entra ID asks for itself where a policy wants more, by the id of the policy.
_POLICIES = ("capolids", "polids")


@dataclass(frozen=True)
class ClaimsRequest:
    """What is asked for: authentication contexts, and what the client can do.

    ``capabilities`` with ``cp1`` say that the client understands claims challenges;
    ``essential`` is whether a token without the rest is of no use.
    """

    contexts: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    essential: bool = False

    def unmet(self, amr: tuple[str, ...]) -> bool:
        """Tell whether a person who has shown this much must show more."""
        return self.essential and "mfa" not in amr

    def for_token(self, amr: tuple[str, ...]) -> dict[str, list[str]]:
        """Give the claims that go into an access token."""
        found = {}
        if self.contexts and "mfa" in amr:
            found["acrs"] = list(self.contexts)
        if self.capabilities:
            found["xms_cc"] = list(self.capabilities)
        return found


NO_CLAIMS = ClaimsRequest()


def read(text: str) -> ClaimsRequest:
    """Read the parameter; Refused (9002313) if it is no JSON object of objects.

    ``nbf`` is met by every token that is made from now on.
    """
    if not text:
        return NO_CLAIMS
    try:
        wanted = json.loads(text).get("access_token") or {}
        contexts = _values(wanted.get("acrs"))
        asked = [wanted.get(name) for name in ("acrs", *_POLICIES)]
        essential = any(bool(one and one.get("essential")) for one in asked)
        return ClaimsRequest(contexts, _values(wanted.get("xms_cc")), essential)
    except (ValueError, TypeError, AttributeError):
        raise Refused(9002313) from None


def _values(member: Any) -> tuple[str, ...]:
    """Give ``values``, or the one ``value`` (OpenID Connect Core, section 5.5.1)."""
    if not member:
        return ()
    values = member.get("values") or [member.get("value", "")]
    return tuple(str(one) for one in values)
