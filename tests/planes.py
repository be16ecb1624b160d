"""Many cold threads that want a token for either plane from one sign-in."""

from __future__ import annotations

import gc
import sys
import threading
from typing import Any

from adls_enduser import EndUserError
from adls_enduser.concurrency import PromptLock
from adls_enduser.credentials.token_source import TokenSource

from .constants import DATA_LAKE, MANAGEMENT


def ask_from_both_planes(strategy: Any, person: Any, asking: str) -> list[EndUserError]:
    """Ask from 64 threads, all of which come while the first one's person is asked.

    ``person`` calls its attribute ``asking`` when it is asked; it is held there until the
    other plane waits for its turn, and all others for their plane. Gives the errors in which
    the threads end.
    """
    sources = [TokenSource(strategy, one, interactive=True) for one in (MANAGEMENT, DATA_LAKE)]
    errors: list[EndUserError] = []

    def ask(source: TokenSource) -> None:
        try:
            source.token()
        except EndUserError as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=[source]) for source in sources * 32]

    def let_all_come() -> None:
        setattr(person, asking, lambda: None)
        for thread in threads[1:]:
            thread.start()
        for _ in range(3000):
            if _all_wait(len(threads)):
                return
            threading.Event().wait(0.01)

    setattr(person, asking, let_all_come)
    threads[0].start()
    threads[0].join(30)
    for thread in threads[1:]:
        thread.join(30)
    return errors


def _all_wait(threads: int) -> bool:
    """Tell by what they know: they are past the line that decides whom they wait for."""
    # One of each plane leads: one of the two prompts the person, and the other waits for that.
    followers, leaders = count_in(TokenSource._wait_for), count_in(PromptLock.exclusive, "running")
    return (followers, leaders) == (threads - 2, 2)


def count_in(function: Any, knowing: str | None = None) -> int:
    """Count the threads that are inside of a function, and have that local variable."""
    tops = frames().values()
    return sum(_is_in(function.__code__, frame, knowing) for frame in tops)


def frames() -> dict[int, Any]:
    """Return what each thread is at."""
    gc.disable()  # a collection just now may stop everything (python/cpython#106883)
    try:
        return dict(sys._current_frames())
    finally:
        gc.enable()


def _is_in(code: object, frame: Any, knowing: str | None) -> bool:
    while frame is not None:
        if frame.f_code is code:
            return knowing is None or knowing in frame.f_locals
        frame = frame.f_back
    return False
