"""obstore_provider: for ``credential_provider=`` of obstore's ``AzureStore``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypedDict

from ..errors import clear_call
from .arguments import check_credential
from .expiry import ask_again_at

if TYPE_CHECKING:
    from ..credentials.credential import Credential
    from ..credentials.protocol import Credentials


class BearerToken(TypedDict):
    """A token as obstore takes it (its ``AzureBearerToken``)."""

    token: str
    expires_at: datetime


@clear_call("obstore_provider(credential)")
def obstore_provider(credential: Credentials) -> ObstoreProvider:
    """Return a ``credential_provider`` for obstore, which renews the token.

    For example ``AzureStore("box", account_name="mylake",
    credential_provider=obstore_provider(credential))``. It serves the store's synchronous and
    asynchronous calls. It can be pickled, as the credential can. ConfigurationError for a
    credential that is not of this package.
    """
    return ObstoreProvider(check_credential(credential))


@dataclass(frozen=True)
class ObstoreProvider:
    """What obstore calls for a token (its ``AzureCredentialProvider``)."""

    credential: Credential

    def __call__(self) -> BearerToken:
        """Return the token, and when to ask again. Raises an EndUserError."""
        token = self.credential.storage_token()
        expires_at = datetime.fromtimestamp(ask_again_at(token), timezone.utc)
        return {"token": token.secret, "expires_at": expires_at}
