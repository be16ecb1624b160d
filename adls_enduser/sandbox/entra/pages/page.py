"""The page for the person: code, user and password, second factor, and what came of it.

It answers on loopback only.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...http import Request, Response
from ..error_responses import Refused
from . import forms
from .html import ended, page, security_headers

if TYPE_CHECKING:
    from ...directory import Person
    from ..accounts import Accounts
    from ..device_codes import DeviceCode, DeviceCodes

PATH = "/devicelogin"

_LOOPBACK = {"localhost", "127.0.0.1"}
_LINK = f'<p><a href="{PATH}">Enter another code</a></p>'
_WORDS = {
    90119: "Enter the code first.",
    70018: "That code is not right. Check it and enter it again.",
    70019: "That code has expired. Start again in the program that showed it to you.",
    90120: "That code has been used already. Start again in the program that showed it to you.",
}
_FORM = forms.Place(PATH, "decline", "Decline")
_OVER = {70019: "The code has expired", 90120: "The code is no longer valid"}


@dataclass
class _Flow:
    """A browser that has entered a right code; known by an id that nobody can guess."""

    flow_id: str
    code: DeviceCode
    person: Person | None = None


_Step = Callable[[_Flow, dict[str, str]], Response]


class Page:
    """Answers plain HTTP on the sandbox's own address."""

    def __init__(self, accounts: Accounts, device_codes: DeviceCodes) -> None:
        self._accounts = accounts
        self._device_codes = device_codes
        self._lock = threading.Lock()
        self._flows: dict[str, _Flow] = {}
        self._steps: dict[str, Callable[[dict[str, str]], Response]] = {
            PATH: self._enter_code,
            f"{PATH}/signin": partial(self._in_flow, self._sign_in),
            f"{PATH}/verify": partial(self._in_flow, self._verify),
            f"{PATH}/decline": partial(self._in_flow, self._decline),
        }

    def serves(self, host: str) -> bool:
        """Tell that no host of the proxy is the page's."""
        return False

    def answer(self, request: Request) -> Response:
        """Answer one request, from loopback names and from the page's own forms only."""
        host = request.headers.get("Host", "")
        if _name(f"//{host}") not in _LOOPBACK:
            return _ended("Wrong address", "This page answers on localhost only.", 421)
        origin = request.headers.get("Origin")
        if request.method == "POST" and origin not in (None, f"http://{host}"):
            return _ended("Not allowed", "This form was sent from another site.", 403)
        return self._route(request)

    def _route(self, request: Request) -> Response:
        step = self._steps.get(request.path)
        if request.path == "/" or (step and request.method == "GET" and request.path != PATH):
            return Response(status=303, headers={"Location": PATH, **security_headers()})
        if step is None:
            return _ended("Not found", "There is no such page.", 404)
        if request.method in ("GET", "HEAD"):
            return _code_form()
        if request.method != "POST":
            return _ended("Not allowed", "This page takes no such request.", 405)
        return step(request.form)

    def _enter_code(self, form: dict[str, str]) -> Response:
        try:
            code = self._device_codes.typed(form.get("code", ""))
        except Refused as refused:
            return _code_form(_WORDS[refused.number])
        flow = _Flow(secrets.token_urlsafe(32), code)
        with self._lock:
            self._flows[flow.flow_id] = flow
        return _sign_in_form(flow)

    def _in_flow(self, step: _Step, form: dict[str, str]) -> Response:
        """Do a step for a browser that has entered a right code, while the code waits."""
        try:
            return step(self._flow(form), form)
        except Refused as refused:
            return _ended(_OVER[refused.number], _WORDS[refused.number])

    def _sign_in(self, flow: _Flow, form: dict[str, str]) -> Response:
        username, password = form.get("username", "").strip(), form.get("password", "")
        flow.person = None
        try:
            # Guests too: whether they may come in is asked next.
            person = self._accounts.with_password(username, password, None, managed=False)
            more = person.mfa or flow.code.asked.claims.unmet(("pwd",))
            amr = ("pwd", "mfa") if more else ("pwd",)
            self._accounts.admit(person, flow.code.tenant, flow.code.application, amr)
        except Refused as refused:
            return _said_no(flow, refused, username)
        flow.person = person
        return self._verify_form(flow, person) if more else self._approve(flow, person, amr)

    def _verify(self, flow: _Flow, form: dict[str, str]) -> Response:
        if flow.person is None:
            return _sign_in_form(flow)
        digits = form.get("otc", "").replace(" ", "")
        if not self._accounts.check_one_time_code(flow.person, digits):
            return self._verify_form(flow, flow.person, forms.WRONG_CODE)
        return self._approve(flow, flow.person, ("pwd", "mfa"))

    def _verify_form(self, flow: _Flow, person: Person, error: str = "") -> Response:
        digits = self._accounts.one_time_code(person)
        return forms.verify(_FORM, flow.flow_id, person.username, digits, error=error)

    def _approve(self, flow: _Flow, person: Person, amr: tuple[str, ...]) -> Response:
        self._device_codes.approve(flow.code, person, amr)
        self._forget(flow)
        words = {
            "username": person.username,
            "application": flow.code.application.name,
            "resource": flow.code.resource,
        }
        return page("approved", "You have signed in", words)

    def _decline(self, flow: _Flow, form: dict[str, str]) -> Response:
        self._device_codes.decline(flow.code)
        self._forget(flow)
        message = f"{flow.code.application.name} has not been signed in. You may close this window."
        return _ended("You have declined", message)

    def _flow(self, form: dict[str, str]) -> _Flow:
        """Give the flow of a form; Refused (90120, 70019) if it is over."""
        with self._lock:
            flow = self._flows.get(form.get("flow", ""))
        if flow is None:
            raise Refused(90120)
        self._device_codes.check_waits(flow.code)
        return flow

    def _forget(self, flow: _Flow) -> None:
        with self._lock:
            self._flows.pop(flow.flow_id, None)


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _code_form(error: str = "") -> Response:
    return page("code", "Enter the code", {}, error=error)


def _said_no(flow: _Flow, refused: Refused, username: str) -> Response:
    code = flow.code
    known = {
        "username": username,
        "tenant": code.tenant.tenant_id if code.tenant else "common",
        "client_id": code.application.client_id,
        "app": code.application.name,
        "resource": code.resource,
    }
    return _sign_in_form(flow, forms.Wrong.of(refused, known), username)


def _sign_in_form(flow: _Flow, wrong: forms.Wrong | None = None, username: str = "") -> Response:
    application, code = escape(flow.code.application.name), escape(flow.code.user_code)
    intro = (
        f"You are about to sign in to <strong>{application}</strong> with the code {code}."
        " Go on only if it was you who just started it."
    )
    return forms.sign_in(_FORM, flow.flow_id, intro, username=username, wrong=wrong)


def _ended(heading: str, message: str, status: int = 200) -> Response:
    return ended(heading, message, link=_LINK, status=status)
