"""The program that serves the tokens of ``delta_options``: a child of the process that asked.

deltalake holds the interpreter's lock in some methods while it waits for the network
(``DeltaTable.is_deltatable`` and ``history`` of 1.6), so a thread of the same process could not
reply, and both would wait. This program replies with the token that its parent sent last if the
parent does not respond.

It writes questions to standard output ("header", "token", and "token ahead", which must prompt
nobody) and reads the replies from standard input, one JSON value a line. It ends when its parent
does.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..tokens import Secret, Token
from .managed_identity import IdentityEndpoint, Refusal

if TYPE_CHECKING:
    from typing import TextIO

# How many seconds the parent has to send a token while the last one is valid, and while it is not.
_PATIENCE, _LONGEST_WAIT = 0.3, 60.0

# How often the parent is asked for a token that nobody wants yet, in seconds; more often if
# tokens live for a short time.
_INTERVAL, _SHARE = 60.0, 0.1


class ParentsTokens:
    """The tokens for one audience, as the parent process sends them."""

    def __init__(self, output: TextIO, audience: str) -> None:
        self._output = output
        self._audience = audience
        self._received = threading.Condition()
        self._messages = 0
        self._header = Secret("")
        self._token: Token | None = None
        self._refusal: Refusal | None = None

    def receive(self, message: dict[str, Any]) -> None:
        """Keep what the parent has sent."""
        with self._received:
            self._header = Secret(message["header"])
            token, refusal = message.get("token"), message.get("refusal")
            if token is not None:
                self._token = Token(**token)
            self._refusal = None if refusal is None else Refusal(**refusal)
            self._messages += 1
            self._received.notify_all()

    def header(self) -> str:
        """Return the value of the header that a request must have: what the parent would send."""
        with self._received:
            self._wait_for_reply("header", _PATIENCE)
            return self._header.reveal()

    def allowed(self, resource: str) -> str | None:
        """Return the audience if ``resource`` names it."""
        is_own = resource.rstrip("/").lower() == self._audience.rstrip("/").lower()
        return self._audience if is_own else None

    def token(self, audience: str) -> Token:  # noqa: ARG002 - there is but one
        """Return the parent's token; the last one if the parent does not respond."""
        with self._received:
            patience = _PATIENCE if self._is_valid() else _LONGEST_WAIT
            return self._last(responded=self._wait_for_reply("token", patience))

    def _wait_for_reply(self, question: str, seconds: float) -> bool:
        before = self._messages
        self._ask(question)
        end = time.monotonic() + seconds
        while self._messages == before and (left := end - time.monotonic()) > 0:
            self._received.wait(left)
        return self._messages > before

    def _last(self, *, responded: bool) -> Token:
        if responded and self._refusal is not None:
            raise Refusal(**vars(self._refusal))
        if self._token is None or not (responded or self._is_valid()):
            raise Refusal(503, "TransportError", "The program has not renewed its token yet.")
        return self._token

    def time(self) -> float:
        """Return the time of the system."""
        return time.time()

    def keep_renewed(self) -> None:
        """Ask the parent now and then, so that the last token has life left."""
        with suppress(OSError):  # the parent has ended
            while True:
                lifetime = self._token.lifetime if self._token else _INTERVAL
                time.sleep(min(_INTERVAL, lifetime * _SHARE))
                self._ask("token ahead")

    def _ask(self, question: str) -> None:
        self._output.write(f"{json.dumps(question)}\n")
        self._output.flush()

    def _is_valid(self) -> bool:
        return self._token is not None and self._token.expires_on > time.time()


def main() -> None:
    """Serve until the parent closes the standard input."""
    # Ctrl-C is sent to the parent's children as well; a notebook goes on after it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tokens = ParentsTokens(sys.stdout, json.loads(sys.stdin.readline()))
    tokens.receive(json.loads(sys.stdin.readline()))
    endpoint = IdentityEndpoint(tokens, tokens.header)
    sys.stdout.write(f"{json.dumps(endpoint.url)}\n")
    sys.stdout.flush()
    threading.Thread(target=tokens.keep_renewed, daemon=True).start()
    for line in sys.stdin:
        tokens.receive(json.loads(line))
    endpoint.close()
