"""Blobs: write, read, ranges, conditions, metadata, copies, deletion."""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from adls_enduser.sandbox import Sandbox

from .conftest import BLOCK, Lake, code, write, xml

DATA = bytes(range(100))


def md5(data):
    """Return the MD5 of bytes as Content-MD5 has it."""
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def test_put_and_get(blob, dfs):
    """A blob has its bytes, type, metadata and MD5; its parents are directories."""
    put = blob(
        "PUT", "/box/a/b/c.txt", DATA, **BLOCK, x_ms_meta_k="v", x_ms_blob_content_type="text/css"
    )
    assert put.status_code == 201
    assert put.headers["Content-MD5"] == md5(DATA)
    assert put.headers["x-ms-request-server-encrypted"] == "true"
    got = blob("GET", "/box/a/b/c.txt")
    assert (got.status_code, got.content) == (200, DATA)
    assert got.headers["ETag"] == put.headers["ETag"]
    assert got.headers["Content-Type"] == "text/css"
    assert got.headers["Content-MD5"] == md5(DATA)
    assert got.headers["x-ms-meta-k"] == "v"
    assert got.headers["x-ms-blob-type"] == "BlockBlob"
    assert got.headers["x-ms-resource-type"] == "file"
    head = blob("HEAD", "/box/a/b/c.txt")
    assert head.headers["Content-Length"] == "100"
    assert head.headers["Accept-Ranges"] == "bytes"
    assert head.headers["x-ms-access-tier"] == "Hot"
    assert dfs("HEAD", "/box/a/b").headers["x-ms-resource-type"] == "directory"
    folder = blob("HEAD", "/box/a/b")
    assert folder.headers["x-ms-meta-hdi_isfolder"] == "true"
    assert folder.headers["Content-Length"] == "0"
    assert code(blob("GET", "/box/a/b")) == (409, "ResourceTypeMismatch")


def test_names_of_every_kind(blob):
    """A name is decoded once; it is the same in lists."""
    names = ["ä ö", "100%25", "plus+sign", "q?#&=", "emoji-\U0001f600", "\ufffe"]
    for name in names:
        assert blob("PUT", f"/box/{quote(name)}", name.encode(), **BLOCK).status_code == 201
        assert blob("GET", f"/box/{quote(name)}").content == name.encode()
    listed = {}
    for element in xml(blob("GET", "/box?restype=container&comp=list")).iter("Name"):
        listed[element.text] = element.get("Encoded")
    assert listed.keys() == {*names[:-1], quote("\ufffe")}
    assert listed[quote("\ufffe")] == "true"
    assert code(blob("GET", "/box/a%2F..%2Fb")) == (400, "InvalidInput")


def test_what_cannot_be_put(blob):
    """Wrong kinds, a wrong MD5, a missing container, a directory in the way."""
    assert code(blob("PUT", "/box/x", DATA)) == (400, "MissingRequiredHeader")
    assert code(blob("PUT", "/box/x", DATA, x_ms_blob_type="No")) == (400, "InvalidHeaderValue")
    assert code(blob("PUT", "/box/x", b"", x_ms_blob_type="PageBlob"))[0] == 409
    wrong = blob("PUT", "/box/x", DATA, **BLOCK, Content_MD5=md5(b"other"))
    assert code(wrong) == (400, "Md5Mismatch")
    assert code(blob("PUT", "/nobox/x", DATA, **BLOCK)) == (404, "ContainerNotFound")
    blob("PUT", "/box/a/b", DATA, **BLOCK)
    assert code(blob("PUT", "/box/a", DATA, **BLOCK)) == (409, "ResourceTypeMismatch")
    assert code(blob("PUT", "/box/a/b/c", DATA, **BLOCK)) == (409, "ResourceTypeMismatch")
    assert code(blob("PUT", "/box//", DATA, **BLOCK)) == (400, "InvalidUri")
    assert code(blob("HEAD", "/box/x")) == (404, "BlobNotFound")


