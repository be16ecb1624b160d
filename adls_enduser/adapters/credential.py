"""Credential: everything that the two factories' objects have in common.

It speaks both languages of Azure's SDKs: ``signed_session`` (msrest, azure-datalake-store
0.0.x) and ``get_token`` / ``get_token_info`` (azure-core's protocols ``TokenCredential``
and ``SupportsTokenInfo``), and asks one TokenSource for each audience.
"""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import requests
from azure.core.credentials import AccessToken, AccessTokenInfo

from ..errors import ConfigurationError
from ..tokens import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.credentials import TokenRequestOptions
    from typing_extensions import Self

    from ..clouds import Cloud
    from ..source import TokenSource
    from ..tokens import Token
    from .aio import AsyncCredential


class Credential:
    """A person's sign-in, in the form that Azure's SDKs expect."""

    _kind = "Azure"

    def _begin(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        """Take the place of ``__init__``, since the SDKs' own would fetch tokens."""
        self._source = source
        self._cloud = cloud
        self._tenant = tenant
        self._sources = {source.resource: source}
        self._sources_lock = threading.Lock()

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,  # noqa: ARG002 - azure-core's signature
        **kwargs: object,  # noqa: ARG002 - azure-core's protocol allows any
    ) -> AccessToken:
        """Give a token for one audience, as azure-core's ``TokenCredential`` asks for it.

        ``scopes`` are ``X/.default`` (or ``X//.default``, or ``X``) of one audience;
        ``claims`` is the JSON of a claims challenge. ``expires_on`` is in UTC epoch
        seconds. Raises an EndUserError.
        """
        token = self._token_for(scopes, claims, tenant_id)
        return _AccessToken(token.secret, int(token.expires_on))

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Give the same as ``get_token``, as azure-core's ``SupportsTokenInfo`` asks for it."""
        wanted: Mapping[str, Any] = options or {}
        token = self._token_for(scopes, wanted.get("claims"), wanted.get("tenant_id"))
        return _AccessTokenInfo(token.secret, int(token.expires_on))

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        """Give a requests session (a new one, or yours) that signs its requests.

        The token is set twice: as a header, which azure-datalake-store 0.0.x reads, and
        as ``auth``, which takes a fresh token for each request, keeps netrc from
        replacing it and refuses plain http. Raises an EndUserError.
        """
        token = self._source.token()
        session = requests.Session() if session is None else session
        session.headers["Authorization"] = f"Bearer {token.secret}"
        session.auth = BearerAuth(self._source)
        return session

    def refresh_session(self, session: requests.Session | None = None) -> requests.Session:
        """Renew the token, then do as ``signed_session``."""
        self._source.renew()
        return self.signed_session(session)

    def whoami(self) -> Account:
        """Tell who signed in, without asking the network."""
        held = self._source.held
        return held.account if held else Account()

    def aio(self) -> AsyncCredential:
        """Give the same credential for async clients (``async get_token``)."""
        from .aio import AsyncCredential

        return AsyncCredential(self)

    def close(self) -> None:
        """Do nothing: there is nothing to close. azure-core's protocol has this verb."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        held, account = self._source.held, self.whoami()
        until = f" until {_utc(held.expires_on)}" if held else ""
        who, where = account.username or "somebody", account.tenant or self._tenant
        return f"<{self._kind} credentials of {who} in {where} for {self._source.resource}{until}>"

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self._source, self._cloud, self._tenant)

    def _token_for(self, scopes: tuple[str, ...], claims: object, tenant: object) -> Token:
        self._check_tenant(tenant)
        source = self._source_for(self._audience(scopes))
        if claims is None:
            return source.token()
        if not isinstance(claims, str):
            raise ConfigurationError(f"claims must be a str of JSON, not {claims!r}.")
        return source.answer(claims)

    def _source_for(self, resource: str) -> TokenSource:
        source = self._sources.get(resource)
        if source is None:
            with self._sources_lock:
                source = self._sources.setdefault(resource, self._source.sibling(resource))
        return source

    def _audience(self, scopes: tuple[str, ...]) -> str:
        if not scopes or not all(map(_is_text, scopes)):
            raise ConfigurationError(
                f"get_token needs a scope, not {scopes!r}.",
                remedy=f"Give one such as '{self._cloud.management}.default'.",
            )
        audiences = {self._cloud.audience(scope) for scope in scopes}
        if len(audiences) > 1:
            raise ConfigurationError(
                f"One token cannot serve several audiences: {', '.join(sorted(audiences))}.",
                remedy="Call get_token once for each.",
            )
        return audiences.pop()

    def _check_tenant(self, tenant: object) -> None:
        known = (None, self._tenant, self.whoami().tenant)
        if tenant not in known:
            raise ConfigurationError(
                f"tenant_id={tenant!r} is not the tenant of this sign-in.",
                remedy=f"Call the factory again with tenant={tenant!r}.",
            )


class BearerAuth(requests.auth.AuthBase):
    """Signs each request with a token that is good now; refuses plain http."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the Authorization header, or take it away where anybody could read it."""
        # RFC 6750 section 5.3: bearer tokens go over TLS only.
        if not (request.url or "").lower().startswith("https://"):
            request.headers.pop("Authorization", None)
            raise ConfigurationError(
                "An access token is never sent over plain http.",
                remedy="Use the service's https address.",
            )
        request.headers["Authorization"] = f"Bearer {self._source.token().secret}"
        return request


class TokenDict(dict[str, Any]):
    """An SDK's own form of a token, which is a dictionary; its ``repr`` hides the values."""

    def __repr__(self) -> str:
        return f"<token with {', '.join(self)}>"

    __str__ = __repr__


class _AccessToken(AccessToken):
    # azure-core's own repr prints the token.
    def __repr__(self) -> str:
        return f"AccessToken(token=..., expires_on={self.expires_on})"


class _AccessTokenInfo(AccessTokenInfo):
    def __repr__(self) -> str:
        return f"AccessTokenInfo(token=..., expires_on={self.expires_on})"


def _restored(
    kind: type[Credential], source: TokenSource, cloud: Cloud, tenant: str | None
) -> Credential:
    credential = kind.__new__(kind)
    credential._begin(source, cloud, tenant)  # noqa: SLF001 - its own constructor
    return credential


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _utc(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
