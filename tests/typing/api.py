"""A user's code, which must pass mypy --strict; it is checked and never run."""

from __future__ import annotations

import threading
from dataclasses import replace

from azure.core.credentials import SupportsTokenInfo, TokenCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.identity import AzureCliCredential, DeviceCodeCredential, InteractiveBrowserCredential

from adls_enduser import (
    PUBLIC,
    Account,
    AuthStrategy,
    AzureCli,
    AzureCredential,
    Browser,
    BrowserPrompt,
    Cloud,
    Credentials,
    DeviceCode,
    DeviceCodePrompt,
    EndUserError,
    Explanation,
    Fallback,
    Password,
    SignInError,
    StaticToken,
    Token,
    cloud_from_metadata,
    explain,
    filesystem_token,
    management_credentials,
    sign_in_async,
    storage_credential,
)
from adls_enduser.interop import (
    delta_options,
    fsspec_options,
    identity_endpoint,
    obstore_provider,
    polars_provider,
)


def shown(prompt: DeviceCodePrompt) -> None:
    """Take the prompt's fields with their types."""
    url: str = prompt.url
    until: float = prompt.expires_on
    print(url, prompt.code, until, prompt.message)


def page(prompt: BrowserPrompt) -> None:
    """Take the page's fields with their types."""
    url: str = prompt.url
    until: float = prompt.expires_on
    print(url, until, prompt.message)


class Mine:
    """A stranger's strategy, without a base class."""

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        return None

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        return Token("secret", 2.0, 1.0, resource, Account("ada"))


def strategies() -> list[AuthStrategy]:
    """Ours and a stranger's are strategies to the type checker."""
    mine: Cloud = replace(PUBLIC, name="mine")
    return [
        DeviceCode(tenant="contoso.com", prompt=shown, timeout=60, cancel=threading.Event()),
        Browser(prompt=page, open_browser=True, redirect_uri="http://localhost", timeout=60),
        Password(username="ada@contoso.com", password=lambda: "secret", cloud=mine),
        Mine(),
        AzureCredential(AzureCliCredential(), tenant="contoso.com", cloud=mine),
        AzureCredential(DeviceCodeCredential(disable_automatic_authentication=True)),
        AzureCredential(InteractiveBrowserCredential(), prompts=True),
        AzureCli(tenant="contoso.com", username="ada@contoso.com", request_timeout=60),
        StaticToken("secret"),
        StaticToken("secret", 1.8e9, resource="https://storage.azure.com/"),
    ]


def clouds() -> list[Cloud]:
    """Read from a Resource Manager, with the options of the wire."""
    stack = "https://management.local.azurestack.external"
    return [cloud_from_metadata(stack), cloud_from_metadata(stack, name="x", ca_bundle="ca.pem")]


def factories() -> list[Credentials]:
    """By name with options, and by object."""
    return [
        management_credentials("password", username="ada@contoso.com", password="secret"),
        filesystem_token(mode="mfa", tenant="contoso.com", interactive=False, library="msal"),
        filesystem_token(mode="azure_cli", tenant="contoso.com", request_timeout=60),
        storage_credential("browser", tenant="contoso.com", open_browser=True),
        storage_credential("password", fallback="mfa", username="ada@contoso.com"),
        *(management_credentials(mode=strategy) for strategy in strategies()),
    ]


def tools(credential: Credentials) -> dict[str, object]:
    """What tools take has types, and so has what they get."""
    bearer: dict[str, str] = polars_provider(credential)()[0]
    token: str = obstore_provider(credential)()["token"]
    print(bearer, token)
    return fsspec_options(credential, "mylake") | fsspec_options(
        credential, "onelake", onelake=True
    )


def programs(credential: Credentials) -> dict[str, str]:
    """Programs that take no object get variables, and deltalake gets options."""
    with identity_endpoint(credential, resources={"https://storage.azure.com/"}) as environment:
        variables: dict[str, str] = {**environment}
    return variables | delta_options(credential)


def protocols(credentials: Credentials) -> tuple[TokenCredential, SupportsTokenInfo]:
    """What a factory returns has azure-core's protocols."""
    return credentials, credentials


def asynchronous(credentials: Credentials) -> AsyncTokenCredential:
    """And the asynchronous one."""
    return credentials.aio()


async def awaited() -> Credentials:
    """A factory's sign-in is awaited, with its arguments."""
    await sign_in_async(filesystem_token)
    await sign_in_async(management_credentials, DeviceCode(tenant="contoso.com"))
    return await sign_in_async(management_credentials, "device_code", tenant="contoso.com")


def errors() -> str | None:
    """An error's fields have types."""
    try:
        factories()
    except SignInError as refused:
        code: str | None = refused.code
        return code or refused.remedy
    except EndUserError as error:
        return error.correlation_id
    return None


def refused() -> None:
    """What is wrong is wrong to the type checker too."""
    management_credentials(tenent="contoso.com")  # type: ignore[call-overload]
    management_credentials("pasword", password="secret")  # type: ignore[call-overload]
    management_credentials("password", password=3)  # type: ignore[call-overload]
    management_credentials("device_code", password="secret")  # type: ignore[call-overload]
    management_credentials("azure_cli", cache=None)  # type: ignore[call-overload]
    filesystem_token(DeviceCode(), tenant="contoso.com")  # type: ignore[call-overload]
    filesystem_token("browser", cloud="usgov")  # type: ignore[call-overload]
    filesystem_token("password", fallback="borwser")  # type: ignore[call-overload]
    filesystem_token("password", fallback=["mfa", 3])  # type: ignore[call-overload]
    filesystem_token(DeviceCode)  # type: ignore[call-overload]
    storage_credential("device_code", password="secret")  # type: ignore[call-overload]
    fsspec_options("secret", "mylake")  # type: ignore[arg-type]
    fsspec_options(credentials())  # type: ignore[call-arg]
    polars_provider("secret")  # type: ignore[arg-type]
    delta_options("secret")  # type: ignore[arg-type]
    identity_endpoint(credentials(), resources=5)  # type: ignore[arg-type]
    explain("borwser")  # type: ignore[arg-type]
    DeviceCode(password="secret")  # type: ignore[call-arg]
    DeviceCode(library="requests")  # type: ignore[arg-type]
    AzureCli(client_id="x")  # type: ignore[call-arg]
    AzureCredential("secret")  # type: ignore[arg-type]
    AzureCredential(credentials().aio())  # type: ignore[arg-type]
    StaticToken("secret", "tomorrow")  # type: ignore[arg-type]


def credentials() -> Credentials:
    """What a factory returns is a credential to wrap again."""
    given = management_credentials()
    return management_credentials(AzureCredential(given))


def doors() -> str:
    """One way in after the other, by name or as objects, and which it would be."""
    management_credentials("password", username="ada@contoso.com", fallback="browser")
    filesystem_token("device_code", fallback=("browser", Browser(open_browser=True)))
    management_credentials(Fallback(Password(username="ada@contoso.com"), DeviceCode()))
    told: Explanation = explain("auto", open_browser=False)
    management_credentials("password", fallback=3)  # type: ignore[call-overload]
    explain(nonsense=1)  # type: ignore[call-arg]
    return told.mode


def explained() -> Explanation:
    """It takes what a factory takes."""
    explain(fallback=3)  # type: ignore[arg-type]
    explain("auto", interactive="no")  # type: ignore[arg-type]
    return explain("password", username="ada@contoso.com", fallback="browser", interactive=False)
