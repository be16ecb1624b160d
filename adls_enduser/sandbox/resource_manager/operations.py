"""Long-running operations: they finish after a number of polls.

Sources: Azure Resource Provider Contract, "Asynchronous operations"; the clients
``msrestazure.polling.arm_polling`` and ``azure.mgmt.core.polling.arm_polling``; the
recorded sessions of azure-mgmt-datalake-store (``operationResults``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..http import empty_response
from .errors import ArmError
from .ids import BASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..http import Request, Response


@dataclass
class Operation:
    """A long-running operation; ``finish`` runs when no polls are left."""

    polls_left: int
    finish: Callable[[], None]
    done: bool = False

    def poll(self) -> bool:
        """Tell whether the operation is done; each poll brings it closer to its end."""
        if not self.done and self.polls_left <= 0:
            self.done = True
            self.finish()
        self.polls_left -= 1
        return self.done


class Operations:
    """All operations, each with one or more addresses.

    ``polls`` is how many polls get "in progress" as response. ``retry_after`` is the header's
    value in seconds, None to send none; the real service sends ten and more. The SDKs really
    sleep that long before each poll. Without the header they wait for their own interval
    (``polling_interval=`` in the newer ones, 30 s by default), and so do the newer ones when
    the header is "0".
    """

    def __init__(self) -> None:
        self.polls = 1
        self.retry_after: int | None = 1
        self._by_address: dict[str, Operation] = {}

    def begin(self, finish: Callable[[], None], *addresses: str) -> Operation:
        """Begin an operation that can be polled at these addresses."""
        operation = Operation(self.polls, finish)
        for address in addresses:
            self._by_address[address.lower()] = operation
        return operation

    def by_address(self, address: str) -> Operation:
        """Find the operation of an address; raise ArmError if there is none."""
        found = self._by_address.get(address.lower())
        if found is None:
            message = f"The operation '{address.rpartition('/')[2]}' could not be found."
            raise ArmError(404, "OperationNotFound", message)
        return found

    def in_progress(self, request: Request) -> Response:
        """Return the response to a poll of a ``Location``: 202, and the same address again."""
        location = {"Location": f"{BASE}{request.target}"}
        return empty_response(202, location | self.headers())

    def headers(self) -> dict[str, str]:
        """Return ``Retry-After``, if it is to be sent."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
