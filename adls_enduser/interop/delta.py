"""delta_options: storage options with which delta-rs renews its tokens itself.

delta-rs takes strings only, and a token among them would never be renewed. But its object_store
asks a managed-identity endpoint, whose address is an option and whose secret is the environment
variable IDENTITY_HEADER (object_store, azure/credential.rs, ImdsManagedIdentityProvider).
"""

from __future__ import annotations

import atexit
import os
import secrets
import threading
from typing import TYPE_CHECKING

from ..concurrency import reset_after_fork
from ..strategies.detached import DetachedStrategy
from .arguments import check_credential
from .endpoint import allowed_audiences, without_proxy
from .managed_identity import IdentityEndpoint

if TYPE_CHECKING:
    from ..credentials.credential import Credential
    from ..credentials.protocol import Credentials

_HEADER = "IDENTITY_HEADER"


def delta_options(credential: Credentials) -> dict[str, str]:
    """Return ``storage_options`` for deltalake's ``DeltaTable`` and ``write_deltalake``.

    The process serves tokens for Azure Storage to itself, on loopback, until it ends: one endpoint
    for each sign-in. The secret is IDENTITY_HEADER in ``os.environ``; a value that is there already
    is used. ``os.environ`` also gets loopback added to NO_PROXY, or the secret would go to a proxy.
    A forked child gets an endpoint of its own. Raises ConfigurationError for a credential that no
    factory of this package returned.
    """
    ours = check_credential(credential)
    if not _header():
        os.environ[_HEADER] = secrets.token_urlsafe(32)
    os.environ.update(without_proxy(os.environ))
    return {"azure_msi_endpoint": _endpoints.url_for(ours)}


def _header() -> str:
    # Read at each request: object_store does so, too, and another one may have been set.
    return os.environ.get(_HEADER, "")


class _Endpoints:
    """The endpoints of this process, one for each sign-in."""

    def __init__(self) -> None:
        self.after_fork()
        reset_after_fork(self)
        atexit.register(self.close)

    def after_fork(self) -> None:
        """Forget the endpoints of the parent process."""
        self._lock = threading.Lock()
        self._by_sign_in: dict[str, IdentityEndpoint] = {}

    def url_for(self, credential: Credential) -> str:
        """Return the address for a sign-in, and begin to serve it the first time."""
        source = credential.token_source
        with self._lock:
            endpoint = self._by_sign_in.get(source.sign_in_id)
            if endpoint is None:
                audiences = allowed_audiences(credential, [credential.cloud.storage])
                endpoint = IdentityEndpoint(credential, audiences, _header)
                self._by_sign_in[source.sign_in_id] = endpoint
            elif not isinstance(source.strategy, DetachedStrategy):
                endpoint.serve_from(credential)  # the first one may be a copy that renews nothing
            return endpoint.url

    def close(self) -> None:
        """Close all of them."""
        for endpoint in self._by_sign_in.values():
            endpoint.close()


_endpoints = _Endpoints()
