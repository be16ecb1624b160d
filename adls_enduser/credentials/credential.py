"""Credential: everything that the two factories' objects have in common.

It speaks both languages of Azure's SDKs: ``signed_session`` (msrest, azure-datalake-store
0.0.x) and ``get_token`` / ``get_token_info`` (azure-core's protocols ``TokenCredential``
and ``SupportsTokenInfo``), and asks one TokenSource for each audience.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import requests

from ..claims import CP1, check_claims
from ..errors import ConfigurationError
from ..tokens import Account
from .bearer_auth import BearerAuth
from .token_formats import AudienceToken, AudienceTokens, TokenFormats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from typing_extensions import Self

    from ..clouds import Cloud
    from .aio import AsyncCredential
    from .token_source import TokenSource


class Credential:
    """A person's sign-in, in the form that Azure's SDKs expect."""

    _kind = "Azure"

    def _begin(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        """Take the place of ``__init__``, since the SDKs' own would fetch tokens."""
        self._source = source
        self._cloud = cloud
        self._tenant = tenant
        self._own = AudienceToken(source)
        self._plain = self._capable = AudienceTokens(source, None, self._own)
        self._by_scopes = self._plain.by_scopes
        if source.answers_claims:
            self._capable = AudienceTokens(source, CP1)
        self._auth = BearerAuth(self._own)
        self._time, self._monotonic = source.clock.time, source.clock.monotonic

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,  # noqa: ARG002 - azure-core's protocol allows any
    ) -> AccessToken:
        """Give a token for one audience, as azure-core's ``TokenCredential`` asks for it.

        ``scopes`` are ``X/.default`` (or ``X//.default``, or ``X``) of one audience;
        ``claims`` is the JSON of a claims challenge; ``enable_cae`` says that the caller
        can answer one (continuous access evaluation), which only ``library="msal"`` can
        tell Entra ID. ``expires_on`` is in UTC epoch seconds. Raises an EndUserError.
        """
        if claims is tenant_id is None and not enable_cae:
            try:
                ready = self._by_scopes[scopes]
            except (KeyError, TypeError):  # not asked before, or no scopes at all
                pass
            else:
                # Ready.forms, written out, since a call would cost a tenth of this one.
                fresh, wall, ticks, forms = ready.made
                if (
                    forms is not None
                    and fresh is ready.source.fresh
                    and self._time() < wall
                    and self._monotonic() < ticks
                ):
                    return forms.access_token
                return ready.forms().access_token
        shelf = self._capable if enable_cae else self._plain
        return self._forms(scopes, claims, tenant_id, shelf).access_token

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Give the same as ``get_token``, as azure-core's ``SupportsTokenInfo`` asks for it.

        ``options`` may hold ``claims``, ``tenant_id`` and ``enable_cae``. Raises an
        EndUserError.
        """
        wanted: Mapping[str, Any] = options or {}
        try:
            claims, tenant = wanted.get("claims"), wanted.get("tenant_id")
        except AttributeError:
            kind = type(options).__name__
            raise ConfigurationError(f"options must be a dict, not {kind}.") from None
        shelf = self._capable if wanted.get("enable_cae") else self._plain
        if claims is tenant is None:
            try:
                ready = shelf.by_scopes[scopes]
            except (KeyError, TypeError):  # not asked before, or no scopes at all
                pass
            else:
                return ready.forms().access_token_info
        return self._forms(scopes, claims, tenant, shelf).access_token_info

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        """Give a requests session (a new one, or yours) that signs its requests.

        The token is set twice: as a header, which azure-datalake-store 0.0.x reads, and
        as ``auth``, which takes a fresh token for each request, keeps netrc from
        replacing it and refuses plain http. Raises an EndUserError.
        """
        _check_session(session)
        forms = self._own.forms()
        session = requests.Session() if session is None else session
        session.headers["Authorization"] = forms.header
        session.auth = self._auth
        return session

    def refresh_session(self, session: requests.Session | None = None) -> requests.Session:
        """Renew the token, then do as ``signed_session``. Raises an EndUserError."""
        _check_session(session)
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
        tenant = account.tenant or self._tenant
        who, where = account.username or "somebody", f" in {tenant}" if tenant else ""
        return f"<{self._kind} credentials of {who}{where} for {self._source.resource}{until}>"

    def __reduce__(self) -> tuple[object, ...]:
        # The audiences that were asked for go along: elsewhere they cannot be had.
        shelves = {id(one): one for one in (self._plain, self._capable)}.values()
        every = [one for shelf in shelves for one in shelf.by_resource.copy().values()]
        others = [one.source for one in every if one is not self._own]
        used = tuple(source for source in others if source.held is not None)
        return _restored, (type(self), self._source, self._cloud, self._tenant, used)

    def _take(self, others: tuple[TokenSource, ...]) -> None:
        """Take what came along in a pickle, though nothing more can be asked for here."""
        if self._capable is self._plain and any(one.claims for one in others):
            self._capable = AudienceTokens(self._source, CP1, self._own)
        for one in others:
            shelf = self._capable if one.claims else self._plain
            shelf.by_resource[one.resource] = AudienceToken(one)

    def _forms(
        self, scopes: tuple[str, ...], claims: object, tenant: object, shelf: AudienceTokens
    ) -> TokenFormats:
        self._check_tenant(tenant)
        ready = shelf.ready_for(self._audience(scopes))
        if claims is not None:
            return TokenFormats.of(ready.source.answer(check_claims(claims)))
        shelf.by_scopes[scopes] = ready
        return ready.forms()

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


def _restored(
    kind: type[Credential],
    source: TokenSource,
    cloud: Cloud,
    tenant: str | None,
    others: tuple[TokenSource, ...],
) -> Credential:
    credential = kind.__new__(kind)
    credential._begin(source, cloud, tenant)  # noqa: SLF001 - its own constructor
    credential._take(others)  # noqa: SLF001
    return credential


def _check_session(session: object) -> None:
    if not (session is None or hasattr(session, "headers")):
        raise ConfigurationError(
            f"session must be a requests.Session, not {type(session).__name__}."
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _utc(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
