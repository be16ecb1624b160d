"""``adls-enduser explain``: say how ``login`` would sign in here, and why."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..modes import explain
from ..strategies.browser import PageOptions
from .arguments import cache_of, declare_json, declare_options, library_options
from .login import MODES
from .output import columns, fold, write, write_json
from .sign_in import unencrypted_hint
from .wording import for_shell

if TYPE_CHECKING:
    import argparse

    from .parsers import Parser

USAGE = "[MODE] [options]"
DESCRIPTION = """\
Say how login would sign in with the same arguments, and why: which mode auto stands for on this
machine, and whether a sign-in is kept. Nobody is asked, and nothing is sent."""
EXAMPLES = (
    ("What login would do here:", "adls-enduser explain"),
    (
        "For a person, and for a program:",
        "adls-enduser explain --username ada@contoso.onmicrosoft.com --json",
    ),
)
TAKES_PROGRAM = False


def add_arguments(parser: Parser) -> None:
    """Declare the arguments of the command."""
    modes = ", ".join(MODES)
    parser.declare("mode", nargs="?", default="auto", choices=MODES, metavar="MODE", help=modes)
    declare_json(parser)
    declare_options(parser, PageOptions)


def run(options: argparse.Namespace) -> int:
    """Write the explanation."""
    given = library_options(options, PageOptions)
    given["cache"] = cache_of(options)
    explanation = explain(options.mode, **given)
    found = [for_shell(one) for one in explanation.found]
    found += filter(None, [unencrypted_hint(given["cache"])])
    if options.json:
        write_json({**asdict(explanation), "found": found})
        return 0
    width = columns(sys.stdout)
    lines = [f"login uses the mode {explanation.mode}, because {explanation.why}."]
    lines += found
    write("\n".join(fold(line, width) for line in lines))
    return 0
