"""The parsers: one for each command, and one for a call without a command."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from .. import __version__
from .commands import COMMANDS
from .output import break_command, columns, fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .commands import Command

PROGRAM = "adls-enduser"

_DESCRIPTION = """\
Sign a person in to Azure Data Lake once, and hand each program the tokens that it needs."""

_EXAMPLES = (
    ("Sign in, and call a service:", "adls-enduser login"),
    ("", "adls-enduser token --for management | wc -c"),
    ("Run a program that signs in by itself:", "adls-enduser run -- azcopy list URL"),
)


class Argument(NamedTuple):
    """One argument of a command, for completions and the docs.

    ``value`` is the name of its value in the help, "" for a flag; ``choices`` are the values that
    it can have, if it is one of a few.
    """

    name: str
    help: str
    value: str
    choices: tuple[str, ...]


class Parser(argparse.ArgumentParser):
    """A parser that knows examples, and never repeats a value that may be a password."""

    def __init__(self, examples: tuple[tuple[str, str], ...], **settings: Any) -> None:
        self.examples = examples
        self.arguments: list[Argument] = []
        super().__init__(allow_abbrev=False, **settings)

    def declare(self, name: str, group: Any = None, **settings: Any) -> None:
        """Add an argument, to a group if one is given, and list it in ``arguments``."""
        choices = tuple(settings.get("choices") or settings.pop("suggested", ()))
        flag = settings.get("action", "").startswith("store_")
        value = "" if flag else settings.get("metavar", name.strip("-").upper())
        self.arguments.append(Argument(name, settings["help"], value, choices))
        (group or self).add_argument(name, **settings)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the options, or end with status 2."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(self._about_unknown(unknown))
        return options

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the call, and how to see what is right; exit with 2."""
        text = f"{self.prog}: {message}\nSee: {self.prog} --help"
        self.exit(2, fold(text, columns(sys.stderr)) + "\n")

    def format_help(self) -> str:
        """Return the help, with examples at its end."""
        return super().format_help() + self._format_examples(columns(sys.stdout) or 80)

    def _format_examples(self, width: int) -> str:
        lines = ["", "examples:"]
        for sentence, command in self.examples:
            lines += [fold(sentence, width, indent="  ")] if sentence else []
            lines += [break_command(command, width, indent="    ")]
        return "\n".join(lines) + "\n"

    def _about_unknown(self, unknown: Sequence[str]) -> str:
        # No value: behind a misspelt --password it would be a password.
        names = [one.partition("=")[0] for one in unknown if one.startswith("-")]
        if not names:
            return f"there is one argument too many: {unknown[0]}"
        name = names[0]
        if re.match(r"--?(pass|pwd|pw\b|p\b)", name):
            return f"{name}: no password is taken here; login password asks for it on the terminal"
        known = [one.name for one in self.arguments]
        near = difflib.get_close_matches(name.replace("_", "-"), known, n=1)
        hint = f". Did you mean {near[0]}?" if near else ""
        return f"there is no option {name}{hint}"


class TopLevelParser(Parser):
    """The parser for a call without a command: it can only say which commands there are."""

    def _format_examples(self, width: int) -> str:
        lines = ["", "commands:"]
        for name, entry in COMMANDS.items():
            text = f"{name:<12}{entry.summary}"
            lines.append(fold(text, width, indent="  ", hanging=" " * 14))
        return "\n".join(lines) + "\n" + super()._format_examples(width)

    def refuse(self, name: str | None) -> NoReturn:
        """Say that there is no such command, and exit with 2."""
        if name is None:
            self.error("name a command")
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"The commands are {', '.join(COMMANDS)}."
        self.error(f"there is no command {name!r}. {hint}")


def top_level_parser() -> TopLevelParser:
    """Return the parser for a call without a command."""
    parser = TopLevelParser(
        _EXAMPLES,
        prog=PROGRAM,
        usage="%(prog)s COMMAND [options]",
        description=_DESCRIPTION,
        epilog=f"{PROGRAM} COMMAND --help tells more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    return parser


def command_parser(name: str, command: Command) -> Parser:
    """Return the parser of a command."""
    parser = Parser(
        command.EXAMPLES,
        prog=f"{PROGRAM} {name}",
        usage=f"%(prog)s {command.USAGE}",
        description=command.DESCRIPTION,
    )
    command.add_arguments(parser)
    return parser


def split_command(arguments: list[str]) -> tuple[list[str], list[str] | None]:
    """Return our own arguments, and those after ``--``: another program's; None without ``--``."""
    if "--" not in arguments:
        return arguments, None
    separator = arguments.index("--")
    return arguments[:separator], arguments[separator + 1 :]
