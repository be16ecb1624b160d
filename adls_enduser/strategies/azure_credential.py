"""AzureCredential: any azure-core credential, for the clients that know only this package's."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from ..claims import CP1, check_claims, declares_cp1
from ..concurrency import Question
from ..errors import SignInError, SignInRequired
from ..options import AccountOptions, flag, refuse_unknown, token_settings
from ..tokens import Account
from .azure_core import AzureCore
from .cached import refuse_pickle
from .session import check_account

if TYPE_CHECKING:
    from azure.core.credentials import TokenProvider
    from typing_extensions import Unpack

    from ..tokens import Token


class AzureCredential:
    """Sign in as somebody else's credential does, azure-identity's for example.

    ``credential`` has ``get_token`` or ``get_token_info``. Takes the options of
    AzureCredentialOptions; ConfigurationError, before any network, for one that is wrong
    and for an asynchronous credential.

    ``silent`` calls the credential, so it must not be one that asks a person inside
    ``get_token``. azure-identity's interactive credentials (those with ``authenticate``)
    do, unless they were made with ``disable_automatic_authentication=True``: then they
    raise AuthenticationRequiredError, and the person is asked by ``sign_in``. Without it
    ``silent`` does not call them, since nothing tells whether they would ask, and tokens
    are renewed by ``sign_in`` alone. A stranger's credential that asks in ``get_token``
    cannot be recognised: azure-core's protocol has no word for it; say ``prompts=True``.
    """

    def __init__(
        self, credential: TokenProvider, **options: Unpack[AzureCredentialOptions]
    ) -> None:
        refuse_unknown(options, AzureCredentialOptions, "AzureCredential")
        self.settings = token_settings(options)
        self._core = AzureCore(credential, self.settings)
        self._prompts = self._may_prompt(options.get("prompts"))
        self._account: Account | None = None
        self._told = threading.local()
        self._question = Question()

    @property
    def answers_claims(self) -> bool:
        """Claims are sent on; what becomes of them is the credential's business."""
        return True

    @property
    def account(self) -> Account | None:
        """Who signed in, if a token or the credential has told."""
        return self._account

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Call the credential, unless it may ask a person; None where it wants one asked.

        Raises SignInRequired where nobody can know whether it would ask, and what the
        credential's refusal stands for.
        """
        self._told.refusal = None
        if claims is not None:
            check_claims(claims)
        if self._prompts:
            raise self._unknowable()
        try:
            return self._get(resource, claims) or self._plain(resource, claims)
        except SignInError as refused:
            self._told.refusal = (resource, claims, refused)
            raise

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Let the credential ask the person: by ``authenticate`` where it has that verb.

        One at a time, so that two threads that need tokens for two resources ask once; whoever
        waits shares what the person made of it. Raises SignInRequired where the credential
        wants a person and cannot ask, and what its refusal stands for.
        """
        if claims is not None:
            check_claims(claims)
        with self._question.turn():
            token = self._question.put(lambda: self._asked(resource, claims))
        if token is None:
            raise SignInRequired(
                f"{self._core.name} wants a person to sign in for {resource}.",
                remedy="Sign in by its own means, then call again.",
            )
        return token

    def _asked(self, resource: str, claims: str | None) -> Token | None:
        if not self._core.can_authenticate:
            self._raise_if_refused(resource, claims)
            return self._get(resource, claims)
        self._account = self._core.authenticate(resource, claims)
        # The claims have been met, by the token that is in its cache now.
        return self._get(resource, CP1 if declares_cp1(claims) else None)

    def _get(self, resource: str, claims: str | None) -> Token | None:
        token = self._core.token(resource, claims)
        if token is None:
            return None
        if token.account == Account() and self._account is not None:
            token = replace(token, account=self._account)  # an opaque token tells nothing
        check_account(token.account, self.settings)
        self._account = token.account
        return token

    def _plain(self, resource: str, claims: str | None) -> Token | None:
        # azure-identity keeps a sign-in with the capability CP1 apart (its MsalCredential
        # has two caches); a person who is signed in without it is not asked for its sake.
        return self._get(resource, None) if claims == CP1 else None

    def _raise_if_refused(self, resource: str, claims: str | None) -> None:
        # silent has just asked, and asking again would change nothing: it would cost
        # another run of az, or count as another wrong password.
        told = getattr(self._told, "refusal", None)
        self._told.refusal = None
        if told is not None and told[:2] == (resource, claims):
            raise told[2]

    def _may_prompt(self, prompts: object) -> bool:
        return self._core.may_prompt if prompts is None else flag("prompts", prompts)

    def _unknowable(self) -> SignInRequired:
        return SignInRequired(
            f"{self._core.name} may ask a person whenever it is asked for a token, so it is"
            " asked only where somebody may be.",
            remedy="Make it with disable_automatic_authentication=True, so that it says when"
            " a person is needed; or say interactive=True; or prompts=False if it asks nobody.",
        )

    def __copy__(self) -> AzureCredential:
        return self  # as a copy of a lock is the same lock

    def __deepcopy__(self, memo: object) -> AzureCredential:
        return self

    def __reduce__(self) -> NoReturn:
        refuse_pickle("AzureCredential")

    def __repr__(self) -> str:
        if "_core" not in vars(self):  # in the traceback of a constructor
            return "<AzureCredential>"
        return f"<AzureCredential of {self._core.name}>"


class AzureCredentialOptions(AccountOptions, total=False):
    """What AzureCredential takes as well.

    ``prompts``: does the credential's ``get_token`` ask a person? None: found out, as far
    as that can be known. ``tenant`` (an id) and ``username`` are compared with what the
    token says.
    """

    prompts: bool | None
