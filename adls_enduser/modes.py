"""What a ``mode`` stands for: a strategy by its name, an object, or one after the other.

``explain`` tells which strategy a mode would be here, and why, without signing in.

Each strategy's module, and with it what it needs, loads when its name is given.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .cache import CacheKey
from .errors import CacheError, ConfigurationError
from .interaction.browser_launcher import why_no_browser
from .interaction.redirect_uri import LOOPBACK, check_redirect_uri
from .options import check_flag, refuse_unknown
from .strategies.browser import PageOptions
from .strategies.password import PasswordOptions
from .strategies.protocol import AuthStrategy
from .tokens import hide_secrets

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .interaction.prompts import PagePrompt, Prompt
    from .options import Settings


_STRATEGIES = {
    "password": ("password", "Password"),
    "device_code": ("device_code", "DeviceCode"),
    "mfa": ("device_code", "DeviceCode"),
    "azure_cli": ("azure_cli", "AzureCli"),
    "browser": ("browser", "Browser"),
}
AUTO = "auto"

Mode: TypeAlias = str | AuthStrategy
_Options: TypeAlias = Mapping[str, object]


def strategy_of(
    mode: Mode, fallback: Mode | Sequence[Mode], options: _Options, what: str
) -> AuthStrategy:
    """Give the strategy that a factory is to sign in by; ``what`` names the factory.

    ConfigurationError for what is none, and for an option that nobody takes.
    """
    others = _listed(fallback)
    for name, way in (("mode", mode), *(("fallback", other) for other in others)):
        _check(name, way)
    ways = (mode, *others)
    if len(ways) == 1:
        return _strategy(mode, options, what)
    taken = [_taken(way, options) for way in ways]
    for name in options:
        if not any(name in share for share in taken):
            raise _not_taken(name, ways, what)
    strategies = [_strategy(way, share, what) for way, share in zip(ways, taken, strict=True)]
    return _load("fallback", "Fallback")(*strategies)  # type: ignore[no-any-return]


def _listed(fallback: object) -> tuple[Any, ...]:
    if isinstance(fallback, Sequence) and not isinstance(fallback, str | bytes | bytearray):
        return tuple(fallback)
    return () if fallback is None else (fallback,)


def _check(name: str, way: object) -> None:
    if isinstance(way, str):
        if way not in _STRATEGIES and way != AUTO:
            raise ConfigurationError(f"{name}={way!r} is not known.", remedy=f"Give {_modes()}.")
    elif isinstance(way, type) or not isinstance(way, AuthStrategy):
        raise ConfigurationError(
            f"{name}={way!r} is neither a name nor an AuthStrategy.",
            remedy=f"Give {_modes()}, or an object with the methods silent and sign_in.",
        )


def _strategy(mode: Mode, options: _Options, what: str) -> AuthStrategy:
    if mode == AUTO:
        _options().check_auto(options)
        mode, _ = choose(options)
        options = _taken(mode, options)
    if isinstance(mode, str):
        strategy: AuthStrategy = _load(*_STRATEGIES[mode])(**options)
        return strategy
    for name in options:
        raise ConfigurationError(
            f"{what} does not take the option {name!r} beside a strategy object.",
            remedy=f"Give it to the strategy: {type(mode).__name__}({name}=...).",
        )
    return mode


def _taken(way: Mode, options: _Options) -> dict[str, object]:
    """Give those of the options that a way takes; an object has its own already."""
    if not isinstance(way, str):
        return {}
    name = "Auto" if way == AUTO else _STRATEGIES[way][1]
    declared = getattr(_options(), f"{name}Options")
    return {key: options[key] for key in options if key in declared.__annotations__}


def _not_taken(name: str, ways: tuple[Mode, ...], what: str) -> ConfigurationError:
    named = ", ".join(repr(way) if isinstance(way, str) else type(way).__name__ for way in ways)
    return ConfigurationError(
        f"{what} does not take the option {name!r} with the modes {named}.",
        remedy="Leave it out, or give it to a strategy object.",
    )


def choose(options: _Options) -> tuple[str, str]:
    """Give the mode that ``"auto"`` stands for here, and why."""
    wanted = options.get("open_browser")
    if wanted is not None:
        return ("browser" if wanted else "device_code"), f"open_browser={wanted!r} says so"
    why_not = why_no_browser()
    if why_not:
        return "device_code", f"no browser can open here: {why_not}"
    return "browser", "a browser can open here, in front of the person"


def _options() -> Any:
    return importlib.import_module(".options", __package__)


def _load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f".strategies.{module}", __package__), name)


def _modes() -> str:
    return ", ".join(map(repr, (*_STRATEGIES, AUTO)))


@dataclass(frozen=True)
class Explanation:
    """Which mode would sign the person in, why, and what was found on the way.

    Its ``str`` is a few lines for a person. ``found`` are sentences: whose sign-ins the
    cache keeps, or why it cannot be read.
    """

    mode: str
    why: str
    found: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((f"mode={self.mode!r}, for {self.why}.", *self.found))


def explain(mode: str = AUTO, **options: Unpack[AnyOptions]) -> Explanation:
    """Tell what a factory would do with this mode and these options.

    Asks neither the network nor a person; raises the ConfigurationError that the factory
    would. The same question in the same surroundings has the same answer.
    """
    hide_secrets(options)
    strategy = strategy_of(mode, (), options, "explain")
    chosen, why = choose(options) if mode == AUTO else (mode, "it was asked for by name")
    return Explanation(chosen, why, _found(getattr(strategy, "settings", None)))


def _found(own: Settings | None) -> tuple[str, ...]:
    cache = getattr(own, "cache", None)
    if own is None or cache is None:
        return ()
    try:
        kept = cache.account(CacheKey(own.cloud.authority, own.client_id, own.tenant, own.username))
    except CacheError as error:
        return (str(error),)
    if kept is None:
        return (f"{cache!r} keeps no such sign-in: the person will be asked, once.",)
    name = kept.username or "somebody"
    return (f"{cache!r} keeps the sign-in of {name}: nobody is asked while it can be renewed.",)


class AutoOptions(PageOptions, total=False):
    """What mode ``"auto"`` takes: what Browser or DeviceCode does; each gets what it knows."""

    prompt: Prompt | PagePrompt | None


class AnyOptions(PasswordOptions, AutoOptions, total=False):
    """What a factory takes for a mode by name."""


def check_auto(options: AutoOptions) -> None:
    """Refuse what mode ``"auto"`` does not take, or what the browser could not be told.

    Here, since a device code would leave the browser's options unread, and the mistake would
    show on another machine only.
    """
    refuse_unknown(options, AutoOptions, "Mode 'auto'")
    check_flag("open_browser", options.get("open_browser"))
    check_redirect_uri(options.get("redirect_uri", LOOPBACK))
