"""Tokens that come with pickles, for every object of the same sign-in in this process.

Tools keep an object that an earlier pickle made, and drop a new one that has the same repr
(fsspec, ``_Cached.__call__``). So the new one's tokens go to those that are there.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Protocol, TypeGuard

if TYPE_CHECKING:
    from ..tokens import Token


class Source(Protocol):
    """What is used here of a TokenSource."""

    resource: str
    claims: str | None
    number: str
    brought: dict[tuple[str, str | None], Token]

    @property
    def held(self) -> Token | None:
        """The token in memory."""
        ...

    @property
    def sign_in_id(self) -> str:
        """What tells its sign-in from every other one."""
        ...

    def take_if_newer(self, token: Token | None) -> None:
        """Hold this token if it is newer than the one in memory."""
        ...


_sources: weakref.WeakValueDictionary[int, Source] = weakref.WeakValueDictionary()


def register(source: Source) -> None:
    """Let a source have the tokens that pickles bring, for as long as it is alive."""
    _sources[id(source)] = source


def share(source: Source) -> None:
    """Hand the token of an unpickled source to the others of its sign-in, or take a newer one.

    Those for another resource, or with other claims, keep it for sources that they make later.
    """
    key, mine = (source.resource, source.claims), source.sign_in_id
    living = [one for reference in _sources.valuerefs() if (one := reference()) is not None]
    alike = [one for one in living if one.number == source.number and one.sign_in_id == mine]
    for other in alike:
        if (other.resource, other.claims) == key:
            source.take_if_newer(other.held)
            other.take_if_newer(source.held)
        elif is_newer(source.held, other.brought.get(key)):
            other.brought[key] = source.held


def is_newer(token: Token | None, other: Token | None) -> TypeGuard[Token]:
    """Return whether a token was obtained after another one, which may be missing."""
    return token is not None and (other is None or token.obtained_on > other.obtained_on)
