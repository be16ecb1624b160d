"""``adls-enduser completion``: print the completions for a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import write

if TYPE_CHECKING:
    import argparse

    from .parsers import Parser

USAGE = "SHELL"
DESCRIPTION = """\
Print the completions for bash, zsh or fish. They know all commands, options and values, and after
run -- the commands of the shell."""
EXAMPLES = (
    ("In ~/.bashrc:", 'eval "$(adls-enduser completion bash)"'),
    ("In ~/.zshrc, after compinit:", 'eval "$(adls-enduser completion zsh)"'),
    ("In fish, once:", "adls-enduser completion fish > adls-enduser.fish"),
)
TAKES_PROGRAM = False

_SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: Parser) -> None:
    """Declare the arguments of the command."""
    text = ", ".join(_SHELLS)
    parser.declare("shell", choices=_SHELLS, metavar="SHELL", help=text)


def run(options: argparse.Namespace) -> int:
    """Print the completions."""
    from . import shells

    write({"bash": shells.bash, "zsh": shells.zsh, "fish": shells.fish}[options.shell]())
    return 0
