"""Backend: the requests that a foreign library must be able to make for the strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from ..errors import (
    EndUserError,
    InvalidCredentials,
    MfaRequired,
    SignInDeclined,
    SignInError,
    SignInExpired,
)
from ..values import dataclass

if TYPE_CHECKING:
    from ..interaction.prompts import DeviceCodePrompt
    from ..options import Settings
    from ..tokens import Secret, Token


# What a request asks for. "credential": a token of another package's credential.
GrantKind = Literal["password", "device_code", "browser", "refresh", "credential"]

# What an OAuth error (RFC 6749 section 5.2) means for one kind of grant, where it does not mean
# the same for all kinds (error_response.py).
ERROR_CLASSES: dict[GrantKind, dict[str, type[EndUserError]]] = {
    "password": {
        "invalid_grant": InvalidCredentials,
        # "Requires End-User authentication" (OpenID Connect Core section 3.1.2.6), which a
        # password sent by a program is not.
        "login_required": MfaRequired,
    },
    "device_code": {
        "invalid_grant": SignInError,
        # RFC 8628 section 3.5 has access_denied where Entra ID has authorization_declined.
        "access_denied": SignInDeclined,
        "login_required": SignInError,
    },
    "browser": {
        "invalid_grant": SignInError,
        # RFC 6749 section 4.1.2.1; Entra ID sends it when the person declines to consent.
        "access_denied": SignInDeclined,
        "login_required": SignInError,
    },
    "refresh": {"invalid_grant": SignInExpired},
    "credential": {},
}


@dataclass(frozen=True)
class Grant:
    """The access token that Entra ID issued, and the refresh token if there is one.

    ``names`` are all user names of the person who signed in: a guest has two.
    """

    token: Token
    refresh_token: Secret | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeviceFlow:
    """A device-code sign-in that the person has not finished (RFC 8628 section 3.2).

    ``device_code`` identifies the program at each poll, and ``interval`` is the number of
    seconds between two polls. ``claims`` are those of the request.
    """

    prompt: DeviceCodePrompt
    device_code: Secret
    interval: float
    resource: str
    claims: str | None = None


@dataclass(frozen=True)
class AuthorizationPending:
    """The person has not finished yet (RFC 8628 section 3.5).

    ``slow_down``: the polls come too often.
    """

    slow_down: bool = False


@dataclass(frozen=True)
class AuthorizationFlow:
    """A browser sign-in that the person has not finished (RFC 6749 section 4.1).

    The person signs in at ``url``, and the browser brings the response to ``redirect_uri``.
    ``state`` proves that the response belongs to this request (section 10.12), ``verifier``
    that the program that made the request redeems the code (RFC 7636). ``nonce``, where one
    was sent, proves that the id token belongs to this sign-in (OpenID Connect Core section
    3.1.3.7). ``claims`` are those of the request.
    """

    url: str
    redirect_uri: str
    state: Secret
    verifier: Secret
    resource: str
    nonce: Secret | None = None
    claims: str | None = None


class Backend(Protocol):
    """One foreign library. Each method is one step of a sign-in, and raises an EndUserError.

    ``claims`` are the JSON of OpenID Connect Core section 5.5 with which a service says what a
    token must have. ``library.answers_claims`` says whether the library can send them.
    """

    def check_claims(self, claims: str | None) -> None:
        """Raise ConfigurationError for claims that cannot be sent; makes no request."""
        ...

    def password(
        self, resource: str, username: str, password: Secret, claims: str | None = None
    ) -> Grant:
        """Send the password."""
        ...

    def start_device_code(self, resource: str, claims: str | None = None) -> DeviceFlow:
        """Request a code to show to the person."""
        ...

    def poll(self, flow: DeviceFlow) -> Grant | AuthorizationPending:
        """Ask once whether the person has finished; TransportError if no response came."""
        ...

    def refresh(self, resource: str, refresh_token: Secret, claims: str | None = None) -> Grant:
        """Exchange the refresh token for a token for any resource."""
        ...

    def start_authorization(
        self, resource: str, redirect_uri: str, claims: str | None = None
    ) -> AuthorizationFlow:
        """Make the address of the page on which the person signs in."""
        ...

    def redeem_code(self, flow: AuthorizationFlow, code: Secret) -> Grant:
        """Exchange the code that the browser brought for a token. A code works once."""
        ...


# These requests may be sent again when no response came: the request for a device code, which
# has no grant type, and the one with a refresh token, which stays valid (Microsoft, "Refresh
# tokens": the old one is not revoked). A poll is repeated by device_flow.py, and a password is
# sent once.
RETRYABLE_GRANTS = (None, "refresh_token")


def login_hint_params(settings: Settings) -> dict[str, str]:
    """Return the parameters of the sign-in page that choose the account.

    Microsoft, "Microsoft identity platform and OAuth 2.0 authorization code flow":
    ``login_hint`` fills in the user name; ``prompt=select_account`` offers the accounts of
    the browser, instead of taking the account that happens to be signed in. AD FS has no
    such choice and does not accept this value (Microsoft, "AD FS OpenID Connect/OAuth flows
    and Application Scenarios", request an authorization code).
    """
    if settings.username is not None:
        return {"login_hint": settings.username}
    if settings.is_adfs:
        return {}
    return {"prompt": "select_account"}
