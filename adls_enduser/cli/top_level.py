"""The parser for a call without a command: it can only say which commands there are."""

from __future__ import annotations

import argparse
import difflib
from typing import TYPE_CHECKING

from .. import __version__
from .commands import COMMANDS
from .output import fold
from .parsers import PROGRAM, Parser

if TYPE_CHECKING:
    from typing import NoReturn

_DESCRIPTION = """\
Sign a person in to Azure Data Lake once, and hand each program the tokens that it needs."""

_EXAMPLES = (
    ("Sign in, and call a service:", "adls-enduser login"),
    ("", "adls-enduser token --for management --header | curl --header @- URL"),
    ("Run a program that signs in by itself:", "adls-enduser run -- azcopy list URL"),
)


class TopLevelParser(Parser):
    """The parser for a call without a command: it can only say which commands there are."""

    def format_examples(self, width: int) -> str:
        """Return the commands and the examples."""
        lines = ["", "commands:"]
        for name, entry in COMMANDS.items():
            text = f"{name:<12}{entry.summary}"
            lines.append(fold(text, width, indent="  ", hanging=" " * 14))
        return "\n".join(lines) + "\n" + super().format_examples(width)

    def refuse(self, words: list[str]) -> NoReturn:
        """Say that no command comes first, and exit with 2; show the help if that is wanted."""
        name = words[0]
        if name.startswith("-"):
            late = next((word for word in words if word in COMMANDS), None)
            if late and name not in ("-h", "--help", "--version"):
                self.error(f"the command comes first, then its options: {PROGRAM} {late} [options]")
            self.parse(words)
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
