"""What the functions of adls_enduser.interop say about a wrong argument, before any network."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from azure.identity import DeviceCodeCredential

from adls_enduser import (
    PUBLIC,
    AzureCredential,
    ConfigurationError,
    DeviceCode,
    StaticToken,
    UnsupportedByCloud,
    filesystem_token,
    management_credentials,
    storage_credential,
)
from adls_enduser.interop import (
    delta_options,
    fsspec_options,
    identity_endpoint,
    obstore_provider,
    polars_provider,
)

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox, SandboxClock


def _fsspec(credential: Any) -> Any:
    return fsspec_options(credential, "mylake")


FUNCTIONS = [_fsspec, polars_provider, obstore_provider, identity_endpoint]


@pytest.fixture
def credential(clock: SandboxClock) -> Any:
    """One that needs no network."""
    return storage_credential(StaticToken("opaque", clock.time() + 600, clock=clock))


class Theirs:
    """An azure-core credential of somebody's own."""

    def get_token(self, *scopes: str, **options: Any) -> Any:
        raise AssertionError("not called")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (lambda: Theirs(), "storage_credential(mode=AzureCredential(credential))"),
        (lambda: DeviceCodeCredential(), "storage_credential(mode=AzureCredential(credential))"),
        (lambda: DeviceCode(), "storage_credential(mode=credential)"),
        (lambda: AzureCredential(Theirs()), "storage_credential(mode=credential)"),
        (lambda: "eyJ-a-secret", "StaticToken"),
        (lambda: None, "storage_credential(...)"),
        (lambda: {"account_key": "x"}, "storage_credential(...)"),
        (lambda: Theirs, "storage_credential(...)"),
        (lambda: DeviceCode, "storage_credential(...)"),
        (lambda: storage_credential, "storage_credential(...)"),
    ],
)
def test_a_credential_that_is_none_of_ours(
    azure: Sandbox, function: Any, given: Any, remedy: str
) -> None:
    """It is told how it becomes one; its content is not shown."""
    with pytest.raises(ConfigurationError, match=r"^credential must be") as caught:
        function(given())
    assert remedy in caught.value.remedy
    assert "eyJ-a-secret" not in f"{caught.value!r} {caught.value}"
    assert len(azure.log) == 0


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_async_view_is_told(function: Any, credential: Any) -> None:
    """The functions take the credential itself."""
    with pytest.raises(ConfigurationError, match="AsyncCredential") as caught:
        function(credential.aio())
    assert "aio()" in caught.value.remedy


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("factory", [management_credentials, filesystem_token, storage_credential])
def test_every_factorys_credential_is_taken(
    function: Any, factory: Any, clock: SandboxClock
) -> None:
    """One credential serves every audience, so each of them will do."""
    assert function(factory(StaticToken("opaque", clock.time() + 600, clock=clock)))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("https://mylake.dfs.core.windows.net", "'mylake'"),
        ("https://mylake.blob.core.windows.net/box?sv=1&sig=a-secret", "'mylake'"),
        ("abfss://box@mylake.dfs.core.windows.net/x.parquet", "'mylake'"),
        ("mylake.dfs.core.windows.net", "'mylake'"),
        ("MyLake.DFS.core.windows.net", "'mylake'"),
        ("mylake.z12.blob.storage.azure.net", "'mylake'"),
        ("abfs://box", None),
        ("https://example.com", None),
        ("MyLake", None),
        ("my-lake", None),
        ("my", None),
        ("a" * 25, None),
        ("", None),
        ("mylake ", None),
        ("mylake\n", None),
        ("a-secret==", None),
        ("westeurope-onelake", None),
    ],
)
def test_an_account_name_that_is_none(
    azure: Sandbox, credential: Any, name: str, written: str | None
) -> None:
    """The error names the argument and the name to write, and does not repeat a secret."""
    with pytest.raises(ConfigurationError, match=r"^account_name must be") as caught:
        fsspec_options(credential, name)
    assert (written or "'mylake'") in caught.value.remedy
    assert ("not a URL" in str(caught.value)) is (written is not None)
    assert "a-secret" not in f"{caught.value!r} {caught.value}"
    assert len(azure.log) == 0


