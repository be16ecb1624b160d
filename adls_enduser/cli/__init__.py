"""The command line: ``adls-enduser``, the same as ``python -m adls_enduser``.

Each command is a module with ``add_arguments`` and ``run``, which loads when the command is
called (``commands``). A script may call ``token`` before each request, so nothing here imports
what its command does not need.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from ..errors import ConfigurationError, EndUserError
from . import output
from .commands import COMMANDS, command_parser, load
from .parsers import split_command

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return the exit status: 0 done, 1 refused or failed, 2 wrong usage.

    Wrong usage is also a value that is wrong. Raises SystemExit with status 2 for arguments that
    cannot be parsed, and with 0 after ``--help``.
    """
    output.prepare()
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except EndUserError as error:
        output.show_error(error)
        return 2 if isinstance(error, ConfigurationError) else 1
    except KeyboardInterrupt:
        return _end_by_interrupt()


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        return _without_command(arguments)
    name, *rest = arguments
    command = load(name)
    own, program = split_command(rest)
    parser = command_parser(name, command)
    if command.TAKES_PROGRAM and program is None and not {"-h", "--help"} & {*own}:
        parser.error(f"a command must follow --, as in: {parser.prog} -- COMMAND")
    options = parser.parse(own)
    if command.TAKES_PROGRAM and not program:
        parser.error("a command must follow --")
    if program is not None and not command.TAKES_PROGRAM:
        parser.error("no command may follow --")
    options.program = program
    return command.run(options)


def _without_command(arguments: list[str]) -> int:
    from .top_level import top_level_parser

    parser = top_level_parser()
    if arguments:
        parser.refuse(arguments)
    output.notice(parser.format_help())
    return 2


def _end_by_interrupt() -> int:
    """End by SIGINT, so that a shell script ends as well: its shell looks at how we ended."""
    from .child import end_by

    output.notice("")
    return end_by(signal.SIGINT)
