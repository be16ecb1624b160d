"""The token sources of one sign-in, by audience and by the scopes that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .rejected_token import RejectedToken
    from .token_formats import TokenFormats
    from .token_source import TokenSource

# How many audiences without a token are remembered, with the time of the next attempt.
_MOST_REFUSED = 32


class AudienceTokens:
    """The sources of every audience of one sign-in, which all send the same claims.

    ``by_scopes`` has those that have been asked for by these scopes and had a token.
    """

    __slots__ = ("_claims", "_first", "_rejected", "_source", "by_resource", "by_scopes")

    def __init__(
        self, source: TokenSource, claims: str | None, first: TokenSource | None = None
    ) -> None:
        self._source = source
        self._claims = claims
        self._first = first
        self._rejected: RejectedToken | None = None
        self.by_resource: dict[str, TokenSource] = {}  # without the first, which most use alone
        self.by_scopes: dict[tuple[object, ...], TokenSource] = {}

    def for_resource(self, resource: str) -> TokenSource:
        """Return the source of an audience, which may be asked for the first time."""
        source = self.known(resource)
        if source is None:
            # setdefault, so that two threads at once get the same source.
            self._forget_refused()
            new = self._source.sibling(resource, self._claims)
            source = self.by_resource.setdefault(resource, new)
        return source

    def known(self, resource: str) -> TokenSource | None:
        """Return the source of an audience; None if it has not been asked for."""
        if self._first is not None and self._first.resource == resource:
            return self._first
        return self.by_resource.get(resource)

    def add(self, source: TokenSource) -> None:
        """Add a source that a pickle has brought, in the place of the one of its audience."""
        if self._first is not None and self._first.resource == source.resource:
            self._first = source
        else:
            self.by_resource[source.resource] = source

    @property
    def sources(self) -> list[TokenSource]:
        """The sources of all audiences that have been asked for."""
        first = [self._first] if self._first else []
        return [*first, *self.by_resource.copy().values()]

    def formats_after_401(self, source: TokenSource) -> TokenFormats:
        """Return another token of Azure Storage's source than the one that it seems to reject."""
        if self._rejected is None:
            from .rejected_token import RejectedToken

            self._rejected = RejectedToken()
        return source.formats_of(self._rejected.replacement(source))

    def _forget_refused(self) -> None:
        """Forget the audiences that were refused first: a caller may try any number of them."""
        unused = [
            name
            for name, source in self.by_resource.copy().items()
            if source.held is None and not source.is_refreshing
        ]
        for name in unused[:-_MOST_REFUSED]:
            self.by_resource.pop(name, None)
