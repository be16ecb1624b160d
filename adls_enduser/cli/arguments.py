"""The options of the factories as arguments of commands.

They are declared where the library declares them: the names and types in its TypedDicts, the
sentences in ``modes.OPTIONS_HELP``. So a new option of a strategy is an argument here as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from ..cache import SignInCache
from ..clouds import CloudName
from ..modes import OPTIONS_HELP
from ..options import CommonOptions, Library

if TYPE_CHECKING:
    import argparse

    from .parsers import Parser

# Values that a command line cannot have, or has under another name below.
_LEFT_OUT = frozenset({"clock", "cancel", "cache", "proxies"})
_CHOICES = {"CloudName": get_args(CloudName), "Library": get_args(Library)}
_WHAT_FOR = ("storage", "management", "gen1")


def declare_options(parser: Parser, kind: type = CommonOptions) -> None:
    """Declare the options of a TypedDict, the cache and the proxy."""
    sentences = dict(re.findall(r"^(\w+) +(.+)$", OPTIONS_HELP, re.MULTILINE))
    for name, annotation in kind.__annotations__.items():
        if name not in _LEFT_OUT:
            text = getattr(annotation, "__forward_arg__", str(annotation))
            _declare(parser, name, text, _sentence(sentences[name]))
    parser.declare(
        "--proxy", metavar="URL", type=proxy, help="the proxy for the sign-in, without a password"
    )
    declare_cache(parser)


def _sentence(text: str) -> str:
    """Return the sentence about an option without what only a program of Python can give."""
    return text.replace('"', "").replace(", or a Cloud", "").removeprefix("browser, auto: ")


def declare_cache(parser: Parser) -> None:
    """Declare where the sign-in is kept."""
    parser.declare("--cache", metavar="PATH", help="the file or folder of the kept sign-ins")
    parser.declare(
        "--no-keyring",
        action="store_true",
        help="if there is no keyring, keep sign-ins unencrypted",
    )


def declare_json(parser: Parser, group: Any = None) -> None:
    """Declare ``--json``."""
    text = "write JSON, for a program"
    parser.declare("--json", action="store_true", help=text, group=group)


def declare_service(parser: Parser, **settings: Any) -> None:
    """Declare ``--for``."""
    parser.declare(
        "--for",
        dest="service",
        metavar="SERVICE",
        suggested=_WHAT_FOR,
        help="storage (the default), management, gen1, or the audience of another service",
        **settings,
    )


def _declare(parser: Parser, name: str, annotation: str, sentence: str) -> None:
    option = f"--{name.replace('_', '-')}"
    if "bool" in annotation:
        parser.declare(option, action="store_true", default=None, help=sentence)
        text = f"the opposite of {option}"
        parser.declare(f"--no{option[1:]}", action="store_false", dest=name, help=text)
    elif "float" in annotation:
        parser.declare(option, type=seconds, metavar="SECONDS", help=sentence)
    else:
        choices = next((_CHOICES[kind] for kind in _CHOICES if kind in annotation), None)
        value = "FILE" if "PathLike" in annotation else name.rpartition("_")[2].upper()
        parser.declare(option, metavar=value, choices=choices, help=sentence)


# Without an underscore, because argparse shows the names: "invalid seconds value: 'x'".


def seconds(text: str) -> float:
    """Read a number of seconds; the library says which are too small."""
    return float(text)


def proxy(text: str) -> str:
    """Read the address of a proxy, which must not have a password: others can read it here."""
    import argparse

    from ..environment.network_options import has_credentials

    if has_credentials(text):
        del text  # so that no traceback shows it
        raise argparse.ArgumentTypeError(
            "a password on a command line can be read by everybody on this machine; set the"
            " variable HTTPS_PROXY instead"
        )
    return text


def cache_of(options: argparse.Namespace) -> SignInCache:
    """Return the cache that the arguments name."""
    return SignInCache(options.cache, allow_unencrypted=options.no_keyring)


def cache_path(cache: SignInCache) -> str:
    """Return the path of the cache's file."""
    from ..cache.files import resolve_path

    return resolve_path(cache.path)


def library_options(options: argparse.Namespace, kind: type = CommonOptions) -> dict[str, Any]:
    """Return the options of the library that were given, by the library's names."""
    names = kind.__annotations__.keys() - _LEFT_OUT
    given = {name: getattr(options, name) for name in sorted(names)}
    given["proxies"] = {"https": options.proxy} if options.proxy else None
    return {name: value for name, value in given.items() if value is not None}


def repeated(options: argparse.Namespace) -> str:
    """Return the arguments by which another command finds the same sign-in, with a blank first."""
    import shlex

    names = ("tenant", "client_id", "username", "cloud", "cache")
    given = {name: getattr(options, name) for name in names}
    words = [
        f"--{name.replace('_', '-')} {shlex.quote(given[name])}" for name in names if given[name]
    ]
    words += ["--no-keyring"] if options.no_keyring else []
    return "".join(f" {word}" for word in words)
