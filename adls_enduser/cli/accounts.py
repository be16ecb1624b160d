"""``adls-enduser accounts``: list the sign-ins that are kept."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from .arguments import cache_of, cache_path, declare_cache, declare_json
from .output import columns, fields, notice, write, write_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from ..cache import KeptAccount
    from .parsers import Parser

USAGE = "[options]"
DESCRIPTION = """\
List the sign-ins that are kept, the latest last. This needs neither the network nor the keyring.
What a damaged file still has is listed."""
EXAMPLES = (
    ("Who is signed in:", "adls-enduser accounts"),
    ("The same for a program:", "adls-enduser accounts --json"),
)
TAKES_PROGRAM = False


def add_arguments(parser: Parser) -> None:
    """Declare the arguments of the command."""
    declare_json(parser)
    declare_cache(parser)


def run(options: argparse.Namespace) -> int:
    """List the accounts."""
    cache = cache_of(options)
    show_accounts(cache.accounts(), as_json=options.json)
    if not cache.accounts():
        notice(f"No sign-in is kept in {cache_path(cache)}.")
    return 0


def show_accounts(accounts: Iterable[KeptAccount], *, as_json: bool) -> None:
    """Write accounts to standard output."""
    rows = [asdict(account) for account in accounts]
    if as_json:
        write_json(rows)
        return
    for row in rows:
        name = row.pop("username") or "somebody"
        known = {field.replace("_", " "): value for field, value in row.items() if value}
        write(f"{name}\n{fields(known, columns(sys.stdout), indent='  ')}")
