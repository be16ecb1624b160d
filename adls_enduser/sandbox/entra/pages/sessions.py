"""Who has signed in in which browser: single sign-on, by a cookie."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...directory import Person
    from ...http import Request, Response

# Entra ID's own name for it.
_COOKIE = "ESTSAUTH"


@dataclass(frozen=True)
class SignedIn:
    """Somebody who has signed in in a browser, and how they proved who they are."""

    person: Person
    amr: tuple[str, ...]


class Sessions:
    """The sessions of all browsers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, dict[str, SignedIn]] = {}

    def of(self, request: Request) -> list[SignedIn]:
        """Give who has signed in in the browser that sends this."""
        with self._lock:
            return list(self._sessions.get(request.cookies.get(_COOKIE, ""), {}).values())

    def remember(self, request: Request, response: Response, signed_in: SignedIn) -> None:
        """Let a browser know somebody from now on."""
        cookie = request.cookies.get(_COOKIE, "")
        with self._lock:
            if cookie not in self._sessions:
                cookie = secrets.token_urlsafe(48)
                self._sessions[cookie] = {}
            self._sessions[cookie][signed_in.person.object_id] = signed_in
        response.set_cookie(_COOKIE, cookie, secure=True, httponly=True, samesite="None")

    def forget(self) -> None:
        """Let every browser forget everybody."""
        with self._lock:
            self._sessions.clear()
