"""Somebody else's azure-core credential: what it gives and raises ends in this module.

The protocols are azure-core's ``TokenCredential`` and ``SupportsTokenInfo``
(``azure.core.credentials``). What azure-identity's classes have besides is recognised by
name, never imported: it is no dependency, importing it costs MSAL, and a credential that
wraps or copies one of them is recognised as well.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from ..claims import declares_cp1, without_cp1
from ..clouds import scope_of
from ..entra.error_response import RequestContext
from ..errors import ConfigurationError, EndUserError, ProtocolError
from ..options import options_as_source
from ..tokens import Account, Token, is_bearer_token, is_epoch_seconds
from .azure_errors import kinds, translated
from .jwt import decode_unverified

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials import TokenProvider, TokenRequestOptions

    from ..options import AccountSettings


class AzureCore:
    """Asks a credential, and raises nothing but EndUserError. Holds no token."""

    def __init__(self, credential: TokenProvider, settings: AccountSettings) -> None:
        self._credential: Any = _checked(credential)
        self._settings = settings
        self.name = type(credential).__name__

    @property
    def can_authenticate(self) -> bool:
        """Tell whether it has azure-identity's verb for asking the person."""
        return callable(getattr(self._credential, "authenticate", None))

    @property
    def may_prompt(self) -> bool:
        """Tell whether its ``get_token`` may ask a person, as far as that can be known."""
        return _may_prompt(self._credential)

    def token(self, resource: str, claims: str | None) -> Token | None:
        """Ask for a token; None where it says that a person must be asked first."""
        outcome: Token | EndUserError | None = self._safely(
            resource, lambda: self._outcome(self._ask(scope_of(resource), claims), resource)
        )
        if isinstance(outcome, EndUserError):
            raise outcome
        return outcome

    def authenticate(self, resource: str, claims: str | None) -> Account:
        """Have it ask the person; give who signed in, as far as it says so.

        azure-identity's ``InteractiveCredential.authenticate``, which gives an
        AuthenticationRecord.
        """
        record = self._safely(
            resource,
            lambda: self._credential.authenticate(
                scopes=[scope_of(resource)],
                claims=without_cp1(claims),
                enable_cae=declares_cp1(claims),
            ),
        )
        username, tenant = getattr(record, "username", None), getattr(record, "tenant_id", None)
        return Account(_text(username), _text(tenant))

    def _ask(self, scope: str, claims: str | None) -> Any:
        options: TokenRequestOptions = {}
        wanted = without_cp1(claims)
        if wanted is not None:
            options["claims"] = wanted
        if declares_cp1(claims):
            options["enable_cae"] = True
        # get_token_info first, as azure-core's BearerTokenCredentialPolicy asks.
        if hasattr(self._credential, "get_token_info"):
            return self._credential.get_token_info(scope, options=options)
        return self._credential.get_token(scope, **options)

    def _safely(self, resource: str, act: Callable[[], Any]) -> Any:
        """Give what ``act`` gives, or None where it wants a person to be asked first."""
        try:
            return act()
        except EndUserError:
            raise  # the credential is one of ours, perhaps
        except (AzureError, OSError) as error:
            now = self._settings.clock.time()
            failure = translated(error, self._attempt(resource), self.name, now)
        except Exception as error:  # a stranger's credential may raise anything
            raise ProtocolError(
                f"{self.name} failed with {type(error).__name__}.",
                remedy="Mend the credential: what it raised is this error's __cause__.",
            ) from error
        # Not in the handler: azure-core's errors hold the exchange, refresh token and all.
        if failure is not None:
            raise failure
        return None

    def _attempt(self, resource: str) -> RequestContext:
        own = self._settings
        authority = f"{own.cloud.authority.rstrip('/')}/{own.tenant or 'organizations'}"
        mode, options = (
            f"AzureCredential({self.name}(...))",
            options_as_source(own.cloud, tenant=own.tenant),
        )
        return RequestContext("credential", authority, own.tenant, None, resource, mode, options)

    def _outcome(self, info: Any, resource: str) -> Token | EndUserError:
        # Errors are given back, not raised here, where a traceback would show the token.
        if inspect.isawaitable(info):
            if inspect.iscoroutine(info):
                info.close()  # lest Python warn that nobody awaited it
            return _asynchronous(self.name)
        return self._token(info, resource) or ProtocolError(
            f"{self.name} gave {type(info).__name__}, which is no AccessToken.",
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


# What can be known of a credential ----------------------------------------------------


def _may_prompt(credential: Any) -> bool:
    # azure-identity's ChainedTokenCredential shows its members.
    members = getattr(credential, "credentials", None)
    if isinstance(members, list | tuple):
        return any(map(_may_prompt, members))
    if not callable(getattr(credential, "authenticate", None)):
        return False
    # A descendant of InteractiveCredential all the same, but all it asks is Entra ID.
    if "UsernamePasswordCredential" in kinds(credential):
        return False
    # What disable_automatic_authentication=True leaves behind, and nothing public tells.
    # Should it be renamed one day, we stop calling and do not start to prompt.
    return getattr(credential, "_disable_automatic_authentication", None) is not True


def _checked(credential: object) -> object:
    verbs = [getattr(credential, name, None) for name in ("get_token", "get_token_info")]
    if isinstance(credential, type) or not any(map(callable, verbs)):
        kind = credential.__name__ if isinstance(credential, type) else type(credential).__name__
        raise ConfigurationError(
            f"{kind} is no azure-core credential.",
            remedy="Give an object with get_token or get_token_info, such as azure-identity's"
            " AzureCliCredential().",
        )
    if any(map(inspect.iscoroutinefunction, verbs)):
        raise _asynchronous(type(credential).__name__)
    return credential


def _asynchronous(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} is asynchronous, and the clients that this package serves are not.",
        remedy="Give its synchronous twin: azure.identity's, not azure.identity.aio's.",
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.isprintable() else None
