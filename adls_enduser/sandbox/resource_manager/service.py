"""ResourceManager: every request through the gate, then to its handler."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

from .accounts import Accounts, check_name
from .authentication import Gate
from .child_resources import COLLECTIONS, Children
from .errors import ArmError
from .groups import Groups
from .inventory import Account, Estate, Group
from .metadata import PATH, PUBLIC, Place, endpoints
from .operations import Operations
from .provider import Provider
from .routing import Call, Router
from .subscriptions import Subscriptions

if TYPE_CHECKING:
    from ..http import Request, Response
    from ..state import World
    from ..store import Stores

# What is left of an hour's quota, always: throttling is scripted with faults.
_QUOTAS = {"GET": ("reads", "11999"), "HEAD": ("reads", "11999"), "DELETE": ("deletes", "14999")}


class ResourceManager:
    """The control plane: one subscription, to begin with one group and one account in it.

    ``polls`` is how many looks at a long-running operation still say "in progress";
    ``retry_after`` the seconds between two of them, which the SDKs really sleep (None: no
    header, so that a client's own polling interval counts); ``page_size`` how many items
    a list gives before it goes on behind a ``nextLink``.
    """

    def __init__(self, world: World, stores: Stores) -> None:
        self._lock = threading.RLock()
        self._estate = Estate()
        self._operations = Operations()
        self._gate = Gate(world)
        self._places = {PUBLIC.host: PUBLIC}
        self._accounts = Accounts(world, stores, self._estate, self._operations)
        self._groups = Groups(self._estate, self._operations, self._accounts)
        routes = Subscriptions(world).routes() + Provider(self._estate).routes()
        routes += self._groups.routes() + self._accounts.routes()
        for collection in COLLECTIONS:
            routes += Children(world, self._estate, collection).routes()
        self._router = Router(routes)
        self.add_resource_group("analytics", "eastus2")
        self.add_account("mystore", "analytics")

    @property
    def polls(self) -> int:
        """How many looks at a long-running operation still say "in progress"."""
        return self._operations.polls

    @polls.setter
    def polls(self, polls: int) -> None:
        self._operations.polls = polls

    @property
    def retry_after(self) -> int | None:
        """What ``Retry-After`` says, in seconds; None to send none."""
        return self._operations.retry_after

    @retry_after.setter
    def retry_after(self, seconds: int | None) -> None:
        self._operations.retry_after = seconds

    @property
    def page_size(self) -> int:
        """How many items a list gives at once."""
        return self._accounts.page_size

    @page_size.setter
    def page_size(self, size: int) -> None:
        self._accounts.page_size = size

    def add_resource_group(self, name: str, location: str = "eastus2") -> Group:
        """Make a resource group, without a request."""
        with self._lock:
            return self._groups.new(name, location)

    def add_account(self, name: str, group: str = "analytics") -> Account:
        """Make a Data Lake Store account and its store, without a request or a wait."""
        check_name(name)
        with self._lock:
            where = self._estate.group(group)
            account = self._accounts.new(name, where, where.location)
            self._accounts.keep(account)
            self._accounts.open(account)
            return account

    def add_azure_stack(self, host: str, *, login_endpoint: str, audience: str) -> None:
        """Answer under another host too, as the Resource Manager of an Azure Stack.

        ``login_endpoint`` is the authority that its metadata names, ``audience`` what its
        tokens are for; what it manages is what the public host manages.
        """
        self._places[host.lower()] = Place(host.lower(), login_endpoint, (audience,))

    def serves(self, host: str) -> bool:
        """Tell whether a host name is Resource Manager's."""
        return host in self._places

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        try:
            response = self._answer(request)
        except ArmError as error:
            response = error.response()
        return _stamped(request, response)

    def _answer(self, request: Request) -> Response:
        place = self._places[request.hostname]
        if request.method == "GET" and request.path.lower().rstrip("/") == PATH:
            return endpoints(request, place)
        caller = self._gate.admit(request, place.audiences)
        route, names = self._router.find(request)
        call = Call(request, caller, names, route)
        self._gate.authorize(call)
        with self._lock:
            return route.handler(call)


def _stamped(request: Request, response: Response) -> Response:
    """Add the headers that every answer has (Azure Resource Provider Contract)."""
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
    if mine := request.headers.get("x-ms-client-request-id"):
        response.headers["x-ms-client-request-id"] = mine
    return response
