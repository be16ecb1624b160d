"""The argument that all functions of this room take: a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..credentials.credential import Credential


def own_credential(credential: object) -> Credential:
    """Return the object that a factory of ours returned; ConfigurationError for any other."""
    from ..credentials.aio import AsyncCredential
    from ..credentials.credential import Credential

    if isinstance(credential, Credential):
        return credential
    if isinstance(credential, AsyncCredential):
        remedy = "Pass the object whose aio() you called."
    elif callable(getattr(credential, "get_token", None)):
        remedy = "Pass storage_credential(mode=AzureCredential(credential))."
    else:
        remedy = "Pass what storage_credential(...) returns."
    raise ConfigurationError(
        f"credential must be what a factory of adls_enduser returned, not"
        f" {type(credential).__name__}.",
        remedy=remedy,
    )
