"""The strategy of a credential that was unpickled in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import SignInRequired

if TYPE_CHECKING:
    from ..tokens import Token


class DetachedStrategy:
    """The strategy of a credential that came from another process: it cannot ask anybody.

    ``resource`` is what the credential was sent for.
    """

    def __init__(self, resource: str) -> None:
        self._resource = resource

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:  # noqa: ARG002
        """Refuse: the person is at the process that signed in."""
        first = "" if resource == self._resource else f"call its get_token('{resource}.default'), "
        raise SignInRequired(
            f"The sign-in for {resource} lives in another process.",
            remedy=f"There, {first}pickle the credential again, and send it here: a pickle"
            " carries tokens that are good when it is made.",
        )

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:  # noqa: ARG002
        """Refuse likewise."""
        raise SignInRequired(
            f"Nobody can be asked here to sign in for {resource}.",
            remedy="Sign in where the credential was made, and send it here again.",
        )
