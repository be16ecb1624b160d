"""AsyncCredential: the same credential for async clients, under asyncio, trio and anyio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions


class _Credential(Protocol):
    """The methods of Credential that are called here."""

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken: ...

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo: ...

    def returns_at_once(self, scopes: tuple[str, ...], *, enable_cae: bool = False) -> bool: ...

    def __dask_tokenize__(self) -> tuple[str, ...]: ...


class AsyncCredential:
    """azure-core's ``AsyncTokenCredential`` over a credential; bound to no event loop.

    A token that is valid for minutes is returned at once. A renewal, and a person, are waited
    for in a thread that is not of the loop's executor. If the await is cancelled, it ends at
    once; the renewal goes on, for the next caller.
    """

    def __init__(self, credential: _Credential) -> None:
        self._credential = credential

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:
        """Return a token for one audience; see ``Credential.get_token``."""
        credential = self._credential
        if claims is tenant_id is None and credential.returns_at_once(
            scopes, enable_cae=enable_cae
        ):
            if enable_cae:
                return credential.get_token(*scopes, enable_cae=True)
            return credential.get_token(*scopes)  # without an option, which some classes hurry
        from .threads import run_in_thread  # loads asyncio, which trio does without

        return await run_in_thread(
            credential.get_token,
            *scopes,
            claims=claims,
            tenant_id=tenant_id,
            enable_cae=enable_cae,
            **kwargs,
        )

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Return a token for one audience; see ``Credential.get_token_info``."""
        credential = self._credential
        wanted = options if isinstance(options, dict) else {}
        if wanted.get("claims") is wanted.get("tenant_id") is None and credential.returns_at_once(
            scopes, enable_cae=bool(wanted.get("enable_cae"))
        ):
            return credential.get_token_info(*scopes, options=options)
        from .threads import run_in_thread

        return await run_in_thread(credential.get_token_info, *scopes, options=options)

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""

    async def __aenter__(self) -> AsyncCredential:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<async {self._credential!r}>"

    def __dask_tokenize__(self) -> tuple[str, ...]:
        """Return what Dask makes the names of its tasks from; renewals do not change it."""
        return (type(self).__qualname__, *self._credential.__dask_tokenize__())
