"""The operation of each ``op``.

The names are those of azure.datalake.store.lib, ``DatalakeRESTInterface.ends``, and of
azure-data-lake-store-java, ``Operation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..http import empty_response
from . import changing, errors, reading, writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..http import Response
    from .call import Call


@dataclass(frozen=True)
class Operation:
    """One of the store's operations.

    Without the parameter ``confirmation`` the service responds with 307 and the same address
    with that parameter, as in WebHDFS's two-step protocol (recorded: test_append).
    ``extended`` operations are under ``/webhdfsext/`` instead of ``/webhdfs/v1/``.
    """

    method: str
    perform: Callable[[Call], Response]
    confirmation: str = ""
    extended: bool = False


OPERATIONS = {
    "APPEND": Operation("POST", writing.append, "append"),
    "CHECKACCESS": Operation("GET", reading.check_access),
    "CONCAT": Operation("POST", writing.concat),
    "CONCURRENTAPPEND": Operation("POST", writing.concurrent_append, extended=True),
    "CREATE": Operation("PUT", writing.create, "write"),
    "DELETE": Operation("DELETE", changing.delete),
    "GETACLSTATUS": Operation("GET", reading.get_acl_status),
    "GETCONTENTSUMMARY": Operation("GET", reading.get_content_summary),
    "GETFILESTATUS": Operation("GET", reading.get_file_status),
    "LISTSTATUS": Operation("GET", reading.list_status),
    "MKDIRS": Operation("PUT", changing.make_directories),
    "MODIFYACLENTRIES": Operation("PUT", changing.modify_acl_entries),
    "MSCONCAT": Operation("POST", writing.concat),
    "MSGETACLSTATUS": Operation("GET", reading.ms_get_acl_status),
    "OPEN": Operation("GET", reading.open_file, "read"),
    "REMOVEACL": Operation("PUT", changing.remove_acl),
    "REMOVEACLENTRIES": Operation("PUT", changing.remove_acl_entries),
    "REMOVEDEFAULTACL": Operation("PUT", changing.remove_default_acl),
    "RENAME": Operation("PUT", changing.rename),
    "SETACL": Operation("PUT", changing.set_acl),
    "SETEXPIRY": Operation("PUT", changing.set_expiry, extended=True),
    "SETOWNER": Operation("PUT", changing.set_owner),
    "SETPERMISSION": Operation("PUT", changing.set_permission),
}


def operation(name: str, *, method: str, extended: bool) -> Operation:
    """Find an operation; raise StoreError if there is none with this method and address."""
    found = OPERATIONS.get(name)
    if found is None or found.extended != extended:
        raise errors.bad_parameter("op", f"No operation {name!r} here")
    if found.method != method:
        raise errors.unsupported(f"{name} is a {found.method}, not a {method}.")
    return found


def perform(name: str, call: Call, *, extended: bool) -> Response:
    """Perform an operation, or redirect the client to the address with the confirmation."""
    found = operation(name, method=call.request.method, extended=extended)
    if not found.confirmation or call.parameters.flag(found.confirmation):
        return found.perform(call)
    response = empty_response(307)
    target = f"{call.request.target}&{found.confirmation}=true"
    response.headers["Location"] = f"https://{call.request.hostname}{target}"
    return response
