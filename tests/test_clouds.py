"""Clouds: audiences, their spellings, and values that are not a cloud."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adls_enduser import CHINA, PUBLIC, US_GOVERNMENT, ConfigurationError, UnsupportedByCloud
from adls_enduser.clouds import resolve_cloud

SPELLINGS = [
    ("https://datalake.azure.net/", "https://datalake.azure.net/"),
    ("https://datalake.azure.net", "https://datalake.azure.net/"),
    ("https://datalake.azure.net//.default", "https://datalake.azure.net/"),
    ("https://datalake.azure.net/.default", "https://datalake.azure.net/"),
    ("https://datalake.azure.net/user_impersonation", "https://datalake.azure.net/"),
    ("https://management.azure.com/.default", "https://management.core.windows.net/"),
    ("https://management.azure.com//.default", "https://management.core.windows.net/"),
    ("https://management.core.windows.net//.default", "https://management.core.windows.net/"),
    ("https://Management.Azure.com", "https://management.core.windows.net/"),
    ("https://storage.azure.com/.default", "https://storage.azure.com/"),
    ("https://vault.azure.net/.default", "https://vault.azure.net"),
    ("https://graph.windows.net//.default", "https://graph.windows.net/"),
]


@pytest.mark.parametrize(("scope", "audience"), SPELLINGS)
def test_every_spelling_of_an_audience_is_one_audience(scope: str, audience: str) -> None:
    """Scopes of both generations of SDKs, with one slash or two, give the canonical audience."""
    assert PUBLIC.audience(scope) == audience


@pytest.mark.parametrize("cloud", [CHINA, US_GOVERNMENT])
def test_a_sovereign_cloud_has_its_own_management_audience(cloud: object) -> None:
    """Both names of Resource Manager give the audience of that cloud."""
    sovereign = resolve_cloud(cloud)
    scope = f"{sovereign.resource_manager}.default"
    assert sovereign.audience(scope) == sovereign.management
    assert sovereign.management != PUBLIC.management


@pytest.mark.parametrize("cloud", [CHINA, US_GOVERNMENT])
def test_gen1_is_only_in_the_public_cloud(cloud: object) -> None:
    """The file system of another cloud is an error that says so."""
    with pytest.raises(UnsupportedByCloud, match="public cloud only"):
        resolve_cloud(cloud).filesystem_audience()
    assert PUBLIC.filesystem_audience() == "https://datalake.azure.net/"


@pytest.mark.parametrize(
    "authority",
    [
        "http://login.example.com",
        "login.example.com",
        "https://",
        "https://user@login.example.com",
        "https://login.example.com/?tenant=x",
        "https://login.example.com/#fragment",
        "https://login.example.com/contoso.com",
        "https://login.example.com/adfs/oauth2",
        "https://login.example.com\\@evil.example",
        "https://login.example.com:port",
        "https://login.exa\tmple.com",
        "https://[::1",
        None,
    ],
)
def test_an_authority_must_be_a_plain_https_url(authority: str) -> None:
    """A URL that could send a password elsewhere is refused when the Cloud is created."""
    with pytest.raises(ConfigurationError, match="authority"):
        replace(PUBLIC, authority=authority)


@pytest.mark.parametrize("path", ["/adfs", "/adfs/", "/ADFS"])
def test_an_ad_fs_is_recognised_by_its_path(path: str) -> None:
    """As in adal and msal."""
    assert replace(PUBLIC, authority=f"https://adfs.example.com{path}").is_adfs
    assert not PUBLIC.is_adfs


def test_a_cloud_is_a_name_or_an_object() -> None:
    """The three names and any Cloud are accepted, and nothing else."""
    assert resolve_cloud("us_government") is US_GOVERNMENT
    mine = replace(PUBLIC, name="mine", authority="https://login.example.com")
    assert resolve_cloud(mine) is mine
    for wrong in ("germany", "PUBLIC", None, 3, []):
        with pytest.raises(ConfigurationError, match="cloud="):
            resolve_cloud(wrong)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", name) for name in (None, "", " ", 7, "my\ncloud")),
        *(("validate_authority", flag) for flag in (None, 0, 1, "", "no")),
    ],
)
def test_name_and_validate_authority_are_checked(field: str, value: object) -> None:
    """A value that only counts as false does not turn the check of the authority off."""
    with pytest.raises(ConfigurationError, match=rf"Cloud\.{field}="):
        replace(PUBLIC, **{field: value})
