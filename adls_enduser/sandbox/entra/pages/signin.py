"""Signing in in a browser: from an authorization request to a code for the program.

Which step comes next is decided anew after each one, from what the person has shown so
far; so single sign-on, ``prompt=none`` and a script skip steps, and none can be forged.
Sources: Microsoft, "OAuth 2.0 authorization code flow", and OpenID Connect Core 1.0
sections 3.1.2.1 (``prompt``) and 3.1.2.6 (errors).
"""

from __future__ import annotations

import secrets
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...http import Request, Response
from ..error_responses import Refused, correlation_id, described
from ..redirect_uris import location, origin
from ..token_request import at_authorize
from ..tokens import client_info
from . import forms
from .html import SUBMIT, ended, hidden, page, security_headers
from .sessions import SignedIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...clock import SandboxClock
    from ...directory import Person
    from ..accounts import Accounts
    from ..authorities import Authorities
    from ..authorization_codes import AuthorizationCodes
    from ..authorization_request import AuthorizationRequest, AuthorizationRequests, Reply
    from ..token_request import Form
    from .sessions import Sessions

_TROUBLE = "Sorry, but we are having trouble signing you in."
# What OpenID Connect calls it where the token endpoint says invalid_grant.
_ERRORS = {65001: "consent_required"}
_NOTHING_SHOWN: tuple[str, ...] = ()
_BOTH = ("pwd", "mfa")


@dataclass
class Flow:
    """A browser on its way from a request to a code; known by an id nobody can guess.

    ``amr`` is how the person has proved who they are; ``consented`` whether they have just
    accepted, ``other`` whether they want to use another account than those known.
    """

    flow_id: str
    tenant_name: str
    request: AuthorizationRequest
    person: Person | None = None
    amr: tuple[str, ...] = _NOTHING_SHOWN
    consented: bool = False
    other: bool = False

    @property
    def place(self) -> forms.Place:
        """Give where the forms are sent to; the last one leads back to the program."""
        back = origin(self.request.redirect_uri)
        return forms.Place(f"/{self.tenant_name}/login", "cancel", "Cancel", back)


