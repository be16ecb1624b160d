"""The parsers: one for each command, and one for a call without a command."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from .output import break_command, columns, fold, notice, put

if TYPE_CHECKING:
    from collections.abc import Iterable

PROGRAM = "adls-enduser"


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
        super().__init__(allow_abbrev=False, formatter_class=_formatter, **settings)

    def declare(self, name: str, group: Any = None, **settings: Any) -> None:
        """Add an argument, to a group if one is given, and list it in ``arguments``."""
        choices = tuple(settings.get("choices") or settings.pop("suggested", ()))
        flag = settings.get("action", "").startswith("store_")
        value = "" if flag else settings.get("metavar", name.strip("-").upper())
        self.arguments.append(Argument(name, settings["help"], value, choices))
        (group or self).add_argument(name, **settings)

    def parse(self, words: list[str]) -> argparse.Namespace:
        """Return the options, or end with status 2."""
        known = {"-h", "--help", "--version", *(one.name for one in self.arguments)}
        # Before the values are looked at: behind a misspelt --password there is a password.
        for word in words:
            name = word.partition("=")[0]
            if re.match(r"-[^\d]", word) and name not in known:
                self.error(self._about_unknown(name, known))
        options, unknown = self.parse_known_args(words)
        if unknown:  # it may be a password, too
            self.error("there is one argument too many")
        return options

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the call, and how to see what is right; exit with 2."""
        text = f"{self.prog}: {message}\nSee: {self.prog} --help"
        notice(text)
        self.exit(2)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End the program, after ``--help`` only if that could be written; see ``put``."""
        if status == 0 and sys.stdout is not None:
            put("")
        super().exit(status, message)

    def format_help(self) -> str:
        """Return the help, with examples at its end."""
        return super().format_help() + self.format_examples(width())

    def format_examples(self, width: int) -> str:
        """Return the examples, whose lines are at most so wide."""
        lines = ["", "examples:"]
        for sentence, command in self.examples:
            lines += [fold(sentence, width, indent="  ")] if sentence else []
            lines += [break_command(command, width, indent="    ")]
        return "\n".join(lines) + "\n"

    @staticmethod
    def _about_unknown(name: str, known: Iterable[str]) -> str:
        if re.match(r"--?(pass|pwd|pw\b|p\b)", name):
            return f"{name}: no password is taken here; login password asks for it on the terminal"
        import difflib  # only an error needs it

        near = difflib.get_close_matches(name.replace("_", "-"), known, n=1)
        hint = f". Did you mean {near[0]}?" if near else ""
        return f"there is no option {name}{hint}"


def split_command(arguments: list[str]) -> tuple[list[str], list[str] | None]:
    """Return our own arguments, and those after ``--``: another program's; None without ``--``."""
    if "--" not in arguments:
        return arguments, None
    separator = arguments.index("--")
    return arguments[:separator], arguments[separator + 1 :]


def _formatter(prog: str) -> argparse.HelpFormatter:
    # argparse's own asks shutil for the width, which takes longer to load than argparse itself;
    # and it makes one for each argument that is added (``ArgumentParser.add_argument``).
    return argparse.HelpFormatter(prog, width=width() - 2)


def width() -> int:
    """Return the width of the terminal that a help is shown on."""
    return columns(sys.stdout) or 80
