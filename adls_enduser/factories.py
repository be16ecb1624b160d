"""The factories: sign a person in, and return the credentials for one family of SDKs.

Each imports the module of credentials/ that it needs when it is called, and with it the SDK.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ParamSpec, cast

from .credentials.token_source import TokenSource
from .errors import ConfigurationError, EndUserError, import_failed
from .modes import OPTIONS_HELP, strategy_for
from .options import Settings, check_flag, options_by_name
from .strategies.protocol import extended
from .tokens import hide_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Unpack

    from .credentials.protocol import Credentials
    from .modes import AnyOptions, Factory, Mode
    from .options import AccountSettings
    from .strategies.protocol import AuthStrategy


_Parameters = ParamSpec("_Parameters")


def _factory(function: Callable[..., Credentials]) -> Factory:
    """Type a factory by the overloads of ``modes.Factory``, and list the options in its help."""
    # As inspect.cleandoc, which would load inspect.
    lines = (line.removeprefix("    ") for line in (function.__doc__ or "").splitlines())
    function.__doc__ = "\n".join((*lines, "", OPTIONS_HELP)).strip()
    example = f'{function.__name__}("password", username=..., password=...)'
    return cast("Factory", options_by_name(example)(function))


@_factory
def management_credentials(
    mode: Mode = "device_code",
    *,
    interactive: bool | None = None,
    fallback: Mode | Sequence[Mode] = (),
    **options: Unpack[AnyOptions],
) -> Credentials:
    """Sign a person in, for account management and any Azure Resource Manager client.

    ``mode`` is ``"device_code"`` (or ``"mfa"``), ``"browser"``, ``"auto"`` (see ``explain``),
    ``"password"``, ``"azure_cli"``, or an AuthStrategy object. An object may have signed in
    already: one sign-in serves every resource.

    ``interactive``: whether a person may be prompted; None: if a ``prompt`` was given, or a
    terminal or notebook is there. ``fallback``: a mode, or several, to try when the one before
    needs a second factor or is blocked by policy (see ``Fallback``).

    Returns msrestazure's ``UserPassCredentials`` for a password and its
    ``AADTokenCredentials`` otherwise, which also are azure-core ``TokenCredential`` objects.
    Raises ConfigurationError before any network, SignInError or another EndUserError if the
    sign-in fails.
    """
    name = "management_credentials"
    try:
        from .credentials import management
    except Exception as error:  # a broken package may raise any
        raise import_failed(error, name, "azure-mgmt-datalake-store msrestazure") from error
    strategy = strategy_for(mode, fallback, options, name)
    own = extended(strategy).settings
    source = _token_source(strategy, own, own.cloud.management, interactive, name)
    source.token()  # a wrong password is an error at the caller's line, not hours later
    by_password = isinstance(own, Settings) and own.mode == "password"
    kind = management.PasswordCredentials if by_password else management.TokenCredentials
    return cast("Credentials", kind(source, own.cloud, own.tenant))


@_factory
def filesystem_token(
    mode: Mode = "device_code",
    *,
    interactive: bool | None = None,
    fallback: Mode | Sequence[Mode] = (),
    **options: Unpack[AnyOptions],
) -> Credentials:
    """Sign a person in, for the file system: ``core.AzureDLFileSystem(token, store_name=...)``.

    Takes the arguments and options of ``management_credentials``. Returns a
    ``lib.DataLakeCredential`` if the installed azure-datalake-store has that class, which also
    is an azure-core ``TokenCredential``; pass it as the first positional argument. Raises
    UnsupportedByCloud for a cloud that never had Data Lake Storage Gen1, ConfigurationError
    before any network, or another EndUserError.
    """
    name = "filesystem_token"
    try:
        from .credentials import filesystem
    except Exception as error:  # a broken package may raise any
        raise import_failed(error, name, "azure-datalake-store") from error
    strategy = strategy_for(mode, fallback, options, name)
    own = extended(strategy).settings
    source = _token_source(strategy, own, own.cloud.filesystem_audience(), interactive, name)
    source.token()  # as above
    return cast("Credentials", filesystem.FilesystemToken(source, own.cloud, own.tenant))


@_factory
def storage_credential(
    mode: Mode = "device_code",
    *,
    interactive: bool | None = None,
    fallback: Mode | Sequence[Mode] = (),
    **options: Unpack[AnyOptions],
) -> Credentials:
    """Sign a person in, for Azure Storage: Data Lake Storage Gen2, blobs and OneLake.

    Takes the arguments and options of ``management_credentials``. Returns an azure-core
    ``TokenCredential`` for the clients of azure-storage-blob, azure-storage-file-datalake and
    every tool that takes one; ``adls_enduser.interop`` has the line for each of the others.
    The application must be consented to Azure Storage, and to nothing else. Raises
    ConfigurationError before any network, or another EndUserError.
    """
    name = "storage_credential"
    try:
        from .credentials import storage
    except Exception as error:  # a broken package may raise any
        raise import_failed(error, name, "azure-core") from error
    strategy = strategy_for(mode, fallback, options, name)
    own = extended(strategy).settings
    source = _token_source(strategy, own, own.cloud.storage, interactive, name)
    source.token()  # as above
    return cast("Credentials", storage.StorageCredential(source, own.cloud, own.tenant))


async def sign_in_async(
    factory: Callable[_Parameters, Credentials],
    *arguments: _Parameters.args,
    **options: _Parameters.kwargs,
) -> Credentials:
    """Await a factory's sign-in, which does not stop the event loop meanwhile.

    For example ``await sign_in_async(management_credentials, "device_code", tenant=...)``, under
    asyncio, trio or anyio. The factory and its prompt run in a thread of their own. If the await
    is cancelled, it ends at once; an event that was given as ``cancel=`` is then set, which ends
    the sign-in as well. Raises what the factory raises.
    """
    from .credentials.threads import run_in_thread  # imports asyncio, which others need not load

    hide_secrets(options)
    if not callable(factory):
        kind = type(factory).__name__
        raise ConfigurationError(
            f"sign_in_async takes a factory first, not {kind}.",
            remedy="For example: await sign_in_async(storage_credential, 'device_code', ...).",
        )
    try:
        return await run_in_thread(factory, *arguments, **options)
    except EndUserError:
        raise
    except BaseException:  # cancelled: asyncio's and trio's exceptions have no common name
        cancel = options.get("cancel")
        if isinstance(cancel, threading.Event):
            cancel.set()
        raise


def _token_source(
    strategy: AuthStrategy, own: AccountSettings, resource: str, interactive: object, name: str
) -> TokenSource:
    may_prompt = check_flag("interactive", interactive)
    return TokenSource(
        strategy, resource, interactive=may_prompt, clock=own.clock, factory_name=name
    )
