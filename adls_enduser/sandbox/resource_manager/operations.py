"""Long-running operations: asked after so many times, then done.

Sources: Azure Resource Provider Contract, "Asynchronous operations"; the clients
``msrestazure.polling.arm_polling`` and ``azure.mgmt.core.polling.arm_polling``; the
recorded sessions of azure-mgmt-datalake-store (``operationResults``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..http import Response
from .errors import ArmError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Operation:
    """Something that takes a while; ``finish`` happens when it is looked at often enough."""

    left: int
    finish: Callable[[], None]
    done: bool = False

    def look(self) -> bool:
        """Tell whether it is done; every look brings it nearer to its end."""
        if not self.done and self.left <= 0:
            self.done = True
            self.finish()
        self.left -= 1
        return self.done


class Operations:
    """All operations, each under one or more addresses.

    ``polls`` is how many looks still say "in progress". ``retry_after`` is the header's
    seconds, None to send none; the real service says ten and more. The SDKs really
    sleep that long before each look. Without the header they wait for their own interval
    (``polling_interval=`` in the newer, 30 s by default), and so do the newer ones when
    it is "0".
    """

    def __init__(self) -> None:
        self.polls = 1
        self.retry_after: int | None = 1
        self._by_address: dict[str, Operation] = {}

    def begin(self, finish: Callable[[], None], *addresses: str) -> Operation:
        """Begin an operation that can be asked after at these addresses."""
        operation = Operation(self.polls, finish)
        for address in addresses:
            self._by_address[address.lower()] = operation
        return operation

    def at(self, address: str) -> Operation:
        """Find the operation behind an address; ArmError if there is none."""
        found = self._by_address.get(address.lower())
        if found is None:
            message = f"The operation '{address.rpartition('/')[2]}' could not be found."
            raise ArmError(404, "OperationNotFound", message)
        return found

    def headers(self) -> dict[str, str]:
        """Give ``Retry-After``, if it is to be sent."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def empty(status: int, headers: dict[str, str] | None = None) -> Response:
    """Give an answer without a body."""
    response = Response(b"", status, headers)
    del response.headers["Content-Type"]
    return response
