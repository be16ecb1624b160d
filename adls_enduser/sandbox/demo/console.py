"""The demo's output: headings, paragraphs, and a progress bar where there is a terminal."""

from __future__ import annotations

import os
import shutil
import textwrap
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

_MEGABYTE = 1024 * 1024
_MAX_WIDTH = 88
_INDENT = "   "


class Console:
    """Writes to a stream, and flushes each time, so that a pipe is as up to date as a screen."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        # https://no-color.org: any value but the empty string.
        self._bold = self.is_terminal and not os.environ.get("NO_COLOR")
        self._steps = 0

    def heading(self, text: str) -> None:
        """Write a heading."""
        self.write(f"\n{self._emphasized(text)}\n")

    def step(self, text: str) -> None:
        """Write the heading of the next step, with its number."""
        self._steps += 1
        self.heading(f"{self._steps}. {text}")

    def paragraph(self, text: str) -> None:
        """Write a paragraph, wrapped to the terminal's width."""
        self.write("\n".join(_wrap(text, _INDENT)) + "\n")

    def code(self, *lines: str) -> None:
        """Show lines of a program."""
        self.write("".join(f"{_INDENT}>>> {line}\n" for line in lines))

    def quote(self, text: str) -> None:
        """Quote a text, line by line."""
        for line in text.strip().splitlines():
            self.write("\n".join(_wrap(line, f"{_INDENT}| ")) + "\n")

    def write(self, text: str) -> None:
        """Write text unchanged."""
        self._stream.write(text)
        self._stream.flush()

    def _emphasized(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if self._bold else text


class Progress:
    """A ``progress_callback`` for ``multithread``: a bar, or a line at each quarter.

    Keeps ``done`` and ``total``, in bytes. Threads may call it in any order, so a lower count
    than before is ignored.
    """

    def __init__(self, console: Console, label: str) -> None:
        self._console = console
        self._label = label
        self._quarter = -1
        self._lock = threading.Lock()
        self.done, self.total = -1, 0

    def __call__(self, done: int, total: int) -> None:
        """Show the progress."""
        with self._lock:
            if done > self.done:
                self.done, self.total = done, total
                self._show(done, total)

    def _show(self, done: int, total: int) -> None:
        if self._console.is_terminal:
            end = "\n" if done >= total else ""
            self._console.write(f"\r{_INDENT}{self._bar()} {self._amount()}{end}")
        elif (quarter := 4 * done // total) > self._quarter:
            self._quarter = quarter
            self._console.write(f"{_INDENT}{self._label}: {self._amount()}\n")

    def _bar(self) -> str:
        length = 30
        full = length * self.done // self.total
        return f"{self._label:<11} [{'#' * full}{'.' * (length - full)}]"

    def _amount(self) -> str:
        done, total = self.done / _MEGABYTE, self.total / _MEGABYTE
        return f"{done:5.1f} of {total:.1f} MB ({100 * self.done // self.total} %)"


def _wrap(text: str, indent: str) -> list[str]:
    width = min(shutil.get_terminal_size().columns, _MAX_WIDTH)
    lines = textwrap.wrap(
        text,
        max(width, 2 * len(indent)),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [indent.rstrip()]
