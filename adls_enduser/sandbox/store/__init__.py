"""Data Lake Storage Gen1: the file systems.

Written from azure-datalake-store's client, the responses of the real service that are
recorded in its tests, and Microsoft's page "Access control in Azure Data Lake Storage
Gen1". What none of them says follows HDFS, from which the service derives.
"""

from __future__ import annotations

import re
import shutil
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..access_tokens import InvalidAccessToken
from ..http import Request, Response, json_response
from . import errors, operations, paths
from .acl import NOBODY, Caller
from .call import Call
from .parameters import Parameters
from .tree import Tree

if TYPE_CHECKING:
    from pathlib import Path

    from ..access_tokens import Reason
    from ..directory import Person
    from ..state import State

_DOMAIN = ".azuredatalakestore.net"
# The second as Microsoft prints it for curl, "Service-to-service authentication with Data Lake
# Storage Gen1 using REST API".
_AUDIENCES = {"https://datalake.azure.net/", "https://management.core.windows.net/"}
_NAME = re.compile("[a-z0-9]{3,24}")
# The request log drops bodies larger than this: gigabytes are kept on disk, not in memory.
_LOGGED = 64 * 1024
# In any case: azure-datalake-store sends /webhdfsext, Microsoft's client for Java /WebHdfsExt
# (its ``Operation.C``).
_EXTENDED = "/webhdfsext"
_ROOTS = (("/webhdfs/v1", False), (_EXTENDED, True))
_HEADERS = {
    "Cache-Control": "no-cache, no-cache, no-store, max-age=0",
    "Expires": "-1",
    "Pragma": "no-cache",
    "Status": "0x0",
    "Strict-Transport-Security": "max-age=15724800; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
# Recorded under /webhdfs/v1, and in none of the 14 responses under /webhdfsext.
_VERSION = {"x-ms-webhdfs-version": "17.04.24.00"}
_TOKEN_ERRORS: dict[Reason, str] = {
    "missing": "The request has no 'Authorization' header.",
    "malformed": "The access token in the 'Authorization' header is malformed.",
    "signature": "The access token in the 'Authorization' header has an invalid signature.",
    "audience": "The access token in the 'Authorization' header is for another resource.",
    "expired": "The access token in the 'Authorization' header is expired.",
    "revoked": "The access token in the 'Authorization' header has been revoked.",
}


class Stores:
    """All stores; each has the host name ``{name}.azuredatalakestore.net``."""

    def __init__(self, state: State, folder: Path) -> None:
        self.state = state
        self.folder = folder
        self._trees: dict[str, Tree] = {}

    def create(self, name: str, *, owner: Person | str = NOBODY) -> None:
        """Create an empty store, as Resource Manager does when an account is created.

        ``owner`` (a person, user name or object id) owns its root. An existing store is left as
        it is. Raises ValueError for a person who does not exist, and for an invalid name: it
        must be 3 to 24 lower-case letters and digits (Microsoft, "Naming rules for Azure
        resources").
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not 3 to 24 lower-case letters and digits")
        if not isinstance(owner, str) or "@" in owner:
            owner = self.state.directory.person(owner).object_id
        self._trees.setdefault(name, Tree(self.folder / name, self.state.clock, owner))

    def delete(self, name: str) -> None:
        """Remove a store and its files, if there is such a store."""
        if self._trees.pop(name, None):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def serves(self, host: str) -> bool:
        """Tell whether a host name is that of a store that exists."""
        return host.endswith(_DOMAIN) and host.removesuffix(_DOMAIN) in self._trees

    def is_free_name(self, host: str) -> bool:
        """Tell whether a host name is that of a store which does not exist."""
        return host.endswith(_DOMAIN) and not self.serves(host)

    def respond(self, request: Request) -> Response:
        """Respond to one WebHDFS request."""
        request_id = str(uuid.uuid4())
        parameters = Parameters(request.args)
        name = parameters.text("op").upper()
        try:
            response = self._perform(name, parameters, request)
        except errors.StoreError as error:
            response = self._error_response(error, name, request_id)
        request.drop_body(larger_than=_LOGGED)
        response.headers["x-ms-request-id"] = request_id
        extended = f"{request.path}/".lower().startswith(f"{_EXTENDED}/")
        for header, value in (_HEADERS if extended else _HEADERS | _VERSION).items():
            response.headers.setdefault(header, value)
        return response

    def _perform(self, name: str, parameters: Parameters, request: Request) -> Response:
        tree = self._trees.get(request.hostname.removesuffix(_DOMAIN))
        if tree is None:
            raise errors.no_such_store(request.hostname)
        caller = self._caller(request)
        path, extended = _below_root(request.path)
        directory = self.state.directory
        call = Call(tree, directory, caller, paths.parse(path), parameters, request)
        try:
            return operations.perform(name, call, extended=extended)
        except FileNotFoundError:  # the file or its store was deleted after it was found
            raise errors.not_found(paths.show(call.path)) from None

    def _caller(self, request: Request) -> Caller:
        try:
            claims = self.state.identity.check(request.headers.get("Authorization"), _AUDIENCES)
        except InvalidAccessToken as error:
            raise errors.unauthorized(_TOKEN_ERRORS[error.reason]) from None
        object_id = claims["oid"].lower()
        groups = frozenset(group.lower() for group in claims.get("groups", ()))
        person = self.state.directory.by_object_id(claims["oid"])
        # The owners of the account are super-users of its file system.
        return Caller(object_id, groups, person is not None and person.role == "Owner")

    def _error_response(
        self, error: errors.StoreError, operation: str, request_id: str
    ) -> Response:
        now = datetime.fromtimestamp(self.state.clock.service_time(), timezone.utc)
        trace = f"[{request_id}][{now.isoformat()}]"
        body = {
            "exception": error.exception,
            "message": f"{error.message(operation)} {trace}",
            "javaClassName": error.java_class,
        }
        response = json_response({"RemoteException": body}, error.status, {"Status": error.code})
        if error.status == 401:
            response.headers["WWW-Authenticate"] = (
                'Bearer authorization_uri="https://login.windows.net/common/", '
                f'error="invalid_token", error_description="{error.text}"'
            )
        return response


def _below_root(path: str) -> tuple[str, bool]:
    """Return the path inside the store, and whether it is that of an extended operation."""
    for root, extended in _ROOTS:
        if f"{path}/".lower().startswith(f"{root}/"):
            return path[len(root) :], extended
    raise errors.not_found(path)
