"""Filesystems (dfs) and containers (blob), which are the same; operations on the account."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from .conftest import code, xml


def test_create_get_and_delete_on_either_endpoint(blob, dfs):
    """What one endpoint creates, the other one knows."""
    created = blob("PUT", "/one?restype=container", x_ms_meta_Kind="test")
    assert created.status_code == 201
    assert {"ETag", "Last-Modified"} <= created.headers.keys()
    found = dfs("HEAD", "/one?resource=filesystem")
    assert found.headers["x-ms-properties"] == "Kind=dGVzdA=="
    assert found.headers["x-ms-namespace-enabled"] == "true"
    assert found.headers["ETag"] == created.headers["ETag"]
    assert dfs("PUT", "/two?resource=filesystem", x_ms_properties="a=Yg==").status_code == 201
    found = blob("GET", "/two?restype=container")
    assert found.headers["x-ms-meta-a"] == "b"
    assert found.headers["x-ms-lease-state"] == "available"
    assert code(blob("PUT", "/two?restype=container")) == (409, "ContainerAlreadyExists")
    assert code(dfs("PUT", "/two?resource=filesystem")) == (409, "FilesystemAlreadyExists")
    assert blob("DELETE", "/two?restype=container").status_code == 202
    assert dfs("DELETE", "/one?resource=filesystem").status_code == 202
    assert code(blob("HEAD", "/two?restype=container")) == (404, "ContainerNotFound")
    assert code(dfs("DELETE", "/one?resource=filesystem")) == (404, "FilesystemNotFound")


def test_metadata_names_keep_their_case(blob):
    """HTTP's names have no case, those of metadata have."""
    blob("PUT", "/one?restype=container", x_ms_meta_CamelCase="v")
    names = list(blob("HEAD", "/one?restype=container").raw.headers)
    assert "x-ms-meta-CamelCase" in names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ab", "OutOfRangeInput"),
        ("x" * 64, "OutOfRangeInput"),
        ("Box", "InvalidResourceName"),
        ("a--b", "InvalidResourceName"),
        ("-ab", "InvalidResourceName"),
        ("b_x", "InvalidResourceName"),
    ],
)
def test_invalid_names(blob, dfs, name, expected):
    """3 to 63 lower-case letters, digits and single hyphens."""
    assert code(blob("PUT", f"/{name}?restype=container")) == (400, expected)
    assert code(dfs("PUT", f"/{name}?resource=filesystem")) == (400, expected)


def test_set_metadata_changes_the_tag(blob, dfs):
    """Set Metadata replaces all, under a condition."""
    before = blob("HEAD", "/box?restype=container").headers["ETag"]
    changed = blob("PUT", "/box?restype=container&comp=metadata", x_ms_meta_a="1")
    assert changed.status_code == 200
    assert changed.headers["ETag"] != before
    changed = dfs("PATCH", "/box?resource=filesystem", x_ms_properties="b=Mg==")
    assert changed.status_code == 200
    headers = blob("HEAD", "/box?restype=container").headers
    assert headers["x-ms-meta-b"] == "2"
    assert "x-ms-meta-a" not in headers
    late = {"If_Unmodified_Since": "Mon, 01 Jan 2018 00:00:00 GMT"}
    assert code(dfs("PATCH", "/box?resource=filesystem", **late)) == (412, "ConditionNotMet")
    bad = dfs("PATCH", "/box?resource=filesystem", x_ms_properties="b=%%")
    assert code(bad) == (400, "InvalidHeaderValue")
    bad = blob("PUT", "/box?restype=container&comp=metadata", x_ms_meta_1_x="1")
    assert code(bad) == (400, "InvalidMetadata")


def test_list_containers_in_pages(blob, dfs):
    """Both endpoints list in pages, by name and prefix."""
    for name in ("one", "oneone", "two"):
        blob("PUT", f"/{name}?restype=container", x_ms_meta_a=name)
    marker, seen = "", []
    for _ in range(4):
        page = xml(blob("GET", f"/?comp=list&maxresults=1&include=metadata&marker={marker}"))
        seen += [one.findtext("Name") for one in page.iter("Container")]
        marker = page.findtext("NextMarker") or ""
    assert (seen, marker) == (["box", "one", "oneone", "two"], "")
    assert page.find("Containers/Container/Metadata/a").text == "two"
    assert page.get("ServiceEndpoint") == f"{blob.url}/"
    first = dfs("GET", "/?resource=account&prefix=one&maxResults=1")
    token = first.headers["x-ms-continuation"]
    second = dfs("GET", f"/?resource=account&prefix=one&maxResults=1&continuation={token}")
    assert "x-ms-continuation" not in second.headers
    pages = [one["name"] for page in (first, second) for one in page.json()["filesystems"]]
    assert pages == ["one", "oneone"]


def test_access_policy(blob):
    """There are no stored policies; public access is not permitted."""
    response = blob("GET", "/box?restype=container&comp=acl")
    assert xml(response).tag == "SignedIdentifiers"
    public = {"x_ms_blob_public_access": "container"}
    refused = blob("PUT", "/box?restype=container&comp=acl", **public)
    assert code(refused) == (409, "PublicAccessNotPermitted")
    refused = blob("PUT", "/open?restype=container", **public)
    assert code(refused) == (409, "PublicAccessNotPermitted")
    assert blob("PUT", "/box?restype=container&comp=acl").status_code == 200


