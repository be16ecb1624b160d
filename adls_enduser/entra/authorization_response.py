"""What the browser brings back: a code, or what Entra ID has against it.

RFC 6749 sections 4.1.2 and 4.1.2.1. Who knows the state speaks for Entra ID, the first
time; everybody else is shown the door and changes nothing.
"""

from __future__ import annotations

import hmac
import re
import threading
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from ..errors import EndUserError, ProtocolError
from ..interaction.redirect_listener import Reply
from ..tokens import Secret
from .error_response import error_from_response

if TYPE_CHECKING:
    from .backend import AuthorizationFlow

_MANY = 30  # more parameters than Entra ID ever sent
_CODE = re.compile(r"[\x20-\x7e]{1,16000}")  # RFC 6749 appendix A.11

_AGAIN = "Sign in again; if this repeats, something changes what the browser brings."
_BACK = "Go back to the program that you started. You can close this window."
_RECEIVED = Reply(
    200,
    "Your sign-in was received",
    f"The program is completing it now, and says so if something is amiss. {_BACK}",
)
_LATE = Reply(409, "This sign-in is over", f"It has had its answer already. {_BACK}")
_STRANGER = Reply(
    400,
    "Not this sign-in",
    "This answer does not belong to the sign-in that the program is waiting for. Use the"
    " newest address that the program has shown.",
)


class ResponseReceiver:
    """Takes the first answer that carries the flow's state, whoever brings it.

    ``arrived`` is set when it is there.
    """

    def __init__(self, flow: AuthorizationFlow) -> None:
        self._flow = flow
        self._lock = threading.Lock()
        self._outcome: Secret | EndUserError | None = None
        self.arrived = threading.Event()

    def receive(self, query: str) -> Reply:
        """Take a redirect's query, and give the page for whoever brought it."""
        answer = _parsed(query)
        if answer is None or not self._is_ours(answer.get("state", "")):
            return _STRANGER
        with self._lock:
            if self._outcome is not None:
                return _LATE
            self._outcome = outcome = _outcome(answer, self._flow)
        self.arrived.set()
        if isinstance(outcome, Secret):
            return _RECEIVED
        return Reply(200, "You have not been signed in", f"{outcome} {_BACK}")

    def code(self) -> Secret:
        """Give the code, or raise what was brought in its place."""
        if isinstance(self._outcome, Secret):
            return self._outcome
        raise self._outcome or ProtocolError("No answer has arrived.", remedy=_AGAIN)

    def _is_ours(self, state: str) -> bool:
        # Constant time, lest the state be found out letter by letter.
        return hmac.compare_digest(state.encode(), self._flow.state.reveal().encode())


def _parsed(query: str) -> dict[str, str] | None:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MANY)
    except ValueError:
        return None
    answer = dict(pairs)
    # RFC 6749 section 3.1: no parameter more than once.
    return answer if len(answer) == len(pairs) else None


def _outcome(answer: dict[str, str], flow: AuthorizationFlow) -> Secret | EndUserError:
    if "error" in answer:
        return error_from_response(answer, flow.attempt, status=400)
    code = answer.get("code", "")
    if _CODE.fullmatch(code):
        return Secret(code)
    return ProtocolError("The browser brought neither a code nor an error.", remedy=_AGAIN)