class SignIn:
    """Answers the authorize endpoints, and the forms of the pages that they show."""

    def __init__(
        self,
        *,
        clock: SandboxClock,
        authorities: Authorities,
        accounts: Accounts,
        requests: AuthorizationRequests,
        codes: AuthorizationCodes,
        sessions: Sessions,
    ) -> None:
        self._clock = clock
        self._authorities = authorities
        self._accounts = accounts
        self._requests = requests
        self._codes = codes
        self._sessions = sessions
        self._lock = threading.Lock()
        self._flows: dict[str, Flow] = {}
        self._steps: dict[str, Callable[[Request, Flow], Response]] = {
            "signin": self._password,
            "account": self._account,
            "verify": self._second_factor,
            "consent": self._accept,
            "cancel": self._cancel,
        }

    # What a browser asks for.

    def authorize(self, request: Request, words: dict[str, str], cloud: str) -> Response:
        """Answer an authorization request: with a page, or with the way back."""
        form = _fields(request)
        try:
            reply = self._requests.reply(form, words["tenant"], cloud)
        except Refused as refused:
            return self._trouble(request, refused, form)
        try:
            asked = self._read(reply, form, words["version"])
            return self._begin(request, asked, words["tenant"])
        except Refused as refused:
            return self._refuse(request, reply, refused, form)

    def _read(self, reply: Reply, form: Form, version: str) -> AuthorizationRequest:
        return self._requests.read(reply, form, lambda: at_authorize(form, reply.cloud, version))

    def step(self, request: Request, words: dict[str, str], cloud: str) -> Response:
        """Answer a form of a page, from the same site only."""
        if request.headers.get("Origin") not in (None, f"https://{request.hostname}"):
            return ended("Not allowed", "This form was sent from another site.", status=403)
        step, flow = self._steps.get(words["step"]), self._flow(request.form)
        if request.method != "POST" or step is None:
            return ended("Not found", "There is no such page.", status=404)
        if flow is None:
            return self._trouble(request, Refused(50089), request.form)
        return step(request, flow)

    def native_client(self, request: Request, words: dict[str, str], cloud: str) -> Response:
        """Be the page that a program without a page of its own reads the address of."""
        heading = "You have signed in" if "code" in request.args else "You have not signed in"
        return ended(heading, "You may close this window.")

    def scripted(
        self,
        request: Request,
        words: dict[str, str],
        cloud: str,
        *,
        person: Person | None,
        accepts: bool,
    ) -> Response:
        """Answer as if a person had gone through all pages; Refused if they cannot.

        None for a browser in which nobody has signed in, and nobody will.
        """
        form = _fields(request)
        reply = self._requests.reply(form, words["tenant"], cloud)
        try:
            asked = self._read(reply, form, words["version"])
            flow = Flow("", words["tenant"], asked, person)
            if person is None or asked.prompt == "none":
                flow.amr = _all_shown(person)
                return self._silently(flow)
        except Refused as refused:
            return self._refuse(request, reply, refused, form)
        self._welcome(flow, person)
        return self._all_pages(request, flow, person, accepts=accepts)

    def _all_pages(
        self, request: Request, flow: Flow, person: Person, *, accepts: bool
    ) -> Response:
        flow.amr = _all_shown(person)
        if self._needs_second_factor(flow, person):
            flow.amr = _BOTH
        if not accepts:
            return self._cancel(request, flow)
        self._accounts.consent(person, flow.request.application)
        return self._finish(flow, person)

    # Which step is next.

    def _begin(self, request: Request, asked: AuthorizationRequest, tenant_name: str) -> Response:
        flow = Flow(secrets.token_urlsafe(32), tenant_name, asked)
        known = self._sessions.of(request)
        if asked.prompt not in ("login", "select_account"):
            self._recognise(flow, known)
        if asked.prompt == "none":
            return self._silently(flow)
        with self._lock:
            self._flows[flow.flow_id] = flow
        return self._go_on(request, flow)

    def _recognise(self, flow: Flow, known: list[SignedIn]) -> None:
        """Sign in who has signed in in this browser before, if it is clear who that is."""
        hint = flow.request.login_hint.lower()
        fitting = [one for one in known if hint in ("", one.person.username.lower())]
        if len(fitting) == 1:
            flow.person, flow.amr = fitting[0].person, fitting[0].amr

    def _go_on(self, request: Request, flow: Flow) -> Response:
        if flow.person is None:
            return self._who(request, flow)
        try:
            self._welcome(flow, flow.person)
        except Refused as refused:
            return self._sign_in_form(flow, refused, flow.person.username)
        if self._needs_second_factor(flow, flow.person):
            return self._verify_form(flow, flow.person)
        response = (
            self._consent_form(flow, flow.person)
            if self._needs_consent(flow, flow.person)
            else self._finish(flow, flow.person)
        )
        self._sessions.remember(request, response, SignedIn(flow.person, flow.amr))
        return response

    def _silently(self, flow: Flow) -> Response:
        """Ask nobody; Refused if somebody would have to be asked."""
        if flow.person is None:
            raise Refused(50058)
        self._welcome(flow, flow.person)
        if self._needs_second_factor(flow, flow.person):
            raise Refused(50076)
        if self._accounts.needs_consent(flow.person, flow.request.application):
            raise Refused(65001)
        return self._finish(flow, flow.person)

    def _welcome(self, flow: Flow, person: Person) -> None:
        tenant = self._accounts.welcome(person, flow.request.tenant)
        self._authorities.check_cloud(tenant, flow.request.cloud)

    def _needs_second_factor(self, flow: Flow, person: Person) -> bool:
        wanted = flow.request.asked.claims.unmet(flow.amr)
        return wanted or self._accounts.needs_second_factor(person, flow.amr)

    def _needs_consent(self, flow: Flow, person: Person) -> bool:
        if flow.consented:
            return False
        asked_for = flow.request.prompt == "consent"
        return asked_for or self._accounts.needs_consent(person, flow.request.application)

    # The steps: what came of a form.

    def _password(self, request: Request, flow: Flow) -> Response:
        username = request.form.get("username", "").strip()
        password = request.form.get("password", "")
        try:
            # Guests too: whether they may come in is asked next.
            person = self._accounts.with_password(username, password, None, managed=False)
            self._welcome(flow, person)
        except Refused as refused:
            return self._sign_in_form(flow, refused, username)
        flow.person, flow.amr = person, ("pwd",)
        return self._go_on(request, flow)

    def _account(self, request: Request, flow: Flow) -> Response:
        wanted = request.form.get("account", "")
        known = {one.person.object_id: one for one in self._sessions.of(request)}
        flow.other = wanted not in known
        if not flow.other:
            flow.person, flow.amr = known[wanted].person, known[wanted].amr
        return self._go_on(request, flow)

    def _second_factor(self, request: Request, flow: Flow) -> Response:
        if flow.person is None:
            return self._go_on(request, flow)
        digits = request.form.get("otc", "").replace(" ", "")
        if not self._accounts.check_one_time_code(flow.person, digits):
            return self._verify_form(flow, flow.person, forms.WRONG_CODE)
        flow.amr = _BOTH
        return self._go_on(request, flow)

    def _accept(self, request: Request, flow: Flow) -> Response:
        if flow.person is not None and not self._needs_second_factor(flow, flow.person):
            flow.consented = True
            self._accounts.consent(flow.person, flow.request.application)
        return self._go_on(request, flow)

    def _cancel(self, request: Request, flow: Flow) -> Response:
        self._forget(flow)
        person = flow.person
        if person is not None and self._needs_consent(flow, person):
            return self._refuse(request, flow.request.reply, Refused(65004), {})
        fields = {"error": "access_denied", "error_subcode": "cancel"}
        return send(flow.request.reply, fields)

    def _finish(self, flow: Flow, person: Person) -> Response:
        self._forget(flow)
        fields = {"code": self._codes.issue(flow.request, person, flow.amr)}
        if flow.request.client_info:
            fields["client_info"] = client_info(person)
        return send(flow.request.reply, fields, session_state=str(uuid.uuid4()))

    # The pages.

    def _who(self, request: Request, flow: Flow) -> Response:
        """Ask who it is: from those known in this browser, if there is a choice."""
        known, asked = self._sessions.of(request), flow.request
        choice = asked.prompt == "select_account" or not asked.login_hint
        if not known or flow.other or not choice or asked.prompt == "login":
            return self._sign_in_form(flow, None, asked.login_hint)
        return forms.accounts(
            flow.place,
            flow.flow_id,
            asked.application.name,
            {one.person.object_id: one.person.username for one in known},
        )

    def _sign_in_form(self, flow: Flow, refused: Refused | None, username: str) -> Response:
        intro = forms.intro("You are about to sign in to", flow.request.application.name)
        wrong = forms.Wrong.of(refused, _known(flow.request, username)) if refused else None
        return forms.sign_in(flow.place, flow.flow_id, intro, username=username, wrong=wrong)

    def _verify_form(self, flow: Flow, person: Person, error: str = "") -> Response:
        digits = self._accounts.one_time_code(person)
        return forms.verify(flow.place, flow.flow_id, person.username, digits, error=error)

    def _consent_form(self, flow: Flow, person: Person) -> Response:
        asked = flow.request
        return forms.consent(
            flow.place, flow.flow_id, asked.application.name, person.username, asked.asked.resource
        )

    def _trouble(self, request: Request, refused: Refused, form: Form) -> Response:
        """Tell the person alone: where the answer would go cannot be trusted."""
        said = self._said(request, refused, form)
        return ended("Sign in", f"{_TROUBLE} {said}", status=400)

    def _refuse(self, request: Request, reply: Reply, refused: Refused, form: Form) -> Response:
        """Send the browser back with an error (RFC 6749 section 4.1.2.1)."""
        number = refused.number
        fields = {
            "error": _ERRORS.get(number, refused.error),
            "error_description": self._said(request, refused, form, reply),
            "error_uri": f"https://{request.hostname}/error?code={number}",
        }
        return send(reply, fields)

    def _said(
        self, request: Request, refused: Refused, form: Form, reply: Reply | None = None
    ) -> str:
        known = {
            **form,
            "tenant": request.path.strip("/").partition("/")[0],
            "app": reply.application.name if reply else "",
        }
        ids = str(uuid.uuid4()), correlation_id(request)
        return described(refused, now=self._clock.service_time(), known=known, ids=ids)

    def _flow(self, form: Form) -> Flow | None:
        with self._lock:
            return self._flows.get(form.get("flow", ""))

    def _forget(self, flow: Flow) -> None:
        with self._lock:
            self._flows.pop(flow.flow_id, None)


def _fields(request: Request) -> Form:
    return request.form if request.method == "POST" else request.args.to_dict()


def _all_shown(person: Person | None) -> tuple[str, ...]:
    return _BOTH if person and person.mfa else ("pwd",)


def _known(asked: AuthorizationRequest, username: str) -> dict[str, str]:
    return {
        "username": username,
        "tenant": asked.tenant.tenant_id if asked.tenant else "common",
        "client_id": asked.application.client_id,
        "app": asked.application.name,
        "resource": asked.asked.resource,
    }


def send(reply: Reply, fields: dict[str, str], **more: str) -> Response:
    """Send the browser back to the program, in the way that the program asked for."""
    if reply.state is not None:
        fields["state"] = reply.state
    fields |= more
    if reply.response_mode == "form_post":
        return page(
            "form_post",
            "Working",
            {"action": reply.redirect_uri},
            markup={"fields": hidden(fields), "script": SUBMIT},
            leads_to=origin(reply.redirect_uri),
        )
    where = location(reply.redirect_uri, fields, reply.response_mode)
    headers = {**security_headers(origin(reply.redirect_uri)), "Location": where}
    return Response(b"", 302, headers)
