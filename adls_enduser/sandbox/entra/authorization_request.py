"""Authorization requests: what a program requests with a browser (RFC 6749 section 4.1.1).

Sources: Microsoft, "OAuth 2.0 authorization code flow" (v2.0) and "Authorize access to
Microsoft Entra web applications using the OAuth 2.0 code grant flow" (v1.0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .applications import required
from .error_responses import EntraError
from .redirect_uris import is_registered

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..directory import Tenant
    from .applications import Application, Applications
    from .authorities import Authorities
    from .token_request import Form, RequestedAccess

_RESPONSE_MODES = {"query", "fragment", "form_post"}
# "admin_consent" is version 1.0's, and means consent.
_PROMPTS = {"", "login", "select_account", "consent", "none", "admin_consent"}
_METHODS = {"S256", "plain"}
# RFC 7636 section 4.2; a challenge by S256 has some of these characters only.
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True)
class ResponseTarget:
    """Where an authorization response goes, be it a code or an error.

    ``tenant`` is None for the tenant that the person belongs to.
    """

    application: Application
    redirect_uri: str
    response_mode: str
    state: str | None
    tenant: Tenant | None
    cloud: str


@dataclass(frozen=True)
class AuthorizationRequest:
    """A valid authorization request."""

    target: ResponseTarget
    access: RequestedAccess
    code_challenge: str
    code_challenge_method: str
    prompt: str
    login_hint: str
    client_info: bool

    @property
    def application(self) -> Application:
        """Return the client."""
        return self.target.application

    @property
    def redirect_uri(self) -> str:
        """Return the address that the browser is sent to with the code."""
        return self.target.redirect_uri

    @property
    def tenant(self) -> Tenant | None:
        """Return the tenant to sign in to."""
        return self.target.tenant

    @property
    def cloud(self) -> str:
        """Return the cloud of the authority."""
        return self.target.cloud


class AuthorizationRequests:
    """Reads and checks authorization requests."""

    def __init__(self, authorities: Authorities, applications: Applications) -> None:
        self._authorities = authorities
        self._applications = applications

    def response_target(self, form: Form, tenant_name: str, cloud: str) -> ResponseTarget:
        """Read where the response goes.

        Raises EntraError (90002, 900144, 700016, 7000112, 900971, 50011) if that cannot be trusted.
        Then the error may be shown to the person only, and the browser is not redirected (RFC 6749
        section 4.1.2.1).
        """
        tenant = self._authorities.tenant(tenant_name, cloud)
        application = self._applications.find_enabled(form)
        redirect_uri = form.get("redirect_uri", "")
        if not redirect_uri:
            raise EntraError(900971)
        if not is_registered(redirect_uri, application.redirect_uris):
            raise EntraError(50011, redirect_uri=redirect_uri)
        mode = form.get("response_mode") or "query"
        if mode not in _RESPONSE_MODES:
            raise EntraError(90023, name="response_mode")
        return ResponseTarget(application, redirect_uri, mode, form.get("state"), tenant, cloud)

    def read(
        self, target: ResponseTarget, form: Form, read_access: Callable[[Form], RequestedAccess]
    ) -> AuthorizationRequest:
        """Read the other fields; raise EntraError for errors that the program may see.

        ``read_access`` reads the access that the code is for.
        """
        _check_response_type(form)
        access = read_access(form)
        self._applications.check_resource(target.application, access.resource, target.cloud)
        challenge, method = _code_challenge(form)
        prompt = form.get("prompt", "")
        if prompt not in _PROMPTS:
            raise EntraError(90023, name="prompt")
        return AuthorizationRequest(
            target,
            access,
            challenge,
            method,
            "consent" if prompt == "admin_consent" else prompt,
            form.get("login_hint", ""),
            form.get("client_info") == "1",
        )


def _check_response_type(form: Form) -> None:
    """Raise EntraError for all but a code: tokens are not enabled for a new application."""
    kinds = required(form, "response_type").split()
    if "token" in kinds:
        raise EntraError(700051)
    if kinds != ["code"]:
        raise EntraError(700054, name=" ".join(kinds))


def _code_challenge(form: Form) -> tuple[str, str]:
    """Read the code challenge (RFC 7636 section 4.3); without a method it is plain.

    A method requires a challenge, say Microsoft's pages of both versions; 50147 for a missing one
    is assumed, after its name in their list of errors, "MissingCodeChallenge".
    """
    challenge, method = form.get("code_challenge", ""), form.get("code_challenge_method", "plain")
    if method not in _METHODS:
        raise EntraError(50149)
    if "code_challenge_method" in form and not challenge:
        raise EntraError(50147)
    if challenge and not _CHALLENGE.fullmatch(challenge):
        raise EntraError(501491)
    return challenge, method
