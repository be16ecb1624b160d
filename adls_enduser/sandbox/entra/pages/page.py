"""The device login page: code, user name and password, second factor, and the outcome.

It is served on loopback only.
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
from ..error_responses import EntraError
from . import forms
from .html import final_page, page, security_headers

if TYPE_CHECKING:
    from ...directory import Person
    from ..accounts import Accounts
    from ..device_codes import DeviceCode, DeviceCodes

PATH = "/devicelogin"

_LOOPBACK = {"localhost", "127.0.0.1"}
_LINK = f'<p><a href="{PATH}">Enter another code</a></p>'
_MESSAGES = {
    90119: "Enter the code first.",
    70018: "That code is not right. Check it and enter it again.",
    70019: "That code has expired. Start again in the program that showed it to you.",
    90120: "That code has been used already. Start again in the program that showed it to you.",
}
_FORM = forms.FormTarget(PATH, "decline", "Decline")
_HEADINGS = {70019: "The code has expired", 90120: "The code is no longer valid"}


@dataclass
class _Flow:
    """A browser that has entered a valid code; its id cannot be guessed."""

    flow_id: str
    code: DeviceCode
    person: Person | None = None


_Step = Callable[[_Flow, dict[str, str]], Response]


class Page:
    """Serves plain HTTP on the sandbox's own address."""

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
        """Return False: the page has no host name behind the proxy."""
        return False

    def respond(self, request: Request) -> Response:
        """Respond to one request, from loopback names and from the page's own forms only."""
        host = request.headers.get("Host", "")
        if _host_name(f"//{host}") not in _LOOPBACK:
            return _final_page("Wrong address", "This page answers on localhost only.", 421)
        origin = request.headers.get("Origin")
        if request.method == "POST" and origin not in (None, f"http://{host}"):
            return _final_page("Not allowed", "This form was sent from another site.", 403)
        return self._route(request)

    def _route(self, request: Request) -> Response:
        step = self._steps.get(request.path)
        if request.path == "/" or (step and request.method == "GET" and request.path != PATH):
            return Response(status=303, headers={"Location": PATH, **security_headers()})
        if step is None:
            return _final_page("Not found", "There is no such page.", 404)
        if request.method in ("GET", "HEAD"):
            return _code_form()
        if request.method != "POST":
            return _final_page("Not allowed", "This page takes no such request.", 405)
        return step(request.form)

    def _enter_code(self, form: dict[str, str]) -> Response:
        try:
            code = self._device_codes.by_user_code(form.get("code", ""))
        except EntraError as error:
            return _code_form(_MESSAGES[error.number])
        flow = _Flow(secrets.token_urlsafe(32), code)
        with self._lock:
            self._flows[flow.flow_id] = flow
        return _sign_in_form(flow)

    def _in_flow(self, step: _Step, form: dict[str, str]) -> Response:
        """Run a step for a browser that has entered a valid code, while the code is pending."""
        try:
            return step(self._flow(form), form)
        except EntraError as error:
            return _final_page(_HEADINGS[error.number], _MESSAGES[error.number])

    def _sign_in(self, flow: _Flow, form: dict[str, str]) -> Response:
        username, password = form.get("username", "").strip(), form.get("password", "")
        flow.person = None
        try:
            # A guest is of another tenant; check_sign_in decides whether they may sign in.
            person = self._accounts.authenticate(username, password, None, managed=False)
            mfa = person.mfa or flow.code.access.claims.needs_second_factor(("pwd",))
            amr = ("pwd", "mfa") if mfa else ("pwd",)
            self._accounts.check_sign_in(person, flow.code.tenant, flow.code.application, amr)
        except EntraError as error:
            return _error_form(flow, error, username)
        flow.person = person
        return self._verify_form(flow, person) if mfa else self._approve(flow, person, amr)

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
        values = {
            "username": person.username,
            "application": flow.code.application.name,
            "resource": flow.code.resource,
        }
        return page("approved", "You have signed in", values)

    def _decline(self, flow: _Flow, form: dict[str, str]) -> Response:
        self._device_codes.decline(flow.code)
        self._forget(flow)
        message = f"{flow.code.application.name} has not been signed in. You may close this window."
        return _final_page("You have declined", message)

    def _flow(self, form: dict[str, str]) -> _Flow:
        """Return the flow of a form; raise EntraError (90120, 70019) if it has ended."""
        with self._lock:
            flow = self._flows.get(form.get("flow", ""))
        if flow is None:
            raise EntraError(90120)
        self._device_codes.check_pending(flow.code)
        return flow

    def _forget(self, flow: _Flow) -> None:
        with self._lock:
            self._flows.pop(flow.flow_id, None)


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _code_form(error: str = "") -> Response:
    return page("code", "Enter the code", {}, error=error)


def _error_form(flow: _Flow, error: EntraError, username: str) -> Response:
    code = flow.code
    form_error = forms.FormError.from_error(
        error, username, code.application, resource=code.resource, tenant=code.tenant
    )
    return _sign_in_form(flow, form_error, username)


def _sign_in_form(
    flow: _Flow, form_error: forms.FormError | None = None, username: str = ""
) -> Response:
    application, code = escape(flow.code.application.name), escape(flow.code.user_code)
    intro = (
        f"You are about to sign in to <strong>{application}</strong> with the code {code}."
        " Go on only if it was you who just started it."
    )
    return forms.sign_in(_FORM, flow.flow_id, intro, username=username, form_error=form_error)


def _final_page(heading: str, message: str, status: int = 200) -> Response:
    return final_page(heading, message, link=_LINK, status=status)
