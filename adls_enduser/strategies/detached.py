"""DetachedStrategy: the strategy of a credential that was unpickled in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import SignInRequired

if TYPE_CHECKING:
    from ..tokens import Token


class DetachedStrategy:
    """Obtain nothing: the sign-in is in the process that pickled the credential.

    ``resource`` is the audience of the token that was pickled.
    """

    def __init__(self, resource: str) -> None:
        self._resource = resource

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:  # noqa: ARG002
        """Raise SignInRequired, with what to do in the process that signed in."""
        first = "" if resource == self._resource else f"call its get_token('{resource}.default'), "
        raise SignInRequired(
            f"The sign-in for {resource} is in another process.",
            remedy=f"In that process, {first}pickle the credential again and send it here: a"
            " pickle carries the tokens that are valid when it is made.",
        )

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:  # noqa: ARG002
        """Raise SignInRequired: nobody can be prompted here."""
        raise SignInRequired(
            f"Nobody can be prompted here to sign in for {resource}.",
            remedy="Sign in in the process that made the credential, and send it here again.",
        )
