"""Backend: what a foreign library must be able to do for us."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..errors import MissingDependency

if TYPE_CHECKING:
    from ..interaction.prompts import DeviceCodePrompt
    from ..options import Settings
    from ..tokens import Secret, Token
    from .error_response import RequestContext


@dataclass(frozen=True)
class Grant:
    """What Entra ID gave: an access token, and perhaps the means to get more."""

    token: Token
    refresh_token: Secret | None = None


@dataclass(frozen=True)
class DeviceFlow:
    """A device-code sign-in under way (RFC 8628 section 3.2).

    ``interval`` is in seconds. ``device_code`` is what the device proves itself with.
    ``claims`` is what was asked for with it.
    """

    prompt: DeviceCodePrompt
    device_code: Secret
    interval: float
    resource: str
    claims: str | None = None


@dataclass(frozen=True)
class AuthorizationPending:
    """The person has not finished; ``slow_down``: and was asked after too often."""

    slow_down: bool = False
    problem: str = field(default="", compare=False)


@dataclass(frozen=True)
class AuthorizationFlow:
    """A sign-in in the browser under way (RFC 6749 section 4.1).

    ``url`` is where the person signs in, ``redirect_uri`` where the browser brings the
    answer. ``state`` proves that the answer is to this request (section 10.12),
    ``verifier`` that the code is redeemed by who asked for it (RFC 7636), and ``nonce``
    that the id token is of this sign-in (OpenID Connect Core section 3.1.3.7), where it
    was sent.
    """

    url: str
    redirect_uri: str
    state: Secret
    verifier: Secret
    attempt: RequestContext
    nonce: Secret | None = None
    claims: str | None = None


class Backend(Protocol):
    """One foreign library. Every method asks the network once, and raises EndUserError.

    ``answers_claims``: has it a way to send ``claims``, the JSON of OpenID Connect Core
    section 5.5 in which a service says what a token must have?
    """

    answers_claims: bool

    def check_claims(self, claims: str | None) -> None:
        """Raise ConfigurationError for claims that cannot be sent; asks nobody."""

    def password(
        self, resource: str, username: str, password: Secret, claims: str | None = None
    ) -> Grant:
        """Send the password."""

    def start_device_code(self, resource: str, claims: str | None = None) -> DeviceFlow:
        """Ask for a code to show to the person."""

    def poll(self, flow: DeviceFlow) -> Grant | AuthorizationPending:
        """Ask once whether the person has finished; TransportError if no answer came."""

    def refresh(self, resource: str, refresh_token: Secret, claims: str | None = None) -> Grant:
        """Trade the refresh token for a token for any resource."""

    def start_authorization(
        self, resource: str, redirect_uri: str, claims: str | None = None
    ) -> AuthorizationFlow:
        """Make the address of the page on which the person signs in."""

    def redeem_code(self, flow: AuthorizationFlow, code: Secret) -> Grant:
        """Trade the code that the browser brought, once, for a token."""


_BACKENDS = {"adal": ("adal_backend", "AdalBackend"), "msal": ("msal_backend", "MsalBackend")}


_INSTALL = {"adal": "adal", "msal": "'adls-enduser[msal]'"}


def load_backend(settings: Settings) -> Backend:
    """Give what ``library=`` asks for; MissingDependency names what to install."""
    library = settings.library
    module, name = _BACKENDS[library]
    try:
        found = importlib.import_module(f".{module}", __package__)
    except ModuleNotFoundError as missing:
        raise MissingDependency(
            f"{missing.name} is not installed.", remedy=f"Run: pip install {_INSTALL[library]}"
        ) from missing
    made: Backend = getattr(found, name)(settings)
    return made
