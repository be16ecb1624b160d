"""A request, a response and a service, independent of any socket."""

from __future__ import annotations

import json
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, unquote

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.sansio.request import Request as SansIORequest
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

__all__ = ["AccountHosts", "Request", "Response", "Service", "empty_response", "json_response"]


class Request(SansIORequest):
    """One request: werkzeug's ``method``, ``host``, ``path``, ``args``, ``headers``; and a body.

    ``path`` is percent-decoded and begins with a slash; ``target`` is as it was sent. A body of
    None was too large to be kept.
    """

    def __init__(
        self,
        *,
        method: str,
        scheme: str,
        host: str,
        target: str,
        headers: Headers,
        body: bytes | None,
    ) -> None:
        raw_path, _, query = target.partition("?")
        super().__init__(
            method=method,
            scheme=scheme,
            server=(host, 443 if scheme == "https" else 80),
            root_path="",
            path=unquote(raw_path),
            query_string=query.encode("ascii", "surrogateescape"),
            headers=headers,
            remote_addr="127.0.0.1",
        )
        self.hostname = host
        self.target = target
        self._body = body

    @property
    def body(self) -> bytes:
        """Return the body; raise RequestEntityTooLarge if it was too large to be kept."""
        if self._body is None:
            raise RequestEntityTooLarge("The sandbox keeps no body as large as this.")
        return self._body

    def drop_body(self, *, larger_than: int) -> None:
        """Forget a body of more bytes than this, so that the request log does not keep it."""
        if self._body is not None and len(self._body) > larger_than:
            self._body = b""

    @cached_property
    def form(self) -> dict[str, str]:
        """Return the fields of a form; of a repeated field, the last value.

        The form is url-encoded, or ``multipart/form-data`` as ``curl -F`` sends it.
        """
        if self.mimetype == "multipart/form-data":
            return self._multipart_form()
        if self.mimetype != "application/x-www-form-urlencoded":
            return {}
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def _multipart_form(self) -> dict[str, str]:
        """Return the fields that are not files; of a body that is cut short, none."""
        stream, options = BytesIO(self.body), self.mimetype_params
        _, fields, _ = FormDataParser().parse(stream, self.mimetype, len(self.body), options)
        return {name: values[-1] for name, values in fields.lists()}

    @cached_property
    def json(self) -> Any:
        """Return the body as JSON; raise ValueError if it is not JSON."""
        return json.loads(self.body)


def json_response(
    body: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return a JSON response as Azure's services write it."""
    content_type = "application/json; charset=utf-8"
    return Response(json.dumps(body), status, headers, content_type=content_type)


def empty_response(status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a response with neither body nor type."""
    response = Response(b"", status, headers)
    del response.headers["Content-Type"]
    return response


class Service(Protocol):
    """A service that handles the requests for one or more host names."""

    def serves(self, host: str) -> bool:
        """Tell whether a (lower-case) host name belongs to this service."""
        ...

    def respond(self, request: Request) -> Response:
        """Return the response to one request; called from many threads at once."""
        ...


class AccountHosts(Service, Protocol):
    """A service with a host name for each of its accounts."""

    def is_free_name(self, host: str) -> bool:
        """Tell whether a host name is that of an account which does not exist."""
        ...
