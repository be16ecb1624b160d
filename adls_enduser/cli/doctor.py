"""``adls-enduser doctor``: check what a sign-in needs on this machine."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from ..cache.files import CacheFile
from ..errors import CacheError, EndUserError
from ..options import settings
from .arguments import cache_of, cache_path, declare_json, declare_options, library_options
from .findings import BROKEN, Finding, finding_of
from .output import coloured, columns, fold, write, write_json
from .sign_in import completed
from .wording import for_shell, remedy_for_shell

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..cache import SignInCache
    from ..options import CommonOptions, Settings
    from .parsers import Parser

USAGE = "[options]"
DESCRIPTION = """\
Check what a sign-in needs on this machine: one line for each thing, which is good, to mind or
broken, and what to do about it. It holds no password and no token, so it can be sent to an
administrator. Give the options of the login that fails. The status is 1 if something is broken."""
EXAMPLES = (
    ("Check everything:", "adls-enduser doctor"),
    ("Send nothing:", "adls-enduser doctor --offline"),
    ("For a program:", "adls-enduser doctor --json"),
)
TAKES_PROGRAM = False

# How many seconds each answer from the network may take, if --request-timeout does not say.
_TIMEOUT = 10.0
_INDENT = " " * 9


def add_arguments(parser: Parser) -> None:
    """Declare the arguments of the command."""
    parser.declare("--offline", action="store_true", help="send nothing")
    declare_json(parser)
    declare_options(parser)


def run(options: argparse.Namespace) -> int:
    """Write the findings, and return 1 if something is broken."""
    findings = []
    for finding in _findings(options):
        findings.append(finding)
        if not options.json:
            _show(finding)
    broken = any(one.state == BROKEN for one in findings)
    if options.json:
        write_json({"broken": broken, "checks": [_as_json(one) for one in findings]})
    return 1 if broken else 0


def _findings(options: argparse.Namespace) -> Iterator[Finding]:
    from . import machine_checks, network_checks

    yield from machine_checks.versions()
    try:
        cache: SignInCache | None = cache_of(options)
    except EndUserError as error:
        cache = None
        yield finding_of("Cache", error)
    try:
        own = _settings(options, cache)
    except EndUserError as error:
        yield finding_of("Options", error)
        return
    yield from machine_checks.library(own)
    yield from network_checks.all_checks(own, offline=options.offline)
    if cache is not None:
        yield from machine_checks.keyring_and_cache(cache)
    yield from machine_checks.person()


def _settings(options: argparse.Namespace, cache: SignInCache | None) -> Settings:
    given: dict[str, Any] = {"request_timeout": _TIMEOUT, **library_options(options)}
    with suppress(CacheError):  # the check of the cache says so
        # Not accounts(), which repairs a damaged file.
        records = CacheFile(cache_path(cache)).read().records if cache else ()
        given = completed(given, [one.kept_account for one in records])
    return settings(cast("CommonOptions", given))


def _show(finding: Finding) -> None:
    width = columns(sys.stdout)
    text = f"{finding.state:<7}  {finding.check}: {for_shell(finding.text)}"
    lines = fold(text, width, hanging=_INDENT)
    if finding.remedy:
        lines += "\n" + fold(remedy_for_shell(finding.remedy), width, indent=_INDENT)
    write(coloured(finding.state, lines[: len(finding.state)]) + lines[len(finding.state) :])


def _as_json(finding: Finding) -> dict[str, str]:
    return {
        "check": finding.check,
        "state": finding.state,
        "text": for_shell(finding.text),
        "remedy": remedy_for_shell(finding.remedy),
    }
