"""``adls-enduser token``: print an access token."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from .arguments import (
    cache_of,
    declare_json,
    declare_options,
    declare_service,
    library_options,
)
from .output import is_terminal, write, write_json
from .sign_in import audience_for, completed, kept_strategy, kept_token

if TYPE_CHECKING:
    import argparse

    from ..tokens import Token
    from .parsers import Parser

USAGE = "[options]"
DESCRIPTION = """\
Print an access token, alone on one line. The token is a secret: whoever has it can do what the
person can do, until it ends. So it is not written to a terminal. Nobody is asked, unless
--interactive is given: without a kept sign-in the status is 1."""
EXAMPLES = (
    (
        "Call a service, with the token on a pipe that nobody else can read:",
        "adls-enduser token --for management --header | curl --header @- URL",
    ),
    (
        "The same, where the other users of the machine may see the token:",
        'curl --header "$(adls-enduser token --for management --header)" URL',
    ),
    ("For a program that wants to know when the token ends:", "adls-enduser token --json | cat"),
)
TAKES_PROGRAM = False


def add_arguments(parser: Parser) -> None:
    """Declare the arguments of the command."""
    declare_service(parser)
    form = parser.add_mutually_exclusive_group()
    declare_json(parser, form)
    text = "write the header of a request: Authorization: Bearer ..."
    parser.declare("--header", action="store_true", help=text, group=form)
    parser.declare("--force", action="store_true", help="write it even to a terminal")
    parser.declare(
        "--interactive", action="store_true", help="ask the person if no sign-in is kept"
    )
    declare_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print the token."""
    if is_terminal(sys.stdout) and not options.force:
        raise ConfigurationError(
            "The token is a secret, and standard output is a terminal.",
            remedy="Write it to a pipe or into a variable, or add --force.",
        )
    token = _token(options)
    if options.json:
        write_json(_as_json(token))
    else:
        write(f"Authorization: Bearer {token.secret}" if options.header else token.secret)
    return 0


def _token(options: argparse.Namespace) -> Token:
    if options.interactive:
        from .interactive import signed_in

        cache = cache_of(options)
        given = completed(library_options(options), cache.accounts())
        return signed_in("auto", options.service, {**given, "cache": cache}).token
    strategy = kept_strategy(options)
    resource = audience_for(options.service, strategy.settings.cloud)
    return kept_token(strategy, resource, options)


def _as_json(token: Token) -> dict[str, object]:
    return {
        "token": token.secret,
        "token_type": "Bearer",
        "expires_on": int(token.expires_on),
        "resource": token.resource,
        "username": token.account.username,
        "tenant": token.account.tenant,
        "object_id": token.account.object_id,
    }
