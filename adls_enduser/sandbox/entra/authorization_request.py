"""Authorization requests: what a program sends a browser to ask for (RFC 6749 section 4.1.1).

Sources: Microsoft, "OAuth 2.0 authorization code flow" (v2.0) and "Authorize access to
Microsoft Entra web applications using the OAuth 2.0 code grant flow" (v1.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .applications import required
from .error_responses import Refused
from .redirect_uris import is_registered

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..directory import Tenant
    from .applications import Application, Applications
    from .authorities import Authorities
    from .token_request import Asked, Form

_RESPONSE_MODES = {"query", "fragment", "form_post"}
# The last one is version 1.0's, and means consent.
_PROMPTS = {"", "login", "select_account", "consent", "none", "admin_consent"}
_METHODS = {"S256", "plain"}
# RFC 7636 section 4.2.
_SHORTEST, _LONGEST = 43, 128


@dataclass(frozen=True)
class Reply:
    """Where the answer goes, right or wrong.

    ``tenant`` is None for whichever the person belongs to.
    """

    application: Application
    redirect_uri: str
    response_mode: str
    state: str | None
    tenant: Tenant | None
    cloud: str


@dataclass(frozen=True)
class AuthorizationRequest:
    """A request that is in order."""

    reply: Reply
    asked: Asked
    code_challenge: str
    code_challenge_method: str
    prompt: str
    login_hint: str
    client_info: bool

    @property
    def application(self) -> Application:
        """Give who asks."""
        return self.reply.application

    @property
    def redirect_uri(self) -> str:
        """Give where the browser goes with the code."""
        return self.reply.redirect_uri

    @property
    def tenant(self) -> Tenant | None:
        """Give the tenant to sign in to."""
        return self.reply.tenant

    @property
    def cloud(self) -> str:
        """Give the cloud of the authority."""
        return self.reply.cloud


class AuthorizationRequests:
    """Reads authorization requests."""

    def __init__(self, authorities: Authorities, applications: Applications) -> None:
        self._authorities = authorities
        self._applications = applications

    def reply(self, form: Form, tenant_name: str, cloud: str) -> Reply:
        """Read where the answer goes.

        Refused (90002, 900144, 700016, 7000112, 900971, 50011) if that cannot be trusted: only the
        person may be told then, and the browser goes nowhere (RFC 6749 section 4.1.2.1).
        """
        tenant = self._authorities.tenant(tenant_name, cloud)
        application = self._applications.present(form)
        redirect_uri = form.get("redirect_uri", "")
        if not redirect_uri:
            raise Refused(900971)
        if not is_registered(redirect_uri, application.redirect_uris):
            raise Refused(50011, redirect_uri=redirect_uri)
        mode = form.get("response_mode") or "query"
        if mode not in _RESPONSE_MODES:
            raise Refused(90023, name="response_mode")
        return Reply(application, redirect_uri, mode, form.get("state"), tenant, cloud)

    def read(self, reply: Reply, form: Form, wish: Callable[[], Asked]) -> AuthorizationRequest:
        """Read all else; Refused if something is wrong, which the program may be told.

        ``wish`` reads what the code is to be for.
        """
        _check_response_type(form)
        asked = wish()
        self._applications.check_resource(reply.application, asked.resource, reply.cloud)
        challenge, method = _challenge(form)
        prompt = form.get("prompt", "")
        if prompt not in _PROMPTS:
            raise Refused(90023, name="prompt")
        return AuthorizationRequest(
            reply,
            asked,
            challenge,
            method,
            "consent" if prompt == "admin_consent" else prompt,
            form.get("login_hint", ""),
            form.get("client_info") == "1",
        )


def _check_response_type(form: Form) -> None:
    """Refuse all but a code: tokens are not enabled for an application from the beginning."""
    kinds = required(form, "response_type").split()
    if "token" in kinds:
        raise Refused(700051)
    if kinds != ["code"]:
        raise Refused(700054, name=" ".join(kinds))


def _challenge(form: Form) -> tuple[str, str]:
    """Read the code challenge (RFC 7636 section 4.3); the method is plain if none is named."""
    challenge, method = form.get("code_challenge", ""), form.get("code_challenge_method", "plain")
    if method not in _METHODS:
        raise Refused(50149)
    if challenge and not _SHORTEST <= len(challenge) <= _LONGEST:
        raise Refused(501491)
    return challenge, method
