"""Await a call that blocks, under asyncio or trio, in a thread of its own.

Not in the executor of the event loop: callers that wait there could occupy all its threads, and
a prompt that needs one of them would never be shown. And what runs there cannot be abandoned:
``asyncio.run`` waits for the executor's threads at its end.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

from ..environment.caller_warnings import in_context_of_caller
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


async def run_in_thread(
    blocking: Callable[_Parameters, _Result],
    /,
    *arguments: _Parameters.args,
    **options: _Parameters.kwargs,
) -> _Result:
    """Call a function in a new thread, and return its result or raise its error.

    If the await is cancelled, it ends at once, and the thread is left alone. Raises
    ConfigurationError if neither asyncio nor trio runs the caller.
    """
    ended, call = _ended_event(), _Call[_Result]()
    function = partial(in_context_of_caller(blocking), *arguments, **options)
    thread = threading.Thread(
        target=call.run, args=(ended, function), name="adls_enduser-await", daemon=True
    )
    thread.start()
    await ended.wait()
    return call.result()


class _Ended(Protocol):
    """An event that a task waits for and that a thread sets."""

    async def wait(self) -> None:
        """Wait in the task until the event is set."""

    def set_from_thread(self) -> None:
        """Set the event from another thread; no-op if the event loop has ended."""


class _Call(Generic[_Result]):
    """The outcome of a call in another thread."""

    def __init__(self) -> None:
        self._results: list[_Result] = []
        self._error: BaseException | None = None

    def run(self, ended: _Ended, function: Callable[[], _Result]) -> None:
        """Call the function, then set the event."""
        try:
            self._results.append(function())
        except BaseException as error:
            self._error = error
        finally:
            ended.set_from_thread()

    def result(self) -> _Result:
        """Return the result, or raise the error."""
        error, self._error = self._error, None  # a kept error would keep its frames alive
        if error is not None:
            raise error
        return self._results[0]


class _AsyncioEvent(_Ended):
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()

    async def wait(self) -> None:
        await self._future

    def set_from_thread(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._set)
        except RuntimeError:  # the loop has been closed: no task waits any more
            return

    def _set(self) -> None:
        if not self._future.done():  # cancelled
            self._future.set_result(None)


class _TrioEvent(_Ended):
    def __init__(self, trio: Any) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._event = trio.Event()
        self._finished: type[Exception] = trio.RunFinishedError

    async def wait(self) -> None:
        await self._event.wait()

    def set_from_thread(self) -> None:
        try:
            self._token.run_sync_soon(self._event.set)
        except self._finished:  # the run has ended: no task waits any more
            return


def _ended_event() -> _Ended:
    """Return an event of the library that runs this task; anyio runs on either of the two."""
    trio = sys.modules.get("trio")
    if trio is not None and _is_trio_task(trio):
        return _TrioEvent(trio)
    try:
        return _AsyncioEvent()
    except RuntimeError:
        raise ConfigurationError(
            "This credential can be awaited under asyncio, trio and anyio, and none of them runs"
            " here.",
            remedy="Call the credential itself, without aio(), in a thread.",
        ) from None


def _is_trio_task(trio: Any) -> bool:
    try:
        trio.lowlevel.current_task()
    except RuntimeError:  # "must be called from async context"
        return False
    return True
