"""ResourceManager: each request is authenticated, routed, authorized and handled."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

from .accounts import Accounts, check_name
from .authentication import Authenticator
from .child_resources import CHILD_TYPES, ChildResources
from .errors import ArmError
from .groups import Groups
from .ids import STORAGE_TYPE
from .inventory import Account, Group, Inventory
from .metadata import PATH, PUBLIC, CloudEndpoint, metadata_response
from .operations import Operations
from .provider import Provider
from .request import Call
from .routing import Router
from .storage_accounts import StorageAccounts
from .storage_accounts import check_name as check_storage_name
from .subscriptions import Subscriptions
from .tags import TagsAtScope

if TYPE_CHECKING:
    from ..gen2 import Storage
    from ..http import Request, Response
    from ..state import State
    from ..store import Stores

# The remaining quota never changes: scripts use faults for throttling.
_QUOTAS = {"GET": ("reads", "11999"), "HEAD": ("reads", "11999"), "DELETE": ("deletes", "14999")}


class ResourceManager:
    """The control plane: one subscription, at first with one group and two accounts in it.

    They are ``mystore``, of Data Lake Store (Gen1), and ``mylake``, of Azure Storage (Gen2).

    ``polls`` is how many polls of a long-running operation get "in progress" as response;
    ``retry_after`` the seconds between two of them, which the SDKs really sleep (None: no
    header, so that a client's own polling interval counts); ``page_size`` the number of items
    in a page of a list, which continues at its ``nextLink``.
    """

    def __init__(self, state: State, stores: Stores, storage: Storage) -> None:
        self._lock = threading.RLock()
        self._inventory = Inventory()
        self._operations = Operations()
        self._authenticator = Authenticator(state)
        self._endpoints = {PUBLIC.host: PUBLIC}
        self._accounts = Accounts(state, stores, self._inventory, self._operations)
        self._storage = StorageAccounts(state, storage, self._inventory, self._operations)
        self._groups = Groups(self._inventory, self._operations, self._remove_account)
        routes = Subscriptions(state.directory).routes() + Provider(self._inventory).routes()
        routes += self._groups.routes() + self._accounts.routes() + self._storage.routes()
        routes += TagsAtScope(self._inventory).routes()
        for child_type in CHILD_TYPES:
            routes += ChildResources(state, self._inventory, child_type).routes()
        self._router = Router(routes)
        self.add_resource_group("analytics", "eastus2")
        self.add_account("mystore", "analytics")
        self.add_storage_account("mylake", "analytics")

    @property
    def polls(self) -> int:
        """Return how many polls of a long-running operation get "in progress" as response."""
        return self._operations.polls

    @polls.setter
    def polls(self, polls: int) -> None:
        self._operations.polls = polls

    @property
    def retry_after(self) -> int | None:
        """Return the value of ``Retry-After`` in seconds; None to send none."""
        return self._operations.retry_after

    @retry_after.setter
    def retry_after(self, seconds: int | None) -> None:
        self._operations.retry_after = seconds

    @property
    def page_size(self) -> int:
        """Return the number of items in a page of a list."""
        return self._inventory.page_size

    @page_size.setter
    def page_size(self, size: int) -> None:
        self._inventory.page_size = size

    def add_resource_group(self, name: str, location: str = "eastus2") -> Group:
        """Create a resource group, without a request."""
        with self._lock:
            return self._groups.new(name, location)

    def add_account(self, name: str, group: Group | str = "analytics") -> Account:
        """Create a Data Lake Store account and its store, without a request or a wait."""
        check_name(name)
        with self._lock:
            found = self._inventory.group(group.name if isinstance(group, Group) else group)
            account = self._accounts.new(name, found, found.location)
            self._accounts.add(account)
            self._accounts.finish_creation(account)
            return account

    def add_storage_account(self, name: str, group: str = "analytics") -> Account:
        """Create a storage account with a hierarchical namespace, without a request or a wait."""
        check_storage_name(name)
        with self._lock:
            found = self._inventory.group(group)
            account = self._storage.new(name, found, found.location)
            account.settings["isHnsEnabled"] = True
            self._storage.add(account)
            self._storage.finish_creation(account)
            return account

    def _remove_account(self, account: Account) -> None:
        owner = self._storage if account.kind == STORAGE_TYPE else self._accounts
        owner.remove(account)

    def add_azure_stack(self, host: str, *, login_endpoint: str, audience: str) -> None:
        """Respond under another host name too, as the Resource Manager of an Azure Stack.

        ``login_endpoint`` is the authority in its metadata, ``audience`` that of its tokens. It
        manages the same resources as the public host.
        """
        self._endpoints[host.lower()] = CloudEndpoint(host.lower(), login_endpoint, (audience,))

    def serves(self, host: str) -> bool:
        """Tell whether a host name is Resource Manager's."""
        return host in self._endpoints

    def respond(self, request: Request) -> Response:
        """Respond to one request."""
        try:
            response = self._response(request)
        except ArmError as error:
            response = error.response()
        return _with_common_headers(request, response)

    def _response(self, request: Request) -> Response:
        endpoint = self._endpoints[request.hostname]
        if request.method == "GET" and request.path.lower().rstrip("/") == PATH:
            return metadata_response(request, endpoint)
        caller = self._authenticator.authenticate(request, endpoint.audiences)
        route, names = self._router.find(request)
        call = Call(request, caller, names, route)
        self._authenticator.authorize(call)
        with self._lock:
            return route.handler(call)


def _with_common_headers(request: Request, response: Response) -> Response:
    """Add the headers that every response has (Azure Resource Provider Contract)."""
    identifier = str(uuid.uuid4())
    correlation = request.headers.get("x-ms-correlation-request-id") or identifier
    quota, left = _QUOTAS.get(request.method, ("writes", "1199"))
    response.headers.update(
        {
            "Cache-Control": "no-cache",
            "Pragma": "no-cache",
            "Expires": "-1",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
            "x-ms-request-id": identifier,
            "x-ms-correlation-request-id": correlation,
            f"x-ms-ratelimit-remaining-subscription-{quota}": left,
        }
    )
    if client_id := request.headers.get("x-ms-client-request-id"):
        response.headers["x-ms-client-request-id"] = client_id
    return response
