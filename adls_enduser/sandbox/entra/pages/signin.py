"""Signing in in a browser: from an authorization request to a code for the program.

The next step is computed after each step from what the person has shown so far. So single
sign-on, ``prompt=none`` and a script skip steps, and a forged form cannot.
Sources: Microsoft, "OAuth 2.0 authorization code flow", and OpenID Connect Core 1.0
sections 3.1.2.1 (``prompt``) and 3.1.2.6 (errors).
"""

from __future__ import annotations

import secrets
import threading
import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ...http import Request, Response
from ..error_responses import EntraError, correlation_id, error_description
from ..redirect_uris import location, origin
from ..token_request import at_authorize
from ..tokens import client_info
from . import forms
from .html import SUBMIT, final_page, hidden, page, security_headers
from .sessions import SignedInAccount

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...clock import SandboxClock
    from ...directory import Person
    from ..accounts import Accounts
    from ..authorities import Authorities
    from ..authorization_codes import AuthorizationCodes
    from ..authorization_request import AuthorizationRequest, AuthorizationRequests, ResponseTarget
    from ..token_request import Form
    from .sessions import Sessions

_ERROR_INTRO = "Sorry, but we are having trouble signing you in."
# OpenID Connect's error where the token endpoint's is invalid_grant.
_ERRORS = {65001: "consent_required"}
_NO_FACTORS: tuple[str, ...] = ()
_PASSWORD_AND_MFA = ("pwd", "mfa")


@dataclass
class Flow:
    """A sign-in in a browser, from the request to the code; its id cannot be guessed.

    ``amr`` is how the person has proved their identity; ``consented`` whether they have just
    accepted; ``use_another_account`` whether they want an account that is not signed in.
    """

    flow_id: str
    tenant_name: str
    request: AuthorizationRequest
    person: Person | None = None
    amr: tuple[str, ...] = _NO_FACTORS
    consented: bool = False
    use_another_account: bool = False

    @property
    def form_target(self) -> forms.FormTarget:
        """Return where the forms are sent to; the last form leads back to the program."""
        program = origin(self.request.redirect_uri)
        return forms.FormTarget(f"/{self.tenant_name}/login", "cancel", "Cancel", program)


