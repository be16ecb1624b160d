"""AzureCore: call an azure-core credential of another package.

Its return values and exceptions end in this module. The protocols are azure-core's
``TokenCredential`` and ``SupportsTokenInfo`` (``azure.core.credentials``). azure-identity's
classes have more methods; they are recognised by name and never imported, because
azure-identity is not a dependency and imports MSAL. So a class that wraps or copies one of
them is recognised as well.
"""

from __future__ import annotations

import inspect
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from ..clouds import scope_of
from ..entra.claims import declares_cp1, without_cp1
from ..entra.error_response import RequestContext
from ..errors import ConfigurationError, EndUserError, ProtocolError
from ..tokens import Account, Token, is_bearer_token, is_epoch_seconds
from .azure_errors import kinds, translated
from .jwt import decode_unverified
from .program_output import runs_program

if TYPE_CHECKING:
    from azure.core.credentials import TokenProvider, TokenRequestOptions

    from ..options import AccountSettings


class AzureCore:
    """Call a credential, and raise nothing but EndUserError. Holds no token."""

    def __init__(self, credential: TokenProvider, settings: AccountSettings) -> None:
        self._credential: Any = _checked(credential)
        self._settings = settings
        self.name = type(credential).__name__

    @property
    def can_authenticate(self) -> bool:
        """Whether it has azure-identity's method for prompting the person."""
        return callable(getattr(self._credential, "authenticate", None))

    @property
    def may_prompt(self) -> bool:
        """Whether its ``get_token`` may prompt a person, as far as that can be known."""
        return _may_prompt(self._credential)

    def token(self, resource: str, claims: str | None) -> Token | None:
        """Return a token; None if the credential says that it must prompt a person first."""
        outcome: Token | EndUserError | None = None
        with _ErrorTranslation(self, resource):
            outcome = self._outcome(self._get_token(scope_of(resource), claims), resource)
        if isinstance(outcome, EndUserError):
            raise outcome
        return outcome

    def authenticate(self, resource: str, claims: str | None) -> Account:
        """Let it prompt the person; return the account, as far as it names one.

        azure-identity's ``InteractiveCredential.authenticate``, which returns an
        AuthenticationRecord.
        """
        record = None
        with _ErrorTranslation(self, resource):
            record = self._credential.authenticate(
                scopes=[scope_of(resource)],
                claims=without_cp1(claims),
                enable_cae=declares_cp1(claims),
            )
        username, tenant = getattr(record, "username", None), getattr(record, "tenant_id", None)
        return Account(_text(username), _text(tenant))

    def _get_token(self, scope: str, claims: str | None) -> Any:
        options: TokenRequestOptions = {}
        challenge = without_cp1(claims)
        if challenge is not None:
            options["claims"] = challenge
        if declares_cp1(claims):
            options["enable_cae"] = True
        # get_token_info first, as azure-core's BearerTokenCredentialPolicy does.
        if hasattr(self._credential, "get_token_info"):
            return self._method("get_token_info")(scope, options=options)
        return self._method("get_token")(scope, **options)

    def _method(self, name: str) -> Any:
        """Return a method of the credential, without the log of what a program has printed.

        azure-identity's ``_internal/decorators.py`` (``log_get_token``) writes an error's message
        at WARNING, which Python prints where no logging is set up. A decorator of somebody else's
        is left as it is.
        """
        method = getattr(self._credential, name)
        function = getattr(method, "__func__", None)
        if not inspect.isfunction(function) or not _is_of_azure_identity(function):
            return method
        runs = runs_program(function.__qualname__.partition(".")[0])
        return MethodType(inspect.unwrap(function), method.__self__) if runs else method

    def as_error(self, error: Exception, resource: str) -> EndUserError | None:
        """Return the EndUserError for what the credential raised.

        None if the credential says that it must prompt a person first.
        """
        if self.hides(error):
            now = self._settings.clock.time()
            return translated(error, self._context(resource), self.name, now)
        return ProtocolError(
            f"{self.name} failed with {type(error).__name__}.",
            remedy="Fix the credential: what it raised is this error's __cause__.",
        )

    def hides(self, error: Exception) -> bool:
        """Return whether the exception must not be reachable from the error that replaces it.

        azure-core's errors hold the HTTP exchange, with the refresh token. The frames of a
        credential that runs a program hold what the program has printed.
        """
        return isinstance(error, AzureError | OSError) or runs_program(self.name)

    def _context(self, resource: str) -> RequestContext:
        own = self._settings
        authority = f"{own.cloud.authority.rstrip('/')}/{own.tenant or 'organizations'}"
        mode = f"AzureCredential({self.name}(...))"  # takes the options itself
        options = own.as_source()
        return RequestContext("credential", authority, own.tenant, None, resource, mode, options)

    def _outcome(self, info: Any, resource: str) -> Token | EndUserError:
        # Errors are returned, not raised here, where a traceback would show the token.
        if inspect.isawaitable(info):
            if inspect.iscoroutine(info):
                info.close()  # or Python warns that nobody awaited it
            return _asynchronous(self.name)
        return self._token(info, resource) or ProtocolError(
            f"{self.name} returned {type(info).__name__}, which is not a valid access token.",
            remedy="It must have token, a str, and expires_on, in UTC epoch seconds.",
        )

    def _token(self, info: Any, resource: str) -> Token | None:
        secret, expires_on = getattr(info, "token", None), getattr(info, "expires_on", None)
        if not is_bearer_token(secret) or not is_epoch_seconds(expires_on):
            return None
        refresh_on = getattr(info, "refresh_on", None)
        return Token(
            secret,
            expires_on=float(expires_on),
            obtained_on=self._settings.clock.time(),
            resource=resource,
            account=decode_unverified(secret).account,
            refresh_on=float(refresh_on) if is_epoch_seconds(refresh_on) else None,
        )


