"""The terminal: whether it is ours, and a line that a person pastes there.

The program waits for the browser meanwhile.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import termios

from .prompts import at_terminal

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_CHUNK = 4096
_MAX_PENDING = 64 * 1024


def can_paste() -> bool:
    """Return whether a person can paste a line here: this program owns a terminal.

    A program in the background must not change its terminal: it would be stopped
    (POSIX, ``tcsetattr``). False on Windows, where ``select`` does not work for consoles.
    """
    if sys.platform == "win32" or not at_terminal():
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):  # ValueError: standard input was replaced by another object
        return False


def is_in_foreground() -> bool:
    """Return whether a key such as Ctrl-C reaches this process and its children alike.

    POSIX, General Terminal Interface, 11.1.9: the terminal signals its foreground group.
    """
    if sys.platform == "win32":
        return True  # CTRL_C_EVENT goes to all processes of the console
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


class TerminalLineReader:
    """Reads lines without waiting for them and without showing them.

    Echo is off inside of the ``with``, because the pasted address contains a code that signs
    the person in. Line editing is off too, because it cuts a long line off (POSIX,
    MAX_CANON: 1024 bytes on macOS).
    """

    def __init__(self) -> None:
        self._terminal = sys.stdin.fileno()
        self._pending = b""

    def lines(self) -> list[str]:
        """Return the lines that were entered since the last call, without line ends."""
        while select.select([self._terminal], [], [], 0)[0]:
            chunk = self._read()
            if not chunk:
                break
            self._pending = (self._pending + chunk)[-_MAX_PENDING:]
        *complete, self._pending = self._pending.replace(b"\r", b"\n").split(b"\n")
        return [line.decode(errors="replace").strip() for line in complete if line.strip()]

    def _read(self) -> bytes:
        try:
            return os.read(self._terminal, _CHUNK)
        except OSError:  # EIO: its window was closed; the listener may still get the response
            return b""

    def __enter__(self) -> Self:
        self._settings_before = termios.tcgetattr(self._terminal)
        settings = termios.tcgetattr(self._terminal)
        settings[3] &= ~(termios.ICANON | termios.ECHO)  # local modes; Ctrl-C stays
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, settings)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(termios.error):  # its window was closed
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._settings_before)