@pytest.mark.parametrize(
    ("asked", "content_range", "expected"),
    [
        ("bytes=0-9", "bytes 0-9/100", DATA[:10]),
        ("bytes=95-", "bytes 95-99/100", DATA[95:]),
        ("bytes=90-500", "bytes 90-99/100", DATA[90:]),
        ("bytes=0-0", "bytes 0-0/100", DATA[:1]),
    ],
)
@pytest.mark.parametrize("header", ["Range", "x_ms_range"])
@pytest.mark.parametrize("kind", ["blob", "dfs"])
def test_ranges(lake, people, kind, header, asked, content_range, expected):
    """A range is 206, on both endpoints, in either header."""
    lake.endpoint("blob", people["olga"])("PUT", "/box/file", DATA, **BLOCK)
    got = lake.endpoint(kind, people["olga"])("GET", "/box/file", **{header: asked})
    assert (got.status_code, got.content) == (206, expected)
    assert got.headers["Content-Range"] == content_range
    assert got.headers["Content-Length"] == str(len(expected))


def test_ranges_that_cannot_be(blob):
    """Beyond the end is 416, also for an empty blob; the last bytes cannot be asked for."""
    blob("PUT", "/box/file", DATA, **BLOCK)
    blob("PUT", "/box/empty", b"", **BLOCK)
    for path, asked in (("file", "bytes=100-"), ("empty", "bytes=0-9")):
        response = blob("GET", f"/box/{path}", x_ms_range=asked)
        assert code(response) == (416, "InvalidRange")
    assert response.headers["Content-Range"] == "bytes */0"
    for asked in ("bytes=-5", "bytes=9-5", "lines=1-2"):
        response = blob("GET", "/box/file", Range=asked)
        assert code(response) == (400, "InvalidHeaderValue")
    assert blob("GET", "/box/empty").content == b""


def test_md5_of_a_range(blob):
    """The MD5 of a range is computed on request; that of the whole has another name then."""
    blob("PUT", "/box/file", DATA, **BLOCK)
    got = blob("GET", "/box/file", x_ms_range="bytes=5-9", x_ms_range_get_content_md5="true")
    assert got.headers["Content-MD5"] == md5(DATA[5:10])
    assert got.headers["x-ms-blob-content-md5"] == md5(DATA)
    got = blob("GET", "/box/file", x_ms_range="bytes=5-9")
    assert "Content-MD5" not in got.headers


def test_conditions_of_reads(blob):
    """304 without a body for what has not changed, 412 for what has."""
    blob("PUT", "/box/file", DATA, **BLOCK)
    head = blob("HEAD", "/box/file").headers
    tag, time = head["ETag"], head["Last-Modified"]
    past, future = "Mon, 01 Jan 2018 00:00:00 GMT", "Tue, 01 Jan 2115 00:00:00 GMT"
    for method in ("GET", "HEAD"):
        for met in ({"If_Match": tag}, {"If_Match": "*"}, {"If_Match": f'"0x1", {tag}'}):
            assert blob(method, "/box/file", **met).status_code == 200
        for met in ({"If_None_Match": '"0x1"'}, {"If_Modified_Since": past}):
            assert blob(method, "/box/file", **met).status_code == 200
        assert blob(method, "/box/file", If_Unmodified_Since=time).status_code == 200
        for same in ({"If_None_Match": tag}, {"If_Modified_Since": time}):
            response = blob(method, "/box/file", **same)
            assert code(response) == (304, "ConditionNotMet")
            assert response.content == b""
        assert code(blob(method, "/box/file", If_Modified_Since=future))[0] == 304
        for other in ({"If_Match": '"0x1"'}, {"If_Unmodified_Since": past}):
            assert code(blob(method, "/box/file", **other)) == (412, "ConditionNotMet")
    # RFC 9110 section 13.1.3: If-None-Match wins.
    both = {"If_None_Match": '"0x1"', "If_Modified_Since": future}
    assert blob("GET", "/box/file", **both).status_code == 200
    unsatisfiable = blob("GET", "/box/file", If_None_Match="*")
    assert code(unsatisfiable) == (400, "UnsatisfiableCondition")
    assert code(blob("GET", "/box/file", If_Modified_Since="soon")) == (400, "InvalidHeaderValue")
    assert code(blob("GET", "/box/none", If_Match=tag)) == (404, "BlobNotFound")


