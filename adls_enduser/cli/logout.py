"""``adls-enduser logout``: remove sign-ins that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from .accounts import show_accounts
from .arguments import cache_of, cache_path, declare_cache, declare_json
from .output import notice

if TYPE_CHECKING:
    import argparse

    from ..cache import SignInCache
    from .parsers import Parser

USAGE = "[options]"
DESCRIPTION = """\
Remove the sign-in that is kept, and print whose it was. If several are kept, say which. The file
and the key in the keyring go with the last one, and what a damaged file has left behind. An access
token that a program still has stays valid until it ends, for about an hour."""
EXAMPLES = (
    ("Remove the only one:", "adls-enduser logout"),
    ("One of several:", "adls-enduser logout --username ada@contoso.onmicrosoft.com"),
    ("All:", "adls-enduser logout --all"),
)
TAKES_PROGRAM = False

_WHOSE = ("username", "tenant", "client_id")


def add_arguments(parser: Parser) -> None:
    """Declare the arguments of the command."""
    which = parser.add_mutually_exclusive_group()
    parser.declare("--all", action="store_true", help="all sign-ins", group=which)
    text = "the sign-in of this person"
    parser.declare("--username", metavar="USERNAME", help=text, group=which)
    parser.declare("--tenant", metavar="TENANT", help="the sign-ins in this tenant, by its id")
    parser.declare("--client-id", metavar="ID", help="the sign-ins of this application")
    declare_json(parser)
    declare_cache(parser)


def run(options: argparse.Namespace) -> int:
    """Remove the sign-ins, and show whose they were."""
    cache = cache_of(options)
    whose = {name: getattr(options, name) for name in _WHOSE if getattr(options, name)}
    if not (whose or options.all):
        _check_single(cache)
    removed = cache.sign_out(**whose)
    if whose and not removed:
        raise ConfigurationError(
            "No sign-in is kept that fits these options, so none was removed.",
            remedy="See which are kept. Run: adls-enduser accounts",
        )
    show_accounts(removed, as_json=options.json)
    if removed:
        notice("Removed from this machine.")
    else:
        notice(f"No sign-in was kept in {cache_path(cache)}.")
    return 0


def _check_single(cache: SignInCache) -> None:
    names = [one.username or "somebody" for one in cache.accounts()]
    if len(names) > 1:
        raise ConfigurationError(
            f"{len(names)} sign-ins are kept: {', '.join(names[:10])}.",
            remedy="Say which one with --username, or --all.",
        )