@pytest.mark.parametrize("name", [None, 3, b"mylake", ["mylake"], DeviceCode])
@pytest.mark.parametrize("onelake", [False, True])
def test_an_account_name_of_another_type(credential: Any, name: Any, onelake: bool) -> None:
    """It is a str."""
    with pytest.raises(ConfigurationError, match="account_name must be a str"):
        fsspec_options(credential, name, onelake=onelake)


@pytest.mark.parametrize("onelake", [1, "yes", None])
def test_onelake_is_a_flag(credential: Any, onelake: Any) -> None:
    """True or False."""
    with pytest.raises(ConfigurationError, match="onelake="):
        fsspec_options(credential, "onelake", onelake=onelake)


def test_exchanged_arguments(credential: Any) -> None:
    """The account name first is a credential that is none."""
    with pytest.raises(ConfigurationError, match="credential must be"):
        fsspec_options("mylake", credential)  # type: ignore[arg-type]


def test_what_adlfs_gets(credential: Any) -> None:
    """The account and the async view; OneLake's host, which adlfs does not know."""
    options = fsspec_options(credential, "mylake")
    assert set(options) == {"account_name", "credential"}
    assert repr(options["credential"]) == repr(credential.aio())
    for name in ("onelake", "westeurope-onelake"):
        options = fsspec_options(credential, name, onelake=True)
        assert options["account_name"] == name
        assert options["account_host"] == f"{name}.blob.fabric.microsoft.com"


@pytest.mark.parametrize("name", ["mylake", "https://onelake.dfs.fabric.microsoft.com", "x-lake"])
def test_onelake_has_one_name(credential: Any, name: str) -> None:
    """The workspace is a part of the path, and no account."""
    with pytest.raises(ConfigurationError, match="account_name must be") as caught:
        fsspec_options(credential, name, onelake=True)
    assert "'onelake'" in caught.value.remedy
    with pytest.raises(ConfigurationError, match="needs onelake=True"):
        fsspec_options(credential, "onelake")


@pytest.mark.parametrize(
    ("cloud", "host"),
    [
        ("china", "mylake.blob.core.chinacloudapi.cn"),
        ("us_government", "mylake.blob.core.usgovcloudapi.net"),
    ],
)
def test_another_clouds_host(clock: SandboxClock, cloud: Any, host: str) -> None:
    """Else adlfs would send the token to the public cloud."""
    token = StaticToken("opaque", clock.time() + 600, clock=clock, cloud=cloud)
    assert fsspec_options(storage_credential(token), "mylake")["account_host"] == host


def test_a_cloud_of_ones_own(clock: SandboxClock) -> None:
    """Its hosts are not guessed; one that only has another authority is the public cloud."""
    stack = "https://management.local.azurestack.external"
    mine = replace(PUBLIC, name="mine", management=stack, resource_manager=stack)
    token = StaticToken("opaque", clock.time() + 600, clock=clock, cloud=mine)
    with pytest.raises(UnsupportedByCloud, match="'mine'") as caught:
        fsspec_options(storage_credential(token), "mylake")
    assert "account_host" in caught.value.remedy
    public = replace(PUBLIC, name="mine", authority="https://login.mine.example")
    token = StaticToken("opaque", clock.time() + 600, clock=clock, cloud=public)
    assert "account_host" not in fsspec_options(storage_credential(token), "mylake")


