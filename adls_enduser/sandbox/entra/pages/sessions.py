"""The accounts that have signed in in each browser: single sign-on, by a cookie."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...directory import Person
    from ...http import Request, Response

# The name of Entra ID's own cookie.
_COOKIE = "ESTSAUTH"


@dataclass(frozen=True)
class SignedInAccount:
    """A person who has signed in in a browser, and how they proved their identity."""

    person: Person
    amr: tuple[str, ...]


class Sessions:
    """The sessions of all browsers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, dict[str, SignedInAccount]] = {}

    def signed_in(self, request: Request) -> list[SignedInAccount]:
        """Return the accounts that have signed in in the browser of this request."""
        with self._lock:
            return list(self._sessions.get(request.cookies.get(_COOKIE, ""), {}).values())

    def remember(self, request: Request, response: Response, account: SignedInAccount) -> None:
        """Add an account to a browser's session."""
        cookie = request.cookies.get(_COOKIE, "")
        with self._lock:
            if cookie not in self._sessions:
                cookie = secrets.token_urlsafe(48)
                self._sessions[cookie] = {}
            self._sessions[cookie][account.person.object_id] = account
        response.set_cookie(_COOKIE, cookie, secure=True, httponly=True, samesite="None")

    def forget(self) -> None:
        """End the sessions of all browsers."""
        with self._lock:
            self._sessions.clear()
