"""DetachedStrategy: the strategy of a credential that was unpickled in another process.

It signs nobody in. If this process has an identity endpoint of the same person
(``adls_enduser.interop.identity_endpoint``), it takes its tokens from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..entra.claims import is_challenge
from ..errors import SignInRequired
from ..tokens import Account
from .endpoint_client import endpoint_in_environment, token_from

if TYPE_CHECKING:
    from ..cache import SignInCache
    from ..tokens import Token


class DetachedStrategy:
    """Stand for the sign-in of the process that pickled the credential.

    ``resource`` is the audience of the token that was pickled; None: the tokens' audiences do not
    matter. ``account`` is the one that signed in. The rest is for the error: whether the sign-in
    can renew its tokens and could have had a cache, and the cache that it had.
    """

    def __init__(
        self,
        resource: str | None,
        account: Account | None = None,
        *,
        can_renew: bool = True,
        takes_cache: bool = False,
        cache: SignInCache | None = None,
    ) -> None:
        import socket  # of the standard library, and slow to load

        self._resource = resource
        self.account = account
        self._can_renew = can_renew
        self._takes_cache = takes_cache
        self._cache = cache
        self._machine = socket.gethostname()

    def silent(self, resource: str, *, claims: str | None = None) -> Token:
        """Return a token of the identity endpoint, if this process has one.

        Raises SignInRequired if not, or if the endpoint has no token of this person, with what
        to do in the process that signed in.
        """
        cache = f", and {self._cache!r} does not keep it here" if self._cache else ""
        message = f"The sign-in for {resource} is in another process{cache}."
        endpoint = endpoint_in_environment()
        if endpoint is None or is_challenge(claims):
            raise self._required(resource, message)
        try:
            return token_from(endpoint, resource, self.account or Account())
        except SignInRequired as reason:
            message = f"{message} This process's identity endpoint gave no token: {reason.message}"
            raise self._required(resource, message) from reason

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:  # noqa: ARG002
        """Raise SignInRequired: nobody can be prompted here."""
        raise self._required(resource, f"Nobody can be prompted here to sign in for {resource}.")

    def for_other_process(self) -> DetachedStrategy:
        """Return itself, for a process that sends the credential on."""
        return self

    def _required(self, resource: str, message: str) -> SignInRequired:
        known = self._resource in (None, resource)
        first = "" if known else f"call its get_token('{resource.rstrip('/')}/.default'), "
        return SignInRequired(
            message,
            remedy=f"In that process, {first}pickle the credential again and send it here: a"
            f" pickle carries the tokens that are valid when it is made.{self._what_renews()}",
        )

    def _what_renews(self) -> str:
        import socket

        ways = []
        if self._takes_cache:
            ways.append("sign in there with cache=SignInCache(...) in a folder that is also here")
        elif self._cache:
            ways.append("share the cache's folder, and its key or plain text, with this process")
        if self._can_renew and self._machine == socket.gethostname():
            ways.append(
                "start this process inside of `with identity_endpoint(credential)`"
                " (adls_enduser.interop) with the variables that it returns"
            )
        return f" For work that takes longer than a token, {', or '.join(ways)}." if ways else ""
