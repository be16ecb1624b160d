"""explain(): how a person would be signed in here, and why, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import CacheError
from .modes import AUTO, choose, strategy_of
from .tokens import hide_secrets

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .cache import SignInCache
    from .options import AnyOptions


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
    strategy_of(mode, (), options, "explain")
    chosen, why = choose(options) if mode == AUTO else (mode, "it was asked for by name")
    cache, username = options.get("cache"), options.get("username")
    return Explanation(chosen, why, _found(cache, username) if cache else ())


def _found(cache: SignInCache, username: str | None) -> tuple[str, ...]:
    try:
        accounts = cache.accounts()
    except CacheError as error:
        return (str(error),)
    kept = [one.username for one in accounts if username in (None, one.username)]
    if not kept:
        return (f"{cache!r} keeps no such sign-in: the person will be asked, once.",)
    names = ", ".join(sorted(name or "somebody" for name in kept))
    return (f"{cache!r} keeps the sign-in of {names}: nobody is asked while it can be renewed.",)
