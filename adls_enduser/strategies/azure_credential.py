"""AzureCredential: a strategy that takes its tokens from any azure-core credential."""

from __future__ import annotations

import threading
from copy import copy
from typing import TYPE_CHECKING

from ..concurrency import PromptLock
from ..entra.claims import CP1, check_claims, declares_cp1
from ..errors import SignInError, SignInRequired
from ..log import logger
from ..options import AccountOptions, flag, refuse_unknown, token_settings
from ..tokens import Account
from ..values import replace
from .azure_core import AzureCore
from .jwt import decode_unverified
from .session import HoldsSignIn, check_account

if TYPE_CHECKING:
    from azure.core.credentials import TokenProvider
    from typing_extensions import Unpack

    from ..tokens import Token


class AzureCredentialOptions(AccountOptions, total=False):
    """Options of AzureCredential.

    ``prompts``: whether the credential's ``get_token`` may prompt a person; None: detected
    for azure-identity's credentials. ``tenant`` (an id) and ``username`` are compared with
    the token's claims.
    """

    prompts: bool | None


class AzureCredential(HoldsSignIn):
    """Take tokens from an azure-core credential, such as one of azure-identity's.

    ``credential`` has ``get_token`` or ``get_token_info``. Takes the options of
    AzureCredentialOptions; ConfigurationError, before any network, for one that is wrong
    and for an asynchronous credential.

    ``silent`` calls the credential, so ``get_token`` must not prompt a person.
    azure-identity's interactive credentials (those with ``authenticate``) do, unless they
    were made with ``disable_automatic_authentication=True``: then they raise
    AuthenticationRequiredError, and ``sign_in`` prompts the person. Without that option
    ``silent`` does not call them, because nothing tells whether they would prompt, and only
    ``sign_in`` renews tokens. A credential of another maker that prompts in ``get_token``
    cannot be detected, because azure-core's protocol does not say it: set ``prompts=True``.
    """

    def __init__(
        self, credential: TokenProvider, **options: Unpack[AzureCredentialOptions]
    ) -> None:
        refuse_unknown(options, AzureCredentialOptions.__annotations__, "AzureCredential")
        self.settings = token_settings(options)
        self._core = AzureCore(credential, self.settings)
        self._prompts = self._may_prompt(options.get("prompts"))
        self._account: Account | None = None
        self._last_refusal = threading.local()
        self._prompt_lock = PromptLock(self.settings.clock)

    @property
    def answers_claims(self) -> bool:
        """True: claims are passed to the credential, which may or may not send them."""
        return True

    @property
    def account(self) -> Account | None:
        """The account that signed in; None if neither a token nor the credential names it."""
        return self._account

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Return the credential's token; None if it says that it must prompt a person first.

        Raises SignInRequired, without a call, if the credential may prompt a person at any
        call, and the error that the credential's own error stands for.
        """
        self._last_refusal.value = None
        if claims is not None:
            check_claims(claims)
        if self._prompts:
            raise self._may_prompt_anytime()
        try:
            return self._get(resource, claims) or self._without_cp1(resource, claims)
        except SignInError as refused:
            self._last_refusal.value = (resource, claims, copy(refused))
            raise

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Let the credential prompt the person, by its ``authenticate`` if it has that method.

        One prompt at a time: threads that wait for it share its outcome. Raises
        SignInRequired if the credential needs a person and cannot prompt, and the error that
        the credential's own error stands for.
        """
        if claims is not None:
            check_claims(claims)
        token = self._prompt_lock.exclusive(self._interactive_token, resource, claims)
        if token is None:
            raise SignInRequired(
                f"{self._core.name} needs a person to sign in for {resource}.",
                remedy="Sign in with that credential's own method, then call again.",
            )
        return token

    def _interactive_token(self, resource: str, claims: str | None) -> Token | None:
        if not self._core.can_authenticate:
            self._raise_if_refused(resource, claims)
            return self._get(resource, claims)
        logger(__name__).info("A person is prompted by %s.", self._core.name)
        self._account = self._core.authenticate(resource, claims)
        # The person has met the claims, and the token is in the credential's cache now.
        return self._get(resource, CP1 if declares_cp1(claims) else None)

    def _get(self, resource: str, claims: str | None) -> Token | None:
        token = self._core.token(resource, claims)
        if token is None:
            return None
        if token.account == Account() and self._account is not None:
            token = replace(token, account=self._account)  # an opaque token names nobody
        check_account(token.account, self.settings, decode_unverified(token.secret).names)
        self._account = token.account
        return token

    def _without_cp1(self, resource: str, claims: str | None) -> Token | None:
        # azure-identity has a separate cache for tokens with the capability CP1 (its
        # MsalCredential). A person who is signed in without it is not prompted for it.
        return self._get(resource, None) if claims == CP1 else None

    def _raise_if_refused(self, resource: str, claims: str | None) -> None:
        # silent() has just called the credential, and a second call would fail as well: it
        # would run az once more, or count as another wrong password.
        refusal = getattr(self._last_refusal, "value", None)
        self._last_refusal.value = None
        if refusal is not None and refusal[:2] == (resource, claims):
            raise refusal[2]

    def _may_prompt(self, prompts: object) -> bool:
        return self._core.may_prompt if prompts is None else flag("prompts", prompts)

    def _may_prompt_anytime(self) -> SignInRequired:
        return SignInRequired(
            f"{self._core.name} may prompt a person at every call for a token, so it is called"
            " only where a prompt is allowed.",
            remedy="Make it with disable_automatic_authentication=True, so that it says when a"
            " person is needed. Or set interactive=True; or prompts=False if it never prompts.",
        )

    def __repr__(self) -> str:
        if "_core" not in vars(self):  # in the traceback of a constructor
            return "<AzureCredential>"
        return f"<AzureCredential of {self._core.name}>"