def test_account_information(blob):
    """The account says that it has a hierarchical namespace."""
    for target in ("/?restype=account&comp=properties", "/box?restype=account&comp=properties"):
        headers = blob("GET", target).headers
        assert headers["x-ms-is-hns-enabled"] == "true"
        assert headers["x-ms-account-kind"] == "StorageV2"
    assert xml(blob("GET", "/?restype=service&comp=properties")).tag == "StorageServiceProperties"
    properties = b"<StorageServiceProperties/>"
    assert blob("PUT", "/?restype=service&comp=properties", properties).status_code == 202


def _key(blob, start, expiry):
    info = f"<KeyInfo><Start>{start}</Start><Expiry>{expiry}</Expiry></KeyInfo>"
    return blob("POST", "/?restype=service&comp=userdelegationkey", info.encode())


def test_user_delegation_key(storage_azure, blob, lake, people):
    """The key names the person, and is the same for the same request; a week at most."""
    now = storage_azure.clock.service_time()
    start, end, late = (_iso(now), _iso(now + 3600), _iso(now + 8 * 86400))
    key = xml(_key(blob, start, end))
    assert key.findtext("SignedOid") == people["olga"].object_id
    assert (key.findtext("SignedStart"), key.findtext("SignedExpiry")) == (start, end)
    assert key.findtext("SignedService") == "b"
    assert key.findtext("Value") == xml(_key(blob, start, end)).findtext("Value")
    assert code(_key(blob, start, late)) == (400, "OutOfRangeInput")
    assert code(_key(blob, start, start)) == (400, "InvalidInput")
    assert code(_key(blob, start, "soon")) == (400, "InvalidXmlDocument")
    bomb = b"<!DOCTYPE a [<!ENTITY b 'c'>]><KeyInfo><Expiry>&b;</Expiry></KeyInfo>"
    response = blob("POST", "/?restype=service&comp=userdelegationkey", bomb)
    assert code(response) == (400, "InvalidXmlDocument")
    carl = lake.endpoint("blob", people["carl"])
    assert code(_key(carl, start, end)) == (403, "AuthorizationPermissionMismatch")


def _iso(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_role_is_needed(lake, people):
    """A person without a role can do nothing with containers and the account."""
    blob, dfs = (lake.endpoint(kind, people["carl"]) for kind in ("blob", "dfs"))
    for response in (
        blob("GET", "/?comp=list"),
        blob("PUT", "/mine?restype=container"),
        blob("GET", "/box?restype=container"),
        blob("DELETE", "/box?restype=container"),
        blob("GET", "/box?restype=container&comp=list"),
        dfs("GET", "/?resource=account"),
        dfs("PUT", "/mine?resource=filesystem"),
        dfs("HEAD", "/box?resource=filesystem"),
        dfs("DELETE", "/box?resource=filesystem"),
        dfs("GET", "/box?resource=filesystem&recursive=true"),
    ):
        assert code(response) == (403, "AuthorizationPermissionMismatch")


def test_unknown_operations(blob, dfs):
    """A wrong method or query is an error of its own, not a crash."""
    assert code(blob("GET", "/?comp=nothing"))[0] == 400
    assert code(blob("PATCH", "/box/file")) == (405, "UnsupportedHttpVerb")
    assert code(blob("GET", "/box")) == (404, "ContainerNotFound")  # a blob of $root
    assert code(dfs("GET", "/")) == (400, "InvalidUri")
    assert code(dfs("PATCH", "/box/file")) == (400, "MissingRequiredQueryParameter")
    assert code(dfs("PATCH", "/box/file?action=x")) == (400, "InvalidQueryParameterValue")
    assert code(dfs("PUT", "/box/file")) == (400, "MissingRequiredQueryParameter")
    assert code(dfs("PUT", "/box/file?resource=x")) == (400, "InvalidQueryParameterValue")
    assert code(dfs("POST", "/box?resource=filesystem")) == (405, "UnsupportedHttpVerb")
    for unsupported in ("tags", "snapshot", "undelete"):
        status, _ = code(blob("PUT", f"/box/file?comp={unsupported}"))
        assert status == 409


def test_headers_that_would_change_what_is_stored(blob):
    """A client's encryption key, tags and bodies with checksums are refused, not ignored."""
    upload = {"x_ms_blob_type": "BlockBlob"}
    for name, value in (
        ("x_ms_encryption_key", "AAAA"),
        ("x_ms_structured_body", "XSM/1.0; properties=crc64"),
    ):
        response = blob("PUT", "/box/file", b"1", **upload, **{name: value})
        assert code(response) == (400, "UnsupportedHeader")
    assert code(blob("PUT", "/box/file", b"1", **upload, x_ms_tags="a=b"))[0] == 409
    assert code(blob("GET", "/box/file?snapshot=2020-01-01")) == (404, "BlobNotFound")


@pytest.mark.parametrize("kind", ["blob", "dfs"])
def test_whoever_has_no_role_does_not_learn_what_exists(lake, people, kind):
    """A missing container is 403 as one that is there is (assumed); to an owner it is 404."""
    carl, olga = lake.endpoint(kind, people["carl"]), lake.endpoint(kind, people["olga"])
    option = {"blob": "restype=container", "dfs": "resource=filesystem"}[kind]
    for target in (f"/nobox?{option}", "/nobox/file", f"/box?{option}", "/box/file"):
        assert code(carl("HEAD", target)) == (403, "AuthorizationPermissionMismatch"), target
    for target in (f"/nobox?{option}", "/nobox/file"):
        assert olga("HEAD", target).status_code == 404
