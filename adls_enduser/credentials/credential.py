"""Credential: what the credentials of all factories have in common.

It has the methods of both generations of Azure's SDKs: ``signed_session`` (msrest,
azure-datalake-store 0.0.x) and ``get_token`` / ``get_token_info`` (azure-core's protocols
``TokenCredential`` and ``SupportsTokenInfo``). There is one TokenSource for each audience.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..entra.claims import CP1, check_claims
from ..errors import ConfigurationError
from ..tokens import Account
from .audience_tokens import AudienceTokens
from .token_formats import TokenFormats

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from typing_extensions import Self

    from ..clouds import Cloud
    from ..tokens import Token
    from .aio import AsyncCredential
    from .bearer_auth import BearerAuth
    from .token_source import TokenSource


class Credential:
    """A person's sign-in, with the methods that Azure's SDKs call."""

    _kind = "Azure"

    def _begin(self, source: TokenSource, cloud: Cloud, tenant: str | None) -> None:
        """Replace ``__init__``, because the SDKs' own constructors would fetch tokens."""
        self._source = source
        self._cloud = cloud
        self._tenant = tenant
        self._tokens = self._cae_tokens = AudienceTokens(source, None, source)
        self._by_scopes = self._tokens.by_scopes
        if source.answers_claims:
            self._cae_tokens = AudienceTokens(source, CP1)
        self._auth: BearerAuth | None = None  # loads requests
        self._time, self._monotonic = source.clock.time, source.clock.monotonic

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,  # noqa: ARG002 - azure-core's protocol allows any
    ) -> AccessToken:
        """Return a token for one audience, as azure-core's ``TokenCredential`` does.

        ``scopes`` are ``X/.default`` (or ``X//.default``, or ``X``) of one audience;
        ``claims`` is the JSON of a claims challenge; ``enable_cae`` says that the caller
        handles such challenges (continuous access evaluation), which only ``library="msal"``
        can tell Entra ID. ``tenant_id`` may be the sign-in's own; for Azure Storage it says that
        the last token was rejected (see the module ``rejected_token``). ``expires_on`` is in UTC
        epoch seconds. Raises an EndUserError.
        """
        if claims is tenant_id is None and not enable_cae:
            try:
                source = self._by_scopes[scopes]
            except (KeyError, TypeError):  # not asked for before, or no valid scopes
                pass
            else:
                # TokenSource.formats, written out: a call would cost a tenth of this one.
                formats, wall, monotonic = source.fresh
                if self._time() < wall and self._monotonic() < monotonic:
                    return formats.access_token
                return source.formats().access_token
        tokens = self._cae_tokens if enable_cae else self._tokens
        return self._formats(scopes, claims, tenant_id, tokens).access_token

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Return the same token as ``get_token``, as azure-core's ``SupportsTokenInfo`` does.

        ``options`` may hold ``claims``, ``tenant_id`` and ``enable_cae``. Raises an
        EndUserError.
        """
        wanted: Mapping[str, Any] = options or {}
        try:
            claims, tenant = wanted.get("claims"), wanted.get("tenant_id")
        except AttributeError:
            kind = type(options).__name__
            raise ConfigurationError(
                f"options must be a dict, not {kind}.",
                remedy="For example options={'enable_cae': True}, or leave it out.",
            ) from None
        tokens = self._cae_tokens if wanted.get("enable_cae") else self._tokens
        if claims is tenant is None:
            try:
                source = tokens.by_scopes[scopes]
            except (KeyError, TypeError):  # not asked for before, or no valid scopes
                pass
            else:
                formats = source.formats()
                return formats.info or formats.make_info()
        formats = self._formats(scopes, claims, tenant, tokens)
        return formats.info or formats.make_info()

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        """Return a requests session (a new one, or yours) that signs its requests.

        The token is set twice: as a header, which azure-datalake-store 0.0.x reads, and as
        ``auth``, which uses a fresh token for each request, prevents netrc from replacing it
        and refuses plain http. Raises an EndUserError.
        """
        _check_session(session)
        formats = self._source.formats()
        if session is None:
            import requests  # clients of azure-core's generation do without

            session = requests.Session()
        session.headers["Authorization"] = formats.header or formats.make_header()
        session.auth = self._auth or self._bearer_auth()  # a call would cost as much as the rest
        return session

    def refresh_session(self, session: requests.Session | None = None) -> requests.Session:
        """Renew the token, then do as ``signed_session``. Raises an EndUserError."""
        _check_session(session)
        self._source.renew()
        return self.signed_session(session)

    @property
    def token_source(self) -> TokenSource:
        """The source of the tokens for this credential's own audience."""
        return self._source

    @property
    def cloud(self) -> Cloud:
        """The cloud in which the person signed in."""
        return self._cloud

    def source_for(self, resource: str) -> TokenSource:
        """Return the source of the same sign-in's tokens for an audience; uses no network."""
        return self._tokens.for_resource(self._cloud.audience(resource))

    def whoami(self) -> Account:
        """Return the account that signed in; uses no network."""
        held = self._source.held
        return held.account if held else Account()

    def storage_token(self) -> Token:
        """Return the token for Azure Storage, with its times. Raises an EndUserError."""
        return self.source_for(self._cloud.storage).token()

    def returns_at_once(self, scopes: tuple[str, ...], *, enable_cae: bool = False) -> bool:
        """Return whether ``get_token`` would wait neither for the network nor for a person."""
        tokens = self._cae_tokens if enable_cae else self._tokens
        try:
            source = tokens.by_scopes.get(scopes) or tokens.known(self._audience(scopes))
        except (ConfigurationError, TypeError):  # get_token raises it
            return True
        return source is not None and source.returns_at_once

    def aio(self) -> AsyncCredential:
        """Return the same credential for async clients (``async get_token``)."""
        from .aio import AsyncCredential

        return AsyncCredential(self)

    def close(self) -> None:
        """Do nothing: there is nothing to close. azure-core's protocol has this method."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        # fsspec takes two objects with one repr for the same (its ``_Cached.__call__``): so it
        # names the sign-in, and nothing that changes with a renewal.
        account = self.whoami()
        tenant = account.tenant or self._tenant
        name, where = account.username or "somebody", f" in {tenant}" if tenant else ""
        source = self._source
        return (
            f"<{self._kind} credentials of {name}{where} for {source.resource},"
            f" sign-in {source.sign_in_id}>"
        )

    def __dask_tokenize__(self) -> tuple[str, ...]:
        """Return what Dask makes the names of its tasks from; renewals do not change it."""
        return type(self).__qualname__, self._source.resource, self._source.sign_in_id

    def __reduce__(self) -> tuple[object, ...]:
        self._obtain_storage_token()
        # Tokens of other audiences are pickled too: the other process cannot obtain them.
        groups = {id(one): one for one in (self._tokens, self._cae_tokens)}.values()
        sources = [source for group in groups for source in group.sources]
        others = (source for source in sources if source is not self._source)
        used = tuple(source for source in others if source.held is not None)
        return _unpickled, (type(self), self._source, self._cloud, self._tenant, used)

    def _bearer_auth(self) -> BearerAuth:
        from .bearer_auth import BearerAuth

        self._auth = BearerAuth(self._source)
        return self._auth

    def _obtain_storage_token(self) -> None:
        """Obtain a token for Azure Storage, silently, if another process could not.

        The tools that send credentials to workers, such as Dask, read from there. AD FS is not
        asked: it may refuse the refresh token for an audience that it does not know.
        """
        if not self._cloud.is_adfs and self._source.is_detached_by_pickling:
            self._tokens.for_resource(self._cloud.storage).prepare_for_pickle()

    def _add_sources(self, sources: tuple[TokenSource, ...]) -> None:
        """Add the other audiences of a pickle, though this process can obtain no other."""
        if self._cae_tokens is self._tokens and any(source.claims for source in sources):
            self._cae_tokens = AudienceTokens(self._source, CP1, self._source)
        for source in sources:
            tokens = self._cae_tokens if source.claims else self._tokens
            tokens.add(source)

    def _formats(
        self, scopes: tuple[str, ...], claims: object, tenant: object, tokens: AudienceTokens
    ) -> TokenFormats:
        self._check_tenant(tenant)
        source = tokens.for_resource(self._audience(scopes))
        if claims is not None:
            return TokenFormats(source.reply_to_challenge(check_claims(claims)))
        is_after_401 = tenant is not None and source.resource == self._cloud.storage
        formats = tokens.formats_after_401(source) if is_after_401 else source.formats()
        tokens.by_scopes[scopes] = source
        return formats

    def _audience(self, scopes: tuple[str, ...]) -> str:
        if not scopes or not all(map(_is_text, scopes)):
            raise ConfigurationError(
                f"get_token needs a scope, not {scopes!r}.",
                remedy=f"Use one such as '{self._cloud.management}.default'.",
            )
        audiences = {self._cloud.audience(scope) for scope in scopes}
        if len(audiences) > 1:
            raise ConfigurationError(
                f"One token cannot serve several audiences: {', '.join(sorted(audiences))}.",
                remedy="Call get_token once for each audience.",
            )
        return audiences.pop()

    def _check_tenant(self, tenant: object) -> None:
        known = (None, self._tenant, self.whoami().tenant)
        if tenant not in known:
            raise ConfigurationError(
                f"tenant_id={tenant!r} is not the tenant of this sign-in.",
                remedy=f"Call the factory again with tenant={tenant!r}.",
            )


def _unpickled(
    kind: type[Credential],
    source: TokenSource,
    cloud: Cloud,
    tenant: str | None,
    sources: tuple[TokenSource, ...],
) -> Credential:
    credential = kind.__new__(kind)
    credential._begin(source, cloud, tenant)  # noqa: SLF001 - its own constructor
    credential._add_sources(sources)  # noqa: SLF001
    return credential


def _check_session(session: object) -> None:
    if not (session is None or hasattr(session, "headers")):
        raise ConfigurationError(
            f"session must be a requests.Session, not {type(session).__name__}.",
            remedy="Leave it out for a new one.",
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()