class SignIn:
    """Handles the authorize endpoints, and the forms of the pages that they show."""

    def __init__(
        self,
        *,
        clock: SandboxClock,
        authorities: Authorities,
        accounts: Accounts,
        requests: AuthorizationRequests,
        authorization_codes: AuthorizationCodes,
        sessions: Sessions,
    ) -> None:
        self._clock = clock
        self._authorities = authorities
        self._accounts = accounts
        self._requests = requests
        self._authorization_codes = authorization_codes
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

    # The endpoints.

    def authorize(self, request: Request, path_values: dict[str, str], cloud: str) -> Response:
        """Respond to an authorization request: with a page, or with a redirect to the program."""
        form = _fields(request)
        try:
            target = self._requests.response_target(form, path_values["tenant"], cloud)
        except EntraError as error:
            return self._error_page(request, error, form)
        try:
            authorization = self._read(target, form, path_values["version"])
            return self._start(request, authorization, path_values["tenant"])
        except EntraError as error:
            return self._error_redirect(request, target, error, form)

    def _read(self, target: ResponseTarget, form: Form, version: str) -> AuthorizationRequest:
        read_access = partial(at_authorize, cloud=target.cloud, version=version)
        return self._requests.read(target, form, read_access)

    def step(self, request: Request, path_values: dict[str, str], cloud: str) -> Response:
        """Respond to a form of a page, from the same site only."""
        if request.headers.get("Origin") not in (None, f"https://{request.hostname}"):
            return final_page("Not allowed", "This form was sent from another site.", status=403)
        step, flow = self._steps.get(path_values["step"]), self._flow(request.form)
        if request.method != "POST" or step is None:
            return final_page("Not found", "There is no such page.", status=404)
        if flow is None:
            return self._error_page(request, EntraError(50089), request.form)
        return step(request, flow)

    def native_client(self, request: Request, path_values: dict[str, str], cloud: str) -> Response:
        """Return the page whose address is read by programs that have no page of their own."""
        heading = "You have signed in" if "code" in request.args else "You have not signed in"
        return final_page(heading, "You may close this window.")

    def scripted_response(
        self,
        request: Request,
        path_values: dict[str, str],
        cloud: str,
        *,
        person: Person | None,
        accepts: bool,
    ) -> Response:
        """Respond as if a person had gone through all pages; raise EntraError if they cannot.

        ``person`` is None for a browser without a signed-in account, where no person signs in.
        """
        form = _fields(request)
        target = self._requests.response_target(form, path_values["tenant"], cloud)
        try:
            authorization = self._read(target, form, path_values["version"])
            flow = Flow("", path_values["tenant"], authorization, person)
            if person is None or authorization.prompt == "none":
                flow.amr = _all_factors(person)
                return self._sign_in_silently(flow)
        except EntraError as error:
            return self._error_redirect(request, target, error, form)
        self._check_tenant(flow, person)
        return self._all_pages(request, flow, person, accepts=accepts)

    def _all_pages(
        self, request: Request, flow: Flow, person: Person, *, accepts: bool
    ) -> Response:
        flow.amr = _all_factors(person)
        if self._needs_second_factor(flow, person):
            flow.amr = _PASSWORD_AND_MFA
        if not accepts:
            return self._cancel(request, flow)
        self._accounts.consent(person, flow.request.application)
        return self._finish(flow, person)

    # The order of the steps.

    def _start(
        self, request: Request, authorization: AuthorizationRequest, tenant_name: str
    ) -> Response:
        flow = Flow(secrets.token_urlsafe(32), tenant_name, authorization)
        accounts = self._sessions.signed_in(request)
        if authorization.prompt not in ("login", "select_account"):
            self._use_session(flow, accounts)
        if authorization.prompt == "none":
            return self._sign_in_silently(flow)
        with self._lock:
            self._flows[flow.flow_id] = flow
        return self._next_step(request, flow)

    def _use_session(self, flow: Flow, accounts: list[SignedInAccount]) -> None:
        """Sign in the person who is signed in in this browser, if there is only one match."""
        hint = flow.request.login_hint.lower()
        matches = [account for account in accounts if hint in ("", account.person.username.lower())]
        if len(matches) == 1:
            flow.person, flow.amr = matches[0].person, matches[0].amr

    def _next_step(self, request: Request, flow: Flow) -> Response:
        if flow.person is None:
            return self._account_form(request, flow)
        try:
            self._check_tenant(flow, flow.person)
        except EntraError as error:
            return self._sign_in_form(flow, error, flow.person.username)
        if self._needs_second_factor(flow, flow.person):
            return self._verify_form(flow, flow.person)
        response = (
            self._consent_form(flow, flow.person)
            if self._needs_consent(flow, flow.person)
            else self._finish(flow, flow.person)
        )
        self._sessions.remember(request, response, SignedInAccount(flow.person, flow.amr))
        return response

    def _sign_in_silently(self, flow: Flow) -> Response:
        """Issue a code without showing a page; raise EntraError if a page would be needed."""
        if flow.person is None:
            raise EntraError(50058)
        try:
            self._check_silent(flow, flow.person)
        except EntraError as error:
            error.add_details(resource=flow.request.access.resource, username=flow.person.username)
            raise
        return self._finish(flow, flow.person)

    def _check_silent(self, flow: Flow, person: Person) -> None:
        self._check_tenant(flow, person)
        if self._needs_second_factor(flow, person):
            raise EntraError(50076)
        if self._accounts.needs_consent(person, flow.request.application):
            raise EntraError(65001)

    def _check_tenant(self, flow: Flow, person: Person) -> None:
        tenant = self._accounts.sign_in_tenant(person, flow.request.tenant)
        self._authorities.check_cloud(tenant, flow.request.cloud)

    def _needs_second_factor(self, flow: Flow, person: Person) -> bool:
        required_by_claims = flow.request.access.claims.needs_second_factor(flow.amr)
        return required_by_claims or self._accounts.needs_second_factor(person, flow.amr)

    def _needs_consent(self, flow: Flow, person: Person) -> bool:
        if flow.consented:
            return False
        requested = flow.request.prompt == "consent"
        return requested or self._accounts.needs_consent(person, flow.request.application)

    # The steps: each handles one form.

    def _password(self, request: Request, flow: Flow) -> Response:
        username = request.form.get("username", "").strip()
        password = request.form.get("password", "")
        try:
            # A guest is of another tenant; _check_tenant decides whether they may sign in.
            person = self._accounts.authenticate(username, password, None, managed=False)
            self._check_tenant(flow, person)
        except EntraError as error:
            return self._sign_in_form(flow, error, username)
        flow.person, flow.amr = person, ("pwd",)
        return self._next_step(request, flow)

    def _account(self, request: Request, flow: Flow) -> Response:
        signed_in = self._sessions.signed_in(request)
        accounts = {account.person.object_id: account for account in signed_in}
        account = accounts.get(request.form.get("account", ""))
        flow.use_another_account = account is None
        if account is not None:
            flow.person, flow.amr = account.person, account.amr
        return self._next_step(request, flow)

    def _second_factor(self, request: Request, flow: Flow) -> Response:
        if flow.person is None:
            return self._next_step(request, flow)
        digits = request.form.get("otc", "").replace(" ", "")
        if not self._accounts.check_one_time_code(flow.person, digits):
            return self._verify_form(flow, flow.person, forms.WRONG_CODE)
        flow.amr = _PASSWORD_AND_MFA
        return self._next_step(request, flow)

    def _accept(self, request: Request, flow: Flow) -> Response:
        if flow.person is not None and not self._needs_second_factor(flow, flow.person):
            flow.consented = True
            self._accounts.consent(flow.person, flow.request.application)
        return self._next_step(request, flow)

    def _cancel(self, request: Request, flow: Flow) -> Response:
        self._forget(flow)
        person = flow.person
        if person is not None and self._needs_consent(flow, person):
            return self._error_redirect(request, flow.request.target, EntraError(65004), {})
        fields = {"error": "access_denied", "error_subcode": "cancel"}
        return authorization_response(flow.request.target, fields)

    def _finish(self, flow: Flow, person: Person) -> Response:
        self._forget(flow)
        fields = {"code": self._authorization_codes.issue(flow.request, person, flow.amr)}
        if flow.request.client_info:
            fields["client_info"] = client_info(person)
        return authorization_response(flow.request.target, fields, session_state=str(uuid.uuid4()))

    # The pages.

    def _account_form(self, request: Request, flow: Flow) -> Response:
        """Show the form to pick an account, or to sign in if there is nothing to pick from."""
        accounts, authorization = self._sessions.signed_in(request), flow.request
        pick = authorization.prompt == "select_account" or not authorization.login_hint
        if not accounts or flow.use_another_account or not pick or authorization.prompt == "login":
            return self._sign_in_form(flow, None, authorization.login_hint)
        return forms.accounts(
            flow.form_target,
            flow.flow_id,
            authorization.application.name,
            {account.person.object_id: account.person.username for account in accounts},
        )

    def _sign_in_form(self, flow: Flow, error: EntraError | None, username: str) -> Response:
        intro = forms.intro("You are about to sign in to", flow.request.application.name)
        form_error = _form_error(flow.request, error, username) if error else None
        return forms.sign_in(
            flow.form_target, flow.flow_id, intro, username=username, form_error=form_error
        )

    def _verify_form(self, flow: Flow, person: Person, error: str = "") -> Response:
        digits = self._accounts.one_time_code(person)
        return forms.verify(flow.form_target, flow.flow_id, person.username, digits, error=error)

    def _consent_form(self, flow: Flow, person: Person) -> Response:
        authorization = flow.request
        return forms.consent(
            flow.form_target,
            flow.flow_id,
            authorization.application.name,
            person.username,
            authorization.access.resource,
        )

    def _error_page(self, request: Request, error: EntraError, form: Form) -> Response:
        """Show the error to the person only: the response's target cannot be trusted."""
        description = self._error_description(request, error, form)
        return final_page("Sign in", f"{_ERROR_INTRO} {description}", status=400)

    def _error_redirect(
        self, request: Request, target: ResponseTarget, error: EntraError, form: Form
    ) -> Response:
        """Send the browser back with an error (RFC 6749 section 4.1.2.1)."""
        number = error.number
        fields = {
            "error": _ERRORS.get(number, error.error),
            "error_description": self._error_description(request, error, form, target),
            "error_uri": f"https://{request.hostname}/error?code={number}",
        }
        return authorization_response(target, fields)

    def _error_description(
        self, request: Request, error: EntraError, form: Form, target: ResponseTarget | None = None
    ) -> str:
        values = {
            **form,
            "tenant": request.path.strip("/").partition("/")[0],
            "app": target.application.name if target else "",
        }
        ids = str(uuid.uuid4()), correlation_id(request)
        return error_description(error, now=self._clock.service_time(), values=values, ids=ids)

    def _flow(self, form: Form) -> Flow | None:
        with self._lock:
            return self._flows.get(form.get("flow", ""))

    def _forget(self, flow: Flow) -> None:
        with self._lock:
            self._flows.pop(flow.flow_id, None)


def _fields(request: Request) -> Form:
    return request.form if request.method == "POST" else request.args.to_dict()


def _all_factors(person: Person | None) -> tuple[str, ...]:
    return _PASSWORD_AND_MFA if person and person.mfa else ("pwd",)


def _form_error(
    authorization: AuthorizationRequest, error: EntraError, username: str
) -> forms.FormError:
    application, resource = authorization.application, authorization.access.resource
    return forms.FormError.from_error(
        error, username, application, resource=resource, tenant=authorization.tenant
    )


def authorization_response(
    target: ResponseTarget, fields: dict[str, str], **last_fields: str
) -> Response:
    """Send the browser back to the program, in the response mode that the program requested."""
    if target.state is not None:
        fields["state"] = target.state
    fields |= last_fields
    if target.response_mode == "form_post":
        return page(
            "form_post",
            "Working",
            {"action": target.redirect_uri},
            markup={"fields": hidden(fields), "script": SUBMIT},
            form_action=origin(target.redirect_uri),
        )
    address = location(target.redirect_uri, fields, target.response_mode)
    headers = {**security_headers(origin(target.redirect_uri)), "Location": address}
    return Response(b"", 302, headers)
