"""BearerAuth: sign each request of a requests session, and repeat one that was answered 401."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from requests.auth import AuthBase

from ..errors import ConfigurationError

if TYPE_CHECKING:
    import requests

    from ..tokens import Token
    from .token_source import TokenSource


# Seconds for which a token is not renewed again, after a renewed one was answered 401 as well.
_PAUSE = 60.0


class BearerAuth(AuthBase):
    """Sign each request with a token that is valid now; refuse plain http.

    A request that is answered 401 is repeated once with a renewed token, as requests' own
    digest authentication repeats one (``requests.auth.HTTPDigestAuth.handle_401``). If that
    is answered 401 as well, the token is not the cause, and is used for a minute whatever the
    service responds.
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._renewed_in_vain: tuple[Token | None, float] = (None, 0.0)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the Authorization header; ConfigurationError for plain http."""
        # RFC 6750 section 5.3: bearer tokens are sent over TLS only.
        if not (request.url or "").lower().startswith("https://"):
            raise ConfigurationError(
                "An access token is never sent over plain http.",
                remedy="Use the service's https address.",
            )
        formats = self._source.formats()
        request.headers["Authorization"] = formats.header or formats.make_header()
        repeat = partial(self._repeat_after_401, formats.token, _position(request.body))
        request.register_hook("response", repeat)  # type: ignore[no-untyped-call]
        return request

    def _repeat_after_401(
        self, used: Token, start: int | None, response: requests.Response, **options: Any
    ) -> requests.Response:
        """Repeat a request that was answered 401, if a renewal brings another token.

        ``start`` is where a body that is a file begins; ``options`` are those of the adapter.
        """
        if not self._may_repeat(used, start, response):
            return response
        response.content  # noqa: B018 - read to the end, so that the connection can be reused
        response.close()
        again = response.request.copy()
        formats = self._source.formats()
        again.headers["Authorization"] = formats.header or formats.make_header()
        if start is not None:
            body: Any = again.body
            body.seek(start)
        connection: Any = response.connection
        repeated: requests.Response = connection.send(again, **options)
        repeated.history.append(response)
        repeated.request = again
        if repeated.status_code == 401:
            until = self._source.clock.monotonic() + _PAUSE
            self._renewed_in_vain = (formats.token, until)
        return repeated

    def _may_repeat(self, used: Token, start: int | None, response: requests.Response) -> bool:
        request = response.request
        if response.status_code != 401 or (start is None and not _is_in_memory(request.body)):
            return False
        # requests removes the token from a request that is redirected to another host, or to
        # plain http (its Session.rebuild_auth), and calls this hook all the same.
        if request.headers.get("Authorization") != f"Bearer {used.secret}":
            return False
        return not self._was_renewed_in_vain(used) and self._source.renew(used) != used

    def _was_renewed_in_vain(self, used: Token) -> bool:
        token, until = self._renewed_in_vain
        return used is token and self._source.clock.monotonic() < until

    def __reduce__(self) -> tuple[object, ...]:
        return BearerAuth, (self._source,)  # another process has another monotonic clock


def _position(body: object) -> int | None:
    """Return the current position of a body that is a file; None for any other body."""
    try:
        return int(body.tell())  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None


def _is_in_memory(body: object) -> bool:
    return body is None or isinstance(body, bytes | str)
