"""Replace a token that Azure Storage has rejected.

Azure Storage's clients respond to a 401 by asking for a token again, for the tenant that the
service's challenge names (``StorageBearerTokenCredentialPolicy.on_challenge`` of azure-storage-blob
and of the other packages), and send the request once more. Nothing else asks for a token for Azure
Storage with a tenant, so such a question means that a token was rejected. Key Vault's clients name
the tenant in every question, which says nothing.

Which token was rejected is not said: each client keeps its own until five minutes before its end.
So the one in memory is replaced, and at most once a minute: a wrong guess costs one silent token
request, and a service that rejects every token causes no more than one a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..clocks import Clock
    from ..tokens import Token
    from .token_source import TokenSource

_PAUSE = 60.0


class RejectedToken:
    """The token for Azure Storage that was rejected last. Another process starts with none."""

    def __init__(self) -> None:
        self._token: Token | None = None
        self._until = 0.0

    def replacement(self, source: TokenSource) -> Token:
        """Return another token than the source's own, unless one was replaced within a minute.

        Nobody is prompted while the token is unexpired. If it cannot be renewed, it is returned
        again, and the service's own error is shown.
        """
        held = source.held
        if held is None or not self._may_replace(held, source.clock):
            return source.token()
        try:
            return source.renew(held)
        finally:
            self._token = None

    def _may_replace(self, held: Token, clock: Clock) -> bool:
        # Without a lock: threads that come at once share one renewal in any case.
        if held is self._token:
            return True  # another thread is replacing it
        now = clock.monotonic()
        if now < self._until:
            return False
        self._token, self._until = held, now + _PAUSE
        return True
