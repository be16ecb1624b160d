"""BearerAuth: sign each request of a requests session, and repeat one that was answered 401."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..tokens import Token
    from .token_formats import AudienceToken


# A token that was renewed because of a 401, in vain, is not renewed again for so many seconds.
_PAUSE = 60.0


class BearerAuth(requests.auth.AuthBase):
    """Signs each request with a token that is good now; refuses plain http.

    A request that is answered 401 is repeated once with a renewed token, as requests'
    own digest authentication repeats one (``requests.auth.HTTPDigestAuth.handle_401``).
    If that is refused as well, the token is not what is wrong: it is used for a minute,
    whatever the service answers.
    """

    def __init__(self, ready: AudienceToken) -> None:
        self._ready = ready
        self._in_vain: tuple[Token | None, float] = (None, 0.0)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the Authorization header; refuse to where anybody could read it."""
        # RFC 6750 section 5.3: bearer tokens go over TLS only.
        if not (request.url or "").lower().startswith("https://"):
            raise ConfigurationError(
                "An access token is never sent over plain http.",
                remedy="Use the service's https address.",
            )
        forms = self._ready.forms()
        request.headers["Authorization"] = forms.header
        start = _position(request.body)
        request.register_hook(  # type: ignore[no-untyped-call]
            "response", lambda answer, **kw: self._again(answer, forms.token, start, kw)
        )
        return request

    def _again(
        self, answer: requests.Response, used: Token, start: int | None, kw: dict[str, Any]
    ) -> requests.Response:
        """Repeat a request that was refused, if another token can be had silently."""
        if answer.status_code != 401 or (start is None and not _is_whole(answer.request.body)):
            return answer
        # requests takes the token off a request that is redirected to another host, or to
        # plain http (its Session.rebuild_auth), and calls this hook all the same.
        if answer.request.headers.get("Authorization") != f"Bearer {used.secret}":
            return answer
        if self._was_in_vain(used) or self._ready.source.renew(used) == used:
            return answer
        answer.content  # noqa: B018 - read to the end, so that the connection can be reused
        answer.close()
        again = answer.request.copy()
        forms = self._ready.forms()
        again.headers["Authorization"] = forms.header
        if start is not None:
            body: Any = again.body
            body.seek(start)
        connection: Any = answer.connection
        repeated: requests.Response = connection.send(again, **kw)
        repeated.history.append(answer)
        repeated.request = again
        if repeated.status_code == 401:
            self._in_vain = (forms.token, self._ready.source.clock.monotonic() + _PAUSE)
        return repeated

    def _was_in_vain(self, used: Token) -> bool:
        token, until = self._in_vain
        return used is token and self._ready.source.clock.monotonic() < until

    def __reduce__(self) -> tuple[object, ...]:
        return BearerAuth, (self._ready,)  # another process has another clock


def _position(body: object) -> int | None:
    """Give where a body that is a file begins, or None for one that is none."""
    try:
        return int(body.tell())  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None


def _is_whole(body: object) -> bool:
    return body is None or isinstance(body, bytes | str)
