"""The argument that all functions of this room take: a credential, checked and taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..clouds import Cloud
    from ..credentials.credential import Credential
    from ..credentials.protocol import Credentials
    from ..credentials.token_source import TokenSource


def check_credential(credential: object) -> None:
    """Raise ConfigurationError unless it is the object that one of our factories returned."""
    from ..credentials.aio import AsyncCredential
    from ..credentials.credential import Credential

    if isinstance(credential, Credential):
        return
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


def token_source_of(credential: Credentials) -> TokenSource:
    """Return the source of the tokens for a checked credential's own audience."""
    return cast("Credential", credential).token_source


def cloud_of(credential: Credentials) -> Cloud:
    """Return the cloud of a checked credential."""
    return cast("Credential", credential).cloud
