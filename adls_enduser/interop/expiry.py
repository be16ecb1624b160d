"""When a tool that keeps a token must ask for the next one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..tokens import Token

# Seconds until the next question while a renewal fails. polars waits in its own thread for a
# token that ends in less than 7 (its ``_get_credentials_from_provider_expiry_aware``).
_SOON = 8.0


def ask_again_at(token: Token) -> int:
    """Return the moment, in UTC epoch seconds, at which a tool must ask for a token again.

    The tools use a token until the moment that they were told. So it lies before the token's
    end by the mandatory margin: what begins before it can still be finished, and a tool that asks
    after it waits for the new token.
    """
    due = token.expires_on - token.mandatory_margin
    return int(min(token.expires_on, max(due, time.time() + _SOON)))
