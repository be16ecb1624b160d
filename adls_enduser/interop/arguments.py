"""The argument that all functions of this room take: a credential, checked and taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..clouds import Cloud
    from ..credentials.credential import Credential
    from ..credentials.protocol import Credentials
    from ..credentials.token_source import TokenSource


def check_credential(credential: object) -> Credential:
    """Return the object if one of our factories returned it; else raise ConfigurationError."""
    from ..credentials.credential import Credential

    if isinstance(credential, Credential):
        return credential
    kind = credential.__name__ if isinstance(credential, type) else type(credential).__name__
    raise ConfigurationError(
        f"credential must be what a factory of adls_enduser returned, not {kind}.",
        remedy=f"Pass {_what_to_pass(credential)}.",
    )


def _what_to_pass(credential: object) -> str:
    from ..credentials.aio import AsyncCredential
    from ..strategies.protocol import AuthStrategy

    if isinstance(credential, AsyncCredential):
        return "the object whose aio() you called"
    if isinstance(credential, str):
        return "storage_credential(mode=StaticToken(token)) for a token"
    if isinstance(credential, AuthStrategy) and not isinstance(credential, type):
        return "storage_credential(mode=credential)"
    if callable(getattr(credential, "get_token", None)) and not isinstance(credential, type):
        return "storage_credential(mode=AzureCredential(credential))"
    return "what storage_credential(...) returns"


def token_source_of(credential: Credentials) -> TokenSource:
    """Return the source of the tokens for a checked credential's own audience."""
    return cast("Credential", credential).token_source


def cloud_of(credential: Credentials) -> Cloud:
    """Return the cloud of a checked credential."""
    return cast("Credential", credential).cloud
