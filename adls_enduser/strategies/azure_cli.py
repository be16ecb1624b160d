"""AzureCli: the sign-in that ``az login`` made on this machine."""

from __future__ import annotations

import base64
import math
import shutil
from copy import copy
from typing import TYPE_CHECKING

from ..clouds import scope_of
from ..entra.claims import check_claims
from ..errors import (
    MfaRequired,
    MissingDependency,
    SignInError,
    SignInExpired,
    SignInRequired,
    WrongAccount,
    import_failed,
)
from ..options import (
    AccountOptions,
    account_settings,
    is_tenant_id,
    options_by_name,
    refuse_unknown,
    seconds,
)
from .azure_credential import AzureCredential
from .session import HoldsSignIn

if TYPE_CHECKING:
    from azure.identity import AzureCliCredential
    from typing_extensions import Unpack

    from ..tokens import Account, Token


# Errors that ``az login`` can help with.
_FIXED_BY_LOGIN = (MfaRequired, SignInExpired, SignInRequired, WrongAccount)

# azure-cli-core, cloud.py.
_AZ_CLOUDS = {"china": "AzureChinaCloud", "us_government": "AzureUSGovernment"}


class AzureCliOptions(AccountOptions, total=False):
    """Options of AzureCli.

    ``request_timeout``: how many seconds ``az`` may take for a token. ``az`` is asked for a
    token of ``tenant``; ``tenant`` and ``username`` are compared with the token's claims.
    """

    request_timeout: float


class AzureCli(HoldsSignIn):
    """Take tokens from the Azure CLI (``az account get-access-token``), without a prompt.

    azure-identity's AzureCliCredential runs ``az``: extra ``[identity]``,
    MissingDependency without it, or without ``az``. Takes the options of
    AzureCliOptions; ConfigurationError for one that is wrong. ``az`` must be signed in
    to the same cloud.
    """

    @options_by_name("AzureCli(tenant=...)")
    def __init__(self, **options: Unpack[AzureCliOptions]) -> None:
        refuse_unknown(options, AzureCliOptions.__annotations__, "AzureCli")
        self.settings = own = account_settings(options)
        timeout = seconds("request_timeout", options.get("request_timeout", 30.0))
        self._azure_credential = AzureCredential(
            _credential(own.tenant, timeout),
            # A token does not name its tenant by domain; az itself signs in there.
            tenant=own.tenant if is_tenant_id(own.tenant) else None,
            username=own.username,
            cloud=own.cloud,
            clock=own.clock,
        )

    @property
    def account(self) -> Account | None:
        """The account of the last token; None before the first."""
        return self._azure_credential.account

    def silent(self, resource: str, *, claims: str | None = None) -> Token:
        """Return a token from ``az``, which renews its sign-in itself.

        Raises SignInRequired if nobody has signed in to it, SignInExpired or another
        SignInError if that sign-in cannot be used any more, with the command that helps.
        """
        if claims is not None:
            raise self._claims_challenge(resource, check_claims(claims))
        try:
            token = self._azure_credential.silent(resource)
        except SignInError as refused:
            raise self._with_command(refused, resource) from None
        if token is None:
            raise self._not_signed_in(resource)
        return token

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Do as ``silent``: only ``az login`` can prompt the person."""
        return self.silent(resource, claims=claims)

    def _with_command(self, refused: SignInError, resource: str) -> SignInError:
        """Return the error with the command that helps as its remedy."""
        _require_az()
        if refused.code is None and "az login" in refused.message:
            return self._not_signed_in(resource)
        error = copy(refused)
        if isinstance(refused, _FIXED_BY_LOGIN):
            error.remedy = f"Run: {self._login_command(resource)}"
        elif refused.code is None:
            error.remedy = f"Run the following, which says why: {self._token_command(resource)}"
        return error

    def _not_signed_in(self, resource: str) -> SignInRequired:
        return SignInRequired(
            "The Azure CLI is not signed in.", remedy=f"Run: {self._login_command(resource)}"
        )

    def _claims_challenge(self, resource: str, claims: str) -> SignInRequired:
        # As azure-identity's own advice and azure-cli's (since 2.76.0) spell it.
        encoded = base64.b64encode(claims.encode()).decode()
        return SignInRequired(
            "The service asks for claims that the sign-in of the Azure CLI does not have.",
            remedy=f"Run: {self._login_command(resource)} --claims-challenge {encoded}",
        )

    def _login_command(self, resource: str) -> str:
        own = self.settings
        cloud = _AZ_CLOUDS.get(own.cloud.name)
        set_cloud = f"az cloud set --name {cloud} && " if cloud else ""
        return f"{set_cloud}az login{self._tenant_and_scope(resource)}"

    def _token_command(self, resource: str) -> str:
        # With --query it prints no token.
        return f"az account get-access-token{self._tenant_and_scope(resource)} --query expiresOn"

    def _tenant_and_scope(self, resource: str) -> str:
        tenant = f" --tenant {self.settings.tenant}" if self.settings.tenant else ""
        return f"{tenant} --scope {scope_of(resource)}"

    def __repr__(self) -> str:
        if "settings" not in vars(self):  # in the traceback of a constructor
            return "<AzureCli>"
        return f"<AzureCli at {self.settings.tenant or 'the default tenant'}>"


def _credential(tenant: str | None, timeout: float) -> AzureCliCredential:
    _require_az()
    try:
        from azure.identity import AzureCliCredential
    except Exception as error:  # a broken package may raise any
        raise import_failed(error, "mode='azure_cli'", "'adls-enduser[identity]'") from error
    return AzureCliCredential(tenant_id=tenant or "", process_timeout=math.ceil(timeout))


def _require_az() -> None:
    if shutil.which("az") is None:
        raise MissingDependency(
            "The Azure CLI was not found: there is no program az on the PATH.",
            remedy="Install it (https://aka.ms/azure-cli) and run az login, or sign in with"
            " mode='device_code'.",
        )
