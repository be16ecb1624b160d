"""Write the tables of these pages that have their source in the code.

    python docs/generate.py            write them
    python docs/generate.py --check    write nothing; name the pages that are out of date, exit 1

Such a table stands between two comments, "generated: NAME" and "end". The rest of a page is
written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from adls_enduser.cli.commands import COMMANDS, command_parser, load
from adls_enduser.cli.parsers import PROGRAM
from adls_enduser.entra.aadsts import AADSTS_TABLE


def aadsts_numbers() -> str:
    """Return the table of AADSTS numbers, one line for each row of the source."""
    lines = ["| numbers | class | meaning | what to do |", "|---|---|---|---|"]
    for entry in AADSTS_TABLE:
        numbers, error = ", ".join(map(str, entry.numbers)), entry.error_class.__name__
        lines.append(f"| {numbers} | `{error}` | {entry.meaning} | {entry.advice} |")
    return "\n".join(lines)


def commands() -> str:
    """Return a section for each command: usage, description, arguments, examples."""
    return "\n".join(line for name in COMMANDS for line in _command(name))


def _command(name: str) -> list[str]:
    command = load(name)
    rows = [
        f"| `{' '.join(filter(None, (one.name, one.value)))}` | {one.help} |"
        if one.name.startswith("-")
        else f"| `{one.value}` | {one.help} |"
        for one in command_parser(name, command).arguments
    ]
    examples = [
        line
        for sentence, example in command.EXAMPLES
        for line in (sentence, "", "```console", f"$ {example}", "```", "")
    ]
    usage = f"`{PROGRAM} {name} {command.USAGE}`"
    text = command.DESCRIPTION
    return [f"### {name}", "", usage, "", text, "", "| | |", "|---|---|", *rows, "", *examples]


TABLES = {"AADSTS numbers": aadsts_numbers, "commands": commands}
TABLE = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def _current(found: re.Match[str]) -> str:
    begin, name, end = found.groups()
    return f"{begin}{TABLES[name]()}\n{end}"


def main() -> str | None:
    """Write every page that is out of date; with ``--check`` return what to do about them."""
    parser = argparse.ArgumentParser(description="Write the generated tables of docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing, and exit 1 if stale")
    check = parser.parse_args().check
    problems = ""
    for path in sorted(Path(__file__).parent.glob("*.md")):
        page = path.read_text("utf-8")
        current = TABLE.sub(_current, page)
        if current != page and check:
            problems += f"{path} is out of date. Run: make docs\n"
        elif current != page:
            path.write_text(current, "utf-8")
    return problems or None


if __name__ == "__main__":
    sys.exit(main())
