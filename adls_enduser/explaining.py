"""explain(): how a person would be signed in here, and why, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cache import Place
from .errors import CacheError
from .modes import AUTO, choose, strategy_of
from .tokens import hide_secrets

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .options import AnyOptions, Settings


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
        kept = cache.account(Place(own.cloud.authority, own.client_id, own.tenant, own.username))
    except CacheError as error:
        return (str(error),)
    if kept is None:
        return (f"{cache!r} keeps no such sign-in: the person will be asked, once.",)
    name = kept.username or "somebody"
    return (f"{cache!r} keeps the sign-in of {name}: nobody is asked while it can be renewed.",)
