"""Data Lake Storage Gen2 and OneLake: storage accounts with a hierarchical namespace.

Each account has two endpoints over one tree, ``ACCOUNT.blob.core.windows.net`` and
``ACCOUNT.dfs.core.windows.net``. Written from Microsoft's REST references "Blob Storage" and
"Azure Data Lake Storage Gen2", and from the code that azure-storage-blob and
azure-storage-file-datalake generate from their specifications.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from werkzeug.exceptions import RequestEntityTooLarge

from ..access_tokens import InvalidAccessToken
from ..http import empty_response
from ..store import paths
from ..store.errors import StoreError
from . import blob, dfs, onelake
from .accounts import Account
from .authentication import Authenticator, WrongTenant
from .call import Call
from .errors import StorageError, bad_header, from_store
from .hosts import ONELAKE, StorageHost, parse

if TYPE_CHECKING:
    from pathlib import Path

    from ..http import Request, Response
    from ..state import State
    from ..store.acl import Caller

_NAME = re.compile("[a-z0-9]{3,24}")
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}")
# The request log drops bodies larger than this: gigabytes are kept on disk, not in memory.
_LOGGED = 64 * 1024
_SERVERS = {
    "blob": "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0",
    "dfs": "Windows-Azure-HDFS/1.0 Microsoft-HTTPAPI/2.0",
}


class Storage:
    """All storage accounts; names are unique in each cloud."""

    def __init__(self, state: State, folder: Path) -> None:
        self._state = state
        self._folder = folder
        self._authenticator = Authenticator(state)
        self._accounts: dict[tuple[str, str], Account] = {}
        self._onelake = self._add(ONELAKE, "public")

    def create(self, name: str, *filesystems: str, cloud: str = "public") -> Account:
        """Create a storage account, and filesystems in it, without a request.

        An existing account is left as it is, and gets the filesystems that it lacks. ``cloud``
        is ``"public"``, ``"china"`` or ``"usgovernment"``, as in ``Tenant``. Raises ValueError
        for an invalid name: it must be 3 to 24 lower-case letters and digits (Microsoft, "Naming
        rules for Azure resources").
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not 3 to 24 lower-case letters and digits")
        account = self._accounts.get((cloud, name)) or self._add(name, cloud)
        for filesystem in filesystems:
            if not account.has(filesystem):
                account.create_filesystem(filesystem)
        return account

    def delete(self, name: str, *, cloud: str = "public") -> None:
        """Remove an account and its files, if there is such an account."""
        account = self._accounts.pop((cloud, name), None)
        if account is not None:
            account.remove_files()

    def create_workspace(self, name: str, *items: str) -> None:
        """Create a workspace of OneLake, and items in it such as ``"sales.Lakehouse"``."""
        onelake.create_workspace(self._onelake, name, items)

    def serves(self, host: str) -> bool:
        """Tell whether a host name is that of an account that exists."""
        found = parse(host)
        return found is not None and self.account(found) is not None

    def is_free_name(self, host: str) -> bool:
        """Tell whether a host name is that of an account which does not exist."""
        return parse(host) is not None and not self.serves(host)

    def respond(self, request: Request) -> Response:
        """Respond to one request."""
        host = parse(request.hostname)
        if host is None:
            raise ValueError(f"{request.hostname} is no host of storage")
        request_id = str(uuid.uuid4())
        try:
            response = self._perform(request, host)
        except StorageError as error:
            now = self._state.clock.service_time()
            response = error.response(host.endpoint, request_id, now)
            if request.method == "HEAD":
                response = empty_response(error.status, dict(response.headers))
        request.drop_body(larger_than=_LOGGED)
        return _with_common_headers(response, request, host, request_id)

    def account(self, host: StorageHost) -> Account | None:
        """Return the account of a host, or None."""
        return self._accounts.get((host.cloud, host.account))

    def _perform(self, request: Request, host: StorageHost) -> Response:
        try:
            return _perform(self._call(request, host))
        except StoreError as error:
            raise from_store(error) from None
        except FileNotFoundError:  # the file or its account was deleted after it was found
            raise StorageError("PathNotFound") from None
        except RequestEntityTooLarge:
            raise StorageError("RequestBodyTooLarge") from None

    def caller(self, authorization: str | None, host: StorageHost) -> Caller | None:
        """Return the person that a token for a host is for, or None."""
        account = self.account(host)
        try:
            return self._authenticator.caller(authorization, host, account) if account else None
        except (InvalidAccessToken, WrongTenant):
            return None

    def _call(self, request: Request, host: StorageHost) -> Call:
        account = self.account(host)
        if account is None:
            # It was deleted while this connection was open; a new one is refused by the proxy.
            raise StorageError("ResourceNotFound", AccountName=host.account)
        version = request.headers.get("x-ms-version")
        if version is not None and not _VERSION.fullmatch(version):
            raise bad_header("x-ms-version", version)
        caller = self._authenticator.authenticate(request, host, account)
        name, _, path = request.path.lstrip("/").partition("/")
        return Call(request, host, account, caller, name, paths.parse(path), self)

    def _add(self, name: str, cloud: str) -> Account:
        account = Account(name, cloud, self._state, self._folder / f"{cloud}-{name}")
        self._accounts[cloud, name] = account
        return account


def _perform(call: Call) -> Response:
    call.check_supported()
    if call.host.is_onelake:
        onelake.check(call)
    response = blob.perform(call) if call.host.endpoint == "blob" else dfs.perform(call)
    return onelake.finish(call, response) if call.host.is_onelake else response


def _with_common_headers(
    response: Response, request: Request, host: StorageHost, request_id: str
) -> Response:
    """Add the headers that every response has (each operation's page of the references)."""
    response.headers["Server"] = _SERVERS[host.endpoint]
    response.headers["x-ms-request-id"] = request_id
    version = request.headers.get("x-ms-version", "")
    if _VERSION.fullmatch(version):
        response.headers["x-ms-version"] = version
    if client_id := request.headers.get("x-ms-client-request-id"):
        response.headers["x-ms-client-request-id"] = client_id
    return response
