"""polars_provider: for ``credential_provider=`` of polars' scans, reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import clear_call
from .arguments import check_credential
from .expiry import ask_again_at

if TYPE_CHECKING:
    from ..credentials.credential import Credential
    from ..credentials.protocol import Credentials


@clear_call("polars_provider(credential)")
def polars_provider(credential: Credentials) -> PolarsProvider:
    """Return a ``credential_provider`` for polars, which renews the token.

    For example ``polars.scan_parquet("abfss://box@mylake.dfs.core.windows.net/x.parquet",
    credential_provider=polars_provider(credential))``, or
    ``polars.Config.set_default_credential_provider(polars_provider(credential))``. It can be
    pickled, as the credential can. ConfigurationError for a credential that is not of this
    package.
    """
    return PolarsProvider(check_credential(credential))


@dataclass(frozen=True)
class PolarsProvider:
    """What polars calls for a token (its ``CredentialProviderFunction``)."""

    credential: Credential

    def __call__(self) -> tuple[dict[str, str], int]:
        """Return the token, and when to ask again. Raises an EndUserError."""
        token = self.credential.storage_token()
        return {"bearer_token": token.secret}, ask_again_at(token)