def _is_of_azure_identity(function: FunctionType) -> bool:
    # Not by __module__, which functools.wraps copies to anybody's decorator.
    return str(function.__globals__["__name__"]).startswith("azure.identity.")


class _ErrorTranslation:
    """Run a ``with`` block that calls a credential, and let only an EndUserError out of it.

    A block in which the credential says that it must prompt a person first ends without an
    error.
    """

    def __init__(self, core: AzureCore, resource: str) -> None:
        self._core = core
        self._resource = resource

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        """Raise the EndUserError for what the credential raised."""
        # An EndUserError comes from a credential of this package.
        if not isinstance(error, Exception) or isinstance(error, EndUserError):
            return False
        ours = self._core.as_error(error, self._resource)
        if ours is None:
            return True
        if self._core.hides(error):
            del error, traceback
            try:
                raise ours
            finally:
                ours.__context__ = None
        raise ours from error


# What can be known of a credential ----------------------------------------------------


def _may_prompt(credential: Any) -> bool:
    # azure-identity's ChainedTokenCredential shows its members.
    members = getattr(credential, "credentials", None)
    if isinstance(members, list | tuple):
        return any(map(_may_prompt, members))
    if not callable(getattr(credential, "authenticate", None)):
        return False
    # It derives from InteractiveCredential, but prompts nobody.
    if "UsernamePasswordCredential" in kinds(credential):
        return False
    # Set by disable_automatic_authentication=True; no public name says so. If it is renamed,
    # the credential is not called any more, which is safer than an unwanted prompt.
    return getattr(credential, "_disable_automatic_authentication", None) is not True


def _checked(credential: object) -> object:
    verbs = [getattr(credential, name, None) for name in ("get_token", "get_token_info")]
    if isinstance(credential, type):
        raise ConfigurationError(
            f"{credential.__name__} is a class, and not an azure-core credential.",
            remedy=f"Call it: AzureCredential({credential.__name__}(...)).",
        )
    if not any(map(callable, verbs)):
        raise ConfigurationError(
            f"{type(credential).__name__} is not an azure-core credential.",
            remedy="Use an object with get_token or get_token_info, such as azure-identity's"
            " AzureCliCredential().",
        )
    if any(map(inspect.iscoroutinefunction, verbs)):
        raise _asynchronous(type(credential).__name__)
    return credential


def _asynchronous(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} is asynchronous, and this package calls it synchronously.",
        remedy="Use the synchronous class: azure.identity's, not azure.identity.aio's.",
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.isprintable() else None
