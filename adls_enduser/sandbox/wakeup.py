"""Wait for a signal, without missing a signal that arrives just before the wait.

Python calls a signal's handler between two bytecodes of the main thread (Python, "Execution of
Python signal handlers"). If the main thread is in a system call, the signal interrupts the call.
But a signal that arrives between the last bytecode and the system call interrupts nothing, and
its handler is called when the system call returns, which may be never. A byte that
``signal.set_wakeup_fd`` writes to a socket is not lost.
"""

from __future__ import annotations

import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

_CHILD_ENDED = getattr(signal, "SIGCHLD", None)  # Windows has none


@contextmanager
def wakeups() -> Iterator[Callable[[], object]]:
    """Return a function that waits for the next signal: a handled one, or a child's end."""
    receiver, sender = socket.socketpair()
    with receiver, sender:
        sender.setblocking(False)
        descriptor = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        handler = _CHILD_ENDED and signal.signal(_CHILD_ENDED, lambda *_: None)
        try:
            yield lambda: receiver.recv(4096)
        finally:
            signal.set_wakeup_fd(descriptor)
            if _CHILD_ENDED:
                signal.signal(_CHILD_ENDED, handler)


def wait_for_process(process: subprocess.Popen[bytes], wait: Callable[[], object]) -> int:
    """Wait for the end of a process that was started within ``wakeups``."""
    while _CHILD_ENDED and process.poll() is None:
        wait()
    return process.wait()
