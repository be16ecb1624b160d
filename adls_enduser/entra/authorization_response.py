"""Take the authorization response that the browser brings back: a code or an error.

RFC 6749 sections 4.1.2 and 4.1.2.1. Only a response with the flow's state counts as Entra
ID's, and only the first one. Any other gets an error page and changes nothing.
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
from .error_response import RequestContext, error_from_response

if TYPE_CHECKING:
    from ..options import Settings
    from .backend import AuthorizationFlow

_MAX_PARAMETERS = 30  # more than Entra ID ever sent
_CODE = re.compile(r"[\x20-\x7e]{1,16000}")  # RFC 6749 appendix A.11

_AGAIN = "Sign in again. If this repeats, something changes what the browser brings back."
_BACK = "Go back to the program that you started. You can close this window."
_RECEIVED = Reply(
    200,
    "Your sign-in was received",
    f"The program completes it now, and will say so if there is a problem. {_BACK}",
)
_TOO_LATE = Reply(409, "This sign-in is over", f"The program has its response already. {_BACK}")
_FOREIGN = Reply(
    400,
    "Not this sign-in",
    "This response does not belong to the sign-in that the program is waiting for. Use the"
    " newest address that the program has shown.",
)


class ResponseReceiver:
    """Receive the first response that carries the flow's state, from anybody who brings it.

    ``arrived`` is set when it is there.
    """

    def __init__(self, flow: AuthorizationFlow, settings: Settings) -> None:
        self._flow = flow
        self._settings = settings
        self._lock = threading.Lock()
        self._outcome: Secret | EndUserError | None = None
        self.arrived = threading.Event()

    def receive(self, query: str) -> Reply:
        """Take the query of a redirect, and return the page for the browser that sent it."""
        parameters = _parse_query(query)
        if parameters is None or not self._is_of_this_flow(parameters.get("state", "")):
            return _FOREIGN
        with self._lock:
            if self._outcome is not None:
                return _TOO_LATE
            self._outcome = outcome = self._code_or_error(parameters)
        self.arrived.set()
        if isinstance(outcome, Secret):
            return _RECEIVED
        return Reply(200, "You have not been signed in", f"{outcome} {_BACK}")

    def code(self) -> Secret:
        """Return the code, or raise the error that came instead."""
        if isinstance(self._outcome, Secret):
            return self._outcome
        raise self._outcome or ProtocolError("No response has arrived.", remedy=_AGAIN)

    def _is_of_this_flow(self, state: str) -> bool:
        # In constant time, so that nobody can find out the state letter by letter.
        return hmac.compare_digest(state.encode(), self._flow.state.reveal().encode())

    def _code_or_error(self, parameters: dict[str, str]) -> Secret | EndUserError:
        if "error" in parameters:
            context = RequestContext.from_settings(self._settings, "browser", self._flow.resource)
            return error_from_response(parameters, context, status=400)
        code = parameters.get("code", "")
        if _CODE.fullmatch(code):
            return Secret(code)
        return ProtocolError("The browser brought neither a code nor an error.", remedy=_AGAIN)


def _parse_query(query: str) -> dict[str, str] | None:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return None
    parameters = dict(pairs)
    # RFC 6749 section 3.1: no parameter more than once.
    return parameters if len(parameters) == len(pairs) else None
