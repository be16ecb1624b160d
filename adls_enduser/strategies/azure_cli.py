"""AzureCli: the sign-in that ``az login`` has left on this machine."""

from __future__ import annotations

import base64
import math
import shutil
from copy import copy
from typing import TYPE_CHECKING, NoReturn

from ..claims import check_claims
from ..clouds import scope_of
from ..errors import (
    MfaRequired,
    MissingDependency,
    SignInError,
    SignInExpired,
    SignInRequired,
    WrongAccount,
)
from ..options import AccountOptions, account_settings, is_tenant_id, refuse_unknown, seconds
from .azure_credential import AzureCredential
from .cached import refuse_pickle

if TYPE_CHECKING:
    from azure.identity import AzureCliCredential
    from typing_extensions import Unpack

    from ..tokens import Account, Token


# What ``az login`` can help with.
_MENDED_BY_LOGIN = (MfaRequired, SignInExpired, SignInRequired, WrongAccount)

# azure-cli-core, cloud.py.
_AZ_CLOUDS = {"china": "AzureChinaCloud", "us_government": "AzureUSGovernment"}


class AzureCli:
    """Take tokens from the Azure CLI (``az account get-access-token``); asks nobody.

    azure-identity's AzureCliCredential runs ``az``: extra ``[identity]``,
    MissingDependency without it, or without ``az``. Takes the options of
    AzureCliOptions; ConfigurationError for one that is wrong. ``az`` must be signed in
    to the same cloud.
    """

    def __init__(self, **options: Unpack[AzureCliOptions]) -> None:
        refuse_unknown(options, AzureCliOptions, "AzureCli")
        self.settings = own = account_settings(options)
        timeout = seconds("request_timeout", options.get("request_timeout", 30.0))
        self._inner = AzureCredential(
            _credential(own.tenant, timeout),
            # A domain cannot be compared with a token; az itself signs in there.
            tenant=own.tenant if is_tenant_id(own.tenant) else None,
            username=own.username,
            cloud=own.cloud,
            clock=own.clock,
        )

    @property
    def account(self) -> Account | None:
        """Whose tokens ``az`` gives, once it has given one."""
        return self._inner.account

    def silent(self, resource: str, *, claims: str | None = None) -> Token:
        """Ask ``az`` for a token; it renews its sign-in itself.

        Raises SignInRequired where nobody has signed in to it, SignInExpired and so on
        where that sign-in no longer serves, with the command that helps.
        """
        if claims is not None:
            raise self._challenged(resource, check_claims(claims))
        try:
            token = self._inner.silent(resource)
        except SignInError as refused:
            raise self._advised(refused, resource) from None
        if token is None:
            raise self._not_signed_in(resource)
        return token

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Refuse likewise: the person must run ``az login``."""
        return self.silent(resource, claims=claims)

    def _advised(self, refused: SignInError, resource: str) -> SignInError:
        """Name the command that helps, with the tenant and the scope."""
        _require_az()
        if refused.code is None and "az login" in refused.message:
            return self._not_signed_in(resource)
        if not isinstance(refused, _MENDED_BY_LOGIN):
            return refused
        advised = copy(refused)
        advised.remedy = f"Run: {self._login(resource)}"
        return advised

    def _not_signed_in(self, resource: str) -> SignInRequired:
        return SignInRequired(
            "The Azure CLI is not signed in.", remedy=f"Run: {self._login(resource)}"
        )

    def _challenged(self, resource: str, claims: str) -> SignInRequired:
        # As azure-identity's own advice and azure-cli's (since 2.76.0) spell it.
        coded = base64.b64encode(claims.encode()).decode()
        return SignInRequired(
            "The service challenges the sign-in of the Azure CLI for more claims.",
            remedy=f"Run: {self._login(resource)} --claims-challenge {coded}",
        )

    def _login(self, resource: str) -> str:
        own = self.settings
        cloud = _AZ_CLOUDS.get(own.cloud.name)
        choose = f"az cloud set --name {cloud} && " if cloud else ""
        tenant = f" --tenant {own.tenant}" if own.tenant else ""
        return f"{choose}az login{tenant} --scope {scope_of(resource)}"

    def __copy__(self) -> AzureCli:
        return self

    def __deepcopy__(self, memo: object) -> AzureCli:
        return self

    def __reduce__(self) -> NoReturn:
        refuse_pickle("AzureCli")

    def __repr__(self) -> str:
        if "settings" not in vars(self):  # in the traceback of a constructor
            return "<AzureCli>"
        return f"<AzureCli at {self.settings.tenant or 'its own tenant'}>"


def _credential(tenant: str | None, timeout: float) -> AzureCliCredential:
    _require_az()
    try:
        from azure.identity import AzureCliCredential
    except ImportError as missing:
        raise MissingDependency(
            "Asking the Azure CLI needs the package azure-identity.",
            remedy="Run: pip install 'adls-enduser[identity]'",
        ) from missing
    return AzureCliCredential(tenant_id=tenant or "", process_timeout=math.ceil(timeout))


def _require_az() -> None:
    if shutil.which("az") is None:
        raise MissingDependency(
            "The Azure CLI is not on the path: there is no program az.",
            remedy="Install it (https://aka.ms/azure-cli) and run az login, or sign in with"
            " mode='device_code'.",
        )


class AzureCliOptions(AccountOptions, total=False):
    """What AzureCli takes as well.

    ``request_timeout``: how many seconds ``az`` may take to answer. ``tenant`` is asked
    of it, and ``tenant`` and ``username`` are compared with what the token says.
    """

    request_timeout: float