@pytest.mark.parametrize(
    ("function", "arguments", "options", "reason"),
    [
        (polars_provider, ("mylake",), {}, "takes 1 positional argument"),
        (obstore_provider, ("mylake",), {}, "takes 1 positional argument"),
        (delta_options, ("abfss://box@mylake.dfs.core.windows.net/table",), {}, "takes 1"),
        (identity_endpoint, (["https://vault.azure.net/"],), {}, "takes 1"),
        (fsspec_options, ("mylake", True), {}, "takes 2"),
        (fsspec_options, (), {}, "'account_name'"),
        (fsspec_options, (), {"account": "mylake"}, "'account'"),
        (fsspec_options, ("mylake",), {"one_lake": True}, "'one_lake'"),
        (identity_endpoint, (), {"resource": "https://vault.azure.net/"}, "'resource'"),
        (polars_provider, (), {"account_name": "a-secret"}, "'account_name'"),
    ],
)
def test_other_arguments_than_it_has(
    azure: Sandbox, credential: Any, function: Any, arguments: Any, options: Any, reason: str
) -> None:
    """Instead of Python's TypeError, a sentence that names the function and a call."""
    with pytest.raises(ConfigurationError, match=rf"^{function.__name__}\(\) .*{reason}") as caught:
        function(credential, *arguments, **options)
    assert f"{function.__name__}(credential" in caught.value.remedy
    assert "a-secret" not in str(caught.value)
    for frame, _ in traceback.walk_tb(caught.value.__traceback__):
        if frame.f_globals["__name__"].startswith("adls_enduser"):
            assert "a-secret" not in repr(frame.f_locals)
    assert len(azure.log) == 0


@pytest.mark.parametrize("function", [*FUNCTIONS[1:], fsspec_options, delta_options])
def test_no_arguments(function: Any) -> None:
    """The credential is missing."""
    with pytest.raises(ConfigurationError, match="'credential'") as caught:
        function()
    assert "(credential" in caught.value.remedy


@pytest.mark.parametrize(
    "use",
    [
        lambda given: {**os.environ, **given},
        lambda given: os.environ | given,
        lambda given: given | os.environ,
        lambda given: dict(given),
        lambda given: {}.update(given),
        lambda given: os.environ.update(given),
        lambda given: given["IDENTITY_ENDPOINT"],
        lambda given: subprocess.run([sys.executable, "-c", ""], env=given),
    ],
)
def test_identity_endpoint_without_with(credential: Any, use: Any) -> None:
    """Taken for the environment, it says how the environment is got."""
    before = dict(os.environ)
    with pytest.raises(ConfigurationError, match="within a with block") as caught:
        use(identity_endpoint(credential))
    assert "with identity_endpoint(credential) as environment" in caught.value.remedy
    assert dict(os.environ) == before


def test_identity_endpoint_twice(credential: Any) -> None:
    """One object serves several with blocks, also at once, each with an endpoint of its own."""
    serving = identity_endpoint(credential)
    with serving as one:
        pass
    with serving as two, serving as three:
        pass
    assert (
        len({one["IDENTITY_ENDPOINT"], two["IDENTITY_ENDPOINT"], three["IDENTITY_ENDPOINT"]}) == 3
    )


def test_no_tool_is_loaded() -> None:
    """Importing the names, and calling the functions, loads no package of another maker."""
    program = (
        "import sys, time; from adls_enduser import StaticToken, storage_credential;"
        "from adls_enduser.interop import fsspec_options, obstore_provider, polars_provider;"
        "credential = storage_credential(StaticToken('x', time.time() + 600));"
        "fsspec_options(credential, 'mylake'); polars_provider(credential)();"
        "obstore_provider(credential)();"
        "print(sorted({one.split('.')[0] for one in sys.modules} & set(sys.argv[1:])))"
    )
    tools = ["fsspec", "adlfs", "polars", "obstore", "azure", "requests", "msrest", "pandas"]
    done = subprocess.run(
        [sys.executable, "-c", program, *tools], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_names_that_are_not_there() -> None:
    """As in every module."""
    from adls_enduser import interop

    assert {"fsspec_options", "polars_provider", "obstore_provider"} <= set(dir(interop))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = interop.no_such_name
