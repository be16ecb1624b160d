"""A line that a person pastes at the terminal while the program waits for something else."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import termios

from .prompts import at_terminal

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_CHUNK = 4096
_LONGEST = 64 * 1024


def can_paste() -> bool:
    """Tell whether a person can paste something here: at a terminal that this program has.

    A program in the background must not touch its terminal: it would be stopped
    (POSIX, ``tcsetattr``). Not on Windows, whose consoles cannot be waited for.
    """
    if sys.platform == "win32" or not at_terminal():
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):  # ValueError: a stand-in for standard input
        return False


class TerminalLineReader:
    """Reads lines without waiting for them and without showing them.

    What is pasted holds a code that signs somebody in; and a terminal that edits lines
    itself cuts a long one off (POSIX, MAX_CANON: 1024 bytes on macOS), so both are
    switched off inside of the ``with``.
    """

    def __init__(self) -> None:
        self._terminal = sys.stdin.fileno()
        self._pending = b""

    def lines(self) -> list[str]:
        """Give the lines that have been entered since, without their ends."""
        while select.select([self._terminal], [], [], 0)[0]:
            chunk = os.read(self._terminal, _CHUNK)
            if not chunk:
                break
            self._pending = (self._pending + chunk)[-_LONGEST:]
        *whole, self._pending = self._pending.replace(b"\r", b"\n").split(b"\n")
        return [line.decode(errors="replace").strip() for line in whole if line.strip()]

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._terminal)
        quiet = termios.tcgetattr(self._terminal)
        quiet[3] &= ~(termios.ICANON | termios.ECHO)  # local modes; Ctrl-C stays
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, quiet)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)
