"""``adls-enduser run``: run a program that gets tokens by itself."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

from .arguments import declare_options, declare_service
from .child import CannotRun, SignalsHeld, end_as
from .output import notice
from .sign_in import audience_for, kept_strategy, kept_token

if TYPE_CHECKING:
    import argparse

    from ..credentials.protocol import Credentials
    from ..strategies.entra_strategy import EntraStrategy
    from ..tokens import Token
    from .parsers import Parser

USAGE = "[options] -- COMMAND ..."
DESCRIPTION = """\
Run a program that gets tokens by itself, as from a managed identity, and renews them: AzCopy,
rclone, DuckDB, pyarrow, polars, delta-rs, everything that uses azure-identity. The exit status, the
signals and the terminal are the program's own; if a signal ended it, run ends by the same one. 127
says that the program was not found, 126 that it cannot be run. Nobody is asked: sign in before."""
EXAMPLES = (
    ("Copy a folder:", "adls-enduser run -- azcopy copy ./data URL --recursive"),
    (
        "A program that knows only the Azure CLI:",
        "adls-enduser run --with-az -- duckdb -c 'SELECT 1'",
    ),
    ("Only for Resource Manager:", "adls-enduser run --for management -- python program.py"),
)
TAKES_PROGRAM = True


def add_arguments(parser: Parser) -> None:
    """Declare the arguments of the command."""
    declare_service(parser, action="append")
    parser.declare(
        "--with-az",
        action="store_true",
        help="put a stand-in for the Azure CLI first on the program's PATH, which answers"
        " 'az account get-access-token' and hands all else to the real one",
    )
    declare_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run the program, and return its exit status."""
    strategy = kept_strategy(options)
    cloud = strategy.settings.cloud
    named = options.service or ["storage", "management"]
    resources = [audience_for(one, cloud) for one in named]
    # A sign-in that has ended is told here, and not by the program.
    token = kept_token(strategy, resources[0], options)
    try:
        status = _run(options, strategy, resources, token)
    except CannotRun as error:
        notice(f"adls-enduser: {error.message}")
        return error.status
    return end_as(status)


def _run(
    options: argparse.Namespace, strategy: EntraStrategy, resources: list[str], token: Token
) -> int:
    from ..interop import identity_endpoint

    credential = _credential(strategy, resources[0])
    with SignalsHeld() as signals, ExitStack() as stack:
        served = identity_endpoint(credential, resources=resources)
        environment = {**os.environ, **stack.enter_context(served)}
        if options.with_az:
            from .az_folder import az_first

            tenants = [one for one in (token.account.tenant, options.tenant) if one]
            path = os.environ.get("PATH", os.defpath)
            environment["PATH"] = stack.enter_context(az_first(environment, tenants, path))
        return signals.run(options.program, environment)


def _credential(strategy: EntraStrategy, resource: str) -> Credentials:
    """Return a credential that prompts nobody: the terminal is the program's."""
    from ..credentials.storage import StorageCredential
    from ..credentials.token_source import TokenSource

    own = strategy.settings
    source = TokenSource(
        strategy, resource, interactive=False, clock=own.clock, factory_name="storage_credential"
    )
    return cast("Credentials", StorageCredential(source, own.cloud, own.tenant))
