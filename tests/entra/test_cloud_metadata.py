"""A Cloud from its Resource Manager's metadata, which may be anything."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from adls_enduser import (
    PUBLIC,
    Cloud,
    ConfigurationError,
    ProtocolError,
    TransportError,
    cloud_from_metadata,
)
from adls_enduser.entra.cloud_metadata import fetch_cloud, parse_cloud
from adls_enduser.entra.http import Http
from adls_enduser.options import Settings
from adls_enduser.sandbox import Answer, Reset

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

STACK = "https://management.local.stack.example"
AUDIENCE = "https://contoso.onmicrosoft.com/4de154de-f8a8-4017-af41-df619da68155"
METADATA = "/metadata/endpoints"


def _written(login: object = "https://login.stack.example/", *audiences: object) -> dict[str, Any]:
    return {"authentication": {"loginEndpoint": login, "audiences": [*audiences] or [AUDIENCE]}}


def _listed(name: str, resource_manager: object, **more: object) -> dict[str, Any]:
    login = f"https://login.{name}.example"
    return {"name": name, "resourceManager": resource_manager, **_written(login), **more}


def test_azure_stack_with_adfs(azure: Sandbox) -> None:
    """All but the storage audience comes from the metadata; the authority cannot be validated."""
    azure.resource_manager.add_azure_stack(
        STACK.removeprefix("https://"),
        login_endpoint="https://adfs.stack.example/adfs/",
        audience=AUDIENCE,
    )
    cloud = cloud_from_metadata(f"{STACK}/", name="my stack")
    assert cloud == Cloud(
        name="my stack",
        authority="https://adfs.stack.example/adfs",
        management=AUDIENCE,
        resource_manager=f"{STACK}/",
        storage=PUBLIC.storage,
        validate_authority=False,
    )
    assert cloud.is_adfs
    (asked,) = azure.log
    assert asked.request is not None
    assert asked.request.target == f"{METADATA}?api-version=2015-01-01"
    assert "Authorization" not in asked.request.headers
    assert cloud_from_metadata(STACK).name == "management.local.stack.example"


def test_an_authority_of_microsofts_is_still_validated(azure: Sandbox) -> None:
    """An Azure Stack that is joined to Entra ID, and the public cloud itself."""
    azure.resource_manager.add_azure_stack(
        STACK.removeprefix("https://"),
        login_endpoint="https://login.microsoftonline.com/",
        audience=AUDIENCE,
    )
    stack = cloud_from_metadata(STACK)
    assert (stack.authority, stack.validate_authority) == (PUBLIC.authority, True)
    assert stack.data_lake is None
    public = cloud_from_metadata("https://management.azure.com")
    # The oldest version names the public authority by its older name.
    assert replace(public, name="public", authority=PUBLIC.authority) == PUBLIC


def test_the_public_host_has_every_version(azure: Sandbox) -> None:
    """Since 2019 it returns a list of clouds, which azure-cli reads; it can be parsed here too."""
    url = f"https://management.azure.com{METADATA}"
    listed = requests.get(url, {"api-version": "2019-05-01"}, timeout=10).json()
    assert [one["name"] for one in listed] == ["AzureCloud"]
    assert parse_cloud(listed, "https://management.azure.com", "public") == PUBLIC
    refused = requests.get(url, timeout=10)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "MissingApiVersionParameter"
    assert requests.get(f"{url}/more?api-version=2015-01-01", timeout=10).status_code == 401


def test_of_several_clouds_the_one_that_was_asked_is_taken() -> None:
    """The others in the list have another Resource Manager."""
    lake = {"activeDirectoryDataLake": "https://datalake.two.example/"}
    clouds = [
        _listed("one", "https://management.one.example/"),
        3,
        {"resourceManager": None},
        _listed("two", "https://Management.Two.example", **lake),
        _listed("three", "https://management.three.example", activeDirectoryDataLake="N/A"),
    ]
    found = parse_cloud(clouds, "https://management.two.example", "two")
    assert found.authority == "https://login.two.example"
    assert found.data_lake == "https://datalake.two.example/"
    assert parse_cloud(clouds, "https://management.three.example", "three").data_lake is None
    with pytest.raises(ProtocolError, match=r"management\.four\.example"):
        parse_cloud(clouds, "https://management.four.example", "four")


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        "text",
        3,
        {"authentication": None},
        {"authentication": {"loginEndpoint": "https://x.example"}},
        {"authentication": {"loginEndpoint": "https://x.example", "audiences": []}},
        {"authentication": {"loginEndpoint": "https://x.example", "audiences": {"0": AUDIENCE}}},
        _written(None),
        _written("http://login.stack.example/"),
        _written("https://login.stack.example@evil.example/"),
        _written("https://login.stack.example\\@evil.example/"),
        _written("https://evil.example\t/"),
        _written("https://[::1/"),
        _written("https://login.stack.example:port/"),
        _written("https://login.stack.example/contoso"),
        _written("https://login.stack.example/?a=b"),
        _written("https://login.stack.example", "urn:not-https"),
        _written("https://login.stack.example", 3),
    ],
)
def test_a_document_that_describes_no_cloud_is_a_protocol_error(
    azure: Sandbox, document: object
) -> None:
    """Whatever is wrong with it, an address that is not https above all."""
    azure.faults.add(Answer(200, json.dumps(document)), path=METADATA)
    with pytest.raises(
        ProtocolError, match=r"cloud at https://management\.azure\.com could not be read"
    ):
        cloud_from_metadata("https://management.azure.com")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Answer(503), TransportError),
        (Reset(), TransportError),
        (Answer(302, "", {"Location": "https://evil.example/"}), TransportError),
        (Answer(404), ConfigurationError),
        (Answer(401, "{}"), ConfigurationError),
        (Answer(200, "<html>"), ProtocolError),
        (Answer(200, "null"), ProtocolError),
        (Answer(200, "[" * 100_000), ProtocolError),
    ],
    ids=repr,
)
def test_no_usable_response_is_our_error(azure: Sandbox, fault: Any, kind: type[Exception]) -> None:
    """The host is down, has moved, is not a Resource Manager, or does not send JSON."""
    azure.faults.add(fault, times=3, path=METADATA)
    http = Http(Settings(clock=azure.clock))  # so that nobody waits between the attempts
    with pytest.raises(kind, match=r"management\.azure\.com"):
        fetch_cloud(http, "https://management.azure.com", "public")


@pytest.mark.parametrize(
    ("wrong", "options"),
    [
        ("http://management.azure.com", {}),
        ("management.azure.com", {}),
        ("https://management.azure.com/?x=y", {}),
        (None, {}),
        ("https://management.azure.com", {"name": ""}),
        ("https://management.azure.com", {"request_timeout": 0}),
        ("https://management.azure.com", {"proxies": "http://proxy.example"}),
        ("https://management.azure.com", {"ca_bundle": "no/such/file"}),
    ],
)
def test_a_wrong_call_sends_nothing(azure: Sandbox, wrong: Any, options: dict[str, Any]) -> None:
    """It is a ConfigurationError, before any request."""
    with pytest.raises(ConfigurationError):
        cloud_from_metadata(wrong, **options)
    assert len(azure.log) == 0


URLS = some.sampled_from(
    ["https://login.stack.example/", "https://a/adfs", "http://a", "https://[", "", "N/A", AUDIENCE]
)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text() | URLS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=3,
)
ENTRIES = some.fixed_dictionaries(
    {},
    optional={
        "authentication": VALUES
        | some.fixed_dictionaries(
            {}, optional={"loginEndpoint": VALUES, "audiences": VALUES | some.lists(URLS)}
        ),
        "resourceManager": some.just(f"{STACK}/") | VALUES,
        "activeDirectoryDataLake": VALUES,
    },
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES | ENTRIES | some.lists(ENTRIES, max_size=3))
def test_any_json_is_a_cloud_or_our_error(document: object) -> None:
    """And a cloud has https addresses only."""
    try:
        cloud = parse_cloud(document, STACK, "stack")
    except ProtocolError:
        return
    for url in (cloud.authority, cloud.management, cloud.resource_manager, cloud.storage):
        assert url.startswith("https://")