def test_conditions_of_writes(blob):
    """Put if absent, put if unchanged: what delta tables and SDKs rely on."""
    absent = blob("PUT", "/box/file", b"1", **BLOCK, If_None_Match="*")
    assert absent.status_code == 201
    there = blob("PUT", "/box/file", b"2", **BLOCK, If_None_Match="*")
    assert code(there) == (409, "BlobAlreadyExists")
    tag = absent.headers["ETag"]
    assert code(blob("PUT", "/box/none", b"2", **BLOCK, If_Match=tag)) == (412, "ConditionNotMet")
    assert code(blob("PUT", "/box/file", b"2", **BLOCK, If_None_Match=tag))[0] == 412
    changed = blob("PUT", "/box/file", b"2", **BLOCK, If_Match=tag)
    assert changed.status_code == 201
    assert changed.headers["ETag"] != tag  # although the clock stands still
    for method, target in (
        ("PUT", "/box/file?comp=metadata"),
        ("PUT", "/box/file?comp=properties"),
        ("DELETE", "/box/file"),
    ):
        assert code(blob(method, target, If_Match=tag)) == (412, "ConditionNotMet")
    assert blob("GET", "/box/file").content == b"2"
    assert blob("DELETE", "/box/file", If_Match=changed.headers["ETag"]).status_code == 202


def test_metadata_and_properties(blob, dfs):
    """Metadata and content headers are replaced; the other endpoint shows them."""
    blob("PUT", "/box/file", DATA, **BLOCK, x_ms_meta_a="1")
    assert blob("PUT", "/box/file?comp=metadata", x_ms_meta_b="2").status_code == 200
    found = blob("GET", "/box/file?comp=metadata")
    assert found.headers["x-ms-meta-b"] == "2"
    assert "x-ms-meta-a" not in found.headers
    assert dfs("HEAD", "/box/file").headers["x-ms-properties"] == "b=Mg=="
    names = {"cache_control": "no-cache", "content_language": "en", "content_encoding": "gzip"}
    headers = {f"x_ms_blob_{name}": value for name, value in names.items()}
    assert blob("PUT", "/box/file?comp=properties", **headers).status_code == 200
    found = dfs("HEAD", "/box/file").headers
    assert found["Content-Language"] == "en"
    assert found["Content-Encoding"] == "gzip"
    assert found["Cache-Control"] == "no-cache"
    assert "Content-MD5" not in found  # it was not given again
    assert code(blob("PUT", "/box/none?comp=metadata")) == (404, "BlobNotFound")


def test_tiers(blob):
    """A tier is kept and shown; a word that is none is refused."""
    blob("PUT", "/box/file", DATA, **BLOCK, x_ms_access_tier="Cold")
    assert blob("HEAD", "/box/file").headers["x-ms-access-tier"] == "Cold"
    changed = blob("PUT", "/box/file?comp=tier", x_ms_access_tier="Cool")
    assert changed.status_code == 200
    head = blob("HEAD", "/box/file").headers
    assert head["x-ms-access-tier"] == "Cool"
    assert "x-ms-access-tier-inferred" not in head
    bad = blob("PUT", "/box/file?comp=tier", x_ms_access_tier="Warm")
    assert code(bad) == (400, "InvalidHeaderValue")


def test_delete(blob, dfs):
    """A directory that is not empty cannot be deleted as a blob."""
    blob("PUT", "/box/a/b", DATA, **BLOCK)
    assert code(blob("DELETE", "/box/a")) == (409, "DirectoryIsNotEmpty")
    assert blob("DELETE", "/box/a/b").status_code == 202
    assert code(blob("DELETE", "/box/a/b")) == (404, "BlobNotFound")
    assert blob("DELETE", "/box/a").status_code == 202
    assert code(dfs("HEAD", "/box/a")) == (404, "PathNotFound")


