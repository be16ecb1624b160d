"""What people and programs read: results on standard output, everything else on standard error."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

from ..errors import EndUserError

if TYPE_CHECKING:
    from collections.abc import Mapping


# A word of a command line, with its quotes.
_WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""")
_COLOURS = {"good": "32", "to mind": "33", "broken": "31"}


class OutputClosed(EndUserError):
    """The result could not be written."""


def prepare() -> None:
    """Write what a stream cannot encode in an escaped form, and show warnings as plain lines."""
    import warnings

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = _show_warning


def _show_warning(  # with the arguments of warnings.showwarning
    message: Warning | str,
    category: type[Warning],
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    if issubclass(category, UserWarning):
        from .wording import for_shell

        notice(f"adls-enduser: {for_shell(str(message))}")


def write(text: str) -> None:
    """Write a result, and a line end, to standard output; errors as for ``put``."""
    put(f"{text}\n")


def put(text: str) -> None:
    """Write a text, and all that was written before, to standard output.

    Raises OutputClosed if that fails, for example because the disk is full. Ends the program
    quietly, as others do, if nobody reads a pipe any more.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout, 1)
        sys.exit(1)
    except (OSError, ValueError, AttributeError) as error:  # no stream, if it was closed
        _discard(sys.stdout, 1)
        reason = getattr(error, "strerror", None) or "it is closed"
        raise OutputClosed(
            f"Standard output cannot be written ({reason}).",
            remedy="Check where it is redirected to.",
        ) from None


def _discard(stream: TextIO | None, descriptor: int) -> None:
    # Python would try again at its end (Python, "Note on SIGPIPE"), and end with status 120.
    if stream is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)


def write_json(value: Any) -> None:
    """Write a result for a program."""
    import json

    write(json.dumps(value, indent=2))


def notice(text: str) -> None:
    """Write a text for the person to standard error, if there is one."""
    from ..interaction.prompts import tell

    tell(f"{fold(text, columns(sys.stderr))}\n")
    try:
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr, 2)
    except (ValueError, AttributeError):  # no stream, if it was closed
        pass


def show_error(error: EndUserError) -> None:
    """Write what happened, what to do next, and how to find it in the sign-in log."""
    from .wording import for_shell, remedy_for_shell

    fields = {"code": error.code, "correlation id": error.correlation_id, "at": error.timestamp}
    known = [type(error).__name__, *(f"{name} {one}" for name, one in fields.items() if one)]
    lines = [for_shell(error.message), remedy_for_shell(error.remedy), f"({', '.join(known)})"]
    notice("adls-enduser: " + "\n".join(filter(None, lines)))


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream writes to a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def columns(stream: TextIO | None) -> int | None:
    """Return the width of the terminal that a stream writes to; None if it is none."""
    if stream is None or not is_terminal(stream):
        return None
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def fold(text: str, width: int | None, indent: str = "", hanging: str | None = None) -> str:
    """Return a text whose lines are at most so wide; ``hanging`` indents what is broken off.

    What stands after "Run: " is a command, which keeps its line, so that it can be copied.
    """
    hanging = indent if hanging is None else hanging
    lines: list[str] = []
    for line in text.split("\n"):
        words, _, command = line.partition("Run: ")
        if width is None or len(indent) + len(line) <= width:
            lines.append(indent + line)
        elif command:
            lines += [*_folded(words + "Run:", width, indent, hanging), f"{hanging}  {command}"]
        else:
            lines += _folded(line, width, indent, hanging)
        indent = hanging
    return "\n".join(lines)


def _folded(text: str, width: int, indent: str, hanging: str) -> list[str]:
    import textwrap  # only a narrow terminal needs it

    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def break_command(command: str, width: int, indent: str = "") -> str:
    """Return a command line that is broken, as a shell allows, where it is too wide."""
    lines, line = [], ""
    for word in _WORD.findall(command):
        longer = f"{line} {word}" if line else word
        if line and len(indent) + len(longer) + 2 > width:
            lines.append(line)
            longer = f"    {word}"
        line = longer
    return " \\\n".join(indent + one for one in (*lines, line))


def fields(rows: Mapping[str, str], width: int | None, indent: str = "") -> str:
    """Return names and values in two columns; a value that has no room gets its own line."""
    left = max(map(len, rows), default=0) + 2
    lines: list[str] = []
    for name, value in rows.items():
        if width and len(indent) + left + len(value) > width:
            lines += [f"{indent}{name}", f"{indent}  {value}"]
        else:
            lines.append(f"{indent}{name:<{left}}{value}")
    return "\n".join(lines)


def coloured(state: str, text: str) -> str:
    """Return the text in the colour of its state, if standard output shows colours.

    Without, if NO_COLOR is set (https://no-color.org).
    """
    if not is_terminal(sys.stdout) or os.environ.get("TERM") == "dumb":
        return text
    if os.environ.get("NO_COLOR"):
        return text
    return f"\033[{_COLOURS[state]}m{text}\033[0m"
