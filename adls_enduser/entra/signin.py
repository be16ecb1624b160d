"""SignIn: what a person's sign-in leaves behind, and how it serves the next resource."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import ConfigurationError, SignInError, SignInExpired, WrongAccount
from ..tokens import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..options import Settings
    from ..tokens import Secret, Token
    from .backend import Backend, Grant


class SignIn:
    """One person's sign-in at one authority, for one client.

    Its refresh token serves every resource (Microsoft: multi-resource refresh tokens),
    and each answer may bring a new one, so a lock keeps renewals in a row.
    """

    def __init__(self, settings: Settings, backend: Backend) -> None:
        self.settings = settings
        self.backend = backend
        self.account: Account | None = None
        self._refresh_token: Secret | None = None
        self._tokens: dict[str, Token] = {}
        self._person_needed = False
        self._lock = threading.RLock()

    def renew(self, resource: str) -> Token | None:
        """Give a token, by the refresh token if need be; None where nobody has signed in yet.

        The same token again, to another credential, as long as it is fresh.
        Raises SignInExpired when the refresh token is refused for good (it is then
        forgotten), another SignInError when this resource wants more than it can give.
        """
        with self._lock:
            token = self._tokens.get(resource)
            if token is not None and self._is_fresh(token):
                return token
            if self._refresh_token is None:
                return None
            try:
                return self._keep(self.backend.refresh(resource, self._refresh_token))
            except SignInError as refused:
                self._person_needed = True
                if isinstance(refused, SignInExpired):
                    self._refresh_token = None
                raise

    def begin(self, resource: str, ask: Callable[[], Grant]) -> Token:
        """Sign in by ``ask``, unless another thread has just done so."""
        with self._lock:
            renewed = None if self._person_needed else self.renew(resource)
            if renewed is not None:
                return renewed
            grant = self._expected(ask())
            self._tokens.clear()  # of somebody else, perhaps
            self._person_needed = False
            return self._keep(grant)

    def reject(self, token: Token) -> None:
        """Forget a token, so that the next one comes from the authority."""
        with self._lock:
            if self._tokens.get(token.resource) == token:
                del self._tokens[token.resource]

    def _is_fresh(self, token: Token) -> bool:
        return self.settings.clock.time() < token.expires_on - token.advisory_margin

    def _keep(self, grant: Grant) -> Token:
        self._refresh_token = grant.refresh_token or self._refresh_token
        token = grant.token
        if token.account != Account():
            self.account = token.account
        elif self.account is not None:  # a renewal may come without an id token
            token = replace(token, account=self.account)
        self._tokens[token.resource] = token
        return token

    def _expected(self, grant: Grant) -> Grant:
        account, asked = grant.token.account, self.settings
        if _differ(asked.username, account.username):
            raise _wrong("username", asked.username, account.username)
        if _is_guid(asked.tenant) and _differ(asked.tenant, account.tenant):
            raise _wrong("tenant", asked.tenant, account.tenant)
        return grant


def refuse_claims(claims: str | None) -> None:
    """Say that adal cannot answer a claims challenge: it has no parameter for one."""
    if claims is not None:
        raise ConfigurationError(
            "A claims challenge cannot be answered: adal has no way to send one.",
            remedy="Sign in again by calling the factory; a policy that asks for more at"
            " every request needs another library than adal.",
        )


def _differ(asked: str | None, got: str | None) -> bool:
    return asked is not None and got is not None and asked.lower() != got.lower()


def _is_guid(tenant: str | None) -> bool:
    return tenant is not None and len(tenant) == 36 and "." not in tenant


def _wrong(option: str, asked: str | None, got: str | None) -> WrongAccount:
    return WrongAccount(
        f"{asked} was to sign in, but {got} did ({option}).",
        remedy=f"Sign in with the right account, in a private browser window if another one"
        f" is signed in there, or change {option}=.",
    )