def test_expiry(storage_azure, blob, dfs):
    """A file that has expired is gone."""
    blob("PUT", "/box/file", DATA, **BLOCK)
    expires = {"x_ms_expiry_option": "RelativeToNow", "x_ms_expiry_time": "5000"}
    assert blob("PUT", "/box/file?comp=expiry", **expires).status_code == 200
    assert dfs("PUT", "/box/other?resource=file", **expires).status_code == 201
    assert "x-ms-expiry-time" in dfs("HEAD", "/box/other").headers
    blob("PUT", "/box/kept", DATA, **BLOCK)
    bad = blob("PUT", "/box/kept?comp=expiry", x_ms_expiry_option="Sometimes")
    assert code(bad) == (400, "InvalidHeaderValue")
    storage_azure.clock.advance(6)
    assert code(blob("HEAD", "/box/file")) == (404, "BlobNotFound")
    assert code(dfs("HEAD", "/box/other")) == (404, "PathNotFound")
    assert blob("HEAD", "/box/kept").status_code == 200


def test_copy(blob):
    """A copy has the bytes, headers and metadata of its source, unless it gets others."""
    blob("PUT", "/box/from", DATA, **BLOCK, x_ms_meta_a="1", x_ms_blob_content_type="text/css")
    source = f"{blob.url}/box/from"
    copied = blob("PUT", "/box/deep/to", x_ms_copy_source=source)
    assert copied.status_code == 202
    assert copied.headers["x-ms-copy-status"] == "success"
    got = blob("GET", "/box/deep/to")
    assert got.content == DATA
    assert got.headers["Content-Type"] == "text/css"
    assert got.headers["x-ms-meta-a"] == "1"
    assert got.headers["x-ms-copy-id"] == copied.headers["x-ms-copy-id"]
    assert got.headers["x-ms-copy-progress"] == "100/100"
    blob("PUT", "/box/to", x_ms_copy_source=source, x_ms_meta_b="2")
    assert "x-ms-meta-a" not in blob("HEAD", "/box/to").headers
    uploaded = blob("PUT", "/box/to", **BLOCK, x_ms_copy_source=source)  # Put Blob From URL
    assert uploaded.status_code == 201
    abort = blob("PUT", "/box/to?comp=copy&copyid=x", x_ms_copy_action="abort")
    assert code(abort) == (409, "NoPendingCopyOperation")


def test_what_cannot_be_copied(blob):
    """A source that is missing or has changed; a target that exists."""
    blob("PUT", "/box/from", DATA, **BLOCK)
    source = f"{blob.url}/box/from"
    for missing in ("/box/none", "/nobox/none"):
        response = blob("PUT", "/box/to", x_ms_copy_source=f"{blob.url}{missing}")
        assert code(response) == (404, "CannotVerifyCopySource")
    foreign = blob("PUT", "/box/to", x_ms_copy_source="https://example.com/a")
    assert code(foreign) == (400, "InvalidHeaderValue")
    changed = blob("PUT", "/box/to", x_ms_copy_source=source, x_ms_source_if_match='"0x1"')
    assert code(changed) == (412, "SourceConditionNotMet")
    there = blob("PUT", "/box/from", x_ms_copy_source=source, If_None_Match="*")
    assert code(there) == (409, "BlobAlreadyExists")


def test_copy_from_another_account(storage_azure, blob, people):
    """Another account wants a token of its own, in a header of its own."""
    storage_azure.storage.create("sourcelake", "box")
    other = Lake(storage_azure, "sourcelake").endpoint("blob", people["olga"])
    other("PUT", "/box/from", DATA, **BLOCK)
    source = {"x_ms_copy_source": f"{other.url}/box/from"}
    refused = blob("PUT", "/box/to", **source)
    assert code(refused) == (401, "CannotVerifyCopySource")
    token = {"x_ms_copy_source_authorization": f"Bearer {other.token}"}
    assert blob("PUT", "/box/to", **source, **token).status_code == 202
    assert blob("GET", "/box/to").content == DATA
    other.session.close()


