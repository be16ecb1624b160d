"""``adls-enduser login``: sign in, and keep the sign-in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast, get_args

from ..errors import CacheError
from ..log import utc
from ..modes import ModeName
from ..strategies.browser import PageOptions
from .arguments import (
    cache_of,
    cache_path,
    declare_json,
    declare_options,
    declare_service,
    library_options,
)
from .interactive import signed_in
from .output import columns, fields, fold, write, write_json

if TYPE_CHECKING:
    import argparse

    from ..cache import SignInCache
    from ..options import Settings
    from .interactive import SignedIn
    from .parsers import Parser

# azure_cli keeps nothing here: az itself does.
MODES = tuple(mode for mode in get_args(ModeName) if mode != "azure_cli")

USAGE = "[MODE] [options]"
DESCRIPTION = """\
Sign in, and keep the sign-in, so that the other commands and every program that uses
SignInCache() ask nobody. If it is kept already and still valid, nobody is asked here either. MODE
is auto if it is left out: a browser if one can open in front of you, else a device code. A
password is asked for on the terminal."""
EXAMPLES = (
    (
        "Sign in with the account of a tenant:",
        "adls-enduser login --tenant contoso.onmicrosoft.com",
    ),
    ("With a code, on any other device:", "adls-enduser login device_code"),
    (
        "As a certain person, with a password:",
        "adls-enduser login password --username ada@contoso.onmicrosoft.com",
    ),
)
TAKES_PROGRAM = False


def add_arguments(parser: Parser) -> None:
    """Declare the arguments of the command."""
    modes = ", ".join(MODES)
    parser.declare("mode", nargs="?", default="auto", choices=MODES, metavar="MODE", help=modes)
    text = "another mode, if the first needs a second factor or is blocked by policy"
    parser.declare("--fallback", choices=MODES, metavar="MODE", default=(), help=text)
    declare_service(parser)
    declare_json(parser)
    declare_options(parser, PageOptions)


def run(options: argparse.Namespace) -> int:
    """Sign in, and say who signed in, where, and until when."""
    cache = cache_of(options)
    given = library_options(options, PageOptions) | {"cache": cache}
    found = signed_in(options.mode, options.service, given, options.fallback)
    _check_kept(found, cache)
    if options.json:
        write_json(_as_json(found))
    else:
        _show(found, cache)
    return 0


def _check_kept(found: SignedIn, cache: SignInCache) -> None:
    """Raise CacheError if the sign-in was not written, which a program would survive."""
    who = found.token.account
    if not any(
        (one.username, one.tenant) == (who.username, who.tenant) for one in cache.accounts()
    ):
        raise CacheError(
            f"{who.username or 'The person'} signed in, but the sign-in could not be kept.",
            remedy="Run: adls-enduser doctor",
        )


def _as_json(found: SignedIn) -> dict[str, object]:
    token, settings = found.token, cast("Settings", found.settings)
    return {
        "username": token.account.username,
        "tenant": token.account.tenant,
        "object_id": token.account.object_id,
        "authority": settings.authority,
        "client_id": settings.client_id,
        "resource": token.resource,
        "expires_on": int(token.expires_on),
        "was_kept": found.was_kept,
    }


def _show(found: SignedIn, cache: SignInCache) -> None:
    token, settings = found.token, cast("Settings", found.settings)
    name = token.account.username or "somebody"
    kept = f"{name} is signed in already, so nobody was asked."
    rows = {
        "tenant": token.account.tenant or "not known",
        "at": settings.authority,
        "client id": settings.client_id,
        "for": token.resource,
        "until": f"{utc(token.expires_on)}, then renewed without you",
        "kept in": cache_path(cache),
    }
    width = columns(sys.stdout)
    sentence = fold(kept if found.was_kept else f"{name} signed in.", width)
    write(f"{sentence}\n{fields(rows, width, indent='  ')}")
