"""The commands: the module of each, and one line about it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from .output import fold
from .parsers import PROGRAM, Parser, width

if TYPE_CHECKING:
    import argparse


class Entry(NamedTuple):
    """The module of a command, and what the command does, in one line."""

    module: str
    summary: str


COMMANDS = {
    "login": Entry("login", "sign in, and keep the sign-in for the other commands"),
    "token": Entry("access_token", "print an access token"),
    "run": Entry("run_program", "run a program that gets tokens by itself"),
    "accounts": Entry("accounts", "list the sign-ins that are kept"),
    "logout": Entry("logout", "remove sign-ins that are kept"),
    "explain": Entry("explain", "say how login would sign in here, and why"),
    "doctor": Entry("doctor", "check what a sign-in needs on this machine"),
    "completion": Entry("completion", "print the completions for a shell"),
}


class Command(Protocol):
    """The module of a command.

    ``EXAMPLES`` are pairs of a sentence and a command line. ``TAKES_PROGRAM``: whether the
    command line of another program may follow ``--``.
    """

    USAGE: str
    DESCRIPTION: str
    EXAMPLES: tuple[tuple[str, str], ...]
    TAKES_PROGRAM: bool

    def add_arguments(self, parser: Parser) -> None:
        """Declare the arguments of the command."""
        ...

    def run(self, options: argparse.Namespace) -> int:
        """Run the command, and return the exit status. Raises EndUserError."""
        ...


def load(name: str) -> Command:
    """Import the module of a command."""
    return cast("Command", importlib.import_module(f".{COMMANDS[name].module}", __package__))


def command_parser(name: str, command: Command) -> Parser:
    """Return the parser of a command."""
    usage = f"{PROGRAM} {name} {command.USAGE}"
    parser = Parser(
        command.EXAMPLES,
        prog=f"{PROGRAM} {name}",
        usage=fold(usage, width() - len("usage: "), hanging="    "),
        description=command.DESCRIPTION,
    )
    command.add_arguments(parser)
    return parser