def test_a_blob_that_dfs_has_written(blob, dfs):
    """Both endpoints show the same bytes; blob's are not appended to by dfs."""
    write(dfs, "box/file", DATA)
    assert blob("GET", "/box/file").content == DATA
    blob("PUT", "/box/file", b"new", **BLOCK)
    assert dfs("GET", "/box/file").content == b"new"
    append = dfs("PATCH", "/box/file?action=append&position=3", b"x")
    assert code(append) == (409, "InvalidAppendOperation")
    flush = dfs("PATCH", "/box/file?action=flush&position=3")
    assert code(flush) == (409, "InvalidFlushOperation")
    write(dfs, "box/file", b"again")
    assert blob("GET", "/box/file").content == b"again"


def test_the_bytes_are_on_disk_and_leave_it(tmp_path, people):
    """Every file of the account is removed with what held it."""
    with Sandbox(folder=tmp_path) as azure:
        azure.world.directory.add(people["olga"])
        azure.storage.create("disklake", "box")
        lake = Lake(azure, "disklake")
        blob, dfs = (lake.endpoint(kind, people["olga"]) for kind in ("blob", "dfs"))
        blob("PUT", "/box/a", DATA, **BLOCK)
        blob("PUT", "/box/a", DATA, **BLOCK)
        blob("PUT", "/box/b?comp=block&blockid=AAAA", DATA)
        write(dfs, "box/c/d")
        dfs("PATCH", "/box/c/d?action=append&position=1", b"2")
        blob("PUT", "/box/e", x_ms_copy_source=f"{blob.url}/box/a")
        files = [one for one in tmp_path.rglob("*") if one.is_file()]
        assert len(files) == 5
        blob("PUT", "/box/f", b"", **BLOCK, If_Match="x")  # refused, and leaves nothing
        assert len([one for one in tmp_path.rglob("*") if one.is_file()]) == 5
        blob("DELETE", "/box?restype=container")
        assert not [one for one in tmp_path.rglob("*") if one.is_file()]
        lake.close()


def test_a_body_that_is_too_large(people):
    """413, and the next request on the connection works; nothing is kept of the body."""
    with Sandbox() as azure:
        azure.world.directory.add(people["olga"])
        azure.largest_body = 1000
        azure.storage.create("smalllake", "box")
        lake = Lake(azure, "smalllake")
        blob, dfs = (lake.endpoint(kind, people["olga"]) for kind in ("blob", "dfs"))
        for data in (bytes(1001), iter([bytes(600), bytes(600)])):
            response = blob("PUT", "/box/file", data, **BLOCK)
            assert code(response) == (413, "RequestBodyTooLarge")
        dfs("PUT", "/box/file?resource=file")
        large = dfs("PATCH", "/box/file?action=append&position=0", bytes(100_000))
        assert code(large) == (413, "RequestBodyTooLarge")
        other = lake.endpoint("blob", people["olga"])
        assert other("PUT", "/box/new", bytes(1000), **BLOCK).status_code == 201
        lake.close()


def test_one_of_many_creates(lake, people):
    """Of writers that all want the blob to be new, exactly one succeeds."""
    endpoints = [lake.endpoint("blob", people["olga"]) for _ in range(8)]

    def put(number):
        headers = {**BLOCK, "If_None_Match": "*"}
        return endpoints[number]("PUT", "/box/log/0.json", b"%d" % number, **headers).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(put, range(8)))
    assert sorted(statuses) == [201] + [409] * 7
    assert endpoints[0]("GET", "/box/log/0.json").content == b"%d" % statuses.index(201)


def test_many_append_at_once(lake, people):
    """Pieces of one file, sent side by side, are all there after the flush."""
    endpoints = [lake.endpoint("dfs", people["olga"]) for _ in range(8)]
    endpoints[0]("PUT", "/box/file?resource=file")

    def append(number):
        target = f"/box/file?action=append&position={number * 1000}"
        return endpoints[number]("PATCH", target, bytes([number]) * 1000).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(append, range(8))) == {202}
    assert endpoints[0]("PATCH", "/box/file?action=flush&position=8000").status_code == 200
    expected = b"".join(bytes([number]) * 1000 for number in range(8))
    assert endpoints[0]("GET", "/box/file").content == expected
